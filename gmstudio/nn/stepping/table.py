"""Programs as tables of numbers: what a compiled kernel runs in one call, instead of numpy call by call.

A table has a row for each operation of a program: which it is, the addresses of its operands and their sizes. So one
kernel (``kernel``) serves every sampler, and a program stays the list of numpy calls that it was: it is the plain path
that runs where there is no kernel, and both read and write the same buffers.

The programs of an image row's columns differ in addresses only, by the same number of bytes from column to column. So
one table and these differences describe all of them.

Letters: M rows and K columns of a weight, N elements of a vector.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Row: TypeAlias = tuple[int, int, int, int, int, int, int]
"""Operation, addresses of x, y and the result, number of results, number of columns K, stride in bytes.

*Linear*: x is the weight, whose rows are a stride apart, y the vector of K elements. *Element by element*: y is the
second operand, and a stride of 0 repeats its one element; an operation of one operand has y = x.
"""
OP, X, Y, OUT, COUNT, NUM_COLUMNS, STRIDE = range(7)
"""Places in a row."""
SIZES = [OP, COUNT, NUM_COLUMNS, STRIDE]
"""Places of what is no address."""
ITEM = np.dtype(np.float32).itemsize
Table: TypeAlias = NDArray[np.int64]
"""(rows, 7) of ``Row``."""


class Op(IntEnum):
    """Operations of a table."""

    LINEAR = 0
    MAXIMUM = 1
    MULTIPLY = 2
    ADD = 3
    TANH = 4


BY_ELEMENT: dict[Any, Op] = {np.fmax: Op.MAXIMUM, np.multiply: Op.MULTIPLY, np.add: Op.ADD, np.tanh: Op.TANH}


def rows_of(call: Any) -> list[Row] | None:
    """Rows of a call of numpy; None where a table cannot have it, so that it is called.

    Args:
        call: ``partial(weight.dot, x, out)``, or ``partial(np.add, x, y, out)`` and the like, on float32 buffers of one
            image. Their addresses are taken, so that the call has to be kept as long as the rows.
    """
    if not isinstance(call, partial) or call.keywords or not all(map(_is_buffer, call.args)):
        return None
    weight = getattr(call.func, "__self__", None)
    if isinstance(weight, np.ndarray) and call.func == weight.dot and len(call.args) == 2:
        return _linear(weight, *call.args)
    op = BY_ELEMENT.get(call.func)
    return None if op is None else _by_element(op, *call.args)


@dataclass(frozen=True, eq=False)
class ColumnTable:
    """Programs of all columns.

    Args:
        first: the table of the first column.
        shifts: what is to be added to it from column to column.
        calls: the programs that it was made of, whose buffers it has the addresses of.
    """

    first: Table
    shifts: Table
    calls: list[Any]


def column_table(num_columns: int, compile_column: Callable[[int], list[Any]]) -> ColumnTable | None:
    """The programs of all columns as one table; None where tables cannot have them.

    Args:
        num_columns: number of columns.
        compile_column: function from a column to its program.
    """
    programs = [compile_column(column) for column in (0, min(1, num_columns - 1), num_columns - 1)]
    rows = {call: rows_of(call) for call in chain.from_iterable(programs)}  # columns share many calls
    first, second, last = (_table_of([rows[call] for call in program]) for program in programs)
    if first is None or second is None or last is None or not len(first) == len(second) == len(last):
        return None
    shifts = second - first
    evenly = np.array_equal(first + (num_columns - 1) * shifts, last) and not shifts[:, SIZES].any()
    return ColumnTable(first, shifts, programs) if evenly else None


def _table_of(rows: list[list[Row] | None]) -> Table | None:
    """A program as a table; None where there is a call that no table can have."""
    if None in rows:
        return None
    return np.array(list(chain.from_iterable(filter(None, rows))), dtype=np.int64).reshape(-1, 7)


def _is_buffer(operand: object) -> bool:
    return isinstance(operand, np.ndarray) and operand.dtype == np.float32


def _linear(weight: NDArray[np.float32], x: NDArray[np.float32], out: NDArray[np.float32]) -> list[Row] | None:
    if not (_is_buffer(weight) and weight.ndim == 2 and x.ndim == out.ndim == 1):
        return None
    if (weight.shape[1] > 1 and weight.strides[1] != weight.itemsize) or not (_is_dense(x) and _is_dense(out)):
        return None
    if np.may_share_memory(x, out):
        return None
    return [(Op.LINEAR, address_of(weight), address_of(x), address_of(out), len(out), len(x), weight.strides[0])]


def _by_element(op: Op, x: NDArray[np.float32], *others: NDArray[np.float32]) -> list[Row] | None:
    """Rows of one vector each; those of a matrix are its rows."""
    y, out = others if len(others) == 2 else (x, others[-1])
    if x.shape != out.shape or out.ndim > 2 or not (is_apart(x, out) and is_apart(y, out)):
        return None
    if out.ndim == 2:
        y = np.broadcast_to(y, out.shape)
        parts = [_by_element(op, *operands) for operands in zip(x, y, out, strict=True)]
        return None if None in parts else list(chain.from_iterable(filter(None, parts)))
    is_number = y.size == 1 or y.strides[0] == 0
    if not (_is_dense(x) and _is_dense(out) and (is_number or (y.shape == out.shape and _is_dense(y)))):
        return None
    return [(op, address_of(x), address_of(y), address_of(out), len(out), 1, 0 if is_number else y.itemsize)]


def is_apart(operand: NDArray[np.float32], out: NDArray[np.float32]) -> bool:
    """The result overwrites no part of an operand that is still to be read; it may do so in place, one by one."""
    if operand is out or not np.may_share_memory(operand, out):
        return True
    in_place = address_of(operand) == address_of(out) and operand.strides == out.strides
    return in_place or not np.shares_memory(operand, out)


def _is_dense(vector: NDArray[np.float32]) -> bool:
    return len(vector) <= 1 or vector.strides[0] == vector.itemsize


def address_of(operand: NDArray[Any]) -> int:
    """Address of an array's first element."""
    address: int = operand.__array_interface__["data"][0]
    return address
