"""``queue.json`` and the files of grids: damaged, foreign, too full, and changed by several processes."""

import json
from pathlib import Path

import msgspec
import pytest

from gmstudio.protocol.runs_queue import MAX_QUEUED
from gmstudio.runs.grids import forget_grid, grids_home, read_grids, write_grid
from gmstudio.runs.queue import QUEUE_NAME, QueueFile
from gmstudio.runs.record import RunDamagedError
from tests.queue_scene import queue_entry, tiny_grid


def test_what_is_changed_is_read_by_others(tmp_path: Path) -> None:
    with QueueFile(tmp_path).changing() as content:
        content.entries = (queue_entry("a"),)
        content.stop_at_failure = True
    read = QueueFile(tmp_path).read()
    assert [entry.key for entry in read.entries] == ["a"] and read.stop_at_failure


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    file = QueueFile(tmp_path)
    with file.changing() as content:
        content.entries = (queue_entry("a"),)
    with pytest.raises(ValueError, match="1,000 fit"), file.changing() as content:
        content.entries = (queue_entry("b"),) * (MAX_QUEUED + 1)
    with pytest.raises(KeyError), file.changing() as content:
        content.entries = ()
        raise KeyError
    assert [entry.key for entry in file.read().entries] == ["a"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"entries": 3}', '{"format": 99}', '{"entries": [{"key": 1}]}', "\xff"]
)
def test_a_file_that_is_no_queue_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / QUEUE_NAME).write_bytes(text.encode("latin-1"))
    with pytest.raises(RunDamagedError, match=QUEUE_NAME):
        QueueFile(tmp_path).read()


def test_settings_that_are_nested_too_deeply_are_refused(tmp_path: Path) -> None:
    entry = msgspec.to_builtins(queue_entry("a"))
    entry["spec"]["config"] = {"a": json.loads("[" * 400 + "]" * 400)}
    (tmp_path / QUEUE_NAME).write_text(json.dumps({"entries": [entry]}))
    with pytest.raises(RunDamagedError):
        QueueFile(tmp_path).read()


def test_one_file_works_the_queue(tmp_path: Path) -> None:
    first, second = QueueFile(tmp_path), QueueFile(tmp_path)
    assert first.take_work() and first.take_work() and not second.take_work()
    first.leave_work()
    assert second.take_work()
    second.leave_work()


def test_grids_are_kept_by_name_and_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path))
    write_grid(tiny_grid())
    write_grid(tiny_grid())  # the same again
    with pytest.raises(ValueError, match="another name"):
        write_grid(tiny_grid(seeds=(1, 2)))
    (grids_home() / "other.json").write_text("{")
    grids, problems = read_grids()
    assert [grid.name for grid in grids] == ["rates"] and "other.json" in problems[0]
    (tmp_path / "outside.json").write_text("{}")
    forget_grid("../outside")
    forget_grid("rates")
    assert read_grids()[0] == () and (tmp_path / "outside.json").exists()
