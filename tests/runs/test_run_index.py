"""Fault 13: an index of the library that is damaged, stale or of another version: no run is lost or shown wrong."""

import sqlite3
from pathlib import Path

import pytest
from runs_scene import CNN, FLOW, RUNS, VAE

from gmstudio.runs.index import INDEX_NAME, IndexedRun, RunIndex
from gmstudio.runs.record import RunError

FOUND = {info.run: IndexedRun(b"sig", 7, info.status, "", info) for info in RUNS if info.run in (FLOW, CNN, VAE)}
DAMAGED = IndexedRun(b"", 0, "damaged", "run.json is damaged.", None)


def known(index: RunIndex) -> dict[str, IndexedRun]:
    return {name: run for rows in index.load() for name, run in rows}


@pytest.fixture
def index(tmp_path: Path) -> RunIndex:
    index = RunIndex(tmp_path, "one")
    index.store([*FOUND.items(), ("damaged", DAMAGED)])
    return index


def test_what_was_stored_is_known_again(index: RunIndex) -> None:
    assert known(index) == FOUND | {"damaged": DAMAGED}
    index.store([(VAE, FOUND[VAE]._replace(signature=b"other"))], gone=[CNN, "never there"])
    assert known(index)[VAE].signature == b"other" and CNN not in known(index)


def test_an_index_of_another_version_is_replaced(index: RunIndex, tmp_path: Path) -> None:
    other = RunIndex(tmp_path, "two")
    assert known(other) == {}
    other.store([(VAE, FOUND[VAE])])
    assert known(other).keys() == {VAE} and known(index) == {}


@pytest.mark.parametrize("damage", ["lost", "cut", "garbage", "another program's", "rows", "empty"])
def test_a_damaged_index_is_made_anew(index: RunIndex, tmp_path: Path, damage: str) -> None:
    path = tmp_path / INDEX_NAME
    content = path.read_bytes()
    if damage == "lost":
        path.unlink()
    elif damage in ("cut", "empty"):
        path.write_bytes(content[: len(content) // 2 if damage == "cut" else 0])
    elif damage == "garbage":
        path.write_bytes(b"no database" * 5000)
    elif damage == "another program's":
        path.unlink()
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE runs (x)")
        db.close()
    else:
        with sqlite3.connect(path) as db:
            db.execute("UPDATE runs SET info = x'c1'")
        db.close()
    assert known(index).keys() <= {"damaged"}
    index.store(FOUND.items())
    assert {name: known(index)[name] for name in FOUND} == FOUND


def test_an_index_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / INDEX_NAME).mkdir()
    index = RunIndex(tmp_path, "one")
    assert known(index) == {}
    with pytest.raises(RunError, match=f"{INDEX_NAME}, which makes the list of runs quick, could not be written"):
        index.store(FOUND.items())
