"""Commands about runs on disk, answered in this process."""

import os
import sys
from pathlib import Path

import pytest
import torch

from gmstudio.engine.runs.handlers import RunsFeature
from gmstudio.engine.runtime.context import EngineContext, Progress
from gmstudio.engine.server import Server
from gmstudio.engine.wire import Wire
from gmstudio.protocol.array import ProtocolError
from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import CommandFailed, Done
from gmstudio.protocol.frames import FrameReader, decode_event, frame
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import ContinuePixels
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import ListRuns, RunsListed
from gmstudio.runs.checkpoints import CheckpointInfo, CheckpointStore
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import new_run_path, runs_home
from gmstudio.runs.record import new_record

IMAGE = ImageSpec(channels=1, height=8, width=8, levels=2)


def make_run(path: Path, title: str = "") -> Path:
    spec = RunSpec(family="vae", data="digits")
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
    assert {info.run for info in listed.runs} == {str(path) for path in paths[1:]}
    record_problem, history_problem = sorted(listed.problems, key=lambda problem: "history" in problem)
    assert "run.json is damaged" in record_problem and "history.sqlite is damaged" in history_problem


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are UTF-8 there")
def test_a_name_that_is_not_utf8_hides_no_other_run(home: Path) -> None:
    good = make_run(runs_home() / "good")
    make_run(runs_home() / os.fsdecode(b"caf\xe9"))
    listed = list_the_runs()
    assert [info.run for info in listed.runs] == [str(good)]
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
    assert [info.run for info in listed.runs] == [str(good)]
    assert ["bad" in problem and "hostile" in problem for problem in listed.problems] == [True]


def test_titles_are_shown_on_one_short_line(home: Path) -> None:
    make_run(runs_home() / "a", title="\x1b[31mred\n\u202eder\u2066 [/x]" + "y" * 300)
    (info,) = list_the_runs().runs
    assert info.title.startswith("[31mred der [/x]y") and len(info.title) == 80


def test_training_goes_on_while_runs_are_listed(home: Path) -> None:
    for number in range(5):
        make_run(runs_home() / f"run-{number}")
    sent: list[Event] = []

    class Nowhere(Wire):
        def __init__(self) -> None:
            pass

        def send(self, event: Event) -> None:
            sent.append(event)

    class Training:
        path, paused, over, running, step, advanced = "", False, False, True, 0, 0
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
