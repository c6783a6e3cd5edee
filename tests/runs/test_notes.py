"""What a person gave a run is kept with it."""

import math
from pathlib import Path

import pytest

from gmstudio.runs.notes import NOTES_NAME, read_notes, write_notes
from gmstudio.runs.record import RunError


def test_notes_come_back(tmp_path: Path) -> None:
    assert read_notes(tmp_path) == {}
    notes = {"dimensions": {"3": "slant"}, "directions": [{"name": "smile", "vector": [0.5, -1.25]}]}
    write_notes(tmp_path, notes)
    assert read_notes(tmp_path) == notes
    write_notes(tmp_path, {})
    assert read_notes(tmp_path) == {}


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff"])
def test_damaged_notes_are_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NOTES_NAME).write_bytes(content)
    with pytest.raises(RunError, match="damaged"):
        read_notes(tmp_path)


def test_notes_that_are_too_long_leave_the_former_ones(tmp_path: Path) -> None:
    write_notes(tmp_path, {"a": 1})
    with pytest.raises(RunError, match="at most"):
        write_notes(tmp_path, {"a": "x" * 5_000_000})
    with pytest.raises(ValueError):
        write_notes(tmp_path, {"a": math.nan})
    assert read_notes(tmp_path) == {"a": 1}
