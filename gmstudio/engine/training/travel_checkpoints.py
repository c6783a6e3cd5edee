"""When a checkpoint for time travel is due, beside those by which a run is resumed.

A short training would otherwise have two or three checkpoints, and time travel hardly a model to show. They are written
at regular steps where all of them take a fiftieth of the time of training and a quarter of a second at most.
"""

import time

from gmstudio.engine.training.checkpoint_writer import CheckpointWriter
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.kept_checkpoints import MAX_AUTOMATIC

LEAST_INTERVAL = 50
"""Steps between two of them at least."""
SHARE, ALLOWANCE_S = 0.02, 0.25


class TravelCheckpoints:
    """Decides after each step whether a checkpoint for time travel is written.

    Args:
        writer: writes the checkpoints of the run, and measures what that takes.
    """

    def __init__(self, writer: CheckpointWriter) -> None:
        self._writer = writer
        self._began_s = time.thread_time()

    def due(self, step: int, training: Training) -> bool:
        """Return whether one is due; never while another is being written.

        Args:
            step: training steps made.
            training: number of steps, and of checkpoints for time travel.
        """
        wanted = MAX_AUTOMATIC if training.travel_checkpoints is None else training.travel_checkpoints
        if not wanted or step >= training.steps:
            return False
        interval = max(LEAST_INTERVAL, training.steps // (wanted + 1))
        if step % interval or self._writer.busy:
            return False
        trained_s = time.thread_time() - self._began_s
        return self._writer.spent_s <= SHARE * trained_s + ALLOWANCE_S
