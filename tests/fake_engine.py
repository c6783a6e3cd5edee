"""A scripted engine process: its arguments select a failure, so that every kind of failure can be tested.

Run as ``python fake_engine.py [options]``; ``command(…)`` builds that line for ``EngineClient``.
"""

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path

import msgspec

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data_import import DataSetsListed, ListDataSets
from gmstudio.protocol.engine import Catalog, ChooseDevice, CommandFailed, Done, EngineReported, Ping, Pong, Shutdown
from gmstudio.protocol.families import FamilyCard, FamilyEntry, Objective, Term
from gmstudio.protocol.frames import PROTOCOL_VERSION, FrameReader, decode_command, frame
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import FetchSamples, ListRuns, OpenRun, RunInfo, RunOpened, RunsListed
from gmstudio.protocol.runs_grid import GridsListed, ListGrids
from gmstudio.protocol.training import CheckpointSaved, ResumeRun, StartTraining, StopTraining, TrainingChanged
from gmstudio.protocol.training_settings import Training

OBJECTIVE = Objective(latex=r"-\log p(x)", terms=(Term("loss", "L", "Negative log-likelihood.", "nats"),))
FAMILY = FamilyEntry(
    card=FamilyCard(
        name="toy",
        title="Toy",
        branch=("Explicit density", "Tractable density"),
        summary="A model for tests.",
        source="none",
        objectives=(OBJECTIVE,),
    ),
    config_schema={"properties": {}},
    training=Training(),
    capabilities=("log_prob", "sample", "pixel_session"),
)
RUN = RunInfo(
    run="/runs/toy",
    title="Toy on digits",
    spec=RunSpec(family="toy", data="digits"),
    family_title="Toy",
    image=ImageSpec(1, 8, 8, 2),
    status="running",
    step=0,
    created="2025-01-01T00:00:00",
    capabilities=FAMILY.capabilities,
)


def command(*options: str) -> list[str]:
    """The command line of a fake engine with these options."""
    return [sys.executable, str(Path(__file__)), *options]


def catalog(protocol: int = PROTOCOL_VERSION) -> Catalog:
    return Catalog(
        protocol=protocol,
        version="0.0",
        pid=os.getpid(),
        families=(FAMILY,),
        data=(),
        devices=("auto", "cpu"),
        device="auto",
        training_schema={"properties": {}},
    )


class FakeEngine:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.out = sys.stdout.buffer

    def send(self, *events: Event) -> None:
        with contextlib.suppress(BrokenPipeError):  # the window is gone; the end of standard input follows
            self.out.write(b"".join(frame(event) for event in events))
            self.out.flush()

    def run(self) -> int:
        options = self.options
        failing = self.fails_this_time()
        if failing and options.die_before_catalog is not None:
            print("Traceback (most recent call last):\nModuleNotFoundError: No module named 'torch'", file=sys.stderr)
            return int(options.die_before_catalog)
        if options.garbage:
            self.out.write(b"Hello from a module that prints while it is imported\n")
            self.out.flush()
        elif not options.silent:
            self.send(catalog(options.protocol))
        self.send(*(EngineReported(state="idle", device="CPU", memory_bytes=i) for i in range(options.flood)))
        reader = FrameReader()
        while data := os.read(0, 65536):
            for body in reader.feed(data):
                received = decode_command(body)
                if failing and type(received).__name__ == options.die_at:
                    print("RuntimeError: out of memory", file=sys.stderr, flush=True)
                    os._exit(options.exit_code)
                self.answer(received)
                if isinstance(received, Shutdown) and not options.deaf:
                    return self.shut_down()
        while options.deaf:
            time.sleep(0.05)
        return self.shut_down()

    def fails_this_time(self) -> bool:
        """Count the starts in a file; fail only in the first ``--failures`` of them."""
        if not self.options.counter:
            return True
        counter = Path(self.options.counter)
        starts = int(counter.read_text()) if counter.exists() else 0
        counter.write_text(str(starts + 1))
        return bool(starts < self.options.failures)

    def shut_down(self) -> int:
        time.sleep(self.options.saving_s)
        if self.options.saved:
            Path(self.options.saved).write_text("saved")
        return 0

    def answer(self, received: Command) -> None:
        request = received.request
        match received:
            case Ping():
                self.send(Pong(request=request))
            case ListRuns(known="listed"):
                self.send(Done(request=request))
            case ListRuns():
                listed = (self.listed_run(),) if self.options.listed else ()
                if self.options.older:
                    listed = (*listed, msgspec.structs.replace(self.listed_run(), run="/runs/older"))
                self.send(RunsListed(request=request, home="/runs", runs=listed, problems=(), state="listed"))
            case ListGrids():
                self.send(GridsListed(request=request, grids=()))
            case ListDataSets():
                self.send(DataSetsListed(request=request, home="/data", sets=()))
            case StartTraining() | ResumeRun():
                self.send(self.opened(request, live=True))
                self.send(TrainingChanged(run=RUN.run, status="running", step=0))
                self.send(CheckpointSaved(run=RUN.run, step=10))
            case OpenRun():
                self.send(self.opened(request, live=False))
            case FetchSamples():
                self.send(CommandFailed(request=request, command="FetchSamples", message="No samples were saved."))
            case StopTraining():
                self.send(Done(request=request), TrainingChanged(run=RUN.run, status="stopped", step=10))
            case ChooseDevice(device="cuda"):
                self.send(CommandFailed(request=request, command="ChooseDevice", message="There is no cuda here."))
            case Shutdown():
                pass
            case _:
                self.send(Done(request=request))

    def listed_run(self) -> RunInfo:
        values = {f: getattr(RUN, f) for f in RUN.__struct_fields__}
        return RunInfo(**{**values, "status": "interrupted", "step": 10, "checkpoint_steps": (10,)})

    def opened(self, request: int, *, live: bool) -> RunOpened:
        info = RUN if live else self.listed_run()
        return RunOpened(
            request=request,
            info=info,
            live=live,
            objective=OBJECTIVE,
            latent=None,
            num_parameters=7,
            sample_steps=(),
        )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--die-before-catalog", type=int, metavar="CODE", help="print a traceback and exit")
    parser.add_argument("--die-at", default="", metavar="COMMAND", help="exit when this command comes")
    parser.add_argument("--exit-code", type=int, default=3, help="of --die-at")
    parser.add_argument("--counter", default="", metavar="FILE", help="count starts there")
    parser.add_argument("--failures", type=int, default=1, help="with --counter: fail only in so many starts")
    parser.add_argument("--silent", action="store_true", help="never send a catalog")
    parser.add_argument("--garbage", action="store_true", help="print text instead of frames")
    parser.add_argument("--protocol", type=int, default=PROTOCOL_VERSION)
    parser.add_argument("--flood", type=int, default=0, metavar="N", help="send N events at once")
    parser.add_argument("--deaf", action="store_true", help="ignore Shutdown and the end of stdin")
    parser.add_argument("--saving-s", type=float, default=0.0, help="take so long to shut down")
    parser.add_argument("--saved", default="", metavar="FILE", help="written after an orderly end")
    parser.add_argument("--listed", action="store_true", help="list one interrupted run")
    parser.add_argument("--older", action="store_true", help="list a second run, /runs/older")
    return FakeEngine(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
