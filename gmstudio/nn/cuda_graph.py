"""Capturing work on a CUDA device once and replaying it as a whole: a CUDA graph.

Where a computation is many small operations, a GPU waits for the host, which takes some microseconds to launch each.
A graph is launched in one call. It repeats exactly the captured operations, on the same memory, so everything that
changes has to be in buffers at fixed addresses, and no operation may wait for the device or depend on its results.

Work is *rehearsed* before it is captured: run as usual, on the stream it will be captured on, so that libraries have
allocated their working memory for that stream. A rehearsal shows whether the work waits for the device; detecting that
during the capture would leave torch's allocator and generators in the middle of it.

Source: PyTorch documentation, CUDA semantics, sections on CUDA graphs, their constraints and whole-network capture.
"""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Protocol, TypeVar

import torch

T = TypeVar("T")
WAITED = "synchronizing CUDA operation"
"""Text of torch's warning about an operation that waits for the device."""


class CaptureError(RuntimeError):
    """Work that cannot be captured; the message is a clause that can follow a colon."""


class Recorder(Protocol):
    """Capture of work on a device."""

    def rehearse(self, work: Callable[[], T]) -> T:
        """Do the work as usual and return what it returns."""

    def watch(self, work: Callable[[], T]) -> tuple[T, bool]:
        """Rehearse, and return whether the work waited for the device."""

    def record(self, work: Callable[[], None]) -> Callable[[], object]:
        """Capture the work without running it, and return a callable that runs it.

        Raises:
            CaptureError: when it cannot be captured; the state is as before, except for the work's effects in Python.
        """


class CudaRecorder:
    """Capture of CUDA graphs that share temporary memory, so they must be replayed one after another.

    Args:
        device: a CUDA device.
        generators: generators on that device that the work uses; each replay continues from their current state.
    """

    def __init__(self, device: torch.device, generators: tuple[torch.Generator, ...] = ()) -> None:
        self._device = device
        self._generators = generators
        self._stream = _capture_stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def rehearse(self, work: Callable[[], T]) -> T:
        """See ``Recorder``."""
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            result = work()
        current.wait_stream(self._stream)
        return result

    def watch(self, work: Callable[[], T]) -> tuple[T, bool]:
        """See ``Recorder``."""
        mode = torch.cuda.get_sync_debug_mode()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                result = self.rehearse(work)
            finally:
                torch.cuda.set_sync_debug_mode(mode)
        others = [one for one in caught if WAITED not in str(one.message)]
        for one in others:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        return result, len(others) < len(caught)

    def record(self, work: Callable[[], None]) -> Callable[[], object]:
        """See ``Recorder``."""
        with torch.inference_mode(
            False
        ):  # tensors that torch allocates for a graph are written at each replay, in any mode
            own = (*self._generators, torch.cuda.default_generators[_index(self._device)])
            before = [generator.clone_state() for generator in own]
            graph = torch.cuda.CUDAGraph()
            # A capture that fails may leave its stream the current one; the outer context puts the old one back.
            with torch.cuda.stream(torch.cuda.current_stream(self._device)):
                try:
                    for generator in self._generators:
                        graph.register_generator_state(generator)
                    with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                        work()
                except RuntimeError as error:
                    for generator, state in zip(own, before, strict=True):  # theirs may still be in the capture
                        generator.graphsafe_set_state(state)
                    raise CaptureError(_reason(error)) from error
        return graph.replay


def recorder_for(device: torch.device, generators: tuple[torch.Generator, ...] = ()) -> Recorder | None:
    """Recorder that captures work on a device; None where there is none."""
    return CudaRecorder(device, generators) if device.type == "cuda" else None


@cache
def _capture_stream(device: torch.device) -> torch.cuda.Stream:
    """Stream for all captures on a device: libraries keep working memory for each stream."""
    return torch.cuda.Stream(device)


def _index(device: torch.device) -> int:
    return torch.cuda.current_device() if device.index is None else device.index


def _reason(error: BaseException) -> str:
    """First line of the first error; later ones only report that the capture was interrupted."""
    while error.__context__ is not None:
        error = error.__context__
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
