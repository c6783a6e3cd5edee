"""Scalars of training steps: their names, and their way from the device to the history."""

import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.families.base import Phase
from gmstudio.runs.batch_sizes import note_batch_size
from gmstudio.runs.clock import note_time
from gmstudio.runs.history import Curve, History

STORED_EVERY_S = 0.1
"""So often scalars are stored and sent, where there are not very many curves."""
SECONDS_PER_CURVE, LONGEST_INTERVAL_S = 0.006, 0.5
"""A curve that grows costs the history a page, however much it grows: many curves are stored less often."""


def term_name(phase: Phase, term: str, phases: Sequence[Phase]) -> str:
    """Name of the curve of a loss term; ``loss`` is qualified by its phase where there are several phases."""
    return f"{phase.name}_loss" if term == "loss" and len(phases) > 1 else term


def norm_name(phase: Phase, phases: Sequence[Phase]) -> str:
    """Name of the curve of a phase's gradient norm, qualified by the phase where there are several."""
    return f"grad_norm_{phase.name}" if len(phases) > 1 else "grad_norm"


class PendingScalars:
    """Scalars of training steps, most of them still on the device, until they are stored all at once.

    Args:
        history: history of the run, which stores them.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._waiting: dict[str, tuple[list[int], list[torch.Tensor | float]]] = {}
        self._remarks: list[tuple[int, str, str]] = []
        self._batch_sizes: list[tuple[int, int, int]] = []
        self._stored_at = time.monotonic()

    def add(self, step: int, name: str, value: torch.Tensor | float) -> None:
        """Add a scalar of a step; a 0-dim tensor is not read back yet, so nothing waits for the device."""
        curve = self._waiting.get(name)
        if curve is None:
            curve = self._waiting[name] = ([], [])
        curve[0].append(step)
        curve[1].append(value)

    def remark(self, step: int, kind: str, text: str) -> None:
        """Add a sentence to the run's log; it is stored with the scalars, so that a full disk cannot split a step."""
        self._remarks.append((step, kind, text))

    def batch_size(self, step: int, before: int, size: int) -> None:
        """Add that the batches after a step have another size."""
        self._batch_sizes.append((step, before, size))

    @property
    def due(self) -> bool:
        """Scalars have waited long enough to be stored."""
        interval_s = min(LONGEST_INTERVAL_S, max(STORED_EVERY_S, SECONDS_PER_CURVE * len(self._waiting)))
        return time.monotonic() - self._stored_at > interval_s

    def store(self) -> dict[tuple[str, str], Curve]:
        """Read all pending scalars back at once, store and return them.

        Returns:
            (split, name) → steps (n,) int64 rising, values (n,) float64.

        Raises:
            RunError: when they cannot be stored; they stay pending.
        """
        self._stored_at = time.monotonic()
        while self._remarks:
            self._history.log(*self._remarks[0])
            self._remarks.pop(0)
        while self._batch_sizes:
            note_batch_size(self._history, *self._batch_sizes[0])
            self._batch_sizes.pop(0)
        if not self._waiting:
            return {}
        read = _read([value for _steps, values in self._waiting.values() for value in values])
        curves, start = dict[tuple[str, str], Curve](), 0
        for name, (steps, values) in self._waiting.items():
            curves["train", name] = np.array(steps, np.int64), read[start : start + len(values)]
            start += len(values)
        newest = max(steps[-1] for steps, _values in self._waiting.values())
        with self._history.writing():
            note_time(self._history, newest, time.time())
            self._history.append(curves=curves)
        self._waiting.clear()
        return curves


def _read(values: list[torch.Tensor | float]) -> NDArray[np.float64]:
    """Read 0-dim tensors back from their device, all at once, among numbers that are already here: (n,)."""
    tensors = [value for value in values if isinstance(value, torch.Tensor)]
    on_device = np.fromiter((isinstance(value, torch.Tensor) for value in values), bool, len(values))
    read = np.empty(len(values))
    read[~on_device] = [value for value in values if not isinstance(value, torch.Tensor)]
    if tensors:
        alike = {value.dtype for value in tensors} == {torch.float32}
        read[on_device] = torch.stack(tensors if alike else [value.float() for value in tensors]).detach().cpu().numpy()
    return read
