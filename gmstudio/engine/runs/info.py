"""Description of a run on disk as it is listed; needs no torch, only the catalog's entries of the families."""

import math
from collections.abc import Mapping

from gmstudio.engine.runs.label import label_of
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.plain_text import MAX_TITLE, plain_text
from gmstudio.protocol.runs import RunInfo
from gmstudio.runs.examples import is_example
from gmstudio.runs.library import RunSummary, summarize
from gmstudio.runs.names import folder_of, name_of
from gmstudio.runs.record import RunRecord, read_record


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
    summary = summary or summarize(folder_of(run_name))
    record = summary.record or read_record(summary.path)
    family = families.get(record.family)
    checkpoints = [info for info in summary.checkpoints if not info.problem]
    steps = tuple(info.step for info in checkpoints)
    label, description = label_of(record.spec, record.image, families), summary.description
    return RunInfo(
        run=name_of(summary.path),
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
        best_bits=_best_bits(record, summary.best, family),
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
        example=is_example(summary.path),
        writer=summary.writer,
        trained_s=summary.trained_s,
    )


def _best_bits(record: RunRecord, best: Mapping[str, float], family: FamilyEntry | None) -> float | None:
    """Lowest validation −log p(x) or bound of it, in bits per dimension; None where there is none to compare.

    Args:
        record: of the run.
        best: lowest value of each validation curve.
        family: the catalog's entry; None: it is unknown here.
    """
    try:
        objective = family.card.objective(record.config) if family is not None else None
    except ValueError:  # settings of another version
        return None
    for name in (term.name for term in objective.terms if term.per_image_nats) if objective else ():
        if math.isfinite(best.get(name, math.nan)):
            return record.image.bits_per_dim(best[name])
    return None
