"""Programs of an image row's columns, which every row runs again."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gmstudio.nn.stepping.compiling import STEP_KERNEL
from gmstudio.nn.stepping.table import COUNT, NUM_COLUMNS, OP, OUT, ColumnTable, Op, address_of, column_table
from gmstudio.nn.stepping.wide_table import wide_table

Call: TypeAlias = Callable[[], Any]
Program: TypeAlias = list[Call]
FloatArray: TypeAlias = NDArray[np.float32]
ByteArray: TypeAlias = NDArray[np.uint8]
WIDEST = 32
"""Most columns that run at once. More would be guessed wrongly too often."""
FEWEST_WEIGHTS = 2**17
"""Numbers of all weights from which on that pays: fewer stay in the processor's fastest memory between columns."""


class Columns(Protocol):
    """Programs of an image row's columns."""

    def run(self, column: int) -> None:
        """Run the program of one column."""

    def sweep(self, columns: range) -> None:
        """Run those of several columns, one after another."""

    def draw(self, start: int, binary: "BinaryDraws", lower: FloatArray, upper: FloatArray, values: ByteArray) -> int:
        """Draw values of 2 levels: run a column's program, compare its log-odds, write the value for the next one.

        Where it is quicker, columns run ahead with guessed values, and again behind a wrong guess: a guess is what the
        column's uniform draws with the log-odds of the pixel above.

        Args:
            start: first column to be drawn.
            binary: where log-odds and values are.
            lower: for each column from there on, log-odds below which the value is 0.
            upper: for each column, log-odds above which it is 1.
            values: receives the values.

        Returns:
            Number of values drawn: up to the first column whose log-odds are between both; 0 where that cannot be done
            any faster than one by one.
        """


@dataclass(frozen=True, eq=False)
class BinaryDraws:
    """Where programs leave log-odds and read values; all buffers are of float32.

    Args:
        log_odds: (1,), result of a program.
        places: for each column, the (1,) from which later programs read its value.
        scaled: (2,), what is written there for 0 and 1.
    """

    log_odds: FloatArray
    places: list[FloatArray]
    scaled: FloatArray

    @cached_property
    def of_row_above(self) -> FloatArray:
        """(W,), log-odds of the columns when they were last drawn, in the row above; first those that draw 0."""
        return np.full(len(self.places), -np.inf, dtype=np.float32)

    @cached_property
    def place(self) -> tuple[int, int] | None:
        """Address of the first place, and the bytes from one to the next; None where they do not follow evenly."""
        addresses = np.array([address_of(place) for place in self.places], dtype=np.int64)
        shifts = np.unique(np.diff(addresses)) if len(addresses) > 1 else np.zeros(1, dtype=np.int64)
        return (int(addresses[0]), int(shifts[0])) if len(shifts) == 1 else None


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

    def draw(self, start: int, binary: BinaryDraws, lower: FloatArray, upper: FloatArray, values: ByteArray) -> int:
        """See ``Columns``: one by one."""
        return 0


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
        self._drawing: _Drawing | None = None

    def run(self, column: int) -> None:
        """See ``Columns``."""
        table = self._table or self._find_table()
        if table is None or STEP_KERNEL.kernel is None:
            self._plain.run(column)
        else:
            STEP_KERNEL.kernel.run(table.first, table.shifts, column, 1, 1)

    def sweep(self, columns: range) -> None:
        """See ``Columns``."""
        table = self._table or self._find_table()
        if table is None or STEP_KERNEL.kernel is None:
            self._plain.sweep(columns)
        else:
            STEP_KERNEL.kernel.run(table.first, table.shifts, columns.start, len(columns), columns.step)

    def draw(self, start: int, binary: BinaryDraws, lower: FloatArray, upper: FloatArray, values: ByteArray) -> int:
        """See ``Columns``."""
        table = self._table or self._find_table()
        if table is None or binary.place is None or STEP_KERNEL.kernel is None:
            return 0
        if self._drawing is None:
            self._drawing = _drawing_of(table, self._num_columns, address_of(binary.log_odds), binary.place)
        tables = self._drawing.table.first, self._drawing.table.shifts
        slots, widest, above = self._drawing.slots, self._drawing.widest, binary.of_row_above[start:]
        return STEP_KERNEL.kernel.draw(*tables, start, slots, binary.scaled, lower, upper, above, values, widest)

    def _find_table(self) -> ColumnTable | None:
        """Compile the programs, once there is a kernel; None where a table cannot have them."""
        if not self._has_tried and STEP_KERNEL.kernel is not None:
            self._has_tried = True
            self._table = column_table(self._num_columns, self._compile)
        return self._table


@dataclass(frozen=True, eq=False)
class _Drawing:
    """How values are drawn.

    Args:
        table: the programs.
        slots: where the kernel finds log-odds and places.
        widest: most columns that run at once.
    """

    table: ColumnTable
    slots: NDArray[np.int64]
    widest: int


def _drawing_of(table: ColumnTable, num_columns: int, log_odds: int, place: tuple[int, int]) -> _Drawing:
    """Several columns at once where their order does not matter, else one after another.

    Args:
        table: the programs.
        num_columns: number of columns.
        log_odds: address of what a program leaves.
        place: see ``BinaryDraws``.
    """
    weights = table.first[table.first[:, OP] == Op.LINEAR]
    num_weights = int(weights[:, COUNT] @ weights[:, NUM_COLUMNS])
    wide = wide_table(table, num_columns) if num_weights >= FEWEST_WEIGHTS else None
    if wide is None:
        return _Drawing(table, np.array([log_odds, 0, *place, 0]), 1)
    row = int(np.flatnonzero(table.first[:, OUT] == log_odds)[-1])
    return _Drawing(wide, np.array([wide.first[row, OUT], wide.shifts[row, OUT], *place, 0]), WIDEST)
