"""The numbers that a training tells: on the device until they are read back, in the history, and as curves."""

import time

import torch

from gmstudio.runs.history import History, Scalar


class PendingScalars:
    """Numbers of training steps that wait, many of them on the device, until they are stored all at once.

    Args:
        history: where they go.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._waiting: list[tuple[int, str, torch.Tensor | float]] = []
        self._remarks: list[tuple[int, str, str]] = []
        self._stored_at = time.monotonic()

    def add(self, step: int, name: str, value: torch.Tensor | float) -> None:
        """Keep a number of a step; a tensor is 0-dim, and nobody waits for it."""
        self._waiting.append((step, name, value))

    def remark(self, step: int, kind: str, text: str) -> None:
        """Keep a sentence of a step, which is stored with the numbers, so that a full disk cannot tear a step."""
        self._remarks.append((step, kind, text))

    def seconds_waiting(self) -> float:
        """Since they were last stored."""
        return time.monotonic() - self._stored_at

    def store(self) -> list[Scalar]:
        """Read back what waits in one go and store it; returns the numbers.

        Raises:
            RunError: when they cannot be stored; they go on waiting.
        """
        self._stored_at = time.monotonic()
        while self._remarks:
            self._history.log(*self._remarks[0])
            self._remarks.pop(0)
        if not self._waiting:
            return []
        tensors = [value for _, _, value in self._waiting if isinstance(value, torch.Tensor)]
        read = iter(torch.stack([t.float() for t in tensors]).tolist() if tensors else [])
        rows = [
            Scalar(step, "train", name, next(read) if isinstance(value, torch.Tensor) else value)
            for step, name, value in self._waiting
        ]
        self._history.append(scalars=rows)
        self._waiting.clear()
        return rows
