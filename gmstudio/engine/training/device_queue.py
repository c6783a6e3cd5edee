"""Bound on the work that is queued ahead on a GPU, so that a slider's request does not wait long behind it."""

import time
from collections import deque

import torch

QUEUED_SECONDS = 0.02


class DeviceQueue:
    """Keeps the host at most about ``QUEUED_SECONDS`` ahead of the device.

    Args:
        device: device that computes; nothing is queued ahead on others than CUDA devices.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._queued: deque[tuple[float, torch.cuda.Event]] = deque()

    def bound(self) -> None:
        """Note that a step was queued, and wait for those that were queued too long ago."""
        if self._device.type != "cuda":
            return
        event = torch.cuda.Event()
        event.record(torch.cuda.current_stream(self._device))
        self._queued.append((time.perf_counter(), event))
        while self._queued and time.perf_counter() - self._queued[0][0] > QUEUED_SECONDS:
            self._queued.popleft()[1].synchronize()
