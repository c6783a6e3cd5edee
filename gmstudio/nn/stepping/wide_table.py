"""Tables whose operations run in several columns at once: one operation in all of them, then the next one.

So a weight is read once for several columns, which takes hardly longer than for one. What a column reads of those to
its left is guessed then, and columns right of a wrong guess run again. So intermediate results, for which all columns
have the same buffers, get one of each column; and programs in which the order of columns matters, such as those of
a recurrence along the row, have no such table.

Letters: R rows of a table, N of them that read, M that write, W columns, F elements of a buffer.
"""

from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmstudio.nn.stepping.table import COUNT, ITEM, NUM_COLUMNS, OP, OUT, STRIDE, ColumnTable, Op, X, Y, address_of

LINE = 16
"""Elements of a cache line; no two buffers share one but at their ends."""
Numbers = NDArray[np.int64]


class _Operands(NamedTuple):
    """Operands of some rows: their bytes in the first column, and the step from column to column.

    Args:
        row: the rows' numbers.
        start: first byte.
        stop: one past the last byte.
        shift: bytes from a column to the next one.
    """

    row: Numbers
    start: Numbers
    stop: Numbers
    shift: Numbers


def wide_table(table: ColumnTable, num_columns: int) -> ColumnTable | None:
    """The same programs for several columns at once; None where the order of columns matters.

    Args:
        table: the programs.
        num_columns: number of columns W.
    """
    if num_columns == 1:
        return None  # nothing would tell a column's own buffers from those that all columns share
    written, reads = _operands(table, OUT), [_operands(table, place) for place in (X, Y)]
    read = _written_anywhere(_Operands(*map(np.concatenate, zip(*reads, strict=True))), written, num_columns)
    if (table.shifts < 0).any() or _is_order_relevant(read, written, num_columns):
        return None
    buffers = _buffers(table.calls[0])
    return _with_own_buffers(table, buffers, _number_of(buffers, written.start[written.shift == 0]), num_columns)


def _operands(table: ColumnTable, place: int) -> _Operands:
    """Operands X, Y or OUT of all rows."""
    rows = table.first
    is_linear, length = rows[:, OP] == Op.LINEAR, rows[:, COUNT] * ITEM
    if place == X:
        length = np.where(is_linear, (rows[:, COUNT] - 1) * rows[:, STRIDE] + rows[:, NUM_COLUMNS] * ITEM, length)
    elif place == Y:
        length = np.where(is_linear, rows[:, NUM_COLUMNS] * ITEM, np.where(rows[:, STRIDE] == 0, ITEM, length))
    return _Operands(np.arange(len(rows)), rows[:, place], rows[:, place] + length, table.shifts[:, place])


def _written_anywhere(read: _Operands, written: _Operands, num_columns: int) -> _Operands:
    """Operands without those, like weights, that are near nothing that is written: few are left to be compared."""
    order_M = np.argsort(written.start)
    starts_M = written.start[order_M]
    stops_M = np.maximum.accumulate((written.stop + (num_columns - 1) * written.shift)[order_M])
    before_N = np.searchsorted(starts_M, read.stop + (num_columns - 1) * read.shift)
    is_near_N = (before_N > 0) & (stops_M[before_N - 1] > read.start)
    return _Operands(*(values_N[is_near_N] for values_N in read))


def _is_order_relevant(read: _Operands, written: _Operands, num_columns: int) -> bool:
    """Test whether operands meet that must not: what is read is there beforehand, or from own rows or columns before.

    Nothing is read that is written later, by this column or another one, unless an own row has written all of it just
    before: columns run again, and find what they have left behind.
    """
    first_NM, last_NM, is_unclear = _meetings(read, written, num_columns)
    meets_NM, is_later_NM = first_NM <= last_NM, np.less_equal.outer(read.row, written.row)
    begins_NM, ends_NM = np.greater_equal.outer(read.start, written.start), np.less_equal.outer(read.stop, written.stop)
    is_within_NM = meets_NM & begins_NM & ends_NM & np.equal.outer(read.shift, written.shift)
    is_own_N1 = (is_within_NM & ~is_later_NM).any(axis=1, keepdims=True)
    is_alone_NM = (first_NM == 0) & (last_NM == 0)
    first_MM, last_MM, is_mixed = _meetings(written, written, num_columns)
    return bool(
        is_unclear
        or is_mixed
        or (meets_NM & is_later_NM & ~(is_own_N1 & is_alone_NM)).any()
        or (meets_NM & ~is_later_NM & (last_NM > 0)).any()
        or ((first_MM <= last_MM) & ((first_MM < 0) | (last_MM > 0))).any()
    )


