"""Commands about runs on disk, answered in this process."""

from pathlib import Path

from gmstudio.engine.runs.handlers import RunsFeature
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.server import Server
from gmstudio.engine.wire import Wire
from gmstudio.protocol.array import ProtocolError
from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import CommandFailed, Done
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import ContinuePixels
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import ListRuns, RunsListed
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import new_run_path, runs_home
from gmstudio.runs.record import new_record


def test_damaged_runs_are_named_among_the_problems(home: Path) -> None:
    image = ImageSpec(channels=1, height=8, width=8, levels=2)
    record = new_record(RunSpec(family="vae", data="digits"), image=image, device="cpu")
    paths = []
    for _ in range(3):
        paths.append(new_run_path(runs_home(), "vae"))
        RunFolder.create(paths[-1], record).close()
    (paths[0] / "run.json").write_text("{")
    (paths[1] / "history.sqlite").write_text("no database" * 500)
    events: list[Event] = []
    RunsFeature(EngineContext(events.append)).handlers()[ListRuns](ListRuns(request=7))
    (listed,) = events
    assert isinstance(listed, RunsListed) and listed.request == 7
    assert {info.run for info in listed.runs} == {str(path) for path in paths[1:]}
    record_problem, history_problem = sorted(listed.problems, key=lambda problem: "history" in problem)
    assert "run.json is damaged" in record_problem and "history.sqlite is damaged" in history_problem


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
