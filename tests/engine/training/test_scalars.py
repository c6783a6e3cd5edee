"""Scalars of a training: read back and stored together, none lost when the disk is full, sent as curves."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from gmstudio.engine.runs.series import series_of
from gmstudio.engine.training import scalars
from gmstudio.engine.training.divergence import diverged_loss
from gmstudio.engine.training.scalars import PendingScalars
from gmstudio.runs.history import History
from gmstudio.runs.record import RunError


def test_what_waits_is_stored_together_once_and_in_order(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        pending = PendingScalars(history)
        assert pending.store() == {}
        pending.add(1, "loss", torch.tensor(2.0, dtype=torch.float64))
        pending.add(1, "learning_rate", 1e-3)
        pending.add(2, "loss", torch.tensor(1.5, dtype=torch.bfloat16))
        pending.remark(2, "updates", "As ever.")
        curves = {key: (steps.tolist(), values.tolist()) for key, (steps, values) in pending.store().items()}
        assert curves == {("train", "loss"): ([1, 2], [2.0, 1.5]), ("train", "learning_rate"): ([1], [1e-3])}
        assert pending.store() == {}, "nothing is stored twice"
        steps, values = history.read_scalars()["train", "loss"]
        assert (steps.tolist(), values.tolist()) == ([1, 2], [2.0, 1.5])
        assert [(event.step, event.kind, event.text) for event in history.read_events()] == [(2, "updates", "As ever.")]


def test_what_cannot_be_stored_stays_pending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RunError("The disk is full.")

    with History(tmp_path, write=True) as history:
        pending = PendingScalars(history)
        pending.add(3, "loss", torch.tensor(math.inf))
        pending.remark(3, "updates", "So.")
        with monkeypatch.context() as full:
            full.setattr(history, "append", refuse)
            with pytest.raises(RunError):
                pending.store()
        ((steps, values),) = pending.store().values()
        assert (steps.tolist(), values.tolist()) == ([3], [math.inf])
        assert len(history.read_events()) == 1


def test_curves_travel(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        pending = PendingScalars(history)
        for step in (1, 2):
            pending.add(step, "loss", float(step))
            pending.add(step, "kl", 10.0 * step)
        loss, kl = series_of(pending.store())
    assert (loss.split, loss.name, kl.name) == ("train", "loss", "kl")
    np.testing.assert_array_equal(kl.steps.numpy(), [1, 2])
    assert kl.steps.numpy().dtype == np.int64 and kl.values.numpy().dtype == np.float64
    np.testing.assert_array_equal(kl.values.numpy(), [10.0, 20.0])


def test_many_curves_are_stored_less_often_since_each_costs_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 100.0
    monkeypatch.setattr(scalars.time, "monotonic", lambda: now_s)
    with History(tmp_path, write=True) as history:
        for count, interval_s in ((3, 0.1), (50, 0.3), (10_000, 0.5)):
            pending = PendingScalars(history)
            for number in range(count):
                pending.add(1, f"m{number}", 0.0)
            now_s += interval_s - 0.01
            assert not pending.due
            now_s += 0.02
            assert pending.due


def test_the_first_loss_that_diverges_is_named() -> None:
    steps = np.arange(1, 4)
    curves = {
        ("train", "kl"): (steps, np.array([math.nan] * 3)),
        ("train", "loss"): (steps, np.array([1.0, 2.0, -math.inf])),
        ("train", "critic_loss"): (steps, np.array([1.0, math.nan, math.nan])),
    }
    assert diverged_loss(curves) == ("critic loss became NaN", 2)
    del curves["train", "critic_loss"]
    assert diverged_loss(curves) == ("loss became −∞", 3)
    del curves["train", "loss"]
    assert diverged_loss(curves) is None, "only a loss ends the training"


def test_values_and_their_time_are_stored_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RunError("The disk is full.")

    with History(tmp_path, write=True) as history:
        pending = PendingScalars(history)
        pending.add(3, "loss", torch.tensor(1.5, requires_grad=True))
        with monkeypatch.context() as full:
            full.setattr(history, "_series_id", refuse)
            with pytest.raises(RunError):
                pending.store()
        with history.reading("clock") as database:
            assert database is not None and database.execute("SELECT count(*) FROM clock").fetchone() == (0,)
        assert list(pending.store()) == [("train", "loss")]
        with history.reading("clock") as database:
            assert database is not None and database.execute("SELECT step FROM clock").fetchall() == [(3,)]
