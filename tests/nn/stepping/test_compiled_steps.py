"""Programs run by the compiled kernel: the same numbers as numpy's calls, in every family, whenever it is loaded."""

import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gmstudio.families import FAMILIES
from gmstudio.families.autoregressive import sampling_plan
from gmstudio.families.autoregressive.block_sweep import BlockSweep
from gmstudio.nn.stepping.ahead import Ahead
from gmstudio.nn.stepping.columns import STEP_KERNEL, WIDEST, CompiledColumns, Program
from gmstudio.nn.stepping.compiling import COMPILER_MODULE, KERNEL_MODULE, Kernel, StepKernel
from gmstudio.nn.stepping.ops import NumpyOps
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.sessions import fast_equals_plain

SMALL: dict[str, dict[str, Any]] = {
    "pixelcnn": {"num_channels": 3, "num_blocks": 2, "input_kernel_size": 3},
    "gated_pixelcnn": {"num_channels": 6, "num_layers": 2, "input_kernel_size": 3},
    "pixelrnn_row": {"num_channels": 3, "num_layers": 2, "input_kernel_size": 3},
    "pixelrnn_diagonal": {"num_channels": 3, "num_layers": 2, "input_kernel_size": 3},
}
WIDTH = 4


class Counted:
    """The kernel, counting what it runs and draws."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel, self.calls, self.drawn, self.rows, self.widest = kernel, 0, 0, 0, set[int]()

    def run(self, *arguments: Any) -> None:
        self.calls += 1
        self._kernel.run(*arguments)

    def draw(self, *arguments: Any) -> int:
        drawn = self._kernel.draw(*arguments)
        self.drawn += drawn
        self.widest.add(arguments[-1])
        return drawn

    def run_row(self, *arguments: Any) -> None:
        self.rows += 1
        self._kernel.run_row(*arguments)


@pytest.fixture
def kernel(step_kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted(step_kernel)
    monkeypatch.setattr(STEP_KERNEL, "kernel", counted)
    return counted


class Mixed:
    """Programs with every operation, in odd sizes, on buffers whose first axis is the columns."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        shapes = {
            "weights": (7, 71),
            "inputs": (71,),
            "sums": (7,),
            "gates": (3, 9),
            "products": (3, 2),
            "out": (7,),
            "shift": (1, 9),
        }
        self.buffers = {
            name: random.standard_normal((WIDTH, *shape)).astype(np.float32) for name, shape in shapes.items()
        }
        self.buffers["inputs"][:, 5] = np.inf
        self.buffers["weights"][:, 2, 5] = -np.inf
        self.buffers["weights"][:, 3, 5] = 0.0
        self.ops = NumpyOps(1)

    def compile_column(self, column: int) -> Program:
        ops = self.ops
        weights, inputs, sums, gates, products, out, shift = (buffer[column] for buffer in self.buffers.values())
        return [
            *ops.linear(weights[:, 1:40], inputs[6:45], sums),
            *ops.relu(sums, out),
            *ops.linear(weights, inputs, sums),  # sums that are infinite or not a number
            *ops.relu(sums, sums),
            *ops.tanh(gates, gates),
            *ops.multiply(gates[:, 2:6], ops.number(0.5), gates[:, 2:6]),
            *ops.add(gates, shift, gates),
            *ops.products(weights[:6].reshape(3, 2, 71)[:, :, :9], gates, products),
            *ops.add(out, sums, sums),
        ]


def results(mixed: Mixed, run: Callable[[], None]) -> dict[str, NDArray[np.float32]]:
    with np.errstate(invalid="ignore"):
        run()
    return mixed.buffers


def test_the_kernel_computes_what_numpy_does(kernel: Counted) -> None:
    plain, compiled = Mixed(), Mixed()
    columns = CompiledColumns(WIDTH, compiled.compile_column)

    def by_numpy() -> None:
        for column in (3, 2, 1, 0, 2):
            for call in plain.compile_column(column):
                call()

    def by_kernel() -> None:
        columns.sweep(range(3, -1, -1))
        columns.run(2)

    expected, found = results(plain, by_numpy), results(compiled, by_kernel)
    assert kernel.calls == 2
    for name, buffer in expected.items():
        np.testing.assert_allclose(found[name], buffer, rtol=1e-5, atol=1e-5, err_msg=name)


