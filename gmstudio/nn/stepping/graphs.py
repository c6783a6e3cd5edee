"""A sampling step's programs on a CUDA device, each captured in a graph once it is run again.

A program of ``stepping.ops`` reads and writes buffers at fixed addresses, so it can be captured unchanged. The first
run rehearses it, the second captures and replays it, every further one replays it: only repeated programs are captured.
"""

import warnings
from collections.abc import Callable

from gmstudio.nn.cuda_graph import CaptureError, Recorder
from gmstudio.nn.stepping.columns import Program

FEW_CALLS = 8
"""Shorter programs are run call by call, which costs hardly more than a replay, and no memory for a graph."""


class StepGraphs:
    """Capture of the programs of one sampler; after a failure its further programs run uncaptured.

    Args:
        recorder: of the device that the buffers are on.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.failure = ""
        """Reason for which capturing was given up; empty while it works."""

    def repeated(self, program: Program) -> Program:
        """The same program for the price of one call, from its second run on."""
        return [_Repeated(self, program)] if len(program) >= FEW_CALLS else program

    def rehearse(self, run: Callable[[], None]) -> None:
        """Run a program for the first time."""
        self._recorder.rehearse(run)

    def capture(self, run: Callable[[], None]) -> Callable[[], object]:
        """Callable that replays a program, or, where it cannot be captured, the program itself."""
        if self.failure:
            return run
        try:
            return self._recorder.record(run)
        except CaptureError as error:
            self.failure = str(error)
            warnings.warn(f"Sampling continues without CUDA graphs: {error}", RuntimeWarning, stacklevel=2)
            return run


class _Repeated:
    """A program as one call."""

    def __init__(self, graphs: StepGraphs, program: Program) -> None:
        self._graphs = graphs
        self._program = program
        self._rehearsed = False
        self._replay: Callable[[], object] | None = None

    def __call__(self) -> None:
        if self._replay is not None:
            self._replay()
        elif self._rehearsed:
            self._replay = self._graphs.capture(self._run)
            self._replay()
        else:
            self._graphs.rehearse(self._run)
            self._rehearsed = True

    def _run(self) -> None:
        for call in self._program:
            call()
