"""Work that is due once a training step is made: validation, samples, a checkpoint."""

from typing import NamedTuple

from gmstudio.protocol.training_settings import Training


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