def test_tanh_is_that_of_double_precision(kernel: Counted) -> None:
    x = np.concatenate([np.linspace(-9, 9, 4001), np.logspace(-30, 30, 601), [np.inf, -np.inf]]).astype(np.float32)
    out = np.empty_like(x)
    CompiledColumns(1, lambda _column: NumpyOps(1).tanh(x, out)).run(0)
    assert kernel.calls == 1
    assert np.abs(out - np.tanh(x.astype(np.float64))).max() < 3e-7


@pytest.mark.parametrize("family", SMALL)
def test_a_compiled_sampler_equals_a_full_pass(family: str, kernel: Counted) -> None:
    torch.manual_seed(0)
    kind, image = FAMILIES[family], ImageSpec(3, 3, 1, 4)
    fast_equals_plain(kind(kind.Config(**SMALL[family]), image), batch=1)
    assert kernel.calls >= image.num_dims
    assert (kernel.rows > 0) == (family == "gated_pixelcnn")


@pytest.mark.parametrize("family", SMALL)
def test_a_kernel_takes_over_within_an_image(family: str, step_kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    kind = FAMILIES[family]
    model: Any = kind(kind.Config(**SMALL[family]), ImageSpec(1, 4, 5, 2))
    fast = model.pixel_session(1, generator=torch.Generator().manual_seed(1))
    plain = model.plain_pixel_session(1, generator=torch.Generator().manual_seed(1))
    monkeypatch.setattr(STEP_KERNEL, "kernel", None)
    for again in (False, True):
        while fast.position is not None:
            if fast.step == 7:
                monkeypatch.setattr(STEP_KERNEL, "kernel", step_kernel)
            torch.testing.assert_close(fast.conditional(), plain.conditional(), rtol=0, atol=1e-5)
            values = fast.draw()
            fast.place(values)
            plain.place(values)
        for session in (fast, plain):
            session.rewind(4 if again else 8)


@pytest.mark.parametrize("family", SMALL)
@pytest.mark.parametrize("margin", [2e-5, 1.0], ids=["few doubts", "many doubts"])
@pytest.mark.parametrize("fewest", [0, 2**17], ids=["several columns at once", "one after another"])
def test_values_drawn_ahead_are_those_of_a_full_pass(
    family: str, margin: float, fewest: int, kernel: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmstudio.families.autoregressive.drawing.MARGIN", margin)
    monkeypatch.setattr("gmstudio.nn.stepping.columns.FEWEST_WEIGHTS", fewest)
    torch.manual_seed(0)
    kind = FAMILIES[family]
    model: Any = kind(kind.Config(**SMALL[family], corner="bottom right"), ImageSpec(1, 4, 7, 2))
    for parameter in model.parameters():
        parameter.data *= 3.0
    fast = model.pixel_session(1, generator=torch.Generator().manual_seed(1))
    plain = model.plain_pixel_session(1, generator=torch.Generator().manual_seed(1))
    for session in (fast, plain):
        for value in (1, 0, 1, 1, 0, 1, 0):
            session.place(torch.tensor([value]))
    for temperature, back in ((1.0, 9), (0.0, 4), (2.0, 12), (0.5, 2)):
        fast.conditional()
        for session in (fast, plain):
            session.finish(temperature)
        assert torch.equal(fast.images, plain.images)
        for session in (fast, plain):
            session.rewind(back)
    assert kernel.drawn > 30 or margin == 1.0
    has_recurrence_along_the_row = family == "pixelrnn_diagonal"
    assert kernel.widest == {1 if fewest or has_recurrence_along_the_row else WIDEST}


@pytest.mark.parametrize("size", [(6, 1), (1, 5), (5, 2), (3, 3)])
@pytest.mark.parametrize("family", SMALL)
def test_images_of_any_size_are_those_of_a_full_pass(
    family: str, size: tuple[int, int], kernel: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmstudio.nn.stepping.columns.FEWEST_WEIGHTS", 0)
    torch.manual_seed(0)
    kind = FAMILIES[family]
    model: Any = kind(kind.Config(**SMALL[family]), ImageSpec(1, *size, 2)).eval()
    for parameter in model.parameters():
        parameter.data *= 3.0
    for seed in range(4):
        plain = model.plain_pixel_session(1, generator=torch.Generator().manual_seed(seed))
        plain.finish()
        found = model.sample(1, torch.Generator().manual_seed(seed), method="sequential")
        assert torch.equal(found, plain.images)
    assert kernel.drawn


def uneven(buffers: NDArray[np.float32], column: int) -> Program:
    """The third column's result is elsewhere."""
    place = 3 if column == 2 else column
    return NumpyOps(1).add(buffers[0, column], buffers[0, column], buffers[1, place])


def foreign(buffers: NDArray[np.float32], column: int) -> Program:
    """A call that no table can have."""
    return [partial(np.subtract, buffers[0, column], buffers[0, column], buffers[1, column])]


def overlapping(buffers: NDArray[np.float32], column: int) -> Program:
    """A result that lies over an operand which is still to be read."""
    return NumpyOps(1).add(buffers[0, column, :3], buffers[0, column, :3], buffers[0, column, 1:])


def doubled(buffers: NDArray[np.float32], column: int) -> Program:
    """Operands of another type."""
    return [partial(np.add, buffers[0, column].astype(np.float64), 0.0, buffers[1, column])]


@pytest.mark.parametrize("compile_column", [uneven, foreign, overlapping, doubled])
def test_what_a_table_cannot_have_runs_as_it_is(compile_column: Callable[..., Program], kernel: Counted) -> None:
    expected, found = (np.arange(48, dtype=np.float32).reshape(2, 6, 4) for _ in range(2))
    columns = CompiledColumns(3, partial(compile_column, found))
    for column in (0, 1, 2, 1, 2, 1, 0):
        for call in compile_column(expected, column):
            call()
    for column in (0, 1, 2, 1):
        columns.run(column)
    columns.sweep(range(2, -1, -1))
    assert kernel.calls == 0
    assert np.array_equal(found, expected)


def test_without_numba_steps_run_call_by_call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, KERNEL_MODULE, raising=False)
    kernel = StepKernel()
    kernel.load(tmp_path)
    assert kernel.kernel is None and "numba" in kernel.failure
    assert "single images take longer" in capsys.readouterr().err
    kernel.load_beside(tmp_path, {})  # not tried again
    assert capsys.readouterr().err == ""


def test_the_caller_never_waits_for_a_kernel(
    step_kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    class Compiler:
        def __init__(self, command: list[str], **_options: Any) -> None:
            assert command[-2:] == [COMPILER_MODULE, str(tmp_path)]
            steps.append("compiles")

        def poll(self) -> int | None:
            return None if len(steps) < 3 else 0

    monkeypatch.setattr("gmstudio.nn.stepping.compiling.subprocess.Popen", Compiler)
    kernel = StepKernel()
    monkeypatch.setattr(kernel, "load", lambda cache: steps.append(threading.current_thread().name))
    for _ in range(4):
        kernel.load_beside(tmp_path, os.environ)
        steps.append("goes on")
    assert kernel._loader is not None
    kernel._loader.join()
    assert sorted(steps) == ["compiles", *["goes on"] * 4, "step-kernel"]


def test_without_what_a_process_compiled_nothing_is_compiled_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    starts = Mock(side_effect=[OSError("no memory"), Mock(poll=lambda: -9)])
    monkeypatch.setattr("gmstudio.nn.stepping.compiling.subprocess.Popen", starts)
    monkeypatch.setattr(StepKernel, "load", Mock(side_effect=AssertionError("compiles in this process")))
    for reason in ("no memory", "exit code -9"):
        kernel = StepKernel()
        for _ in range(3):
            kernel.load_beside(tmp_path, {})
        assert reason in kernel.failure
        assert capsys.readouterr().err.count(kernel.failure) == 1
    assert starts.call_count == 2


def test_a_damaged_kernel_is_compiled_anew(
    step_kernel: Kernel, tmp_path: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pytestconfig.cache is not None
    kept = list(pytestconfig.cache.mkdir("step-kernel").rglob("*.nb?"))
    module = importlib.import_module(KERNEL_MODULE)
    folder = tmp_path / module._digest_of_sources()
    folder.mkdir()
    for file in kept:
        (folder / file.name).touch()

    def read_or_compiled() -> Kernel:
        if any(folder.iterdir()):
            raise EOFError("Ran out of input")
        return step_kernel

    monkeypatch.setattr(module.numba.config, "CACHE_DIR", "")
    monkeypatch.setattr(module, "_compiled_kernel", read_or_compiled)
    assert kept and module.compile_kernel(tmp_path) is step_kernel


def test_a_process_compiles_for_later_ones(step_kernel: Kernel, pytestconfig: pytest.Config) -> None:
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("step-kernel")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")}
    subprocess.run([sys.executable, "-m", COMPILER_MODULE, str(folder)], check=True)
    assert before and before == {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")}


@pytest.mark.parametrize("rows", [2, 5])
def test_the_first_call_measures_compiled_steps_and_tries_blocks(
    rows: int, kernel: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = FAMILIES["pixelcnn"](FAMILIES["pixelcnn"].Config(**SMALL["pixelcnn"]), ImageSpec(1, 5, WIDTH, 2)).eval()
    expected = model.sample(1, torch.Generator().manual_seed(3), method="sequential")
    monkeypatch.setattr(sampling_plan, "PILOT_ROWS", rows)
    sampling_plan.pace_of(model, 1).step_s = None
    guessed = Mock(wraps=BlockSweep.run)
    monkeypatch.setattr(BlockSweep, "run", lambda sweep: guessed(sweep))
    np.testing.assert_array_equal(model.sample(1, torch.Generator().manual_seed(3)), expected)
    assert kernel.drawn and guessed.call_count == 1
    assert (sampling_plan.pace_of(model, 1).step_s or 0.0) > 0.0


def test_drawing_to_a_row_draws_no_further(kernel: Counted) -> None:
    model = FAMILIES["pixelcnn"](FAMILIES["pixelcnn"].Config(**SMALL["pixelcnn"]), ImageSpec(1, 5, WIDTH, 2)).eval()
    session = model.pixel_session(1, generator=torch.Generator().manual_seed(3))
    session.finish(until=2 * WIDTH)
    assert session.step == 2 * WIDTH and kernel.drawn


@pytest.mark.parametrize("labels", [False, True], ids=["unconditional", "class-conditional"])
def test_rows_above_computed_ahead_leave_the_images_as_they_are(
    labels: bool, kernel: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    kind, begun = FAMILIES["gated_pixelcnn"], Mock()
    config = {**SMALL["gated_pixelcnn"], "kernel_size": 5, "num_classes": 2 if labels else 0}
    model: Any = kind(kind.Config(**config), ImageSpec(1, 6, WIDTH, 2)).eval()
    for parameter in model.parameters():
        parameter.data = torch.randn_like(parameter) * 0.5
    plain = model.plain_pixel_session(1, generator=torch.Generator().manual_seed(1))
    plain.finish()
    real = Ahead.begin
    monkeypatch.setattr(Ahead, "begin", lambda ahead: (begun(), real(ahead)))
    found = model.sample(1, torch.Generator().manual_seed(1), method="sequential")
    assert begun.call_count == 4 and kernel.rows > 5  # neither before the first row nor for the last one
    assert torch.equal(found, plain.images)
    rewindable = model.pixel_session(1, generator=torch.Generator().manual_seed(1))
    rewindable.finish()
    assert begun.call_count == 4 and torch.equal(rewindable.images, plain.images)
