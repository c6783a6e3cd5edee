"""Programs of a whole image row: their calls compute all columns, and the compiled kernel runs them likewise.

Letters: W columns, M rows and K columns of a weight.
"""

from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gmstudio.nn.stepping.columns import Program
from gmstudio.nn.stepping.compiling import STEP_KERNEL
from gmstudio.nn.stepping.table import BY_ELEMENT, ColumnTable, Row, is_apart, rows_of


class RowProgram(Protocol):
    """A program of a row, which runs again and again on the same buffers."""

    def run(self) -> None:
        """Run it."""


class PlainRow:
    """A program that is run call by call.

    Args:
        program: the calls.
    """

    def __init__(self, program: Program) -> None:
        self._program = program

    def run(self) -> None:
        """See ``RowProgram``."""
        for call in self._program:
            call()


class CompiledRow:
    """A program of numpy calls for one image, which the compiled kernel runs once there is one.

    Args:
        program: calls whose operands have the columns as their first axis, or are the same for all of them.
        num_columns: number of columns W.
    """

    def __init__(self, program: Program, num_columns: int) -> None:
        self._program, self._num_columns = program, num_columns
        self._plain = PlainRow(program)
        self._table: ColumnTable | None = None
        self._has_tried = False

    def run(self) -> None:
        """See ``RowProgram``."""
        kernel = STEP_KERNEL.kernel
        if not self._has_tried and kernel is not None:
            self._has_tried, self._table = True, row_table(self._program, self._num_columns)
        if self._table is None or kernel is None:
            self._plain.run()
        else:
            kernel.run_row(self._table.first, self._table.shifts, self._num_columns)


def row_table(program: Program, num_columns: int) -> ColumnTable | None:
    """A program of a row as a table of its columns; None where a table cannot have it.

    Args:
        program: the calls.
        num_columns: number of columns W.
    """
    pairs = [_pair(call, num_columns) for call in program]
    if not pairs or None in pairs:
        return None
    first, second = (np.array(rows, dtype=np.int64) for rows in zip(*filter(None, pairs), strict=True))
    return ColumnTable(first, second - first, [program])


def _pair(call: Any, num_columns: int) -> tuple[Row, Row] | None:
    """A call's rows of the first two columns; None where a table cannot have it."""
    if not isinstance(call, partial) or call.keywords or not all(isinstance(each, np.ndarray) for each in call.args):
        return None
    if call.func is np.matmul:
        x_WK, weight_KM, out_WM = call.args
        if not is_apart(x_WK, out_WM) or x_WK.ndim != 2 or len(x_WK) != num_columns:
            return None
        columns = [partial(weight_KM.T.dot, x_WK[column], out_WM[column]) for column in _first_two(num_columns)]
    elif call.func in BY_ELEMENT and call.args[-1].shape[:1] == (num_columns,):
        *operands, out = call.args
        if not all(is_apart(operand, out) for operand in operands):
            return None
        columns = [
            partial(call.func, *(_of_column(operand, out, column) for operand in operands), out[column])
            for column in _first_two(num_columns)
        ]
    else:
        return None
    rows = [rows_of(column) for column in columns]
    if any(row is None or len(row) != 1 for row in rows):
        return None
    first, second = (row[0] for row in rows if row is not None)
    return first, second


def _first_two(num_columns: int) -> tuple[int, int]:
    return 0, min(1, num_columns - 1)


def _of_column(operand: NDArray[np.float32], out: NDArray[np.float32], column: int) -> NDArray[np.float32]:
    """What an operation reads in a column: the column's part, or all of what is the same for all columns."""
    part: NDArray[np.float32] = operand[column] if operand.ndim == out.ndim else operand
    return part
