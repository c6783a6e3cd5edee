"""Descriptions of runs for the window."""

import math
from pathlib import Path

from gmstudio.engine.catalog import capabilities_of
from gmstudio.engine.runs.label import label_of
from gmstudio.engine.runs.series import series_of
from gmstudio.engine.runtime.building import meta_run_model
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family, Latent
from gmstudio.protocol.plain_text import MAX_TITLE, plain_text
from gmstudio.protocol.runs import HistoryAppended, RunInfo, RunOpened
from gmstudio.runs.annotations import read_annotations
from gmstudio.runs.examples import is_example
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import RunSummary, summarize


def run_info(path: str, *, summary: RunSummary | None = None, live_status: str = "", live_step: int = -1) -> RunInfo:
    """Describe a run on disk.

    Args:
        path: run folder.
        summary: of this run; None: made here.
        live_status: status of the run in training; empty: that on disk.
        live_step: step of the run in training; negative: that on disk.

    Raises:
        RunError: when it is damaged.
    """
    with RunFolder.open(path) as run:
        record = run.record
        summary = summary or summarize(Path(path))
        family = FAMILIES.get(record.family)
        checkpoints = [info for info in run.checkpoints.list() if not info.problem]
        steps = tuple(info.step for info in checkpoints)
        best_bits = _best_bits(run, family)
    label, description = label_of(record.spec, record.image), summary.description
    return RunInfo(
        run=path,
        title=description.name or f"{label.model} · {label.data}",
        spec=record.spec,
        family_title=family.card.title if family else plain_text(record.family, MAX_TITLE),
        image=record.image,
        status=live_status or summary.status,
        step=live_step if live_step >= 0 else max(record.step, *steps, 0),
        created=record.created,
        capabilities=capabilities_of(family) if family else (),
        checkpoint_steps=steps,
        kept_steps=tuple(info.step for info in checkpoints if info.marked),
        best_bits=best_bits,
        message=plain_text(record.message),
        label=label.model,
        data_label=label.data,
        differing=label.differing,
        name=description.name,
        note=description.note,
        starred=description.starred,
        example=is_example(path),
    )


def _best_bits(run: RunFolder, family: type[Family] | None) -> float | None:
    """Lowest validation −log p(x) or bound of it, in bits per dimension; None where there is none to compare."""
    try:
        objective = family.card.objective(run.record.config) if family is not None else None
        for name in (term.name for term in objective.terms if term.per_image_nats) if objective else ():
            found = run.history.last_and_best("valid", name)
            if found is not None and math.isfinite(found[1]):
                return run.record.image.bits_per_dim(found[1])
    except ValueError:  # settings of another version, or a damaged history, which the summary reports
        pass
    return None


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
        return run_info(path, summary=summary)
    training = context.the_training()
    status = "paused" if training.paused else "running"
    return run_info(path, summary=summary, live_status=status, live_step=training.step)


def announce_run(context: EngineContext, path: str, request: int) -> None:
    """Send the description of a run that was opened, and all its curves.

    Raises:
        RunError: when it is missing or damaged.
        ValueError: when its family is unknown here.
    """
    live = context.is_live(path)
    if live:
        training = context.the_training()
        training.flush()
        model = training.model
    else:
        with RunFolder.open(path) as run:
            model = meta_run_model(run.record)
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
