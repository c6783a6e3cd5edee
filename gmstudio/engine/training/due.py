"""Work that is due once a training step is made: validation, samples, a checkpoint."""

from typing import NamedTuple

from gmstudio.protocol.training_settings import Training
from gmstudio.runs.history import History


class DueAt(NamedTuple):
    """Work that is due at a step.

    Args:
        validate: score the validation images.
        sample: draw and keep a grid of samples.
        checkpoint: write a checkpoint, beside the training.
    """

    validate: bool
    sample: bool
    checkpoint: bool


def due_at(step: int, training: Training) -> DueAt:
    """Return what the settings demand at a step; the end validates and samples, and writes its checkpoint itself.

    Args:
        step: training steps made; at 0 there is nothing to validate yet.
        training: intervals and number of steps.
    """
    at_end = step >= training.steps
    begun = step > 0
    return DueAt(
        validate=begun and (at_end or step % training.validate_every == 0),
        sample=at_end or step % training.sample_every == 0,
        checkpoint=begun and not at_end and step % training.checkpoint_every == 0,
    )


def missing_at(step: int, training: Training, history: History, kind: str) -> DueAt:
    """Return what was due at the present step and was not done before the run ended.

    Args:
        step: training steps made.
        training: intervals and number of steps.
        history: of the run.
        kind: of the images that samples are.
    """
    due = due_at(step, training)
    curves = history.read_scalars(since=step - 1)
    validated = any(split == "valid" and step in steps for (split, _), (steps, _) in curves.items())
    return DueAt(
        validate=due.validate and not validated,
        sample=due.sample and step not in history.image_steps(kind),
        checkpoint=False,
    )
