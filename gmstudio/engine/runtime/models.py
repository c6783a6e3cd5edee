"""Models of runs, loaded from their latest checkpoint; a cache of the most recent.

Files are read in a thread, since a disk may be slow and a checkpoint large. A model is built in the thread of the
caller: its constructor draws from torch's global generator, on which a training may depend.
"""

from collections.abc import Generator, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from cachetools import LRUCache

from gmstudio.engine.runtime.building import build_run_model
from gmstudio.engine.runtime.inspection import started, until_done
from gmstudio.engine.runtime.memory import limit_memory
from gmstudio.engine.runtime.weights import fit_checkpoint
from gmstudio.families.base import Family
from gmstudio.runs.checkpoints import WEIGHTS, Checkpoint, CheckpointInfo
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunRecord

KEPT_MODELS = 4
KEPT_READINGS = 4
"""Checkpoints that were read and wait for their command, which may have been cancelled."""

_Key = tuple[str, str]
"""Name of a run, and its creation with the steps and times of the checkpoints that count."""


class StillReadingError(Exception):
    """A checkpoint takes longer to read than the caller waits.

    Args:
        reading: ends when it has been read, or has failed.
    """

    def __init__(self, reading: "Future[Checkpoint]") -> None:
        super().__init__("The checkpoint is still being read.")
        self.reading = reading


@dataclass(frozen=True)
class Loaded:
    """Model that can be explored.

    Args:
        model: the model; ``exploring`` puts it into evaluation mode temporarily.
        step: training step of its weights.
        record: record of the run.
        warnings: one sentence for each newer checkpoint that was damaged and passed over.
    """

    model: Family
    step: int
    record: RunRecord
    warnings: tuple[str, ...] = ()


class ModelCache:
    """Models of runs that are not in training, read from their latest checkpoint.

    The least recently used one is dropped for a new one.

    Args:
        size: models that are kept.
    """

    def __init__(self, size: int = KEPT_MODELS) -> None:
        self._kept: LRUCache[_Key, Loaded] = LRUCache(size)
        self._readings: dict[_Key, Future[Checkpoint]] = {}
        self._patience_s: float | None = None

    @contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Let ``load`` wait for a disk so long and no longer within the scope."""
        before, self._patience_s = self._patience_s, seconds
        try:
            yield
        finally:
            self._patience_s = before

    def load(self, path: str, device: torch.device, step: int | None = None) -> Loaded:
        """Return the model of a run with the weights of its latest checkpoint, or of that of a step.

        Raises:
            RunError: when the run or its checkpoints are missing or damaged, or its settings cannot be used.
            ValueError: when the checkpoint does not fit.
            StillReadingError: when it takes longer to read than ``patience`` allows; it goes on being read.
        """
        with RunFolder.open(path) as run:
            key = _key_of(run, step)
            if key not in self._kept:
                reading = self._reading(run, key, step)
                if not wait([reading], self._patience_s).done:
                    raise StillReadingError(reading)
                self._readings.pop(key, None)
                limit_memory(device)
                model = build_run_model(run, device)
                found = fit_checkpoint(run.checkpoints, model, reading.result(), step)
                self._kept[key] = Loaded(model.eval(), found.step, run.record, found.warnings)
            return self._kept[key]

    def has(self, path: str, step: int | None = None) -> bool:
        """Return whether ``load`` would return a model that is kept.

        Raises:
            RunError: when the run is missing or damaged.
        """
        with RunFolder.open(path) as run:
            return _key_of(run, step) in self._kept

    def load_pieces(self, path: str, device: torch.device, step: int | None = None) -> Generator[None, None, Loaded]:
        """Load a model as ``load`` does, in a job: yields while the checkpoint is read; returns the model."""
        yield from self.read_pieces(path, step)
        return self.load(path, device, step)

    def read_pieces(self, path: str, step: int | None = None) -> Iterator[None]:
        """Read a checkpoint in a job, so that ``load`` need not wait for it; what is wrong with it ``load`` raises.

        Raises:
            RunError: when the run is missing or damaged.
        """
        with RunFolder.open(path) as run:
            key = _key_of(run, step)
            if key in self._kept:
                return
            reading = self._reading(run, key, step)
        yield from until_done(reading)

    def _reading(self, run: RunFolder, key: _Key, step: int | None) -> "Future[Checkpoint]":
        """Return the reading of a checkpoint, which is begun where it is not under way."""
        if key not in self._readings:
            read = [key for key, reading in self._readings.items() if reading.done()]
            for old in read[: max(0, len(read) + 1 - KEPT_READINGS)]:
                del self._readings[old]
            groups = None if step is None else (WEIGHTS,)
            self._readings[key] = started(partial(run.checkpoints.load, step, groups))
        return self._readings[key]

    def clear(self) -> None:
        """Drop all models."""
        self._kept.clear()


def _key_of(run: RunFolder, step: int | None) -> _Key:
    """Name of a run and times of its checkpoint and its creation: the folder may hold another run later."""
    saved = [f"{info.step} {info.created}" for info in run.checkpoints.list() if _is_wanted(info, step)]
    return run.name, f"{run.record.created} {' '.join(saved)}"


def _is_wanted(info: CheckpointInfo, step: int | None) -> bool:
    return info.latest if step is None else info.step == step
