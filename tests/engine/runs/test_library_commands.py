"""Commands about runs on disk, answered in this process."""

import os
import sys
from pathlib import Path

import msgspec
import pytest
import torch

from gmstudio.engine.runs import listing
from gmstudio.engine.runs.library_handlers import RunsFeature
from gmstudio.engine.runtime.context import EngineContext, Progress
from gmstudio.engine.server import Server
from gmstudio.engine.wire import Wire
from gmstudio.families import FAMILIES
from gmstudio.protocol.array import ProtocolError
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import CommandFailed, Done
from gmstudio.protocol.frames import FrameReader, decode_event, frame
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import ContinuePixels
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import (
    AnnotateRun,
    ListRuns,
    RestoreRun,
    RunDescribed,
    RunsListed,
    RunTrashed,
    TrashRun,
    bits_text,
)
from gmstudio.runs.checkpoints import CheckpointInfo, CheckpointStore
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import Scalar
from gmstudio.runs.library import new_run_path, runs_home, summarize
from gmstudio.runs.lock import RunLock
from gmstudio.runs.record import RunBusyError, new_record

IMAGE = ImageSpec(channels=1, height=8, width=8, levels=2)


def make_run(path: Path, title: str = "") -> Path:
    training = msgspec.to_builtins(FAMILIES["vae"].training_defaults)
    spec = RunSpec(family="vae", data="digits", training=training)
    RunFolder.create(path, new_record(spec, image=IMAGE, device="cpu", title=title)).close()
    return path


def list_the_runs() -> RunsListed:
    """Every piece of the job, and its answer as it travels."""
    pieces = RunsFeature(EngineContext(lambda event: None)).handlers()[ListRuns](ListRuns(request=7))
    assert pieces is not None
    (listed,) = [piece for piece in pieces if piece is not None]
    assert isinstance(listed, RunsListed) and listed.request == 7
    (body,) = FrameReader().feed(frame(listed))
    decoded = decode_event(body)
    assert isinstance(decoded, RunsListed)
    return decoded


def test_damaged_runs_are_named_among_the_problems(home: Path) -> None:
    paths = []
    for _ in range(3):
        paths.append(make_run(new_run_path(runs_home(), "vae")))
    (paths[0] / "run.json").write_text("{")
    (paths[1] / "history.sqlite").write_text("no database" * 500)
    listed = list_the_runs()
    assert {info.run for info in listed.runs} == {path.name for path in paths[1:]}
    record_problem, history_problem = sorted(listed.problems, key=lambda problem: "history" in problem)
    assert "run.json is damaged" in record_problem and "history.sqlite is damaged" in history_problem


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are UTF-8 there")
def test_a_name_that_is_not_utf8_hides_no_other_run(home: Path) -> None:
    good = make_run(runs_home() / "good")
    make_run(runs_home() / os.fsdecode(b"caf\xe9"))
    listed = list_the_runs()
    assert [info.run for info in listed.runs] == [good.name]
    (problem,) = listed.problems
    assert "caf\N{REPLACEMENT CHARACTER} has a name that is not UTF-8" in problem and "Rename" in problem


def test_a_run_that_fails_in_an_unforeseen_way_hides_no_other(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = make_run(runs_home() / "good"), make_run(runs_home() / "bad")

    def fail(self: CheckpointStore) -> list[CheckpointInfo]:
        if self.path.parent == bad:
            raise ZeroDivisionError("by a hostile file")
        return []

    monkeypatch.setattr(CheckpointStore, "list", fail)
    listed = list_the_runs()
    assert [info.run for info in listed.runs] == [good.name]
    assert ["bad" in problem and "hostile" in problem for problem in listed.problems] == [True]


def test_titles_are_shown_on_one_short_line(home: Path) -> None:
    make_run(runs_home() / "a", title="\x1b[31mred\n\u202eder\u2066 [/x]" + "y" * 300)
    (info,) = list_the_runs().runs
    assert info.title.startswith("[31mred der [/x]y") and len(info.title) == 80


def test_training_goes_on_while_runs_are_listed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "RUNS_A_READING", 1)
    for number in range(5):
        make_run(runs_home() / f"run-{number}")
    sent: list[Event] = []

    class Nowhere(Wire):
        def __init__(self) -> None:
            pass

        def send(self, event: Event) -> None:
            sent.append(event)

    class Training:
        name, paused, over, running, step, advanced = "", False, False, True, 0, 0
        model = torch.nn.Linear(1, 1)

        def __init__(self) -> None:
            self.model.device = torch.device("cpu")  # type: ignore[assignment]

        def wait_s(self) -> float:
            return 0.0

        def progress(self) -> Progress:
            return Progress("", 0, 1, 0.0, -1.0)

        def advance(self) -> None:
            self.advanced += 1

    server, training = Server(Nowhere()), Training()
    server.context.training = training  # type: ignore[assignment]
    server._handle(ListRuns(request=4))
    while not any(isinstance(event, RunsListed) for event in sent):
        server._advance()
    assert training.advanced >= 5


