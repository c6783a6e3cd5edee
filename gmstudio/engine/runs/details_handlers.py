"""Commands about one run at a glance, and about copies of runs."""

from collections.abc import Iterator

import numpy as np

from gmstudio.engine.runs.describe import current_info
from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.feature import Feature
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.families import MARGINAL_NLL
from gmstudio.protocol.plain_text import plain_text
from gmstudio.protocol.runs import RunDescribed
from gmstudio.protocol.runs_details import (
    CheckpointEntry,
    DetailsRead,
    DuplicateRun,
    LogEntry,
    ReadDetails,
    SketchedCurve,
)
from gmstudio.runs.duplicate import duplicate_run
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import History
from gmstudio.runs.names import folder_of, name_of
from gmstudio.runs.record import RunError
from gmstudio.runs.sketch import sketched_curve
from gmstudio.runs.trash import size_of

MAX_EVENTS = 60


class RunDetails(Feature):
    """Read what a run has, and copy runs."""

    def _on_read_details(self, command: ReadDetails) -> Iterator[Event | None]:
        """Read beside the loop: a history of a million points takes some tenths of a second."""
        yield (yield from beside(lambda: _read(command)))

    def _on_duplicate_run(self, command: DuplicateRun) -> Iterator[Event | None]:
        """Copy beside the loop."""
        copy = yield from beside(lambda: duplicate_run(folder_of(command.run)))
        yield RunDescribed(request=command.request, info=current_info(self.context, name_of(copy)))


def _read(command: ReadDetails) -> DetailsRead:
    """Read a run; of a damaged history, what can be read."""
    term, curves, samples, problem, step, kind = "loss", tuple[SketchedCurve, ...](), None, "", 0, ""
    events = tuple[LogEntry, ...]()
    with RunFolder.open(command.run) as run:
        try:
            term, curves = _curves(run.history)
            samples, step, kind = _newest_samples(run.history)
            events = _newest_events(run.history)
        except RunError as error:  # the rest is worth seeing
            problem = str(error)
        return DetailsRead(
            request=command.request,
            run=run.name,
            term=term,
            curves=curves,
            samples=samples,
            sample_step=step,
            sample_kind=kind,
            events=events,
            checkpoints=_checkpoints(run),
            size_bytes=size_of(run.path),
            device=run.record.device,
            versions=run.record.versions,
            problem=plain_text(problem),
        )


def _checkpoints(run: RunFolder) -> tuple[CheckpointEntry, ...]:
    return tuple(
        CheckpointEntry(
            step=info.step, size_bytes=info.size_bytes, kept=info.marked, latest=info.latest, problem=info.problem
        )
        for info in run.checkpoints.list()
    )


def _newest_events(history: History) -> tuple[LogEntry, ...]:
    return tuple(
        LogEntry(step=event.step, time=event.time, kind=event.kind, text=plain_text(event.text))
        for event in history.read_events()[-MAX_EVENTS:]
    )


def _curves(history: History) -> tuple[str, tuple[SketchedCurve, ...]]:
    """Curves of −log p(x) where it was measured, else of the loss."""
    term = MARGINAL_NLL if history.last_and_best("valid", MARGINAL_NLL) else "loss"
    found = ((split, sketched_curve(history, split, term)) for split in ("train", "valid"))
    return term, tuple(
        SketchedCurve(split=split, steps=Array.of(curve[0]), values=Array.of(curve[1]))
        for split, curve in found
        if curve is not None
    )


def _newest_samples(history: History) -> tuple[Array | None, int, str]:
    kinds = history.image_kinds()
    steps = history.image_steps(kinds[0]) if kinds else []
    if not steps:
        return None, 0, ""
    images = history.read_images(steps[-1], kinds[0])
    return Array.of(np.ascontiguousarray(images)), steps[-1], kinds[0]
