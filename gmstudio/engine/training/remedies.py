"""Changed settings with which a training that failed can go on from its last checkpoint."""

from typing import Any

from gmstudio.engine.runtime.memory import is_out_of_memory
from gmstudio.engine.training.step_output import TrainingFailedError
from gmstudio.engine.training.trainer import Trainer
from gmstudio.protocol.training import Remedy
from gmstudio.protocol.training_settings import Training

SLOWER = 0.1
"""Share of the learning rate that a diverged training goes on with."""
CLIPPED_NORM = 1.0


def remedy_for(error: BaseException, trainer: Trainer) -> Remedy | None:
    """Return what the training that an error ended can go on with.

    Args:
        error: cause of the end.
        trainer: of the run, with the settings that failed.

    Returns:
        A smaller batch where memory ran out, a lower learning rate where the training diverged; None for other errors,
        where there is no checkpoint, and where the settings are as small as they can be.
    """
    steps = trainer.run.checkpoints.steps()
    if not steps:
        return None
    changes: dict[str, Any] = {}
    words = ""
    if is_out_of_memory(error):
        changes, words = _smaller(trainer)
    elif isinstance(error, TrainingFailedError):
        changes, words = _slower(trainer.training)
    return Remedy(step=steps[-1], training=changes, words=words) if changes else None


def _smaller(trainer: Trainer) -> tuple[dict[str, Any], str]:
    """Half the batch; half the samples, too, where memory ran out outside the steps, in validation or sampling."""
    training, changes, words = trainer.training, dict[str, Any](), list[str]()
    counted = any(phase.before_update is not None for phase in trainer.model.phases())  # its batches cannot change
    if training.batch_size > 1 and not counted:
        changes["batch_size"] = training.batch_size // 2
        words.append(f"batch size {changes['batch_size']:,}")
    if not trainer.in_step and training.num_samples > 1:
        changes["num_samples"] = training.num_samples // 2
        words.append(f"{changes['num_samples']} samples per grid")
    return changes, " and ".join(words)


def _slower(training: Training) -> tuple[dict[str, Any], str]:
    rate = float(f"{training.learning_rate * SLOWER:.3g}")
    changes: dict[str, Any] = {"learning_rate": rate}
    if training.soap_rate is not None:
        changes["soap_rate"] = float(f"{training.soap_rate * SLOWER:.3g}")
    if not training.grad_clip:
        return {**changes, "grad_clip": CLIPPED_NORM}, f"learning rate {rate:g} and the gradient clipped"
    return changes, f"learning rate {rate:g}"
