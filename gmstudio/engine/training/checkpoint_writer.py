"""Writes checkpoints beside the training: flushing to a disk takes long and needs no processor."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.runs.folder import RunFolder

Tensors = Mapping[str, Mapping[str, NDArray[Any]]]


class CheckpointWriter:
    """Writes one checkpoint at a time in a thread of its own; the training's thread asks how far it is.

    Args:
        run: open for writing.
        step: of the newest checkpoint on the disk; −1 for none.
    """

    def __init__(self, run: RunFolder, step: int) -> None:
        self._run = run
        self._worker = ThreadPoolExecutor(1, "checkpoint")
        self._pending: tuple[int, Future[None]] | None = None
        self.step = step
        """Of the newest checkpoint that is on the disk, verified."""

    def begin(self, step: int, tensors: Tensors, state: dict[str, Any]) -> None:
        """Begin to write a copy of these arrays; waits for the one before.

        Raises:
            RunError: when the one before could not be written.
        """
        self.finish()
        copies = {group: {name: np.array(a) for name, a in arrays.items()} for group, arrays in tensors.items()}
        self._pending = (step, self._worker.submit(self._write, step, copies, state))

    def poll(self) -> bool:
        """Whether a checkpoint was completed since the last call; does not wait.

        Raises:
            RunError: when it could not be written.
        """
        return self._pending is not None and self._pending[1].done() and self.finish()

    def finish(self) -> bool:
        """Wait for what is being written.

        Returns:
            Whether there was something.

        Raises:
            RunError: when it could not be written.
        """
        if self._pending is None:
            return False
        (step, writing), self._pending = self._pending, None
        writing.result()
        self.step = step
        return True

    def close(self) -> None:
        """Wait, and let the thread go; harmless when done twice.

        Raises:
            RunError: when what was being written could not be.
        """
        try:
            self.finish()
        finally:
            self._worker.shutdown()

    def _write(self, step: int, tensors: Tensors, state: dict[str, Any]) -> None:
        self._run.history.sync()
        self._run.checkpoints.save(step, tensors, state)