def test_an_event_that_is_too_long_fails_its_command_and_the_engine_goes_on() -> None:
    sent: list[Event] = []

    class Narrow(Wire):
        """Takes no ``Done``; leads nowhere."""

        def __init__(self) -> None:
            pass

        def send(self, event: Event) -> None:
            if isinstance(event, Done):
                raise ProtocolError("Done takes too many bytes.")
            sent.append(event)

    server = Server(Narrow())
    server._jobs.add(ContinuePixels(request=3, session=1), iter([Done(), Done()]))
    server._advance()
    (failed,) = [event for event in sent if isinstance(event, CommandFailed)]
    assert failed.request == 3 and "too many bytes" in failed.message
    assert not server._jobs


def ask(command: Command) -> Event:
    """The answer to a command that is answered at once."""
    sent: list[Event] = []
    RunsFeature(EngineContext(sent.append)).handlers()[type(command)](command)
    (event,) = sent
    return event


def test_a_library_that_did_not_change_is_not_read_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = make_run(runs_home() / "a"), make_run(runs_home() / "b")
    feature = RunsFeature(EngineContext(lambda event: None))

    def poll(known: str) -> Event:
        (event,) = [piece for piece in feature.handlers()[ListRuns](ListRuns(known=known)) if piece is not None]
        return event

    def state_of(event: Event) -> str:
        assert isinstance(event, RunsListed)
        return event.state

    state = state_of(poll(""))
    state = state_of(poll(state)) if isinstance(poll(state), RunsListed) else state  # now that they are unfinished
    read: list[Path] = []
    monkeypatch.setattr(listing, "summarize", lambda folder: read.append(folder) or summarize(folder))
    assert isinstance(poll(state), Done) and not read
    ask(AnnotateRun(run=second.name, name="named elsewhere"))
    changed = poll(state)
    assert read == [second]
    assert [info.title for info in changed.runs] == ["named elsewhere"] and not changed.complete
    third = make_run(runs_home() / "c")
    assert third.name in {info.run for info in poll(state_of(changed)).runs}
    state = state_of(poll(""))
    ask(TrashRun(run=first.name))
    gone = poll(state)
    assert isinstance(gone, RunsListed) and (gone.runs, gone.removed) == ((), (first.name,))
    assert len(poll("").runs) == 2 and poll("another engine's").complete


def test_the_end_of_another_process_is_noticed(home: Path) -> None:
    path = make_run(runs_home() / "a")
    feature = RunsFeature(EngineContext(lambda event: None))

    def poll(known: str = "") -> Event:
        (event,) = [piece for piece in feature.handlers()[ListRuns](ListRuns(known=known)) if piece is not None]
        return event

    lock = RunLock(path)
    assert poll().runs[0].status == "running"
    state = poll().state
    assert isinstance(poll(state), Done)
    lock.release()
    assert poll(state).runs[0].status == "interrupted"


def test_a_run_has_a_label_until_it_is_named(home: Path) -> None:
    path = make_run(runs_home() / "a").name
    (info,) = list_the_runs().runs
    assert (info.title, info.label, info.data_label, info.name) == ("VAE · Digits 8×8", "VAE", "Digits 8×8", "")
    described = ask(AnnotateRun(run=path, name="mine", starred=True))
    assert isinstance(described, RunDescribed)
    ask(AnnotateRun(run=path, note="a note"))
    (info,) = list_the_runs().runs
    assert (info.title, info.name, info.note, info.starred) == ("mine", "mine", "a note", True)
    ask(AnnotateRun(run=path, name=""))
    assert list_the_runs().runs[0].title == "VAE · Digits 8×8"


def test_a_damaged_name_is_reported_and_mended_by_a_new_one(home: Path) -> None:
    path = make_run(runs_home() / "a")
    (path / "description.json").write_text("{")
    listed = list_the_runs()
    assert listed.runs[0].name == "" and "description.json is damaged" in listed.problems[0]
    ask(AnnotateRun(run=path.name, name="new"))
    listed = list_the_runs()
    assert listed.runs[0].name == "new" and not listed.problems


def test_only_likelihoods_have_a_figure(home: Path) -> None:
    for family, values in (("pixelcnn", [99.0, 44.0]), ("autoencoder", [0.1, 0.05]), ("vae", [80.0, 60.0])):
        spec = RunSpec(family=family, data="digits")
        with RunFolder.create(runs_home() / family, new_record(spec, image=IMAGE, device="cpu")) as run:
            run.history.append([Scalar(step, "valid", "loss", value) for step, value in enumerate(values)])
    texts = {info.spec.family: bits_text(info) for info in list_the_runs().runs}
    assert texts == {"pixelcnn": "0.992 bits/dim", "autoencoder": "", "vae": "≤ 1.353 bits/dim"}


def test_a_run_is_trashed_and_restored(home: Path) -> None:
    path = make_run(runs_home() / "a").name
    trashed = ask(TrashRun(run=path))
    assert isinstance(trashed, RunTrashed) and list_the_runs().runs == ()
    restored = ask(RestoreRun(run=path, place=trashed.place))
    assert isinstance(restored, RunDescribed) and restored.info.run == path
    assert [info.run for info in list_the_runs().runs] == [path]


def test_the_run_in_training_is_not_trashed(home: Path) -> None:
    path = make_run(runs_home() / "a").name
    feature = RunsFeature(EngineContext(lambda event: None))
    feature.context.training = type("Training", (), {"name": path})()
    with pytest.raises(RunBusyError, match="in training"):
        feature.handlers()[TrashRun](TrashRun(run=path))
    assert (runs_home() / path).is_dir()
