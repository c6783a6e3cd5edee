"""A client whose commands are answered by the engine's own features in this process, on runs written by a test."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import torch
from fake_client import FakeClient

from gmstudio import data
from gmstudio.engine.catalog import capabilities_of
from gmstudio.engine.density.coding import one_thread
from gmstudio.engine.jobs import JobFailedError, Jobs
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.errors import error_sentence, reason_of
from gmstudio.engine.runtime.feature import Feature, Handler
from gmstudio.families import FAMILIES
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import Cancel, Catalog, CommandFailed
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunInfo, RunsListed
from gmstudio.runs.checkpoints import CheckpointStore
from gmstudio.runs.record import new_record, write_record

STEP = 7
EventT = TypeVar("EventT", bound=Event)


def write_run(folder: Path, family: str, *, levels: int = 4, seed: int = 0, **config: Any) -> RunInfo:
    """Write a run of digits whose weights are random; its description."""
    data_config = {"levels": levels}
    image = data.load("digits", data_config).image
    kind = FAMILIES[family]
    torch.manual_seed(seed)
    model = kind(kind.Config(**config), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    folder.mkdir(parents=True)
    spec = RunSpec(family=family, config=config, data="digits", data_config=data_config)
    record = new_record(spec, image=image, device="cpu", title=folder.name)
    CheckpointStore(folder).save(
        STEP, {"model": {name: np.asarray(value) for name, value in model.state_dict().items()}}, {"step": STEP}
    )
    write_record(folder, msgspec.structs.replace(record, status="finished", step=STEP))
    return RunInfo(
        run=str(folder),
        title=folder.name,
        label=folder.name,
        spec=spec,
        family_title=kind.card.title,
        image=image,
        status="finished",
        step=STEP,
        created="2026-01-01T00:00:00",
        capabilities=capabilities_of(kind),
        checkpoint_steps=(STEP,),
    )


class DensityEngine(FakeClient):
    """Answers what the given features answer.

    Args:
        features: classes of the engine's features.

    Attributes:
        context: of the engine.
        jobs: under way.
        replies: all events.
    """

    def __init__(self, *features: type[Feature]) -> None:
        super().__init__()
        self.replies: list[Event] = []
        self.context = EngineContext(self._take)
        self.context.device = torch.device("cpu")
        self.jobs = Jobs(self._take)
        self._handlers: dict[type[Command], Handler] = {}
        for feature in features:
            self._handlers |= feature(self.context).handlers()
        self._answered = 0
        self._outgoing: list[Event] = []

    def arrive(self, *runs: RunInfo) -> None:
        """Deliver the catalog and the runs."""
        self.deliver(
            Catalog(
                protocol=1,
                version="1",
                pid=1,
                families=(),
                data=(),
                devices=("auto",),
                device="cpu",
                training_schema={},
            )
        )
        self.deliver(RunsListed(home="/runs", runs=runs, problems=()))

    def serve(self, pieces: int = 1_000_000) -> None:
        """Answer all commands, those that the answers lead to among them, in at most so many pieces."""
        while pieces > 0 and (self._answered < len(self.sent) or self.jobs):
            if self._answered < len(self.sent):
                command = self.sent[self._answered]
                self._answered += 1
                self._begin(command)
            else:
                pieces -= 1
                self._advance()
            self._deliver_all()

    def ask(self, command: Command, kind: type[EventT]) -> EventT:
        """Answer one command without a window; its last reply of a kind.

        Raises:
            ValueError: with the sentence, when it fails.
        """
        command = msgspec.structs.replace(command, request=10_000 + len(self.replies))
        self._begin(command)
        while self.jobs:
            self._advance()
        self._outgoing.clear()
        own = [event for event in self.replies if event.request == command.request]
        failures = [event for event in own if isinstance(event, CommandFailed)]
        if failures:
            raise ValueError(failures[0].message)
        found = [event for event in own if isinstance(event, kind)]
        assert found, f"no {kind.__name__} among {[type(event).__name__ for event in own]}"
        return found[-1]

    def _advance(self) -> None:
        with one_thread():  # other tests may use the other cores
            try:
                self.jobs.advance()
            except JobFailedError as failed:
                self._fail(failed.command, failed.error)

    def _begin(self, command: Command) -> None:
        if isinstance(command, Cancel):
            self.jobs.cancel(command.target)
            return
        handler = self._handlers.get(type(command))
        if handler is None:
            return
        try:
            job = handler(command)
        except Exception as error:
            self._fail(command, error)
        else:
            if job is not None:
                self.jobs.add(command, job)

    def _take(self, event: Event) -> None:
        self.replies.append(event)
        self._outgoing.append(event)

    def _deliver_all(self) -> None:
        events, self._outgoing = self._outgoing, []
        for event in events:
            self.deliver(event)

    def _fail(self, command: Command, error: Exception) -> None:
        name, message, reason = type(command).__name__, error_sentence(error), reason_of(error)
        self._take(CommandFailed(request=command.request, command=name, message=message, reason=reason))
