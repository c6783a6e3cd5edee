"""Plan of a branch: a run that begins at a checkpoint of another one, with other settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gmstudio.engine.runtime.building import family_class, meta_model, run_config
from gmstudio.engine.runtime.weights import UnfitWeightsError, differences_of
from gmstudio.engine.training.changes import described_changes, prolonged, with_changes
from gmstudio.protocol.training import ContinuedSchedule
from gmstudio.runs.branching import branch_record, write_branch
from gmstudio.runs.checkpoints import WEIGHTS
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import new_run_path, runs_home
from gmstudio.runs.record import RunRecord


@dataclass(frozen=True)
class BranchPlan:
    """Branch whose settings are checked.

    Args:
        source: folder of the other run.
        record: of the branch.
    """

    source: Path
    record: RunRecord

    def write(self, folder: str = "") -> Path:
        """Make the branch; works in any thread.

        Args:
            folder: path of its folder; empty: a new one in the library of runs.

        Returns:
            Its folder.

        Raises:
            RunError: when it cannot be written; nothing is left of it then.
        """
        path = Path(folder).absolute() if folder else new_run_path(runs_home(), self.record.family)
        write_branch(self.source, path, self.record)
        return path


def plan_branch(
    run: RunFolder, step: int, training: dict[str, Any], config: dict[str, Any], schedule: ContinuedSchedule = ""
) -> BranchPlan:
    """Check a branch.

    Args:
        run: the run that is branched from.
        step: of its checkpoint.
        training: fields of ``Training`` that change, as plain values.
        config: settings of the family that change.
        schedule: course of a decaying learning rate where the number of steps changes; empty: not chosen.

    Raises:
        ConfigError: when settings are outside their range, or there are no steps left to make.
        RunError: when the checkpoint is missing or damaged.
        ScheduleOpenError: when the learning rate would jump with another number of steps, and no schedule is chosen.
        UnfitWeightsError: when the weights do not fit the changed settings; names those that differ.
    """
    at_step = msgspec.structs.replace(run.record, step=step)
    others = {name: value for name, value in training.items() if name != "steps"}
    changed = with_changes(at_step, others, config, live=False)
    changed = prolonged(changed, step, training.get("steps", changed.training.steps), schedule)
    changes = described_changes(run.record, changed)
    _check_weights(run, step, changed, changes)
    return BranchPlan(run.path, branch_record(run, step, changed, changes))


def _check_weights(run: RunFolder, step: int, changed: RunRecord, changes: tuple[str, ...]) -> None:
    family = family_class(changed.family)
    arrays = run.checkpoints.load(step, (WEIGHTS,)).tensors.get(WEIGHTS, {})
    model = meta_model(family, run_config(family, changed), changed.image)
    differences = differences_of(model, {name: value.shape for name, value in arrays.items()})
    if differences:
        raise UnfitWeightsError(
            f"The weights of step {step:,} do not fit {'; '.join(changes) or 'these settings'}: the checkpoint is "
            f"{'; '.join(differences)}. Leave what the network is made of as it is, or start a new run."
        )
