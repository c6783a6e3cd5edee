"""A run's folder: made once, written by one, read by all, movable."""

import errno
import json
import os
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import Scalar
from gmstudio.runs.lock import RunLock, is_locked
from gmstudio.runs.record import RunBusyError, RunDamagedError, RunError, RunMissingError, RunRecord, read_record


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
    with pytest.raises(RunError, match="cannot be created"):
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
        with pytest.raises(RunBusyError, match=rf"being written by process {os.getpid()} on .*Stop that training"):
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
        with pytest.raises(RunError, match="cannot be changed like this"):
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


def test_opening_what_is_no_run_is_refused(tmp_path: Path) -> None:
    for write in (False, True):
        with pytest.raises(RunMissingError, match="is not a run"):
            RunFolder.open(tmp_path / "nothing", write=write)
    assert not (tmp_path / "nothing").exists()


def test_a_lock_is_released_and_testing_for_it_holds_none(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    lock = RunLock(tmp_path)
    assert is_locked(tmp_path) and is_locked(tmp_path)
    lock.release()
    lock.release()
    assert not is_locked(tmp_path)
    (tmp_path / "writer.lock").write_bytes(b"\xff nonsense")
    lock = RunLock(tmp_path)
    with pytest.raises(RunBusyError, match=rf"process {os.getpid()}"):
        RunLock(tmp_path)
    lock.release()


def test_a_lock_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="could not be opened"):
        RunLock(tmp_path / "nowhere")


def test_a_stale_lock_file_locks_nothing_even_when_its_process_number_is_used_again(tmp_path: Path) -> None:
    holder = json.dumps({"pid": os.getppid(), "host": socket.gethostname()})
    (tmp_path / "writer.lock").write_text(holder)
    assert psutil.pid_exists(os.getppid()) and not is_locked(tmp_path)
    RunLock(tmp_path).release()


def test_readers_at_the_same_time_do_not_take_each_other_for_a_writer(tmp_path: Path) -> None:
    RunLock(tmp_path).release()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: is_locked(tmp_path), range(50)))
    assert not any(found)


def test_a_lock_file_that_is_for_reading_only_can_be_tested(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    (tmp_path / "writer.lock").chmod(0o444)
    assert is_locked(tmp_path)
    lock.release()
    assert not is_locked(tmp_path)


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int, *, blocking: bool) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    RunLock(tmp_path).release()
    monkeypatch.setattr("gmstudio.runs.lock.lock_descriptor", refuse)
    with pytest.raises(RunError, match=r"could not be locked \(No locks available\)\. Keep runs on a local disk"):
        RunLock(tmp_path)
    with pytest.raises(RunError, match=r"could not be tested for a writer \(No locks available\)"):
        is_locked(tmp_path)


def test_each_kind_of_trouble_has_its_error(tmp_path: Path, record: RunRecord) -> None:
    path = tmp_path / "run"
    RunFolder.create(path, record).close()
    with RunFolder.open(path) as run:
        with pytest.raises(RunMissingError):
            run.checkpoints.load()
        with pytest.raises(RunMissingError):
            run.history.read_images(1)
    with RunFolder.open(path, write=True) as run:
        run.checkpoints.save(1, {"model": {"w": np.ones(3, np.float32)}}, {})
    (path / "checkpoints" / "step-1" / "model.safetensors").write_bytes(b"nonsense")
    (path / "history.sqlite").write_bytes(b"nonsense" * 1000)
    with RunFolder.open(path) as run:
        with pytest.raises(RunDamagedError):
            run.checkpoints.load(1)
        with pytest.raises(RunDamagedError):
            run.checkpoints.load()
        with pytest.raises(RunDamagedError):
            _ = run.history
    (path / "history.sqlite").unlink()
    with RunFolder.open(path) as run, pytest.raises(RunMissingError):
        _ = run.history
    (path / "run.json").write_text("[]")
    with pytest.raises(RunDamagedError):
        RunFolder.open(path)
