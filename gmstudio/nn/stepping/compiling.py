"""The compiled kernel of this process: loaded on request, beside other work; until then there is none.

Compiling it takes some seconds, once on each machine, reading what was compiled some tenths of a second. Nothing waits
for it: steps run call by call until it is there, and where it cannot be had.
"""

import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gmstudio.nn.stepping.table import Table

KERNEL_MODULE = "gmstudio.nn.stepping.kernel"
COMPILER_MODULE = "gmstudio.nn.stepping.compiling"
"""Run with a folder, this module compiles for later processes."""

LESS_URGENT = 5
"""Added to the niceness of the process that compiles. With much more, it would not get on beside a training."""


ODDS, ODDS_SHIFT, PLACE, PLACE_SHIFT, RIGHT = range(5)
"""Slots of ``DrawColumns``: address of the log-odds that the first column's program leaves, bytes to the next column's;
address of the place where programs read the first column's value, bytes from column to column; and the number of
guesses that were right in a row, which is brought up to date."""


class RunColumns(Protocol):
    """Function that runs the programs of some columns."""

    def __call__(self, table: Table, shifts: Table, start: int, count: int, step: int) -> None:
        """Run those of ``count`` columns, from ``start`` in steps of ``step``; see ``table.ColumnTable``."""


class DrawColumns(Protocol):
    """Function that runs the programs of some columns and draws a value after each."""

    def __call__(
        self,
        table: Table,
        shifts: Table,
        start: int,
        slots: NDArray[np.int64],
        scaled: NDArray[np.float32],
        lower: NDArray[np.float32],
        upper: NDArray[np.float32],
        log_odds: NDArray[np.float32],
        values: NDArray[np.uint8],
        widest: int,
    ) -> int:
        """Draw ``values``; see ``columns.Columns.draw``.

        Args:
            table: of the first column; a wide one if several columns are to run at once.
            shifts: what is to be added to it from column to column.
            start: first column to be drawn.
            slots: see ``ODDS`` and the others.
            scaled: what is written in a column's place for the values 0 and 1.
            lower: for each column, log-odds below which the value is 0.
            upper: for each column, log-odds above which it is 1.
            log_odds: those of the row above, with which values are guessed; receives those of the columns drawn.
            values: receives the values.
            widest: most columns that run at once.

        Returns:
            Number of values drawn: up to the first column whose log-odds are between both.
        """


class RunRow(Protocol):
    """Function that runs the program of a row: each operation in all columns before the next one."""

    def __call__(self, table: Table, shifts: Table, count: int) -> None:
        """Run it in ``count`` columns, from the first one on; see ``rows``."""


class Kernel(NamedTuple):
    """The compiled functions.

    Args:
        run: runs programs.
        draw: runs them and draws.
        run_row: runs the program of a row.
    """

    run: RunColumns
    draw: DrawColumns
    run_row: RunRow


class StepKernel:
    """The kernel of this process.

    Attributes:
        kernel: None as long as there is none.
        failure: reason for which it could not be loaded; else empty.
    """

    def __init__(self) -> None:
        self.kernel: Kernel | None = None
        self.failure = ""
        self._begun = False
        self._compiler: subprocess.Popen[bytes] | None = None
        self._loader: threading.Thread | None = None

    def load(self, cache: Path) -> None:
        """Compile the kernel, or read it from an earlier compilation; without effect where that was tried before.

        Args:
            cache: folder of compiled code.
        """
        if self._begun:
            return
        self._begun = True
        try:
            self.kernel = importlib.import_module(KERNEL_MODULE).compile_kernel(cache)
        except Exception as error:  # of any class, since numba is imported and compiles; nothing depends on it
            self._fail(f"{type(error).__name__}: {error}")

    def load_beside(self, cache: Path, environment: Mapping[str, str]) -> None:
        """Come nearer to a kernel without waiting: compile it in a process, at a later call load it in a thread.

        A thread that compiles would hold Python's lock against the caller, and longest where the machine is busy.

        Args:
            cache: folder of compiled code.
            environment: of the process, which has to find this package.
        """
        if self._begun or self._loader is not None:
            return
        if self._compiler is None:
            self._compile_beside([sys.executable, "-m", COMPILER_MODULE, str(cache)], environment)
        elif (code := self._compiler.poll()) is not None:
            if code:
                self._fail(f"The process that compiles them ended with exit code {code}.")
                return
            self._loader = threading.Thread(target=self.load, args=(cache,), name="step-kernel")
            self._loader.start()

    def _compile_beside(self, command: list[str], environment: Mapping[str, str]) -> None:
        """Start the process that compiles; it goes on where this one ends, so that the next one need not wait."""
        try:
            self._compiler = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=dict(environment)
            )
        except OSError as error:
            self._fail(str(error))

    def _fail(self, reason: str) -> None:
        """Note and print why there is no kernel; it is not tried again."""
        self._begun, self.failure = True, reason
        print(f"Pixel steps are not compiled, so single images take longer. {reason}", file=sys.stderr)


STEP_KERNEL = StepKernel()


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(LESS_URGENT)
    STEP_KERNEL.load(Path(sys.argv[1]))
    sys.exit(STEP_KERNEL.kernel is None)
