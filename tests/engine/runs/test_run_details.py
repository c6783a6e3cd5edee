"""A run at a glance, copies of runs, and the trash, answered in this process."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from gmstudio.engine.runs.details_handlers import RunDetails
from gmstudio.engine.runs.trash_handlers import TrashFeature
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.feature import Feature
from gmstudio.families import FAMILIES
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunDescribed
from gmstudio.protocol.runs_details import DetailsRead, DuplicateRun, ReadDetails
from gmstudio.protocol.runs_trash import EmptyTrash, ListTrash, TrashListed
from gmstudio.runs import duplicate
from gmstudio.runs.description import Description, read_description, write_description
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import ImageGrid, Scalar
from gmstudio.runs.library import runs_home
from gmstudio.runs.lock import RunLock
from gmstudio.runs.record import RunBusyError, RunError, new_record
from gmstudio.runs.trash import move_to_trash, trash_home

IMAGE = ImageSpec(channels=1, height=8, width=8, levels=2)
POINTS = 3000


@pytest.fixture
def run(home: Path) -> Path:
    path = runs_home() / "2026-01-01-vae-01"
    spec = RunSpec(family="vae", data="digits", training=msgspec.to_builtins(FAMILIES["vae"].training_defaults))
    with RunFolder.create(path, new_record(spec, image=IMAGE, device="cpu")) as made:
        rows = [Scalar(step, "train", "loss", float(step)) for step in range(1, POINTS + 1)]
        grid = ImageGrid(POINTS, "samples", np.ones((4, 1, 8, 8), np.uint8))
        made.history.append([*rows, Scalar(10, "valid", "loss", 7.0)], [grid])
        made.history.log(5, "warning", "A warning.")
        made.checkpoints.save(POINTS, {"model": {"w": np.zeros(8, np.float32)}}, {})
        made.update(status="stopped", step=POINTS)
    return path


def ask(feature: type[Feature], command: Command) -> Event:
    """The answer to a command, at once or by a job."""
    sent: list[Event] = []
    pieces = feature(EngineContext(sent.append)).handlers()[type(command)](command)
    sent += [event for event in pieces or () if event is not None]
    (event,) = sent
    return event


def test_a_run_is_read_at_a_glance(run: Path) -> None:
    read = ask(RunDetails, ReadDetails(run=run.name))
    assert isinstance(read, DetailsRead) and read.run == run.name and not read.problem
    train, valid = read.curves
    steps, values = train.steps.numpy(), train.values.numpy()
    assert 300 <= len(steps) <= 400 and (steps[0], steps[-1]) == (1, POINTS)
    assert np.array_equal(steps, values), "measured points, not means"
    assert (valid.split, valid.values.numpy().tolist()) == ("valid", [7.0])
    assert read.samples is not None and read.samples.numpy().shape == (4, 1, 8, 8) and read.sample_step == POINTS
    assert "A warning." in [event.text for event in read.events]
    (checkpoint,) = read.checkpoints
    assert checkpoint.latest and 0 < checkpoint.size_bytes < read.size_bytes


def test_a_damaged_history_leaves_the_rest(run: Path) -> None:
    (run / "history.sqlite").write_bytes(b"no database" * 900)
    read = ask(RunDetails, ReadDetails(run=run.name))
    assert isinstance(read, DetailsRead)
    assert "history.sqlite is damaged" in read.problem and len(read.checkpoints) == 1 and read.samples is None


def test_a_copy_is_a_run_of_its_own(run: Path) -> None:
    write_description(run, Description(name="mine", tags=("a",)))
    described = ask(RunDetails, DuplicateRun(run=run.name))
    assert isinstance(described, RunDescribed)
    assert described.info.run != run.name and described.info.name == "mine" and described.info.status == "stopped"
    with RunFolder.open(described.info.run) as copy, RunFolder.open(run.name) as first:
        assert copy.checkpoints.load(POINTS).step == first.checkpoints.load(POINTS).step
        assert f"Copy of {run.name}." in [event.text for event in copy.history.read_events()]
        assert f"Copy of {run.name}." not in [event.text for event in first.history.read_events()]
        write_description(copy.path, Description(name="other"))
    assert read_description(run).name == "mine"


def test_a_run_in_training_is_not_copied(run: Path) -> None:
    lock = RunLock(run)
    with pytest.raises(RunBusyError, match="in training"):
        ask(RunDetails, DuplicateRun(run=run.name))
    lock.release()
    assert [path.name for path in runs_home().iterdir()] == [run.name]


def test_the_trash_is_listed_and_only_what_was_seen_is_deleted(run: Path) -> None:
    assert ask(TrashFeature, ListTrash()) == TrashListed(runs=(), folder=str(trash_home()))
    copies = [Path(runs_home() / _copied(run)) for _ in range(2)]
    places = [move_to_trash(path) for path in (run, *copies)]
    listed = ask(TrashFeature, ListTrash())
    assert isinstance(listed, TrashListed)
    assert {entry.run for entry in listed.runs} == {run.name, *(path.name for path in copies)}
    assert all(entry.step == POINTS and entry.size_bytes > 1000 for entry in listed.runs)
    left = ask(TrashFeature, EmptyTrash(places=(str(places[0]),)))
    assert isinstance(left, TrashListed) and [Path(entry.place) for entry in left.runs] != []
    assert not places[0].exists() and places[1].is_dir() and places[2].is_dir()


def test_nothing_outside_the_trash_is_deleted(run: Path) -> None:
    for place in (run, trash_home() / ".." / "runs" / run.name, trash_home() / "..", Path("/")):
        with pytest.raises(RunError, match="not in the trash"):
            ask(TrashFeature, EmptyTrash(places=(str(place),)))
    assert run.is_dir()


def test_a_link_in_the_trash_is_removed_and_what_it_leads_to_stays(run: Path) -> None:
    trash_home().mkdir()
    link = trash_home() / "link"
    link.symlink_to(run)
    ask(TrashFeature, EmptyTrash(places=(str(link),)))
    assert run.is_dir() and not link.is_symlink()


def _copied(run: Path) -> str:
    described = ask(RunDetails, DuplicateRun(run=run.name))
    assert isinstance(described, RunDescribed)
    return described.info.run


def test_a_copy_takes_no_place_of_another_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another window may begin a run under the name that was free a moment ago."""
    other = runs_home() / "2026-01-01-vae-02"
    other.mkdir()
    (other / "run.json").write_text("of another window")
    places = iter((other, runs_home() / "2026-01-01-vae-03"))
    monkeypatch.setattr(duplicate, "new_run_path", lambda home, family: next(places))
    assert _copied(run) == "2026-01-01-vae-03"
    assert (other / "run.json").read_text() == "of another window"
    assert sorted(path.name for path in runs_home().iterdir()) == [run.name, other.name, "2026-01-01-vae-03"]


def test_a_copy_that_fails_leaves_nothing(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(duplicate.shutil, "copy2", full)
    with pytest.raises(RunError, match="Free some space"):
        ask(RunDetails, DuplicateRun(run=run.name))
    assert [path.name for path in runs_home().iterdir()] == [run.name]
