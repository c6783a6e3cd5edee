"""Name, note and star of a run are a file of the run folder."""

from pathlib import Path

import pytest

from gmstudio.runs.description import DESCRIPTION_NAME, MAX_NOTE, Description, read_description, write_description
from gmstudio.runs.record import RunDamagedError, RunError


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    assert read_description(tmp_path) == Description()
    written = Description(name="best so far", note="two\nlines", starred=True)
    write_description(tmp_path, written)
    assert read_description(tmp_path) == written
    assert [path.name for path in tmp_path.iterdir()] == [DESCRIPTION_NAME]


def test_a_name_is_one_short_line(tmp_path: Path) -> None:
    write_description(tmp_path, Description(name="  a\x1b[1m\nb" + "c" * 200))
    name = read_description(tmp_path).name
    assert name.startswith("a[1m bc") and len(name) == 80


def test_a_long_note_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    write_description(tmp_path, Description(note="short"))
    with pytest.raises(RunError, match="10,001 characters; shorten it to 10,000"):
        write_description(tmp_path, Description(note="x" * (MAX_NOTE + 1)))
    assert read_description(tmp_path).note == "short"


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"name": 3}', b"\xff", b" " * 70_000])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / DESCRIPTION_NAME).write_bytes(content)
    with pytest.raises(RunDamagedError, match=r"description\.json"):
        read_description(tmp_path)
