"""The library of runs: every run is listed, whole or damaged, under a name that any disk takes."""

import os
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec
import platformdirs
import pytest

from gmstudio.runs.checkpoints import CheckpointInfo, CheckpointStore
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import HISTORY_NAME, Scalar
from gmstudio.runs.library import list_runs, new_run_path, runs_home
from gmstudio.runs.record import RunError, RunRecord, Status


def test_the_home_of_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path))
    assert runs_home() == tmp_path / "runs"
    monkeypatch.setenv("GMSTUDIO_HOME", "~/gm")
    assert runs_home() == Path.home() / "gm" / "runs"
    monkeypatch.setenv("GMSTUDIO_HOME", " ")
    assert runs_home() == platformdirs.user_data_path("gmstudio", appauthor=False) / "runs"


def test_new_names_are_unique_and_fit_every_file_system(tmp_path: Path) -> None:
    home = tmp_path / "runs"
    first = new_run_path(home, "pixelcnn")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-pixelcnn-01", first.name) and not home.exists()
    first.mkdir(parents=True)
    assert new_run_path(home, "pixelcnn").name == first.name.removesuffix("-01") + "-02"
    assert new_run_path(home, "PixelCNN").name.endswith("-pixelcnn-02")
    for family in ("a/b\\c:d*?", "..", "", "é" * 300, "x" * 300, "con.txt "):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d-[a-z0-9_-]{1,40}-01", new_run_path(home, family).name)


def test_runs_are_listed_newest_first(tmp_path: Path, record: RunRecord) -> None:
    assert list_runs(tmp_path / "nothing yet") == []
    for day, status in ((3, "finished"), (1, "failed"), (2, "stopped")):
        dated = msgspec.structs.replace(record, created=f"2025-01-0{day}T00:00:00.000+00:00", status=status, step=day)
        with RunFolder.create(tmp_path / f"run {day}", dated) as run:
            run.history.append([Scalar(1, "valid", "loss", 5.0 - day), Scalar(2, "valid", "loss", 9.0)])
    (tmp_path / "no run").mkdir()
    (tmp_path / "note.txt").touch()
    runs = list_runs(tmp_path)
    assert [(run.path.name, run.status) for run in runs] == [
        ("run 3", "finished"),
        ("run 2", "stopped"),
        ("run 1", "failed"),
    ]
    newest = runs[0]
    assert (newest.family, newest.data, newest.title, newest.step, newest.steps) == ("vae", "digits", "Naïve β", 3, 300)
    assert (newest.last_valid, newest.best_valid, newest.problem) == (9.0, 2.0, "")


@pytest.mark.parametrize("status", ["running", "paused"])
def test_a_run_without_its_engine_is_interrupted(tmp_path: Path, record: RunRecord, status: Status) -> None:
    with RunFolder.create(tmp_path / "run", msgspec.structs.replace(record, status=status)):
        assert [run.status for run in list_runs(tmp_path)] == [status]
    (summary,) = list_runs(tmp_path)
    assert summary.status == "interrupted" and summary.last_valid is None


def test_damaged_runs_are_shown_as_such(tmp_path: Path, record: RunRecord) -> None:
    for name in ("a", "b", "c", "whole"):
        RunFolder.create(tmp_path / name, msgspec.structs.replace(record, title="")).close()
    (tmp_path / "a" / "run.json").write_text("{")
    (tmp_path / "b" / "history.sqlite").write_text("no database" * 500)
    (tmp_path / "c" / "run.json").unlink()
    runs = {run.path.name: run for run in list_runs(tmp_path)}
    assert runs["a"].status == "damaged" and "run.json is damaged" in runs["a"].problem
    assert runs["b"].status == "interrupted" and "history.sqlite is damaged" in runs["b"].problem
    assert runs["c"].status == "damaged" and "no run.json" in runs["c"].problem
    assert runs["whole"].problem == "" and runs["whole"].title == "whole"
    assert list_runs(tmp_path)[-1].status == "damaged"


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="could not be read"):
        list_runs(tmp_path / "file")


def test_a_folder_that_may_not_be_looked_into_is_passed_over(
    tmp_path: Path, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunFolder.create(tmp_path / "run", record).close()
    (tmp_path / "lost+found").mkdir()
    real = Path.is_file

    def is_file(path: Path) -> bool:
        if path.parent.name == "lost+found":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "is_file", is_file)
    assert [run.path.name for run in list_runs(tmp_path)] == ["run"]


def test_a_locked_history_is_listed_as_such_without_a_long_wait(tmp_path: Path, record: RunRecord) -> None:
    RunFolder.create(tmp_path / "run", record).close()
    with closing(sqlite3.connect(tmp_path / "run" / HISTORY_NAME, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        (found,) = list_runs(tmp_path)
        assert time.monotonic() - started < 2
    assert found.title == record.title and "is in use by another program" in found.problem


def test_a_run_whose_checkpoints_cannot_be_listed_is_damaged(
    tmp_path: Path, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        RunFolder.create(tmp_path / name, record).close()

    def refuse(self: CheckpointStore) -> list[CheckpointInfo]:
        if self.path.parent.name == "a":
            raise PermissionError(13, "Permission denied", str(self.path))
        return []

    monkeypatch.setattr(CheckpointStore, "list", refuse)
    whole, damaged = list_runs(tmp_path)
    assert (whole.path.name, damaged.path.name, damaged.status) == ("b", "a", "damaged")
    assert "Permission denied" in damaged.problem


@pytest.mark.skipif(os.name == "nt", reason="POSIX homes")
def test_an_unknown_users_home_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GMSTUDIO_HOME", "~nosuchuser/x")
    with pytest.raises(RunError, match="GMSTUDIO_HOME is '~nosuchuser/x'"):
        runs_home()
