"""Accumulated batches are one batch of the product size, noise and order of the data included."""

from pathlib import Path

import numpy as np
import pytest
from ranked_training import CASES, curves, train

ONCE = {"batch_size": 12}
PARTS = {"batch_size": 4, "accumulate": 3}


OFFSET = {"train d_real", "train d_fake", "train generator_loss"}
"""Scores of a Wasserstein discriminator have a constant that no loss determines, so that rounding moves it."""


@pytest.mark.parametrize("name", ["vae", "ddpm", "rbm", "gan"])
def test_three_batches_of_four_are_one_of_twelve(tmp_path: Path, name: str) -> None:
    for out, training in (("once", ONCE), ("parts", PARTS)):
        train(CASES[name]._replace(training=training), tmp_path / out)
    once, parts = curves(tmp_path / "once"), curves(tmp_path / "parts")
    if name == "gan":
        once["train gap"], parts["train gap"] = (
            [real - fake for real, fake in zip(found["train d_real"], found["train d_fake"], strict=True)]
            for found in (once, parts)
        )
    for term in once.keys() - {"train active_dimensions", "train pseudo_nll"} - (OFFSET if name == "gan" else set()):
        if term.startswith("valid"):  # in batches of four, which have other noise
            continue
        np.testing.assert_allclose(parts[term], once[term], rtol=2e-4, atol=2e-5, err_msg=term)
