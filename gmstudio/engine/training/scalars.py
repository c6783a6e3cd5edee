"""Scalars of training steps: their names, and their way from the device to the history."""

import time
from collections.abc import Sequence

import torch

from gmstudio.families.base import Phase
from gmstudio.runs.batch_sizes import note_batch_size
from gmstudio.runs.clock import note_time
from gmstudio.runs.history import History, Scalar


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
        self._waiting: list[tuple[int, str, torch.Tensor | float]] = []
        self._remarks: list[tuple[int, str, str]] = []
        self._batch_sizes: list[tuple[int, int, int]] = []
        self._stored_at = time.monotonic()

    def add(self, step: int, name: str, value: torch.Tensor | float) -> None:
        """Add a scalar of a step; a 0-dim tensor is not read back yet, so nothing waits for the device."""
        self._waiting.append((step, name, value))

    def remark(self, step: int, kind: str, text: str) -> None:
        """Add a sentence to the run's log; it is stored with the scalars, so that a full disk cannot split a step."""
        self._remarks.append((step, kind, text))

    def batch_size(self, step: int, before: int, size: int) -> None:
        """Add that the batches after a step have another size."""
        self._batch_sizes.append((step, before, size))

    def seconds_waiting(self) -> float:
        """Seconds since scalars were last stored."""
        return time.monotonic() - self._stored_at

    def store(self) -> list[Scalar]:
        """Read all pending scalars back at once, store and return them.

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
            return []
        tensors = [value for _, _, value in self._waiting if isinstance(value, torch.Tensor)]
        read = iter(torch.stack([t.float() for t in tensors]).tolist() if tensors else [])
        rows = [
            Scalar(step, "train", name, next(read) if isinstance(value, torch.Tensor) else value)
            for step, name, value in self._waiting
        ]
        note_time(self._history, rows[-1].step, time.time())
        self._history.append(scalars=rows)
        self._waiting.clear()
        return rows
