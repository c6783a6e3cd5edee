"""``gmstudio train --branch``: a new run from a checkpoint of another one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gmstudio.cli.settings import sort_settings

if TYPE_CHECKING:
    import torch

    from gmstudio.engine.training.branch import BranchPlan
    from gmstudio.engine.training.distributed import Ranks
    from gmstudio.engine.training.job import Send, TrainingJob
    from gmstudio.protocol.training import ContinuedSchedule


def plan_of_branch(
    run: str, at: int | None, settings: list[str], training: dict[str, Any], schedule: "ContinuedSchedule"
) -> "BranchPlan":
    """Check a branch.

    Args:
        run: folder of the run that is branched from.
        at: step of its checkpoint; None: the latest one.
        settings: ``field=value`` of the family or the training.
        training: further fields of the training.
        schedule: course of a decaying learning rate with other steps; empty: not chosen.

    Raises:
        ValueError: when a setting, the checkpoint or the run cannot be used; names it.
    """
    from gmstudio.data import SOURCES
    from gmstudio.engine.runtime.building import family_class
    from gmstudio.engine.training.branch import plan_branch
    from gmstudio.runs.folder import RunFolder

    with RunFolder.open(run) as folder:
        kind, source = family_class(folder.record.family), SOURCES.get(folder.record.data)
        config, of_data, others = sort_settings(settings, kind.Config, source.Config if source else kind.Config)
        if of_data:
            raise ValueError(f"A branch keeps the data of its run; leave out --set {next(iter(of_data))}=.")
        step = folder.checkpoints.load(groups=()).step if at is None else at
        return plan_branch(folder, step, {**others, **training}, config, schedule)


def start_branch(
    plan: "BranchPlan", out: str, device: "torch.device", watch: "Send", ranks: "Ranks | None" = None
) -> "Callable[[], TrainingJob]":
    """Return what makes the branch and starts its training.

    Args:
        plan: see ``plan_of_branch``.
        out: folder of the branch; empty: a new one in the library of runs.
        device: device to train on.
        watch: takes the events.
        ranks: processes that train along; None: there are none.
    """
    from gmstudio.engine.runtime.datasets import DatasetCache
    from gmstudio.engine.training.resume import Continuation, resume_run

    return lambda: resume_run(str(plan.write(out)), Continuation(), DatasetCache(), device, watch, ranks)
