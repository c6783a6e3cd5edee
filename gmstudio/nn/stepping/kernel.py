"""The kernel that runs tables, compiled by numba; only ``compiling`` imports it, because that takes a moment.

Weights are read as they lie in memory, four rows at a time, so that each element of the vector is loaded once for four
products, and for two columns of the image at a time, where several run at once. Sums are taken in the order that the
processor's vectors suggest.

Letters: M rows and K columns of a weight, N elements of a vector.
"""

import hashlib
import importlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gmstudio.nn.stepping.compiling import ODDS, ODDS_SHIFT, PLACE, PLACE_SHIFT, RIGHT, Kernel
from gmstudio.nn.stepping.table import COUNT, ITEM, NUM_COLUMNS, OP, OUT, STRIDE, Op, Table, X, Y

numba: Any = importlib.import_module("numba")
extending: Any = importlib.import_module("numba.extending")

RUN_SIGNATURE = "void(int64[:, ::1], int64[:, ::1], int64, int64, int64)"
DRAW_SIGNATURE = (
    "int64(int64[:, ::1], int64[:, ::1], int64, int64[::1], float32[::1], float32[:], float32[:], float32[::1], "
    "uint8[::1], int64)"
)
RUN_ROW_SIGNATURE = "void(int64[:, ::1], int64[:, ::1], int64)"
LINEAR, MAXIMUM, MULTIPLY, ADD, TANH = map(int, Op)
ZERO = np.float32(0.0)
TILE_ROWS, TILE_COLUMNS = 4, 2
"""Rows and columns whose products are computed together: their sums stay in the registers of any processor."""
REORDERED = {"contract", "reassoc", "nsz"}
"""Sums may be taken in another order, products and sums in one instruction; NaN and infinity stay what they are."""

