"""Fault 12: a history that is torn, locked, from the future or missing: a sentence, and all else goes on."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from fault_engine import ENDLESS, TrainedEngine, folder_in, learned, same_curves, start, status

from gmstudio.protocol.engine import Done, Reason
from gmstudio.protocol.runs import FetchSamples, HistoryAppended, ListRuns, OpenRun, RunOpened, RunsListed
from gmstudio.protocol.training import ResumeRun, StopTraining
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import SCHEMA_VERSION

pytestmark = pytest.mark.slow
NAME = "history.sqlite"


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def scribbled(path: Path) -> None:
    """All pages but the first are noise, as after a power cut on a disk that reorders writes."""
    content = path.read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, len(content) - 4096, np.uint8).tobytes()
    path.write_bytes(content[:4096] + noise)


def no_database(path: Path) -> None:
    path.write_bytes(b"step,loss\n1,2\n" * 1000)


def of_the_future(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 98}")
        db.commit()


def of_another_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")
        db.commit()


def missing(path: Path) -> None:
    path.unlink()


DAMAGES = [
    (cut, "damaged"),
    (scribbled, "damaged"),
    (no_database, "damaged"),
    (of_the_future, "Open it with a newer gmstudio"),
    (of_another_program, "no history of a run"),
]


@pytest.mark.parametrize(("harm", "phrase"), [*DAMAGES, (missing, "no curves or samples can be shown")])
def test_a_run_is_listed_opened_and_explored_without_its_history(
    trained: TrainedEngine, folder: Path, harm: Callable[[Path], None], phrase: str
) -> None:
    harm(folder / NAME)
    listed = trained.ask(ListRuns(), RunsListed)
    assert any(NAME in problem and phrase in problem for problem in listed.problems), listed.problems
    assert any(folder_in(trained.home, info.run) == folder for info in listed.runs), "it can be opened"
    opened = trained.ask(OpenRun(run=str(folder)), RunOpened)
    history = trained.wait(HistoryAppended, lambda event: event.request == opened.request)
    assert opened.info.status == "finished" and opened.info.step == 60 and history.reset
    assert NAME in trained.warnings() and phrase in trained.warnings()
    assert trained.decoded(folder).step == 60
    failed = trained.refused(FetchSamples(run=str(folder)))
    assert failed.reason in (Reason.RUN_UNUSABLE, Reason.RUN_MISSING) and NAME in failed.message


@pytest.mark.parametrize(("harm", "phrase"), DAMAGES)
def test_training_refuses_to_write_into_it_until_it_is_moved_away(
    trained: TrainedEngine, folder: Path, harm: Callable[[Path], None], phrase: str
) -> None:
    harm(folder / NAME)
    before = (folder / NAME).read_bytes()[100:]  # after the header, whose mode of writing may change
    resume = ResumeRun(run=str(folder), steps=70, schedule="stretch")
    failed = trained.refused(resume)
    assert failed.reason is Reason.RUN_UNUSABLE and NAME in failed.message and phrase in failed.message
    assert (folder / NAME).read_bytes()[100:] == before, "it may still be rescued"
    (folder / NAME).rename(folder / "history of before")
    trained.ask(resume, RunOpened)
    assert status(trained, "finished").step == 70
    with RunFolder.open(folder) as run:
        steps, _ = run.history.read_scalars()["train", "loss"]
    np.testing.assert_array_equal(steps, np.arange(61, 71))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Context in which another program keeps the whole file for itself."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        yield
        db.execute("ROLLBACK")


def test_a_locked_history_is_named_and_usable_afterwards(trained: TrainedEngine, folder: Path) -> None:
    resume = ResumeRun(run=str(folder), steps=70, schedule="stretch")
    with locked(folder / NAME):
        opened = trained.ask(OpenRun(run=str(folder)), RunOpened)
        assert opened.info.step == 60
        assert "is in use by another program. Close that program and try again" in trained.warnings()
        assert trained.decoded(folder).step == 60
        failed = trained.refused(resume)
        assert failed.reason is Reason.RUN_UNUSABLE and "in use by another program" in failed.message
    trained.ask(resume, RunOpened)
    assert status(trained, "finished").step == 70
    same_curves(learned(folder), 70)


def test_a_history_that_is_locked_while_training_pauses_it_until_it_is_free(trained: TrainedEngine) -> None:
    folder = folder_in(trained.home, start(trained, **ENDLESS))
    trained.wait(HistoryAppended, lambda event: any(series.split == "train" for series in event.series))
    with closing(sqlite3.connect(folder / NAME, isolation_level=None)) as db:
        db.execute("PRAGMA busy_timeout = 10000")
        db.execute("BEGIN IMMEDIATE")
        paused = status(trained, "paused")
        assert "is in use by another program. Close that program" in paused.message
        assert "continues by itself" in paused.message
        db.execute("ROLLBACK")
    assert status(trained, "running").step == paused.step
    trained.ask(StopTraining(), Done)
    with RunFolder.open(folder) as run:
        last = run.record.step
    assert last >= paused.step
    same_curves(learned(folder), last)


def test_a_history_that_is_deleted_while_training_is_written_anew_with_all_that_it_held(trained: TrainedEngine) -> None:
    folder = folder_in(trained.home, start(trained, **ENDLESS))
    trained.wait(HistoryAppended, lambda event: any(series.split == "valid" for series in event.series))
    for name in (NAME, f"{NAME}-wal", f"{NAME}-shm"):
        (folder / name).unlink(missing_ok=True)
    trained.wait(HistoryAppended, lambda _event: (folder / NAME).exists())
    trained.ask(StopTraining(), Done)
    with RunFolder.open(folder) as run:
        last = run.record.step
        notes = [event.text for event in run.history.read_events() if "was deleted or replaced" in event.text]
    assert len(notes) == 1
    same_curves(learned(folder), last)
