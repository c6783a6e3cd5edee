"""Batches of a training: order, binarization, and several that are taken at once."""

import math

import numpy as np
import pytest
import torch

from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training import batches as of_training
from gmstudio.engine.training.batches import Batches, binarized

CPU = torch.device("cpu")


def test_sampled_binarization_differs_between_steps_and_repeats_with_the_seed() -> None:
    dataset = DatasetCache().load("digits", {"levels": 2, "binarize": "sample"})
    whole, other, again = (Batches(dataset, 1_000_000, seed, CPU) for seed in (0, 1, 0))
    assert whole.steps_per_epoch == 1
    noise = torch.Generator()
    first, second = (whole.train(step, noise) for step in (0, 1))
    assert set(first.unique().tolist()) == {0, 1}
    assert torch.equal(again.train(1, noise), second), "a resumed run draws the same, whatever came before"
    assert not torch.equal(first, second) and not torch.equal(first, other.train(0, noise))


def test_binarization_draws_ones_by_the_grey_value() -> None:
    grey = torch.arange(256, dtype=torch.uint8).expand(1, 4000, 1, 256)
    shares = binarized(grey, np.random.SeedSequence(3)).float().mean((0, 1, 2))
    assert shares[0] == 0 and shares[255] == 1
    expected = torch.arange(256) / 255
    assert (shares - expected).abs().max() < 5 * 0.5 / math.sqrt(4000)
    assert (shares - expected).mean().abs() < 5 * 0.5 / math.sqrt(4000 * 256)


def test_batches_that_are_taken_at_once_are_those_that_are_taken_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, noise = DatasetCache().load("digits", {"levels": 16}), torch.Generator()
    together = Batches(dataset, 64, 5, CPU)
    monkeypatch.setattr(of_training, "AHEAD", 1)
    alone = Batches(dataset, 64, 5, CPU)
    for step in (*range(2 * alone.steps_per_epoch), 7, 3):
        assert torch.equal(together.train(step, noise), alone.train(step, noise))


def test_every_image_is_seen_once_an_epoch() -> None:
    dataset = DatasetCache().load("digits", {"levels": 16})
    batches = Batches(dataset, 64, 5, CPU)
    generator = torch.Generator()
    seen = torch.cat([batches.train(step, generator) for step in range(batches.steps_per_epoch)])
    assert len(seen) == batches.steps_per_epoch * 64 <= len(dataset.train)
    rows = {bytes(image) for image in dataset.train.images}
    found = [image.numpy().tobytes() for image in seen]
    assert set(found) <= rows
    assert not torch.equal(batches.train(0, generator), batches.train(batches.steps_per_epoch, generator))
