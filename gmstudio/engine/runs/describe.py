"""Descriptions of runs for the window."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from gmstudio.engine.catalog import family_entries
from gmstudio.engine.runs.info import run_info
from gmstudio.engine.runs.series import series_of
from gmstudio.engine.runtime.building import meta_run_model
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.families.base import Family, Latent
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
    if not context.is_live(path):
        return run_info(path, entries_of_families(), summary=summary)
    training = context.the_training()
    status = "paused" if training.paused else "running"
    return run_info(path, entries_of_families(), summary=summary, live_status=status, live_step=training.step)


@cache
def entries_of_families() -> dict[str, FamilyEntry]:
    """Return the catalog's entries of the families by name; made once."""
    return family_entries()


def announce_run(context: EngineContext, path: str, request: int, since: int = -1) -> None:
    """Send the description of a run that was opened, and all its curves.

    A history that cannot be read is no reason not to explore the model: what it lacks is missing, with a warning.

    Raises:
        RunError: when it is missing or damaged, or its settings cannot be used here.
    """
    path = same_name(path)
    live = context.is_live(path)
    if live:
        training = context.the_training()
        try:
            training.flush()
        except RunError as error:  # a full disk or a locked history: what is pending is stored and sent later
            context.send(Warned(run=path, message=str(error)))
        model = training.model
    else:
        with RunFolder.open(path) as run:
            model = meta_run_model(run)
    stored = read_stored(path, since=since)
    context.send(describe_opened(model, current_info(context, path), stored, live=live, request=request))
    context.send(HistoryAppended(request=request, run=path, series=series_of(stored.curves), reset=since < 0))
    if stored.problem:
        context.send(Warned(run=path, message=stored.problem))


class Stored(NamedTuple):
    """Contents of the history of a run.

    Args:
        sample_steps: steps at which sample images were kept.
        curves: all curves.
        changes: of the run's settings.
        batch_sizes: steps and the sizes of the batches after them, where the size was changed.
        problem: what could not be read, and why; empty: nothing.
    """

    sample_steps: tuple[int, ...] = ()
    curves: Mapping[tuple[str, str], Curve] = MappingProxyType({})
    changes: tuple[RunChange, ...] = ()
    batch_sizes: tuple[BatchSize, ...] = ()
    problem: str = ""


def read_stored(path: str, *, curves: bool = True, since: int = -1) -> Stored:
    """Read the history of a run, of a damaged one what can be read.

    Args:
        path: of the run.
        curves: read the curves, too.
        since: step after which the curves are read; negative: all.

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
            found = found._replace(curves=run.history.read_scalars(since) if curves else {})
        except RunError as error:
            problems.append(str(error))
        try:
            logged = [one for one in run.history.read_events() if one.kind in CHANGES]
            found = found._replace(changes=tuple(RunChange(step=one.step, text=one.text) for one in logged))
            found = found._replace(batch_sizes=read_batch_sizes(run.history))
        except RunError as error:
            problems.append(str(error))
    return found._replace(problem=" ".join(dict.fromkeys(problems)))


def describe_opened(model: Family, info: RunInfo, stored: Stored, *, live: bool, request: int) -> RunOpened:
    """Build the ``RunOpened`` of a run."""
    with RunFolder.open(info.run) as run:
        annotations = read_annotations(run.path)
        fingerprint = run.record.fingerprint
    return RunOpened(
        request=request,
        info=info,
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
