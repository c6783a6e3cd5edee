"""Runs are moved to the trash and back, and never deleted."""

import errno
from pathlib import Path

import pytest

from gmstudio.runs.library import runs_home
from gmstudio.runs.lock import RunLock
from gmstudio.runs.record import RunBusyError, RunError, RunMissingError
from gmstudio.runs.trash import move_to_trash, restore_from_trash, trash_home


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path))
    folder = runs_home() / "a"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    return folder


def test_a_run_goes_to_the_trash_and_comes_back_whole(run: Path) -> None:
    place = move_to_trash(run)
    assert not run.exists() and place == trash_home() / "a"
    restore_from_trash(place, run)
    assert (run / "run.json").read_text() == "{}" and not place.exists()


def test_runs_of_one_name_do_not_replace_each_other(run: Path) -> None:
    first = move_to_trash(run)
    run.mkdir()
    second = move_to_trash(run)
    assert first != second and first.is_dir() and second.is_dir()


def test_a_run_in_training_stays(run: Path) -> None:
    lock = RunLock(run)
    with pytest.raises(RunBusyError, match=r"in training\. Stop its training"):
        move_to_trash(run)
    lock.release()
    assert run.is_dir()


def test_what_cannot_be_moved_stays_and_says_why(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunMissingError, match="gone already"):
        move_to_trash(run.with_name("b"))

    def refuse(self: Path, target: Path) -> Path:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(RunError, match="another disk"):
        move_to_trash(run)
    assert run.is_dir()


def test_only_the_trash_is_restored_and_nothing_is_replaced(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not in the trash"):
        restore_from_trash(tmp_path, run.with_name("b"))
    place = move_to_trash(run)
    run.mkdir()
    with pytest.raises(RunError, match="exists again"):
        restore_from_trash(place, run)
    assert place.is_dir()


def test_a_folder_that_is_no_run_is_not_moved(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    with pytest.raises(RunError, match=r"documents is no run.*run\.json"):
        move_to_trash(folder)
    assert folder.is_dir()
