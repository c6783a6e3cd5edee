"""Surfaces in a run's history."""

import math
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from gmstudio.runs import surfaces
from gmstudio.runs.history import HISTORY_NAME, History, Scalar
from gmstudio.runs.record import RunDamagedError, RunError, RunMissingError
from gmstudio.runs.surfaces import StoredSurface, append_surface, list_surfaces, read_surface


def surface(step: int, side: int = 8) -> StoredSurface:
    values = np.random.default_rng(step).random((side, side)).astype(np.float32) ** 8
    values /= values.sum()
    return StoredSurface(step, 0.5 * step, "exact", "A note.", {"mass": 1.0, "forward_kl": math.inf}, values)


def test_a_surface_comes_back_as_it_was(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        append_surface(history, surface(3))
        append_surface(history, surface(1))
        found = read_surface(history, 3)
    assert found[:5] == surface(3)[:5]
    assert np.allclose(found.values, surface(3).values, rtol=1e-3, atol=1e-12)
    assert found.values.dtype == np.float32
    with History(tmp_path) as history:
        assert [entry.step for entry in list_surfaces(history)] == [1, 3]
        assert list_surfaces(history)[1].metrics == {"mass": 1.0, "forward_kl": math.inf}
        with pytest.raises(RunMissingError, match="step 2"):
            read_surface(history, 2)
        with pytest.raises(RunError, match="reading only"):
            append_surface(history, surface(4))


def test_an_empty_surface_and_unknown_metrics_are_kept(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        append_surface(
            history, StoredSurface(0, 0.0, "histogram", "", {"mass": math.nan}, np.zeros((1, 4), np.float32))
        )
        found = read_surface(history, 0)
        assert not found.values.any() and math.isnan(found.metrics["mass"])
        with pytest.raises(ValueError, match="finite"):
            append_surface(history, found._replace(values=np.full((1, 4), np.nan, np.float32)))


def test_where_there_are_too_many_every_second_one_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surfaces, "MAX_SURFACES", 20)
    steps = [0, 1, 2, 5, 10, 20, 50, 100, *range(200, 4001, 100)]
    with History(tmp_path, write=True) as history:
        for step in steps:
            append_surface(history, surface(step, 2))
        kept = [entry.step for entry in list_surfaces(history)]
    assert len(kept) <= 20 and kept[:8] == steps[:8] and kept[-1] == 4000
    assert np.diff(kept[8:]).max() <= 2 * np.diff(kept[8:-5]).max()


def test_large_surfaces_are_limited_by_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surfaces, "MAX_SURFACE_BYTES", 20_000)
    with History(tmp_path, write=True) as history:
        for step in range(0, 4000, 200):
            append_surface(history, surface(step, 32))
        entries = list_surfaces(history)
        assert 4 <= len(entries) < 15 and entries[-1].step == 3800 and entries[0].step == 0


def test_what_lies_after_a_step_is_deleted(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        for step in range(4):
            append_surface(history, surface(step))
        history.truncate_after(1)
        assert [entry.step for entry in list_surfaces(history)] == [0, 1]


def test_a_history_of_an_earlier_version_has_none_and_can_be_continued(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        history.append([Scalar(1, "train", "loss", 2.0)])
    database = sqlite3.connect(tmp_path / HISTORY_NAME)
    database.execute("DROP TABLE surfaces")
    database.commit()
    database.close()
    before = (tmp_path / HISTORY_NAME).read_bytes()
    with History(tmp_path) as history:
        assert list_surfaces(history) == []
        with pytest.raises(RunMissingError, match="surface"):
            read_surface(history, 1)
    assert (tmp_path / HISTORY_NAME).read_bytes() == before
    with History(tmp_path, write=True) as history:
        history.truncate_after(1)
        append_surface(history, surface(2))
        assert [entry.step for entry in list_surfaces(history)] == [2] and history.read_scalars()


@pytest.mark.parametrize(
    ("column", "value"), [("metrics", "[]"), ("metrics", "{"), ("payload", b"x"), ("shape", "[3]")]
)
def test_a_damaged_surface_is_a_sentence(tmp_path: Path, column: str, value: object) -> None:
    with History(tmp_path, write=True) as history:
        append_surface(history, surface(1))
    database = sqlite3.connect(tmp_path / HISTORY_NAME)
    database.execute(f"UPDATE surfaces SET {column} = ?", (value,))
    database.commit()
    database.close()
    with History(tmp_path) as history, pytest.raises(RunDamagedError, match="step 1 is damaged"):
        read_surface(history, 1)
