"""Scalars of a training: read back and stored together, none lost when the disk is full, sent as curves."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from gmstudio.engine.runs.series import curves_of, series_of
from gmstudio.engine.training.scalars import PendingScalars
from gmstudio.runs.history import History
from gmstudio.runs.record import RunError


def test_what_waits_is_stored_together_once_and_in_order(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        pending = PendingScalars(history)
        assert pending.store() == []
        pending.add(1, "loss", torch.tensor(2.0, dtype=torch.float64))
        pending.add(1, "learning_rate", 1e-3)
        pending.add(2, "loss", torch.tensor(1.5, dtype=torch.bfloat16))
        pending.remark(2, "updates", "As ever.")
        rows = pending.store()
        assert [(row.step, row.split, row.name, row.value) for row in rows] == [
            (1, "train", "loss", 2.0),
            (1, "train", "learning_rate", 1e-3),
            (2, "train", "loss", 1.5),
        ]
        assert pending.store() == [], "nothing is stored twice"
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
        (row,) = pending.store()
        assert (row.step, row.value) == (3, math.inf)
        assert len(history.read_events()) == 1


def test_rows_become_curves_that_travel(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        pending = PendingScalars(history)
        for step in (1, 2):
            pending.add(step, "loss", float(step))
            pending.add(step, "kl", 10.0 * step)
        loss, kl = series_of(curves_of(pending.store()))
    assert (loss.split, loss.name, kl.name) == ("train", "loss", "kl")
    np.testing.assert_array_equal(kl.steps.numpy(), [1, 2])
    assert kl.steps.numpy().dtype == np.int64 and kl.values.numpy().dtype == np.float64
    np.testing.assert_array_equal(kl.values.numpy(), [10.0, 20.0])
