"""Subjects of scoring for tests: small models whose density can be enumerated, with data and a record of their own."""

import itertools
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.density.subject import Subject
from gmstudio.engine.density.subjects import weights_digest
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.record import new_record
from gmstudio.testing.laws.inputs import randomized

TINY = ImageSpec(1, 3, 3, 2)
TRAINED_ON = 40


def all_images(image: ImageSpec = TINY) -> NDArray[np.uint8]:
    """Every image of a small format."""
    values = itertools.product(range(image.levels), repeat=image.num_dims)
    return np.array(list(values), dtype=np.uint8).reshape(-1, *image.shape)


def dataset_of(image: ImageSpec = TINY, seed: int = 0) -> Dataset:
    """Random training images."""
    random = np.random.default_rng(seed)
    images = random.integers(0, image.levels, (TRAINED_ON, *image.shape)).astype(np.uint8)
    split = Split(images, np.arange(TRAINED_ON) % 3)
    return Dataset("digits", {}, image, split, split, split)


def subject_with(
    run: str,
    family: str = "nade",
    *,
    seed: int = 0,
    image: ImageSpec = TINY,
    others: dict[str, Subject] | None = None,
    mutation: float = 0.0,
    **config: Any,
) -> Subject:
    """Subject with random weights, which differ by seed."""
    settings: dict[str, Any] = {"num_hidden": 4, **config} if family in ("nade", "vae") else config
    kind = FAMILIES[family]
    torch.manual_seed(seed)
    model: Family = randomized(kind(kind.Config(**settings), image), 0.5, seed).eval()
    dataset = dataset_of(image)
    record = new_record(
        RunSpec(family=family, config=settings, data="digits", training={"mutation": mutation}),
        image=image,
        device="cpu",
    )
    return Subject(
        run=run,
        model=model,
        weights=weights_digest(model),
        step=10,
        record=record,
        dataset=lambda: dataset,
        others=others or {},
    )


def enumerated_log_probs(subject: Subject) -> NDArray[np.float64]:
    """log p of all images, nats, after a check that the probabilities sum to one."""
    model: Any = subject.model
    with torch.no_grad():
        found: NDArray[np.float64] = model.log_prob(torch.from_numpy(all_images(model.image))).double().numpy()
    assert abs(np.exp(found).sum() - 1) < 1e-4
    return found
