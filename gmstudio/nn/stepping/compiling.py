"""The compiled kernel of this process: loaded on request, in a thread if need be; until then there is none.

Importing numba and reading a compiled kernel take half a second, compiling it takes some seconds, once on each machine.
So nothing waits for it: steps run call by call until it is there, and where it cannot be had.
"""

import importlib
import sys
import threading
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gmstudio.nn.stepping.table import Table


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
        values: NDArray[np.uint8],
    ) -> int:
        """Draw ``values``; see ``columns.Columns.draw``.

        Args:
            table: of the first column.
            shifts: what is to be added to it from column to column.
            start: first column to be drawn.
            slots: addresses of the log-odds that a program leaves and of the first column's place for the value, and
                the bytes from one place to the next.
            scaled: what is written there for the values 0 and 1.
            lower: for each column, log-odds below which the value is 0.
            upper: for each column, log-odds above which it is 1.
            values: receives the values.

        Returns:
            Number of values drawn: up to the first column whose log-odds are between both.
        """


class Kernel(NamedTuple):
    """The compiled functions.

    Args:
        run: runs programs.
        draw: runs them and draws.
    """

    run: RunColumns
    draw: DrawColumns


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

    def load(self, cache: Path) -> None:
        """Compile the kernel, or read it from an earlier compilation; without effect where that was tried before.

        Args:
            cache: folder of compiled code.
        """
        if self._begun:
            return
        self._begun = True
        try:
            self.kernel = importlib.import_module("gmstudio.nn.stepping.kernel").compile_kernel(cache)
        except Exception as error:  # of any class, since numba is imported and compiles; nothing depends on it
            self.failure = f"{type(error).__name__}: {error}"
            print(f"Pixel steps are not compiled, so single images take longer. {self.failure}", file=sys.stderr)

    def load_beside(self, cache: Path) -> None:
        """Load it in a thread.

        Args:
            cache: folder of compiled code.
        """
        if not self._begun:
            threading.Thread(target=self.load, args=(cache,), name="step-kernel").start()


STEP_KERNEL = StepKernel()
