"""The compiled kernel of this process: loaded on request, in a thread if need be; until then there is none.

Importing numba and reading a compiled kernel take half a second, compiling it takes some seconds, once on each machine.
So nothing waits for it: steps run call by call until it is there, and where it cannot be had.
"""

import importlib
import sys
import threading
from pathlib import Path
from typing import Protocol

from gmstudio.nn.stepping.table import Table


class RunColumns(Protocol):
    """The kernel."""

    def __call__(self, table: Table, shifts: Table, start: int, count: int, step: int) -> None:
        """Run the programs of ``count`` columns, from ``start`` in steps of ``step``; see ``table.ColumnTable``."""


class StepKernel:
    """The kernel of this process.

    Attributes:
        run: the kernel; None as long as there is none.
        failure: reason for which it could not be loaded; else empty.
    """

    def __init__(self) -> None:
        self.run: RunColumns | None = None
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
            self.run = importlib.import_module("gmstudio.nn.stepping.kernel").compile_kernel(cache)
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
