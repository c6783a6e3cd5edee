"""A run's folder: made once, written by one, read by all, movable."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import Scalar
from gmstudio.runs.lock import RunLock, is_locked
from gmstudio.runs.record import RunError, RunRecord, read_record


def test_a_new_run_is_there_and_locked(tmp_path: Path, record: RunRecord) -> None:
    path = tmp_path / "deep" / "run"
    with RunFolder.create(str(path), record) as run:
        assert run.writable and is_locked(path)
        assert run.history.read_scalars() == {} and run.checkpoints.list() == []
        changed = run.update(status="paused", step=12)
        assert (changed.status, changed.step) == ("paused", 12)
        assert changed.updated >= record.updated and changed.created == record.created
        assert read_record(path) == changed == run.record
    run.close()
    assert not run.writable and not is_locked(path)


def test_a_folder_in_use_is_left_alone(tmp_path: Path, record: RunRecord) -> None:
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(RunError, match="is not empty"):
        RunFolder.create(tmp_path, record)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(RunError, match="cannot be made"):
        RunFolder.create(tmp_path / "thesis.txt", record)
    RunFolder.create(tmp_path / "run", record).close()
    with pytest.raises(RunError, match="is not empty"):
        RunFolder.create(tmp_path / "run", record)


def test_a_run_whose_making_failed_can_be_made_again(tmp_path: Path, record: RunRecord) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "writer.lock").touch()
    (tmp_path / "run" / ".run.json.writing").touch()
    with RunFolder.create(tmp_path / "run", record) as run:
        assert run.record == record


def test_one_writer_at_a_time_but_any_number_of_readers(tmp_path: Path, record: RunRecord) -> None:
    path = tmp_path / "run"
    with RunFolder.create(path, record) as run:
        with pytest.raises(RunError, match=rf"being written by process {os.getpid()} on .*Stop that training"):
            RunFolder.open(path, write=True)
        with RunFolder.open(path) as reader, RunFolder.open(path) as other:
            run.history.append([Scalar(1, "train", "loss", 2.0)])
            assert reader.history.read_scalars().keys() == other.history.read_scalars().keys() == {("train", "loss")}
            with pytest.raises(RunError, match="open for reading only"):
                reader.update(step=3)
            run.update(step=3)
            assert reader.record.step == 0 and reader.refresh().step == 3
    with RunFolder.open(path, write=True) as run:
        assert run.update(title="later").title == "later"


def test_a_wrong_change_is_refused_and_nothing_is_written(tmp_path: Path, record: RunRecord) -> None:
    with RunFolder.create(tmp_path / "run", record) as run:
        with pytest.raises(RunError, match="cannot be changed so"):
            run.update(status="dreaming")
        with pytest.raises(TypeError):
            run.update(mood="good")
        assert run.record == read_record(run.path) == record


def test_copies_and_moved_runs_work(tmp_path: Path, record: RunRecord) -> None:
    with RunFolder.create(tmp_path / "a", record) as run:
        run.history.append([Scalar(1, "train", "loss", 2.0)])
        run.checkpoints.save(1, {"model": {"w": np.ones(3, np.float32)}}, {})
        shutil.copytree(tmp_path / "a", tmp_path / "while writing")
    (tmp_path / "a").rename(tmp_path / "moved ü")
    for name in ("while writing", "moved ü"):
        with RunFolder.open(tmp_path / name, write=True) as copy:
            assert copy.record.title == record.title
            assert copy.history.read_scalars()["train", "loss"][1].tolist() == [2.0]
            assert copy.checkpoints.load().step == 1


def test_opening_what_is_no_run_is_told(tmp_path: Path) -> None:
    for write in (False, True):
        with pytest.raises(RunError, match="is not a run"):
            RunFolder.open(tmp_path / "nothing", write=write)
    assert not (tmp_path / "nothing").exists()


def test_a_lock_is_given_back_and_asking_takes_none(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    lock = RunLock(tmp_path)
    assert is_locked(tmp_path) and is_locked(tmp_path)
    lock.release()
    lock.release()
    assert not is_locked(tmp_path)
    (tmp_path / "writer.lock").write_bytes(b"\xff nonsense")
    lock = RunLock(tmp_path)
    with pytest.raises(RunError, match=rf"process {os.getpid()}"):
        RunLock(tmp_path)
    lock.release()


def test_a_lock_in_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="could not be opened"):
        RunLock(tmp_path / "nowhere")
