"""The list of runs in parts, from the index and from the folders."""

import os
from pathlib import Path

import msgspec
import pytest

from gmstudio.engine.runs import listing, listing_parts
from gmstudio.engine.runs.listing import RunListing
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.families import FAMILIES
from gmstudio.protocol.engine import Done
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import ListRuns, RunsListed
from gmstudio.runs.description import Description, write_description
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.home import data_home
from gmstudio.runs.index import INDEX_NAME
from gmstudio.runs.library import runs_home, summarize
from gmstudio.runs.record import new_record

IMAGE = ImageSpec(channels=1, height=8, width=8, levels=2)


@pytest.fixture
def library(home: Path) -> list[Path]:
    spec = RunSpec(family="vae", data="digits", training=msgspec.to_builtins(FAMILIES["vae"].training_defaults))
    paths = [runs_home() / f"run-{number}" for number in range(7)]
    for number, path in enumerate(paths):
        record = msgspec.structs.replace(
            new_record(spec, image=IMAGE, device="cpu"), status="finished", created=f"2026-01-0{number + 1}"
        )
        RunFolder.create(path, record).close()
    return paths


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Runs that were read."""
    found: list[Path] = []
    monkeypatch.setattr(listing, "summarize", lambda folder: found.append(folder) or summarize(folder))
    return found


def parts(engine: RunListing, known: str = "") -> list[RunsListed]:
    """Parts of one reply; none where nothing changed."""
    events = [event for event in engine.pieces(ListRuns(request=3, known=known)) if event is not None]
    if isinstance(events[0], Done):
        return []
    found = [event for event in events if isinstance(event, RunsListed)]
    assert [event.last for event in found] == [False] * (len(found) - 1) + [True]
    return found


def new_engine() -> RunListing:
    return RunListing(EngineContext(lambda event: None))


def names(events: list[RunsListed]) -> list[str]:
    return [info.run for event in events for info in event.runs]


def test_a_long_list_arrives_in_parts_newest_first(library: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_parts, "RUNS_A_PART", 3)
    engine = new_engine()
    for _ in range(2):  # read from the folders, then known
        found = parts(engine)
        assert [len(event.runs) for event in found] == [3, 3, 1] and all(event.complete for event in found)
        assert names(found) == [path.name for path in reversed(library)]
        assert [bool(event.state) for event in found] == [False, False, True]


def test_a_new_engine_reads_from_the_index_what_did_not_change(library: list[Path], read: list[Path]) -> None:
    first = parts(new_engine())
    assert len(read) == len(library)
    read.clear()
    again = parts(new_engine())
    assert not read and [e.runs for e in again] == [e.runs for e in first]
    write_description(library[2], Description(name="named meanwhile"))
    changed = parts(new_engine())
    assert read == [library[2]]
    assert "named meanwhile" in {info.name for event in changed for info in event.runs}


@pytest.mark.parametrize("damage", ["lost", "garbage"])
def test_an_index_that_is_lost_or_damaged_changes_nothing(library: list[Path], read: list[Path], damage: str) -> None:
    first = parts(new_engine())
    index = data_home() / INDEX_NAME
    index.unlink() if damage == "lost" else index.write_bytes(b"x" * 9999)
    read.clear()
    assert names(parts(new_engine())) == names(first) and len(read) == len(library)
    read.clear()
    assert names(parts(new_engine())) == names(first) and not read


def test_an_index_that_is_wrong_shows_no_wrong_run(library: list[Path], read: list[Path]) -> None:
    parts(new_engine())
    library[0].rename(library[0].with_name("aside"))
    library[1].rename(library[0])
    library[0].with_name("aside").rename(library[1])
    read.clear()
    found = parts(new_engine())
    created = {info.run: info.created for event in found for info in event.runs}
    assert (created["run-0"], created["run-1"]) == ("2026-01-02", "2026-01-01")
    assert {path.name for path in read} == {"run-0", "run-1"}


def test_a_library_that_moved_keeps_its_index(
    library: list[Path], read: list[Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts(new_engine())
    moved = home.with_name("moved")
    home.rename(moved)
    monkeypatch.setenv("GMSTUDIO_HOME", str(moved))
    read.clear()
    found = parts(new_engine())
    assert not read and names(found) == [path.name for path in reversed(library)]
    assert found[0].home == str(runs_home())


def test_a_change_that_no_folder_shows_is_found_in_turn(library: list[Path], read: list[Path]) -> None:
    engine = new_engine()
    state = parts(engine)[-1].state
    record = library[4] / "run.json"
    before = record.stat()
    record.write_text(record.read_text().replace("2026-01-05", "2026-01-25"))
    os.utime(record, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    read.clear()
    found = [parts(engine, state) for _ in range(listing.POLLS_A_ROUND)]
    assert read == [library[4]]
    (changed,) = [events for events in found if events and events[0].runs][:1]
    assert [info.created for info in changed[0].runs] == ["2026-01-25"]


def test_what_another_engine_knew_is_no_base_for_changes(library: list[Path]) -> None:
    state = parts(new_engine())[-1].state
    engine = new_engine()
    assert parts(engine, state)[0].complete and len(names(parts(engine, "nonsense:x"))) == len(library)


def test_an_index_that_cannot_be_written_is_said_and_hides_nothing(library: list[Path]) -> None:
    (data_home() / INDEX_NAME).mkdir()
    engine = new_engine()
    assert len(names(parts(engine))) == len(library)
    (problem,) = parts(engine)[-1].problems
    assert "could not be written" in problem and "no run is affected" in problem
