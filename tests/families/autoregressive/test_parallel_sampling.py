"""Exact parallel sampling: each family obeys its laws, and a fixed point that stops too early breaks them."""

from typing import Any

import numpy as np
import pytest
import torch
from autoregressive_cases import CASES, make

from gmstudio.families.autoregressive import drawing
from gmstudio.families.autoregressive.fixed_point import JacobiRounds
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import seeded

IMAGES = (ImageSpec(1, 3, 3, 2), ImageSpec(3, 2, 2, 3))


@pytest.mark.parametrize(
    ("name", "values", "image"),
    [
        pytest.param(name, values, IMAGES[number % 2], id=f"{name}-{number}")
        for number, (name, _, values) in enumerate(CASES)
    ],
)
def test_every_sampler_gives_the_same_images(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    model = make(name, values, image)
    laws.parallel_equals_sequential(model, batch=3)
    laws.rounding_decides_nothing(model)


def test_a_fixed_point_that_stops_a_round_early(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make("pixelcnn", {"num_blocks": 1, "num_channels": 4}, IMAGES[0])
    run = JacobiRounds.run
    monkeypatch.setattr(JacobiRounds, "run", lambda self, *start: list(run(self, *start))[:-1])
    with pytest.raises(AssertionError, match="before all sub-pixels are final"):
        laws.parallel_equals_sequential(model)


def test_values_that_rounding_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make("pixelcnn", {"num_blocks": 2, "num_channels": 8}, ImageSpec(1, 6, 6, 2))
    laws.rounding_decides_nothing(model, batch=4)
    monkeypatch.setattr(drawing, "MARGIN", 0.0)
    monkeypatch.setattr(drawing, "RELATIVE_MARGIN", 0.0)
    with pytest.raises(AssertionError, match=r"threshold|in a batch|session"):
        laws.rounding_decides_nothing(model, batch=4)


@pytest.mark.parametrize("levels", [2, 3])
@pytest.mark.parametrize("temperature", [0.0, 1e-30, 0.5, 1.0, 1e6])
def test_a_draw_without_doubt_is_the_one_in_double_precision(levels: int, temperature: float) -> None:
    noise = np.random.default_rng(0)
    logits_NL = noise.normal(0.0, 3.0, (2000, levels)).astype(np.float32)
    uniforms_N = noise.random(2000, dtype=np.float32)
    uniforms_N[:2] = 0.0, 1.0 - 2.0**-24
    values_N, doubtful = drawing.draw(logits_NL, drawing.thresholds(uniforms_N, levels, temperature))
    expected_N = [
        drawing.inverse_cdf(logits_L, uniform, temperature)
        for logits_L, uniform in zip(logits_NL.astype(np.float64), uniforms_N.tolist(), strict=True)
    ]
    sure_N = ~np.isin(np.arange(2000), doubtful)
    assert (values_N == expected_N)[sure_N].all() and sure_N.mean() > 0.99


def test_what_cannot_be_observed_is_refused() -> None:
    model = make("fvbn", {}, IMAGES[0])
    uniforms_DB = torch.rand(9, 2, generator=seeded())
    with pytest.raises(ValueError, match="10 observed sub-pixels do not fit"):
        model.parallel_rounds(uniforms_DB, model.own_order, num_given=10)
    with pytest.raises(ValueError, match=r"images of shape \(2, 1, 3, 3\)"):
        model.parallel_rounds(uniforms_DB, model.own_order, num_given=1)
    with pytest.raises(ValueError, match="temperature is -1"):
        model.parallel_rounds(uniforms_DB, model.own_order, -1.0)
