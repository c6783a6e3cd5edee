"""Samples against data: precision, recall, density, coverage, and which classes are covered."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gmstudio import data
from gmstudio.data.dataset import Dataset
from gmstudio.engine.evaluation.sample_quality import SampleQuality, only_generates
from gmstudio.families import FAMILIES


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("digits", {"levels": 4})


class Repeats(nn.Module):
    """Draws images of the data that have certain labels."""

    def __init__(self, dataset: Dataset, labels: tuple[int, ...]) -> None:
        super().__init__()
        assert dataset.valid.labels is not None
        self.images = torch.from_numpy(dataset.valid.images[np.isin(dataset.valid.labels, labels)])

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return self.images[torch.randint(len(self.images), (n,), generator=generator)]


@pytest.fixture(scope="module")
def quality(digits: Dataset) -> SampleQuality:
    """Its classifier is trained once for all tests."""
    return SampleQuality(digits, torch.device("cpu"), 0)


def measured(quality: SampleQuality, model: nn.Module) -> dict[str, float]:
    *_, shares = quality.measure(model)
    assert shares is not None
    return shares


def test_data_against_itself_is_precise_and_complete(digits: Dataset, quality: SampleQuality) -> None:
    shares = measured(quality, Repeats(digits, tuple(range(10))))
    assert shares["samples_classes"] == 1.0 and shares["samples_coverage"] > 0.6
    assert 0.7 < shares["samples_density"] < 1.5
    assert shares["samples_precision"] > 0.8 and shares["samples_recall"] > 0.6


def test_a_collapsed_generator_is_precise_but_covers_little(digits: Dataset, quality: SampleQuality) -> None:
    shares = measured(quality, Repeats(digits, (0, 3)))
    assert shares["samples_classes"] == pytest.approx(0.2) and shares["samples_coverage"] < 0.35
    assert shares["samples_precision"] > 0.8 and shares["samples_recall"] < 0.4


def test_noise_is_not_precise(digits: Dataset, quality: SampleQuality) -> None:
    noise = Repeats(digits, (0,))
    noise.images = torch.randint(4, (300, *digits.image.shape), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )
    assert measured(quality, noise)["samples_precision"] < 0.5


def test_held_out_images_are_compared_by_default(digits: Dataset) -> None:
    of_training = SampleQuality(digits, torch.device("cpu"), 0, "train")
    by_default = SampleQuality(digits, torch.device("cpu"), 0)
    memorized = torch.from_numpy(digits.train.images)

    class Memory(nn.Module):
        def sample(self, n: int, generator: torch.Generator) -> Tensor:
            return memorized[:n]

    assert by_default.num_compared == min(256, len(digits.valid))
    assert measured(by_default, Memory()) != measured(of_training, Memory())


def test_it_is_for_families_without_a_likelihood() -> None:
    by_samples: dict[str, Any] = {name: only_generates(family) for name, family in FAMILIES.items()}
    assert by_samples["gan"] and not by_samples["vae"] and not by_samples["pixelcnn"]


def test_a_chosen_split_is_compared_with_as_many_samples(digits: Dataset) -> None:
    few = SampleQuality(digits, torch.device("cpu"), 0, "test", 40)
    assert few.num_compared == 40
    drawn: list[int] = []

    class Counts(Repeats):
        def sample(self, n: int, generator: torch.Generator) -> Tensor:
            drawn.append(n)
            return super().sample(n, generator)

    shares = measured(few, Counts(digits, tuple(range(10))))
    assert sum(drawn) == 40 and set(shares) == {
        f"samples_{share}" for share in ("precision", "recall", "density", "coverage", "classes")
    }
    assert SampleQuality(digits, torch.device("cpu"), 0, "test", 10_000).num_compared == len(digits.test)
