"""Reading on in a history: every row once, in order, and again from an earlier step."""

from pathlib import Path

import numpy as np
import pytest
from recorded_run import STARTED, extend_run, make_run

from gmstudio.runs import tail as module
from gmstudio.runs.clock import StepTimes, note_time, seconds_of, seconds_trained
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.tail import Batch, Cursor, HistoryTail


def read(run: Path, cursor: Cursor) -> list[Batch]:
    with RunFolder.open(run) as folder:
        return list(HistoryTail(folder, cursor).batches())


@pytest.mark.parametrize("size", [1, 7, 500])
def test_every_row_comes_once_and_steps_never_fall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(module, "POINTS_A_SERIES", size)
    monkeypatch.setattr(module, "GRIDS_A_BATCH", max(1, size // 3))
    run, cursor = make_run(tmp_path / "run", steps=45), Cursor()
    batches = read(run, cursor)
    points = [point for batch in batches for point in batch.points]
    assert len(points) == len({(point.step, point.key) for point in points}) == 45 * 2 + 4
    steps = [point.step for point in points]
    assert steps == sorted(steps)
    assert [one.grid.step for batch in batches for one in batch.grids] == [10, 20, 30, 40]
    assert sum(len(batch.events) for batch in batches) == 4
    assert cursor.complete_to == 44
    reached = -1
    for batch in batches:  # grids come with the points of their steps
        assert all(reached <= one.grid.step <= batch.points[-1].step for one in batch.grids)
        reached = batch.points[-1].step


def test_only_what_is_new_is_read_and_what_was_withdrawn_again(tmp_path: Path) -> None:
    run, cursor = make_run(tmp_path / "run"), Cursor()
    assert read(run, cursor)
    assert read(run, cursor) == []
    with RunFolder.open(run, write=True) as folder:
        folder.history.truncate_after(15)
        extend_run(folder, 15, 20, offset=1.0)
    assert [len(batch.events) for batch in read(run, cursor)] == [1]
    cursor.back_to(15)
    (batch,) = read(run, cursor)
    assert {point.step for point in batch.points} == set(range(16, 21))
    assert [one.grid.step for one in batch.grids] == [20]


def test_the_cursor_stays_before_a_batch_that_was_not_taken(tmp_path: Path) -> None:
    run, cursor = make_run(tmp_path / "run"), Cursor()
    with RunFolder.open(run) as folder:
        batches = HistoryTail(folder, cursor).batches()
        next(batches)
        batches.close()
    assert cursor == Cursor()


def test_times_are_interpolated_between_stored_ones(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    with RunFolder.open(run, write=True) as folder, folder.history.writing() as database:
        database.execute("DELETE FROM clock WHERE step NOT IN (10, 20)")
    with RunFolder.open(run) as folder:
        times = StepTimes(folder.history, folder.record)
        assert times.at(np.array([10, 13, 20, 30])).tolist() == [STARTED + s for s in (5, 6.5, 10, 10)]


def test_a_text_that_is_no_time_is_zero() -> None:
    assert seconds_of("1970-01-01T00:00:02+00:00") == 2
    assert seconds_of("yesterday") == 0


def test_the_time_trained_has_no_breaks(tmp_path: Path) -> None:
    with RunFolder.open(make_run(tmp_path / "untimed", timed=False)) as folder:
        assert seconds_trained(folder.history) is None
    with RunFolder.open(make_run(tmp_path / "run"), write=True) as folder:
        assert seconds_trained(folder.history) == 9.5, "from the first stored time to the last"
        for step in range(21, 3001):  # an hour later, at the same pace; more rows than are read
            note_time(folder.history, step, STARTED + 3600 + step / 2)
        found = seconds_trained(folder.history)
        assert found == pytest.approx(2999 / 2, abs=0.51)
