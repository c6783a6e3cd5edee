"""Training by the clock: the rate follows it, averages lag behind, and a NaN loss is reported."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import timed_training
from benchmarks.recipe import TimedTraining
from benchmarks.timed_training import TimedTrainer
from gmstudio.data.dataset import Dataset, Split
from gmstudio.families.base import Phase
from gmstudio.protocol.images import ImageSpec

IMAGE = ImageSpec(channels=1, height=2, width=2, levels=2)


class Toy(nn.Module):
    """Loss w², or whatever ``loss`` is set to; counts what the trainer asks of it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 2))
        self.device, self.updates, self.updates_per_step = torch.device("cpu"), 0, 1
        self.factor = 1.0

    def phases(self) -> list[Phase]:
        return [
            Phase(
                "model",
                list(self.parameters()),
                lambda batch, generator: {"loss": self.factor * (self.weight**2).sum()},
                updates_per_step=self.updates_per_step,
                after_update=self._count,
            )
        ]

    def _count(self) -> None:
        self.updates += 1


class Clock:
    """A clock that is set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(timed_training.time, "perf_counter", lambda: self.now)


def trainer_of(model: Toy, seconds: float = 10.0, **settings: Any) -> TimedTrainer:
    split = Split(np.zeros((8, *IMAGE.shape), np.uint8))
    dataset = Dataset("toy", {}, IMAGE, split, split, split)
    return TimedTrainer(model, dataset, TimedTraining(batch_size=4, **settings), seconds, 0)  # type: ignore[arg-type]


def test_the_learning_rate_follows_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    trainer = trainer_of(Toy(), learning_rate=0.1, warmup_percent=10)
    rates = {}
    for _ in trainer.run():
        clock.now += 0.5
        rates[trainer.step] = trainer.rate
    assert trainer.step == 20 and trainer.progress == 1.0 and trainer.epochs == 10
    assert rates[1] == pytest.approx(0.1 * 0.5 * 0.5 * (1 + np.cos(np.pi * 0.05)), rel=1e-3)
    assert rates[10] == pytest.approx(0.05, rel=1e-3)
    assert rates[20] == 0.0


def test_every_update_of_a_phase_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, model = Clock(monkeypatch), Toy()
    model.updates_per_step = 3
    trainer = trainer_of(model)
    steps = trainer.run()
    next(steps)
    next(steps)
    assert (trainer.step, model.updates) == (2, 6)
    clock.now = 10.0
    assert list(steps) == []


def test_the_model_has_the_average_of_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    model = Toy()
    trainer = trainer_of(model, learning_rate=0.1, warmup_percent=0, average=0.9)
    next(trainer.run())
    kept = 2 / 11  # of the initial weights; Adam's first step is the whole rate
    torch.testing.assert_close(model.weight.detach(), torch.full((2, 2), kept * 1.0 + (1 - kept) * 0.9))


def test_weight_decay_shrinks_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    model, plain = Toy(), Toy()
    for one, decay in ((model, 0.5), (plain, 0.0)):
        next(trainer_of(one, learning_rate=0.1, warmup_percent=0, weight_decay=decay).run())
    torch.testing.assert_close(model.weight, plain.weight - 0.1 * 0.5 * 1.0)


def test_a_penalty_is_part_of_the_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    model = Toy()
    model.factor = 0.0
    next(trainer_of(model, learning_rate=0.1, warmup_percent=0, penalty=1e-3).run())
    torch.testing.assert_close(model.weight.detach(), torch.full((2, 2), 0.9))  # Adam's first step is the whole rate


def test_a_loss_that_is_lost_ends_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    model = Toy()
    model.factor = float("nan")
    with pytest.raises(FloatingPointError, match=r"became nan before step 1\. Lower the learning rate"):
        next(trainer_of(model).run())