def _meetings(read: _Operands, written: _Operands, num_columns: int) -> tuple[Numbers, Numbers, bool]:
    """Columns, relative to the one that reads, in which the same bytes are written.

    Returns:
        (N, M) the first and the last of them, the first one larger where there are none; and whether operands meet that
        move by different steps.
    """
    reach = num_columns - 1
    starts_before_NM = np.less.outer(read.start, written.stop + reach * written.shift)
    ends_behind_NM = np.greater.outer(read.stop + reach * read.shift, written.start)
    may_meet_NM = starts_before_NM & ends_behind_NM
    is_even_NM = np.equal.outer(read.shift, written.shift)
    step_M = np.maximum(written.shift, 1)
    first_NM = np.maximum(np.subtract.outer(read.start, written.stop) // step_M + 1, -reach)
    last_NM = np.minimum((np.subtract.outer(read.stop, written.start) - 1) // step_M, reach)
    is_still_M = written.shift == 0
    overlap_NM = np.less.outer(read.start, written.stop) & np.greater.outer(read.stop, written.start)
    first_NM = np.where(is_still_M, np.where(overlap_NM, 0, 1), first_NM)
    last_NM = np.where(is_still_M, 0, last_NM)
    first_NM = np.where(is_even_NM, first_NM, reach + 1)
    return first_NM, last_NM, bool((may_meet_NM & ~is_even_NM).any())


def _buffers(calls: list[Any]) -> list[NDArray[np.float32]]:
    """The memory that a program's arrays are parts of, by address."""
    owners = {address_of(owner): owner for owner in map(_owner, chain.from_iterable(map(_arrays, calls)))}
    return [owners[start] for start in sorted(owners)]


def _arrays(call: Any) -> list[NDArray[np.float32]]:
    """The arrays of a call that a table has."""
    assert isinstance(call, partial)
    weight = getattr(call.func, "__self__", None)
    return [*([weight] if isinstance(weight, np.ndarray) else []), *call.args]


def _owner(operand: NDArray[np.float32]) -> NDArray[np.float32]:
    while isinstance(operand.base, np.ndarray):
        operand = operand.base
    return operand


def _number_of(buffers: list[NDArray[np.float32]], addresses: Numbers) -> Numbers:
    """Numbers of the buffers that addresses are within."""
    return np.searchsorted([address_of(buffer) for buffer in buffers], addresses, side="right") - 1


def _with_own_buffers(
    table: ColumnTable, buffers: list[NDArray[np.float32]], shared: Numbers, num_columns: int
) -> ColumnTable | None:
    """The table with a copy of the shared buffers for each column; None where one of them has more than that.

    What no row writes there, such as the ones that multiply a bias, is copied.

    Args:
        table: the table.
        buffers: see ``_buffers``.
        shared: numbers of those that all columns write to.
        num_columns: number of columns W.
    """
    if not all(buffers[number].flags.c_contiguous and buffers[number].dtype == np.float32 for number in shared):
        return None
    is_shared = np.zeros(len(buffers), dtype=bool)
    is_shared[shared] = True
    sizes = np.array([-(-buffer.size // LINE) * LINE for buffer in buffers]) * is_shared
    places = np.cumsum(sizes) - sizes
    own_WF = np.zeros((num_columns, int(sizes.sum())), dtype=np.float32)
    for number in np.flatnonzero(is_shared):
        own_WF[:, places[number] : places[number] + buffers[number].size] = buffers[number].ravel()
    moves = address_of(own_WF) + places * ITEM - [address_of(buffer) for buffer in buffers]
    first, shifts = table.first.copy(), table.shifts.copy()
    for operand in (X, Y, OUT):
        numbers_R = _number_of(buffers, first[:, operand])
        is_shared_R = is_shared[numbers_R]
        if shifts[is_shared_R, operand].any():
            return None
        first[is_shared_R, operand] += moves[numbers_R[is_shared_R]]
        shifts[is_shared_R, operand] = own_WF.strides[0]
    return ColumnTable(first, shifts, [table.calls, own_WF])
