"""Programs of an image row's columns, which every row runs again."""

from collections.abc import Callable
from itertools import chain
from typing import Any, Protocol, TypeAlias

from gmstudio.nn.stepping.compiling import STEP_KERNEL
from gmstudio.nn.stepping.table import ColumnTable, column_table

Call: TypeAlias = Callable[[], Any]
Program: TypeAlias = list[Call]


class Columns(Protocol):
    """Programs of an image row's columns."""

    def run(self, column: int) -> None:
        """Run the program of one column."""

    def sweep(self, columns: range) -> None:
        """Run those of several columns, one after another."""


class PlainColumns:
    """Programs that are run call by call, each compiled when it is first needed.

    Args:
        num_columns: number of columns.
        compile_column: function from a column to its program.
        repeated: makes a program faster that runs several times.
    """

    def __init__(
        self,
        num_columns: int,
        compile_column: Callable[[int], Program],
        repeated: Callable[[Program], Program] = lambda program: program,
    ) -> None:
        self._compile, self._repeated = compile_column, repeated
        self._programs: list[Program | None] = [None] * num_columns
        self._sweeps: dict[range, Program] = {}

    def run(self, column: int) -> None:
        """See ``Columns``."""
        program = self._programs[column]
        if program is None:
            program = self._programs[column] = self._repeated(self._compile(column))
        for call in program:
            call()

    def sweep(self, columns: range) -> None:
        """See ``Columns``."""
        program = self._sweeps.get(columns)
        if program is None:
            program = self._sweeps[columns] = self._repeated(list(chain.from_iterable(map(self._compile, columns))))
        for call in program:
            call()


class CompiledColumns:
    """Programs of numpy calls for one image, which the compiled kernel runs once there is one.

    It may take over between two programs, because both ways use the same buffers.

    Args:
        num_columns: number of columns.
        compile_column: function from a column to its program.
    """

    def __init__(self, num_columns: int, compile_column: Callable[[int], Program]) -> None:
        self._num_columns, self._compile = num_columns, compile_column
        self._plain = PlainColumns(num_columns, compile_column)
        self._table: ColumnTable | None = None
        self._has_tried = False

    def run(self, column: int) -> None:
        """See ``Columns``."""
        table = self._table or self._find_table()
        if table is None or STEP_KERNEL.run is None:
            self._plain.run(column)
        else:
            STEP_KERNEL.run(table.first, table.shifts, column, 1, 1)

    def sweep(self, columns: range) -> None:
        """See ``Columns``."""
        table = self._table or self._find_table()
        if table is None or STEP_KERNEL.run is None:
            self._plain.sweep(columns)
        else:
            STEP_KERNEL.run(table.first, table.shifts, columns.start, len(columns), columns.step)

    def _find_table(self) -> ColumnTable | None:
        """Compile the programs, once there is a kernel; None where a table cannot have them."""
        if not self._has_tried and STEP_KERNEL.run is not None:
            self._has_tried = True
            self._table = column_table(self._num_columns, self._compile)
        return self._table
