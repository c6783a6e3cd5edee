"""Description of a run on disk as it is listed; needs no torch, only the catalog's entries of the families."""

import math
from collections.abc import Mapping

from gmstudio.engine.runs.label import label_of
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.plain_text import MAX_TITLE, plain_text
from gmstudio.protocol.runs import RunInfo
from gmstudio.runs.clock import seconds_trained
from gmstudio.runs.examples import is_example
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import DATA_CHANGED
from gmstudio.runs.library import RunSummary, summarize
from gmstudio.runs.record import RunError


def run_info(
    run_name: str,
    families: Mapping[str, FamilyEntry],
    *,
    summary: RunSummary | None = None,
) -> RunInfo:
    """Describe a run as it is on disk, without torch.

    Args:
        run_name: name of the run, or an absolute path.
        families: the catalog's entries by name; the run's own may be missing.
        summary: of this run; None: made here.

    Raises:
        RunError: when it is damaged.
    """
    with RunFolder.open(run_name) as run:
        record, name, folder = run.record, run.name, run.path
        summary = summary or summarize(run.path)
        family = families.get(record.family)
        checkpoints = [info for info in run.checkpoints.list() if not info.problem]
        steps = tuple(info.step for info in checkpoints)
        best_bits, trained_s = _best_bits(run, family), _trained_s(run)
    label, description = label_of(record.spec, record.image, families), summary.description
    return RunInfo(
        run=name,
        title=description.name or f"{label.model} · {label.data}",
        spec=record.spec,
        family_title=family.card.title if family else plain_text(record.family, MAX_TITLE),
        image=record.image,
        status=summary.status,
        step=max(summary.step, *steps, 0),
        created=record.created,
        capabilities=family.capabilities if family else (),
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
        tags=description.tags,
        archived=description.archived,
        origin=record.origin,
        data_digest=record.fingerprint.digests.get("train", "") if record.fingerprint is not None else "",
        example=is_example(folder),
        writer=summary.writer,
        trained_s=trained_s,
    )


def _trained_s(run: RunFolder) -> float | None:
    """Seconds for which a run trained; None where its history has none, or is damaged, which the summary reports."""
    try:
        return seconds_trained(run.history)
    except RunError:
        return None


def _best_bits(run: RunFolder, family: FamilyEntry | None) -> float | None:
    """Lowest validation −log p(x) or bound of it, in bits per dimension; None where there is none to compare.

    Values of other data, from before changed data were accepted, do not count.
    """
    try:
        since = run.history.last_event_step(DATA_CHANGED)
        objective = family.card.objective(run.record.config) if family is not None else None
        for name in (term.name for term in objective.terms if term.per_image_nats) if objective else ():
            found = run.history.last_and_best("valid", name, since)
            if found is not None and math.isfinite(found[1]):
                return run.record.image.bits_per_dim(found[1])
    except ValueError:  # settings of another version, or a damaged history, which the summary reports
        pass
    return None
