"""One operation in several columns before the next: the same numbers, where the order of columns does not matter."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gmstudio.nn.stepping.columns import Program
from gmstudio.nn.stepping.compiling import Kernel
from gmstudio.nn.stepping.ops import NumpyOps
from gmstudio.nn.stepping.rows import CompiledRow, row_table
from gmstudio.nn.stepping.table import ColumnTable, column_table
from gmstudio.nn.stepping.wide_table import wide_table

WIDTH = 6
OPS = NumpyOps(1)
Buffers = dict[str, NDArray[np.float32]]


def buffers(seed: int) -> Buffers:
    random = np.random.default_rng(seed)
    shapes = {
        "first": (10, 21),
        "second": (7, 6),
        "third": (9, 14),
        "x": (WIDTH + 2, 7),
        "y": (WIDTH + 2, 7),
        "above": (WIDTH, 10),
        "out": (WIDTH, 9),
        "sums": (10,),
        "gated": (6,),
    }
    made = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    made["gated"][0] = 1.0
    return made


def gated(made: Buffers, column: int) -> Program:
    """Two layers, of which the second reads what the first has left in this column and the one before."""
    x, y, sums, into_gate = made["x"], made["y"], made["sums"], made["gated"]
    return [
        *OPS.linear(made["first"], x[column : column + 3].reshape(-1), sums),
        *OPS.add(sums, made["above"][column], sums),
        *OPS.tanh(sums, sums),
        *OPS.multiply(sums[:5], sums[5:], into_gate[1:]),
        *OPS.add(into_gate[1:], sums[:5], into_gate[1:]),
        *OPS.linear(made["second"], into_gate, y[column + 2]),
        *OPS.relu(y[column + 2], y[column + 2]),
        *OPS.linear(made["third"], y[column + 1 : column + 3].reshape(-1), made["out"][column]),
    ]


@pytest.mark.parametrize("count", [1, 2, 4, 5, 6])
def test_the_kernel_computes_several_columns_at_once(count: int, step_kernel: Kernel) -> None:
    expected, found = buffers(0), buffers(0)
    table = column_table(WIDTH, partial(gated, found))
    assert table is not None
    wide = wide_table(table, WIDTH)
    assert wide is not None
    for again in range(2):  # a second time: columns run again behind a wrong guess
        for made in (expected, found):
            made["x"][3 + again] += 1.0
        for column in range(count):
            for call in gated(expected, column):
                call()
        step_kernel.run_row(wide.first, wide.shifts, count)
        for name in ("y", "out"):
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_a_single_column_has_no_wide_table() -> None:
    table = column_table(1, partial(gated, buffers(0)))
    assert table is not None and wide_table(table, 1) is None


def recurrent(made: Buffers, column: int) -> Program:
    """A state that goes from column to column."""
    return OPS.linear(made["third"][:7, :7], made["y"][column], made["y"][column + 1])


def returning(made: Buffers, column: int) -> Program:
    """A first layer that reads the second one's result of the column before."""
    return [
        *OPS.linear(made["third"][:7, :7], made["y"][column], made["x"][column]),
        *OPS.tanh(made["x"][column], made["y"][column + 1]),
    ]


def counting(made: Buffers, column: int) -> Program:
    """A sum that would be added twice."""
    return OPS.add(made["x"][column], made["y"][column], made["y"][column])


def carried(made: Buffers, column: int) -> Program:
    """A sum over all columns."""
    return OPS.add(made["sums"][:7], made["x"][column], made["sums"][:7])


def ahead(made: Buffers, column: int) -> Program:
    """What the next column is about to overwrite."""
    return [*OPS.tanh(made["x"][column], made["y"][column]), *OPS.tanh(made["y"][column + 1], made["out"][column, :7])]


def crossing(made: Buffers, column: int) -> Program:
    """Results that lie over those of the next column."""
    return OPS.tanh(made["x"][column], made["out"].reshape(-1)[column * 4 : column * 4 + 7])


def uneven(made: Buffers, column: int) -> Program:
    """Reads go on faster than writes."""
    y = made["y"].reshape(-1)
    return [
        *OPS.tanh(made["x"][column, :3], y[column * 3 : column * 3 + 3]),
        *OPS.tanh(y[column * 7 :][:3], made["out"][column, :3]),
    ]


def mixed(made: Buffers, column: int) -> Program:
    """A buffer that is in part of all columns, in part of each."""
    return [*OPS.tanh(made["x"][column], made["y"][0]), *OPS.tanh(made["y"][0], made["y"][column + 1])]


@pytest.mark.parametrize("program", [recurrent, returning, counting, carried, ahead, crossing, uneven, mixed])
def test_where_the_order_matters_there_is_no_wide_table(program: Callable[[Buffers, int], Program]) -> None:
    table = column_table(WIDTH, partial(program, buffers(0)))
    assert table is not None
    assert wide_table(table, WIDTH) is None


def row_program(made: dict[str, Any], ops: NumpyOps = OPS) -> Program:
    places = made["places"]
    return [
        *ops.copied(places[:, 7:], places[:, :7]),
        *ops.copied(made["x"][2:], places[:, 7:]),
        *ops.row_products(made["third"], places, made["out"]),
        *ops.add(made["out"], made["bias"], made["out"]),
        *ops.tanh(made["out"], made["out"]),
        *ops.multiply(made["out"][:, :4], ops.number(0.5), made["result"]),
    ]


def row_buffers() -> dict[str, Any]:
    random = np.random.default_rng(1)
    shapes = {"places": (WIDTH, 14), "bias": (9,), "result": (WIDTH, 4)}
    return {**buffers(1), **{name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}}


def test_a_row_is_computed_as_numpy_does(step_kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, found = row_buffers(), row_buffers()
    compiled = CompiledRow(row_program(found), WIDTH)
    calls: list[ColumnTable] = []

    class Counted:
        def run_row(self, *arguments: Any) -> None:
            calls.append(arguments[0])
            step_kernel.run_row(*arguments)

    for kernel in (None, Counted(), Counted()):
        monkeypatch.setattr("gmstudio.nn.stepping.rows.STEP_KERNEL.kernel", kernel)
        for call in row_program(expected):
            call()
        compiled.run()
        for name, buffer in expected.items():
            np.testing.assert_allclose(found[name], buffer, rtol=1e-5, atol=1e-5, err_msg=name)
    assert len(calls) == 2


def other_function(made: dict[str, Any]) -> Program:
    return [partial(np.subtract, made["x"], made["y"], made["y"])]


def other_rows(made: dict[str, Any]) -> Program:
    return OPS.tanh(made["x"][:4], made["y"][:4])


def onto_itself(made: dict[str, Any]) -> Program:
    return OPS.tanh(made["places"][:, :7], made["places"][:, 1:8])


def product_onto_itself(made: dict[str, Any]) -> Program:
    return OPS.row_products(made["third"], made["places"], made["places"][:, :9])


def doubled(made: dict[str, Any]) -> Program:
    return OPS.tanh(made["result"].astype(np.float64), made["result"])


def nothing(_made: dict[str, Any]) -> Program:
    return []


def one_row_for_all(made: dict[str, Any]) -> Program:
    return OPS.add(made["out"], made["bias"].reshape(1, 9), made["out"])


@pytest.mark.parametrize(
    "program",
    [one_row_for_all, other_function, other_rows, onto_itself, product_onto_itself, doubled, nothing],
)
def test_what_a_table_of_a_row_cannot_have_runs_as_it_is(program: Callable[[dict[str, Any]], Program]) -> None:
    assert row_table(program(row_buffers()), WIDTH) is None