SATURATED = np.float32(7.90531110763549805)
"""From here on tanh rounds to 1."""
ODD = tuple(
    np.float32(coefficient)
    for coefficient in (
        -2.76076847742355e-16,
        2.00018790482477e-13,
        -8.60467152213735e-11,
        5.12229709037114e-08,
        1.48572235717979e-05,
        6.37261928875436e-04,
        4.89352455891786e-03,
    )
)
EVEN = tuple(
    np.float32(coefficient)
    for coefficient in (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
)


def _pointer_of(_typing: Any, _address: Any) -> Any:
    """Implementation of ``_pointer``: an address as a pointer."""

    def build(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(numba.types.voidptr))

    return numba.types.voidptr(numba.types.int64), build


def _floats_at(address: int, count: int) -> Any:
    """Implementation of ``_floats``: the (count,) float32 at an address."""
    return numba.carray(_pointer(address), (count,), np.float32)


def _linear_rows(weight: int, stride: int, x: int, num_columns: int, out: int, num_rows: int) -> None:
    """Implementation of ``_linear``: out = weight · x, from addresses, for (M, K) and (K,)."""
    x_K, out_M = _floats(x, num_columns), _floats(out, num_rows)
    row = 0
    while row + 4 <= num_rows:
        a_K, b_K = _floats(weight, num_columns), _floats(weight + stride, num_columns)
        c_K, d_K = _floats(weight + 2 * stride, num_columns), _floats(weight + 3 * stride, num_columns)
        a = b = c = d = ZERO
        for column in range(num_columns):
            value = x_K[column]
            a += a_K[column] * value
            b += b_K[column] * value
            c += c_K[column] * value
            d += d_K[column] * value
        out_M[row], out_M[row + 1], out_M[row + 2], out_M[row + 3] = a, b, c, d
        row += 4
        weight += 4 * stride
    while row < num_rows:
        a_K = _floats(weight, num_columns)
        a = ZERO
        for column in range(num_columns):
            a += a_K[column] * x_K[column]
        out_M[row] = a
        row += 1
        weight += stride


def _linear_tile_of(weight: int, stride: int, x: int, x_shift: int, num_columns: int, out: int, out_shift: int) -> None:
    """Implementation of ``_linear_tile``: four rows of the weight times two vectors."""
    a_K, b_K = _floats(weight, num_columns), _floats(weight + stride, num_columns)
    c_K, d_K = _floats(weight + 2 * stride, num_columns), _floats(weight + 3 * stride, num_columns)
    p_K, q_K = _floats(x, num_columns), _floats(x + x_shift, num_columns)
    ap = bp = cp = dp = aq = bq = cq = dq = ZERO
    for k in range(num_columns):
        a, b, c, d = a_K[k], b_K[k], c_K[k], d_K[k]
        p, q = p_K[k], q_K[k]
        ap += a * p
        bp += b * p
        cp += c * p
        dp += d * p
        aq += a * q
        bq += b * q
        cq += c * q
        dq += d * q
    first, second = _floats(out, TILE_ROWS), _floats(out + out_shift, TILE_ROWS)
    first[0], first[1], first[2], first[3] = ap, bp, cp, dp
    second[0], second[1], second[2], second[3] = aq, bq, cq, dq


def _linear_columns_of(
    weight: int, stride: int, x: int, x_shift: int, num_columns: int, out: int, out_shift: int, size: int, count: int
) -> None:
    """Implementation of ``_linear_columns``: a weight of ``size`` rows times the vectors of ``count`` image columns."""
    tiled_rows, tiled = size - size % TILE_ROWS, count - count % TILE_COLUMNS
    for row in range(0, tiled_rows, TILE_ROWS):
        for number in range(0, tiled, TILE_COLUMNS):
            own_x, own_out = x + number * x_shift, out + number * out_shift + row * ITEM
            _linear_tile(weight + row * stride, stride, own_x, x_shift, num_columns, own_out, out_shift)
    for number in range(count):
        start = tiled_rows if number < tiled else 0
        own_x, own_out = x + number * x_shift, out + number * out_shift + start * ITEM
        _linear(weight + start * stride, stride, own_x, num_columns, own_out, size - start)


def _tanh_of(x_N: Any, out_N: Any) -> None:
    """Implementation of ``_tanh``: a quotient of polynomials, which is within 3e-7 of tanh everywhere.

    Source: the coefficients of the float32 approximation in the library Eigen (``generic_fast_tanh_float``).
    """
    for n in range(len(out_N)):
        x = min(max(x_N[n], -SATURATED), SATURATED)
        square = x * x
        odd = ODD[0] * square + ODD[1]
        odd = odd * square + ODD[2]
        odd = odd * square + ODD[3]
        odd = odd * square + ODD[4]
        odd = odd * square + ODD[5]
        odd = odd * square + ODD[6]
        even = EVEN[0] * square + EVEN[1]
        even = even * square + EVEN[2]
        even = even * square + EVEN[3]
        out_N[n] = x * odd / even


def _by_element_of(op: int, x_N: Any, y_N: Any, out_N: Any) -> None:
    """Implementation of ``_by_element``: a sum, a product or the larger of two operands."""
    if op == ADD:
        for n in range(len(out_N)):
            out_N[n] = x_N[n] + y_N[n]
    elif op == MULTIPLY:
        for n in range(len(out_N)):
            out_N[n] = x_N[n] * y_N[n]
    elif op == MAXIMUM:
        for n in range(len(out_N)):
            out_N[n] = x_N[n] if x_N[n] > y_N[n] else y_N[n]


def _by_number_of(op: int, x_N: Any, y: Any, out_N: Any) -> None:
    """Implementation of ``_by_number``: the same with one number as the second operand."""
    if op == ADD:
        for n in range(len(out_N)):
            out_N[n] = x_N[n] + y
    elif op == MULTIPLY:
        for n in range(len(out_N)):
            out_N[n] = x_N[n] * y
    elif op == MAXIMUM:
        for n in range(len(out_N)):
            out_N[n] = x_N[n] if x_N[n] > y else y


def _run_operation(table: Table, shifts: Table, row: int, column: int) -> None:
    """Implementation of ``_run_one``: one operation in a column; see ``table.Row``."""
    op, count, stride = table[row, OP], table[row, COUNT], table[row, STRIDE]
    x = table[row, X] + column * shifts[row, X]
    y = table[row, Y] + column * shifts[row, Y]
    out = table[row, OUT] + column * shifts[row, OUT]
    if op == LINEAR:
        _linear(x, stride, y, table[row, NUM_COLUMNS], out, count)
    elif op == TANH:
        _tanh(_floats(x, count), _floats(out, count))
    elif stride == 0:
        _by_number(op, _floats(x, count), _floats(y, 1)[0], _floats(out, count))
    else:
        _by_element(op, _floats(x, count), _floats(y, count), _floats(out, count))


def _run_column(table: Table, shifts: Table, column: int) -> None:
    """Implementation of ``_run``: the program of a column."""
    for row in range(len(table)):
        _run_one(table, shifts, row, column)


def _run_columns(table: Table, shifts: Table, start: int, count: int, step: int) -> None:
    """Implementation of ``RunColumns``."""
    for number in range(count):
        _run(table, shifts, start + number * step)


def _run_row(table: Table, shifts: Table, start: int, count: int) -> None:
    """Implementation of ``_run_wide``: each operation in several columns before the next one; see ``wide_table``."""
    for row in range(len(table)):
        op, size, stride = table[row, OP], table[row, COUNT], table[row, STRIDE]
        x_shift, y_shift, out_shift = shifts[row, X], shifts[row, Y], shifts[row, OUT]
        if op == LINEAR and x_shift == 0:
            y, out = table[row, Y] + start * y_shift, table[row, OUT] + start * out_shift
            weight, num_columns = table[row, X], table[row, NUM_COLUMNS]
            _linear_columns(weight, stride, y, y_shift, num_columns, out, out_shift, size, count)
        else:
            for number in range(start, start + count):
                _run_one(table, shifts, row, number)


def _run_all_columns(table: Table, shifts: Table, count: int) -> None:
    """Implementation of ``RunRow``."""
    _run_wide(table, shifts, 0, count)


def _draw_columns(
    table: Table,
    shifts: Table,
    start: int,
    slots: Any,
    scaled: Any,
    lower: Any,
    upper: Any,
    log_odds: Any,
    values: Any,
    widest: int,
) -> int:
    """Implementation of ``DrawColumns``: as many columns at once as guesses were right before, at most ``widest``."""
    total, done, right = len(values), 0, slots[RIGHT]
    for number in range(total):
        values[number] = 1 if log_odds[number] > upper[number] else 0
        _floats(slots[PLACE] + (start + number) * slots[PLACE_SHIFT], 1)[0] = scaled[values[number]]
    while done < total:
        count = min(max(right - right % TILE_COLUMNS, TILE_COLUMNS), widest, total - done)
        if count == 1:
            _run(table, shifts, start + done)
        else:
            _run_wide(table, shifts, start + done, count)
        number, stop = done, done + count
        while number < stop:
            odds = _floats(slots[ODDS] + (start + number) * slots[ODDS_SHIFT], 1)[0]
            log_odds[number] = odds
            if odds > upper[number]:
                value = 1
            elif odds < lower[number]:
                value = 0
            else:
                slots[RIGHT] = right
                return number
            if value == values[number]:
                right += 1
            else:
                right, stop = 0, number
                values[number] = value
                _floats(slots[PLACE] + (start + number) * slots[PLACE_SHIFT], 1)[0] = scaled[value]
            number += 1
        done = number
    slots[RIGHT] = right
    return total


_pointer: Any = extending.intrinsic(_pointer_of)
_floats = numba.njit(inline="always")(_floats_at)
_linear = numba.njit(fastmath=REORDERED)(_linear_rows)
_linear_tile = numba.njit(fastmath=REORDERED)(_linear_tile_of)
_linear_columns = numba.njit(_linear_columns_of)
_tanh = numba.njit(fastmath=REORDERED, error_model="numpy")(_tanh_of)
_by_element = numba.njit(_by_element_of)
_by_number = numba.njit(_by_number_of)
_run_one = numba.njit(inline="always")(_run_operation)
_run = numba.njit(_run_column)
_run_wide = numba.njit(_run_row)


def compile_kernel(cache: Path) -> Kernel:
    """Compile the kernel for this processor, or read it from an earlier compilation; a damaged one is replaced.

    Args:
        cache: folder of compiled code.
    """
    cache /= _digest_of_sources()
    numba.config.CACHE_DIR = str(cache)
    try:
        return _compiled_kernel()
    except Exception:  # what numba cannot read fails in any way; without it, what is wrong otherwise fails again
        for file in cache.rglob(f"{Path(__file__).stem}.*.nb?"):
            file.unlink()
        return _compiled_kernel()


def _digest_of_sources() -> str:
    """Name for what the sources compile to: numba looks at this one alone, but constants of others are compiled in."""
    sources = [Path(__file__).with_name(name).read_bytes() for name in ("kernel.py", "table.py", "compiling.py")]
    return hashlib.sha256(b"".join(sources)).hexdigest()[:16]


def _compiled_kernel() -> Kernel:
    """The functions; those that take long let other threads of Python run meanwhile."""
    compiled = partial(numba.njit, cache=True, error_model="numpy")
    return Kernel(
        compiled(RUN_SIGNATURE)(_run_columns),
        compiled(DRAW_SIGNATURE, nogil=True)(_draw_columns),
        compiled(RUN_ROW_SIGNATURE, nogil=True)(_run_all_columns),
    )
