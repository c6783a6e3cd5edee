"""Long estimates are computed in short pieces with progress, and give what they give at once."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gmstudio.engine.evaluation.conservative import ConservativeScore, conservative_score
from gmstudio.engine.evaluation.likelihood import MAX_SAMPLES, batch_size, prepare, score
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family, Preparation
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import seeded

IMAGE = ImageSpec(1, 5, 5, 2)


def build(family: str, seed: int = 0, **config: Any) -> Family:
    torch.manual_seed(seed)
    kind = FAMILIES[family]
    return kind(parse_config(kind.Config, config), IMAGE)


def images(count: int) -> NDArray[np.uint8]:
    return torch.randint(2, (count, 1, 5, 5), generator=seeded(), dtype=torch.uint8).numpy()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Family:
    """A machine too large to be summed, each temperature a piece."""
    monkeypatch.setattr("gmstudio.families.energy.annealed_importance.PIECE_S", 0.0)
    monkeypatch.setattr("gmstudio.families.energy.reverse_annealing.PIECE_S", 0.0)
    return build("rbm", num_hidden=21, num_temperatures=40)


def test_log_z_is_prepared_in_pieces_and_the_score_uses_it(machine: Family) -> None:
    steps = list(prepare(machine, 100, seed=3))
    assert len(steps) >= 39 and {step.title for step in steps} == {"log Z, 40 temperatures"}
    assert all(low.share < high.share for low, high in pairwise(steps)) and 0 < steps[-1].share < 1
    assert not list(prepare(machine, 100, seed=3)), "known for these weights"
    *pieces, found = score(machine, images(70), 100, seed=3)
    assert len(pieces) == 2 and found is not None, "two batches, and nothing of log Z again"
    again = build("rbm", num_hidden=21, num_temperatures=40)
    *pieces, whole = score(again, images(70), 100, seed=3)
    assert len(pieces) > 39 and whole is not None, "without a preparation, the score makes it, in pieces too"
    assert np.array_equal(found.nats, whole.nats)
    assert not any(module.training != again.training for module in again.modules())


def test_reverse_annealing_reports_its_progress(machine: Family) -> None:
    *steps, found = conservative_score(machine, images(60), np.zeros(60), seed=0)
    assert isinstance(found, ConservativeScore) and len(found.nats) == 50
    shares = [step.share for step in steps if isinstance(step, Preparation)]
    assert len(shares) == len(steps) > 70 and shares == sorted(shares) and 0.9 < shares[-1] < 1


def test_many_samples_an_image_make_a_piece_of_few_images() -> None:
    vae, ddpm = build("vae", num_hidden=8, num_latent=2), build("ddpm", num_channels=4)
    assert [batch_size(vae, count) for count in (1, 100, 1000, 5000, MAX_SAMPLES)] == [64, 64, 8, 1, 1]
    assert [batch_size(ddpm, count) for count in (1, 100, 1000)] == [64, 2, 1]
    assert batch_size(build("fvbn"), 5000) == 64, "an exact likelihood draws nothing"
    *pieces, found = score(vae, images(6), 3000)
    assert len(pieces) == 3 and found is not None and len(found.nats) == 6


@pytest.mark.parametrize("count", [0, MAX_SAMPLES + 1])
def test_the_number_of_samples_has_limits(count: int) -> None:
    with pytest.raises(ValueError, match=rf"{count:,} samples an image; a score takes 1 to 100,000\. Choose"):
        next(score(build("vae", num_hidden=8), images(1), count))
