"""The kernel that runs tables, compiled by numba; only ``compiling`` imports it, because that takes a moment.

Weights are read as they lie in memory, four rows at a time, so that each element of the vector is loaded once for four
products. Sums are taken in the order that the processor's vectors suggest.

Letters: M rows and K columns of a weight, N elements of a vector.
"""

import importlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gmstudio.nn.stepping.compiling import Kernel
from gmstudio.nn.stepping.table import COUNT, NUM_COLUMNS, OP, OUT, STRIDE, Op, Table, X, Y

numba: Any = importlib.import_module("numba")
extending: Any = importlib.import_module("numba.extending")

RUN_SIGNATURE = "void(int64[:, ::1], int64[:, ::1], int64, int64, int64)"
DRAW_SIGNATURE = (
    "int64(int64[:, ::1], int64[:, ::1], int64, int64[::1], float32[::1], float32[:], float32[:], uint8[:])"
)
LINEAR, MAXIMUM, MULTIPLY, ADD, TANH = map(int, Op)
ZERO = np.float32(0.0)
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


def _run_column(table: Table, shifts: Table, column: int) -> None:
    """Implementation of ``_run``: the program of a column; see ``table.Row``."""
    for row in range(len(table)):
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


def _run_columns(table: Table, shifts: Table, start: int, count: int, step: int) -> None:
    """Implementation of ``RunColumns``."""
    for number in range(count):
        _run(table, shifts, start + number * step)


def _draw_columns(
    table: Table, shifts: Table, start: int, slots: Any, scaled: Any, lower: Any, upper: Any, values: Any
) -> int:
    """Implementation of ``DrawColumns``."""
    odds, place, place_shift = _floats(slots[0], 1), slots[1], slots[2]
    for number in range(len(values)):
        column = start + number
        _run(table, shifts, column)
        if odds[0] > upper[number]:
            value = 1
        elif odds[0] < lower[number]:
            value = 0
        else:
            return number
        values[number] = value
        _floats(place + column * place_shift, 1)[0] = scaled[value]
    return len(values)


_pointer: Any = extending.intrinsic(_pointer_of)
_floats = numba.njit(inline="always")(_floats_at)
_linear = numba.njit(fastmath=REORDERED)(_linear_rows)
_tanh = numba.njit(fastmath=REORDERED, error_model="numpy")(_tanh_of)
_by_element = numba.njit(_by_element_of)
_by_number = numba.njit(_by_number_of)
_run = numba.njit(_run_column)


def compile_kernel(cache: Path) -> Kernel:
    """Compile the kernel for this processor, or read it from an earlier compilation; a damaged one is replaced.

    Args:
        cache: folder of compiled code.
    """
    numba.config.CACHE_DIR = str(cache)
    try:
        return _compiled_kernel()
    except Exception:  # what numba cannot read fails in any way; without it, what is wrong otherwise fails again
        for file in cache.rglob(f"{Path(__file__).stem}.*.nb?"):
            file.unlink()
        return _compiled_kernel()


def _compiled_kernel() -> Kernel:
    compiled = partial(numba.njit, cache=True, error_model="numpy")
    return Kernel(compiled(RUN_SIGNATURE)(_run_columns), compiled(DRAW_SIGNATURE)(_draw_columns))
