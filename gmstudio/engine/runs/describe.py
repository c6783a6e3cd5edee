"""Descriptions of runs for the window, and their curves in pieces."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

import msgspec

from gmstudio.engine.catalog import family_entries
from gmstudio.engine.runs.info import run_info
from gmstudio.engine.runs.series import pieces_of, series_of
from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.building import meta_run_model
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.families.base import Latent
from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import Warned
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.runs import HistoryAppended, RunChange, RunInfo, RunOpened
from gmstudio.runs.annotations import read_annotations
from gmstudio.runs.batch_sizes import BatchSize, read_batch_sizes
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import CHANGES, Curve
from gmstudio.runs.library import RunSummary
from gmstudio.runs.names import same_name
from gmstudio.runs.record import RunError


def current_info(context: EngineContext, path: str, summary: RunSummary | None = None) -> RunInfo:
    """Describe a run in its present state, in training or on disk.

    Args:
        context: holds the run in training.
        path: name of the run, or an absolute path.
        summary: of this run; None: made here.

    Raises:
        RunError: when it is damaged.
    """
    return as_in_training(context, run_info(path, entries_of_families(), summary=summary))


def as_in_training(context: EngineContext, info: RunInfo) -> RunInfo:
    """Return the description of a run on disk as it is now, where this engine trains it."""
    if not context.is_live(info.run):
        return info
    training = context.the_training()
    status = "paused" if training.paused else "running"
    return msgspec.structs.replace(info, status=status, step=training.step, writer="")


@cache
def entries_of_families() -> dict[str, FamilyEntry]:
    """Return the catalog's entries of the families by name; made once."""
    return family_entries()


def opened_pieces(context: EngineContext, path: str, request: int, since: int = -1) -> Iterator[Event | None]:
    """Describe a run that is opened, then send its curves; what is on the disk is read beside the loop.

    A history that cannot be read is no reason not to explore the model: what it lacks is missing, with a warning.

    Args:
        context: holds the run in training.
        path: name of the run, or an absolute path.
        request: that is answered.
        since: step after which the curves are wanted; negative: all.

    Raises:
        RunError: when it is missing or damaged, or its settings cannot be used here.
    """
    path, families = same_name(path), entries_of_families()
    if context.is_live(path):
        yield from _flushed(context, path)
    info, stored = yield from beside(lambda: (run_info(path, families), read_stored(path)))
    yield describe_opened(context, info, stored, request=request)
    if stored.problem:
        yield Warned(run=path, message=stored.problem)
    yield from curve_pieces(context, path, request, since, warned=stored.problem)


def curve_pieces(
    context: EngineContext, path: str, request: int, since: int = -1, *, warned: str = ""
) -> Iterator[Event | None]:
    """Send the curves of a run, those of the run in training up to its newest stored point.

    Args:
        context: holds the run in training.
        path: name of the run.
        request: that is answered.
        since: step after which the curves are wanted; negative: all.
        warned: what is wrong with its history, where that was reported.

    Raises:
        RunError: when there is no such run.
    """
    read = yield from beside(lambda: read_curves(path, since))
    for number, series in enumerate(pieces_of(read.curves)):
        yield HistoryAppended(request=request, run=path, series=series, reset=since < 0 and number == 0)
    if context.is_live(path):  # what it has stored since then was sent before, and replaced just now
        last = max((int(steps[-1]) for steps, _values in read.curves.values()), default=0)
        rest = read_curves(path, last - 1)
        yield HistoryAppended(request=request, run=path, series=series_of(rest.curves))
    if read.problem and read.problem not in warned:
        yield Warned(run=path, message=read.problem)


def _flushed(context: EngineContext, path: str) -> Iterator[Event]:
    """Store and send what the training has pending; a warning where a full disk or a locked history prevents that."""
    try:
        context.the_training().flush()
    except RunError as error:
        yield Warned(run=path, message=str(error))


class Curves(NamedTuple):
    """Curves of a run.

    Args:
        curves: by split and name.
        problem: what could not be read, and why; empty: nothing.
    """

    curves: Mapping[tuple[str, str], Curve]
    problem: str = ""


def read_curves(path: str, since: int = -1) -> Curves:
    """Read the curves of a run after a step, of a damaged history what can be read.

    Raises:
        RunError: when there is no such run.
    """
    with RunFolder.open(path) as run:
        try:
            return Curves(run.history.read_scalars(since))
        except RunError as error:
            return Curves({}, str(error))


class Stored(NamedTuple):
    """Contents of the history of a run, but for its curves.

    Args:
        sample_steps: steps at which sample images were kept.
        changes: of the run's settings.
        batch_sizes: steps and the sizes of the batches after them, where the size was changed.
        problem: what could not be read, and why; empty: nothing.
    """

    sample_steps: tuple[int, ...] = ()
    changes: tuple[RunChange, ...] = ()
    batch_sizes: tuple[BatchSize, ...] = ()
    problem: str = ""


def read_stored(path: str) -> Stored:
    """Read the history of a run but for its curves, of a damaged one what can be read.

    Raises:
        RunError: when there is no such run.
    """
    found, problems = Stored(), list[str]()
    with RunFolder.open(path) as run:
        try:
            kinds = run.history.image_kinds()
            found = found._replace(sample_steps=tuple(run.history.image_steps(kinds[0])) if kinds else ())
        except RunError as error:
            problems.append(str(error))
        try:
            logged = [one for one in run.history.read_events() if one.kind in CHANGES]
            found = found._replace(changes=tuple(RunChange(step=one.step, text=one.text) for one in logged))
            found = found._replace(batch_sizes=read_batch_sizes(run.history))
        except RunError as error:
            problems.append(str(error))
    return found._replace(problem=" ".join(dict.fromkeys(problems)))


def describe_opened(context: EngineContext, info: RunInfo, stored: Stored, *, request: int) -> RunOpened:
    """Build the ``RunOpened`` of a run.

    Args:
        context: holds the run in training.
        info: its description on the disk.
        stored: of its history.
        request: that is answered; 0: none.

    Raises:
        RunError: when it is missing or damaged, or its settings cannot be used here.
    """
    live = context.is_live(info.run)
    with RunFolder.open(info.run) as run:
        annotations = read_annotations(run.path)
        fingerprint = run.record.fingerprint
        model = context.the_training().model if live else meta_run_model(run)
    return RunOpened(
        request=request,
        info=as_in_training(context, info),
        live=live,
        objective=model.card.objective(info.spec.config),
        latent=model.latent if isinstance(model, Latent) else None,
        num_parameters=model.num_parameters(),
        sample_steps=stored.sample_steps,
        phases=tuple(phase.name for phase in model.phases()),
        annotations=annotations,
        changes=stored.changes,
        batch_sizes=stored.batch_sizes,
        num_train=fingerprint.sizes.get("train", 0) if fingerprint else 0,
    )
