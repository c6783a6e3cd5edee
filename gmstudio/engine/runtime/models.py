"""Models of runs, loaded from their latest checkpoint; a cache of the most recent."""

from dataclasses import dataclass

import torch
from cachetools import LRUCache

from gmstudio.engine.runtime.building import build_run_model
from gmstudio.engine.runtime.memory import limit_memory
from gmstudio.engine.runtime.weights import load_checkpoint
from gmstudio.families.base import Family
from gmstudio.runs.checkpoints import WEIGHTS, CheckpointInfo
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunRecord

KEPT_MODELS = 4


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
        self._kept: LRUCache[tuple[str, str], Loaded] = LRUCache(size)

    def load(self, path: str, device: torch.device, step: int | None = None) -> Loaded:
        """Return the model of a run with the weights of its latest checkpoint, or of that of a step.

        Raises:
            RunError: when the run or its checkpoints are missing or damaged, or its settings cannot be used.
            ValueError: when the checkpoint does not fit.
        """
        with RunFolder.open(path) as run:
            key = _key_of(run, step)
            if key not in self._kept:
                limit_memory(device)
                model = build_run_model(run, device)
                found = load_checkpoint(run.checkpoints, model, step, None if step is None else (WEIGHTS,))
                self._kept[key] = Loaded(model.eval(), found.step, run.record, found.warnings)
            return self._kept[key]

    def has(self, path: str, step: int | None = None) -> bool:
        """Return whether ``load`` would return a model that is kept.

        Raises:
            RunError: when the run is missing or damaged.
        """
        with RunFolder.open(path) as run:
            return _key_of(run, step) in self._kept

    def clear(self) -> None:
        """Drop all models."""
        self._kept.clear()


def _key_of(run: RunFolder, step: int | None) -> tuple[str, str]:
    """Name of a run and times of its checkpoint and its creation: the folder may hold another run later."""
    saved = [f"{info.step} {info.created}" for info in run.checkpoints.list() if _is_wanted(info, step)]
    return run.name, f"{run.record.created} {' '.join(saved)}"


def _is_wanted(info: CheckpointInfo, step: int | None) -> bool:
    return info.latest if step is None else info.step == step
