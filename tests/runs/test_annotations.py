"""A person's annotations are kept with the run."""

import math
from pathlib import Path

import pytest

from gmstudio.runs.annotations import ANNOTATIONS_NAME, read_annotations, write_annotations
from gmstudio.runs.record import RunError


def test_notes_come_back(tmp_path: Path) -> None:
    assert read_annotations(tmp_path) == {}
    annotations = {"dimensions": {"3": "slant"}, "directions": [{"name": "smile", "vector": [0.5, -1.25]}]}
    write_annotations(tmp_path, annotations)
    assert read_annotations(tmp_path) == annotations
    write_annotations(tmp_path, {})
    assert read_annotations(tmp_path) == {}


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff"])
def test_damaged_notes_are_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ANNOTATIONS_NAME).write_bytes(content)
    with pytest.raises(RunError, match="damaged"):
        read_annotations(tmp_path)


def test_notes_that_are_too_long_leave_the_former_ones(tmp_path: Path) -> None:
    write_annotations(tmp_path, {"a": 1})
    with pytest.raises(RunError, match="at most"):
        write_annotations(tmp_path, {"a": "x" * 5_000_000})
    with pytest.raises(ValueError):
        write_annotations(tmp_path, {"a": math.nan})
    assert read_annotations(tmp_path) == {"a": 1}
