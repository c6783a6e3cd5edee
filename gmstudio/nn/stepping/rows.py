"""Programs of a whole image row: their calls compute all columns, and the compiled kernel runs them likewise.

Letters: W columns, M rows and K columns of a weight.
"""

from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gmstudio.nn.stepping.columns import Program
from gmstudio.nn.stepping.compiling import STEP_KERNEL
from gmstudio.nn.stepping.table import ColumnTable, Row, is_apart, rows_of


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
    found = [_row_and_shifts(call, num_columns) for call in program]
    if not found or None in found:
        return None
    rows, shifts = (np.array(each, dtype=np.int64) for each in zip(*filter(None, found), strict=True))
    return ColumnTable(rows, shifts, [program])


def _row_and_shifts(call: Any, num_columns: int) -> tuple[Row, Row] | None:
    """A call's row of the first column, and what is to be added from column to column; None where there is none."""
    if not isinstance(call, partial) or call.keywords or not all(isinstance(each, np.ndarray) for each in call.args):
        return None
    *operands, out = call.args
    in_columns = [operand for operand in operands if call.func is not np.matmul and operand.ndim == out.ndim]
    if any(operand.shape[:1] != (num_columns,) for operand in [*in_columns, out]):
        return None
    if not all(is_apart(operand, out) for operand in operands):
        return None
    if call.func is np.matmul:
        x_WK, weight_KM = operands
        rows = rows_of(partial(weight_KM.T.dot, x_WK[0], out[0])) if x_WK.shape[:-1] == (num_columns,) else None
        x_shift, y_shift = 0, _step(x_WK, out)
    else:
        first = [operand[0] if operand.ndim == out.ndim else operand for operand in operands]
        rows = rows_of(partial(call.func, *first, out[0]))
        x_shift, y_shift = _step(operands[0], out), _step(operands[-1], out)
    return None if rows is None or len(rows) != 1 else (rows[0], (0, x_shift, y_shift, _step(out, out), 0, 0, 0))


def _step(operand: NDArray[np.float32], out: NDArray[np.float32]) -> int:
    """Bytes from column to column; 0 for what is the same for all columns."""
    return int(operand.strides[0]) if operand.ndim == out.ndim else 0
