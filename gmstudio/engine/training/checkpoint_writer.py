"""Writing of checkpoints in a thread, since flushing to a disk takes long but needs no processor."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray

from gmstudio.engine.training.averaging import TRAINED, AveragedModel
from gmstudio.engine.training.optimization import Optimization
from gmstudio.runs.checkpoints import WEIGHTS
from gmstudio.runs.folder import RunFolder

Tensors = Mapping[str, Mapping[str, NDArray[Any]]]


class CheckpointWriter:
    """Writes one checkpoint at a time in a thread of its own, which the training's thread polls.

    Args:
        run: run folder, open for writing.
        step: step of the newest checkpoint on the disk; −1: none.
    """

    def __init__(self, run: RunFolder, step: int) -> None:
        self._run = run
        self._worker = ThreadPoolExecutor(1, "checkpoint")
        self._pending: tuple[int, Future[None]] | None = None
        self.step = step
        """Step of the newest checkpoint that is on the disk and verified."""
        self.spent_s = 0.0
        """Processor time that the checkpoints have taken."""

    def begin(self, step: int, tensors: Tensors, state: dict[str, Any]) -> None:
        """Start to write arrays that nobody changes any more, after the previous checkpoint is written.

        Raises:
            RunError: when the previous one could not be written.
        """
        self.finish()
        self._pending = (step, self._worker.submit(self._write, step, tensors, state))

    def poll(self) -> bool:
        """Return whether a checkpoint was completed since the last call, without waiting.

        Raises:
            RunError: when it could not be written.
        """
        return self._pending is not None and self._pending[1].done() and self.finish()

    def finish(self) -> bool:
        """Wait until the pending checkpoint is written.

        Returns:
            True if there was one.

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
        """Wait for the pending checkpoint and end the thread; harmless when done twice.

        Raises:
            RunError: when it could not be written.
        """
        try:
            self.finish()
        finally:
            self._worker.shutdown()

    @property
    def busy(self) -> bool:
        """A checkpoint is being written."""
        return self._pending is not None and not self._pending[1].done()

    def _write(self, step: int, tensors: Tensors, state: dict[str, Any]) -> None:
        began_s = time.thread_time()
        self._run.history.sync()
        self._run.checkpoints.save(step, tensors, state)
        self.spent_s += time.thread_time() - began_s


def resumable(
    averaged: AveragedModel, optimization: Optimization, generator: torch.Generator
) -> dict[str, dict[str, NDArray[Any]]]:
    """Return copies of all arrays from which training continues: of model, optimizers and random state.

    Where the model has the average of the weights, those that are trained are a group of their own.
    """
    weights = {name: value.detach().to("cpu", copy=True).numpy() for name, value in averaged.model.state_dict().items()}
    random = {"generator": generator.get_state().numpy(), "torch": torch.get_rng_state().numpy()}
    trained = averaged.trained_arrays()
    groups = {WEIGHTS: weights, "optimizer": optimization.state_arrays(), "random": random}
    return {**groups, TRAINED: trained} if trained else groups


@contextmanager
def refused_random_state(step: int) -> Iterator[None]:
    """Context in which torch's refusal of a random state is a sentence.

    Raises:
        ValueError: when the state in the checkpoint of this step is none of torch's.
    """
    try:
        yield
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"The random state in the checkpoint of step {step:,} is none of this version of torch "
            f"({str(error).splitlines()[0]}). Resume from another checkpoint, or train it again."
        ) from error
