"""Descriptions of runs for the window."""

from functools import cache

from gmstudio.engine.catalog import family_entries
from gmstudio.engine.runs.info import run_info
from gmstudio.engine.runs.series import series_of
from gmstudio.engine.runtime.building import meta_run_model
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.families.base import Family, Latent
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.runs import HistoryAppended, RunInfo, RunOpened
from gmstudio.runs.annotations import read_annotations
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import RunSummary


def current_info(context: EngineContext, path: str, summary: RunSummary | None = None) -> RunInfo:
    """Describe a run in its present state, in training or on disk.

    Args:
        context: holds the run in training.
        path: run folder.
        summary: of this run; None: made here.

    Raises:
        RunError: when it is damaged.
    """
    if not context.is_live(path):
        return run_info(path, _entries(), summary=summary)
    training = context.the_training()
    status = "paused" if training.paused else "running"
    return run_info(path, _entries(), summary=summary, live_status=status, live_step=training.step)


@cache
def _entries() -> dict[str, FamilyEntry]:
    return family_entries()


def announce_run(context: EngineContext, path: str, request: int) -> None:
    """Send the description of a run that was opened, and all its curves.

    Raises:
        RunError: when it is missing or damaged, or its settings cannot be used here.
    """
    live = context.is_live(path)
    if live:
        training = context.the_training()
        training.flush()
        model = training.model
    else:
        with RunFolder.open(path) as run:
            model = meta_run_model(run)
    context.send(describe_opened(model, current_info(context, path), live=live, request=request))
    context.send(whole_history(path, request))


def describe_opened(model: Family, info: RunInfo, *, live: bool, request: int) -> RunOpened:
    """Build the ``RunOpened`` of a run."""
    with RunFolder.open(info.run) as run:
        kinds = run.history.image_kinds()
        steps = tuple(run.history.image_steps(kinds[0])) if kinds else ()
        annotations = read_annotations(run.path)
        fingerprint = run.record.fingerprint
    return RunOpened(
        request=request,
        info=info,
        live=live,
        objective=model.card.objective(info.spec.config),
        latent=model.latent if isinstance(model, Latent) else None,
        num_parameters=model.num_parameters(),
        sample_steps=steps,
        phases=tuple(phase.name for phase in model.phases()),
        annotations=annotations,
        num_train=fingerprint.sizes.get("train", 0) if fingerprint else 0,
    )


def whole_history(path: str, request: int) -> HistoryAppended:
    """Read all curves of a run."""
    with RunFolder.open(path) as run:
        curves = run.history.read_scalars()
    return HistoryAppended(request=request, run=path, series=series_of(curves), reset=True)
