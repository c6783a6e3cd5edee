"""Scores: what they are called, how sure they are, and that scoring leaves the model alone."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gmstudio.engine.evaluation.likelihood import Score, default_samples, kind_of_score, score
from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec

SPEC = ImageSpec(1, 2, 2, 2)


class Bound(nn.Module):
    """Has a bound and no estimate; remembers how many draws it was asked for."""

    card = FAMILIES["ddpm"].card
    image = SPEC
    device = torch.device("cpu")

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Dropout()
        self.asked: list[int] = []

    def elbo(self, x: Tensor, num_samples: int, generator: torch.Generator) -> Tensor:
        self.asked.append(num_samples)
        if len(self.asked) > 1:
            raise MemoryError
        return -x.flatten(1).float().sum(1)


def images(count: int) -> Any:
    return np.random.default_rng(0).integers(0, 2, (count, *SPEC.shape), dtype=np.uint8)


def test_a_bound_has_as_many_samples_as_requested() -> None:
    model = Bound()
    *_, found = score(model, images(5), 7)
    assert model.asked == [7]
    assert found is not None and found.kind == "lower bound (ELBO), 7 samples an image"
    assert kind_of_score(model, 1) == "lower bound (ELBO), one sample an image"


def test_few_images_have_more_draws_of_a_bound() -> None:
    assert [default_samples(Bound(), count) for count in (1, 180, 10_000, 60_000)] == [100, 55, 1, 1]
    assert default_samples(FAMILIES["vae"], 60_000) == 100


def test_a_score_that_fails_leaves_a_model_in_training_as_it_was() -> None:
    model = Bound().train()
    model.inner.eval()  # a part that its family keeps that way
    with pytest.raises(MemoryError):
        list(score(model, images(65), 1))
    assert len(model.asked) == 2 and model.training and not model.inner.training


def test_the_error_is_that_of_the_mean_and_one_image_has_none() -> None:
    nats = np.array([-1.0, -2.0, -6.0])
    found = Score("made", nats, SPEC)
    assert found.error_nats == pytest.approx(math.sqrt(((nats - nats.mean()) ** 2).sum() / 2 / 3))
    assert math.isnan(Score("made", nats[:1], SPEC).error_nats)


def test_no_samples_and_no_images_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="0 samples an image; a score takes 1 to 100,000"):
        next(score(Bound(), images(3), 0))
    with pytest.raises(ValueError, match="There are no images to score; choose another split"):
        next(score(Bound(), images(0), 1))
