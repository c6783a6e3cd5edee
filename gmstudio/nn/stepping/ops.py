"""Array operations of a sampling step, on numpy or on torch, with all buffers allocated beforehand.

A step of a sampler repeats the same small operations on the same buffers thousands of times, and at that size the fixed
cost of a call dominates. So a step is *compiled* once into a list of calls without arguments, each writing to an
allocated buffer, and then only run. On the CPU the calls are numpy's, whose fixed cost is several times smaller than
torch's; on another device they are torch's.

Buffers hold features by rows: shape (features, B), so that neighbouring positions of a cache are one contiguous
matrix. Numpy leaves the batch axis away when the batch is one image, because matrix times vector is cheaper.
"""

from collections.abc import Callable
from functools import cache, partial
from itertools import chain
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor

from gmstudio.nn.cuda_graph import recorder_for
from gmstudio.nn.stepping.columns import Columns, CompiledColumns, PlainColumns
from gmstudio.nn.stepping.columns import FloatArray as FloatArray
from gmstudio.nn.stepping.columns import Program as Program
from gmstudio.nn.stepping.graphs import StepGraphs
from gmstudio.nn.stepping.rows import CompiledRow, PlainRow, RowProgram

Array: TypeAlias = Any
"""A numpy array or a torch tensor, according to the operations that made it."""


class StepOps(Protocol):
    """Operations on the buffers of one sampler."""

    tail: tuple[int, ...]
    """The batch axis of a buffer's shape: (B,), or () where it is left away."""

    def zeros(self, *shape: int) -> Array:
        """A float32 buffer of shape ``(*shape, *tail)``."""

    def load(self, values: Tensor) -> Array:
        """A float32 copy of a tensor, of the same shape."""

    def adopt(self, values: Tensor) -> Array:
        """Like ``load`` for a tensor without other owners: copied only if it has to be."""

    def load_batch(self, values_B: FloatArray) -> Array:
        """One number per image, shaped like ``tail``."""

    def load_rows(self, values_BF: Tensor) -> Array:
        """A float32 copy of some features of each image, of shape ``(F, *tail)``."""

    def linear(self, weight: Array, x: Array, out: Array) -> Program:
        """Compute out = weight · x, for weight (M, K), x (K, B), out (M, B)."""

    def relu(self, x: Array, out: Array) -> Program:
        """Compute out = max(x, 0)."""

    def multiply(self, x: Array, y: Array, out: Array) -> Program:
        """Compute out = x · y, element by element."""

    def add(self, x: Array, y: Array, out: Array) -> Program:
        """Compute out = x + y."""

    def tanh(self, x: Array, out: Array) -> Program:
        """Compute out = tanh(x)."""

    def number(self, value: float) -> Array:
        """A buffer (1,) of one number, always the same one."""

    def products(self, weights: Array, x: Array, out: Array) -> Program:
        """Compute out = weight · x for N weights (N, M, K), vectors (N, K, B) and results (N, M, B)."""

    def rank_one_updates(self, weights: Array, rows: Array, out: Array) -> list[Program]:
        """For each of D weights (D, M) and rows (D, B): compute out += weight ⊗ row, for out (M, B)."""

    def windows(self, rows: Array, kernel_size: int) -> Array:
        """A view of (N, W + K - 1, F, B) as overlapping windows (N, W, K·F, B)."""

    def window_products(self, weights: Array, windows: Array, out: Array | None = None) -> Array:
        """For weights (N, M, K·F) and windows (N, W, K·F, B): their products (N, W, M, B), in ``out`` if given."""

    def row_products(self, weight: Array, x: Array, out: Array) -> Program:
        """Compute the products of a weight (M, K) with the vectors of all columns (W, K, B), in (W, M, B)."""

    def copied(self, x: Array, out: Array) -> Program:
        """Copy x to out."""

    def copy(self, x: Array) -> Array:
        """A copy that later steps do not change."""

    def by_row(self, program: Program, num_columns: int) -> RowProgram:
        """A program of a whole row, which runs several times on the same buffers; their first axis is the columns."""

    def by_column(self, num_columns: int, compile_column: Callable[[int], Program]) -> Columns:
        """The programs of an image row's columns, each of which runs several times on the same buffers."""

    def to_numpy(self, x: Array) -> FloatArray:
        """(F, B), always with the batch axis; valid until the next step."""


class NumpyOps:
    """Operations on the CPU.

    Args:
        batch: images B.
    """

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self.tail: tuple[int, ...] = () if batch == 1 else (batch,)
        self._zero = cache(partial(np.zeros, dtype=np.float32))
        self._number = cache(lambda value: np.full(1, value, dtype=np.float32))

    def zeros(self, *shape: int) -> Array:
        """See ``StepOps``."""
        return np.zeros((*shape, *self.tail), dtype=np.float32)

    def load(self, values: Tensor) -> Array:
        """See ``StepOps``."""
        return self.adopt(values).copy()

    def adopt(self, values: Tensor) -> Array:
        """See ``StepOps``."""
        return np.ascontiguousarray(values.detach().to("cpu", torch.float32).numpy())

    def load_batch(self, values_B: FloatArray) -> Array:
        """See ``StepOps``."""
        return values_B.reshape(self.tail)

    def load_rows(self, values_BF: Tensor) -> Array:
        """See ``StepOps``."""
        return self.load(values_BF.T).reshape(-1, *self.tail)

    def linear(self, weight: Array, x: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(weight.dot, x, out)]

    def relu(self, x: Array, out: Array) -> Program:
        """See ``StepOps``."""
        # `maximum` takes its output by keyword, which triples the cost of a call; `fmax` takes it by position.
        return [partial(np.fmax, x, self._zero(x.shape), out)]

    def multiply(self, x: Array, y: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(np.multiply, x, y, out)]

    def add(self, x: Array, y: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(np.add, x, y, out)]

    def tanh(self, x: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(np.tanh, x, out)]

    def number(self, value: float) -> Array:
        """See ``StepOps``."""
        return self._number(value)

    def products(self, weights: Array, x: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return list(chain.from_iterable(map(self.linear, weights, x, out)))

    def rank_one_updates(self, weights: Array, rows: Array, out: Array) -> list[Program]:
        """See ``StepOps``."""
        if not self.tail:
            product = np.empty_like(out)
            add = partial(np.add, out, product, out)
            values = [rows[index : index + 1] for index in range(len(rows))]  # views: a single item would be a copy
            return [[partial(np.multiply, *factors, product), add] for factors in zip(weights, values, strict=True)]
        # Torch's product adds to its output, at a fifth of the cost of numpy's product and sum.
        with torch.inference_mode(False):
            weights_DM1, rows_D1B = torch.from_numpy(weights).unsqueeze(2), torch.from_numpy(rows).unsqueeze(1)
            add_product = torch.from_numpy(out).addmm_
            pairs = zip(weights_DM1.unbind(), rows_D1B.unbind(), strict=True)
            return [[partial(add_product, weight_M1, row_1B)] for weight_M1, row_1B in pairs]

    def windows(self, rows: Array, kernel_size: int) -> Array:
        """See ``StepOps``."""
        count, padded_width, features = rows.shape[:3]
        shape = (count, padded_width - kernel_size + 1, kernel_size * features, *self.tail)
        return np.lib.stride_tricks.as_strided(rows, shape, rows.strides, writeable=False)

    def window_products(self, weights: Array, windows: Array, out: Array | None = None) -> Array:
        """See ``StepOps``."""
        if self.tail:
            return np.matmul(weights[:, np.newaxis], windows, out)
        return np.matmul(windows, weights.swapaxes(1, 2), out)

    def row_products(self, weight: Array, x: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(np.matmul, weight, x, out) if self.tail else partial(np.matmul, x, weight.T, out)]

    def copied(self, x: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(np.add, x, self.number(0.0), out)]

    def copy(self, x: Array) -> Array:
        """See ``StepOps``."""
        return x.copy()

    def by_row(self, program: Program, num_columns: int) -> RowProgram:
        """See ``StepOps``: for one image they are compiled."""
        return PlainRow(program) if self.tail else CompiledRow(program, num_columns)

    def by_column(self, num_columns: int, compile_column: Callable[[int], Program]) -> Columns:
        """See ``StepOps``: for one image, where a call costs more than its arithmetic, they are compiled."""
        return PlainColumns(num_columns, compile_column) if self.tail else CompiledColumns(num_columns, compile_column)

    def to_numpy(self, x: Array) -> FloatArray:
        """See ``StepOps``."""
        values: FloatArray = x.reshape(-1, self._batch)
        return values


class TorchOps:
    """Operations on any device of torch.

    Args:
        batch: images B.
        device: device of the buffers.
    """

    def __init__(self, batch: int, device: torch.device) -> None:
        self.tail: tuple[int, ...] = (batch,)
        self._device = device
        self._number = cache(lambda value: torch.full((1,), value, device=device))
        recorder = recorder_for(device)
        self._graphs = None if recorder is None else StepGraphs(recorder)

    def zeros(self, *shape: int) -> Array:
        """See ``StepOps``."""
        # A buffer made in inference mode could not be written outside it.
        with torch.inference_mode(False):
            return torch.zeros((*shape, *self.tail), device=self._device)

    def load(self, values: Tensor) -> Array:
        """See ``StepOps``."""
        return values.detach().to(self._device, torch.float32, copy=True).contiguous()

    def adopt(self, values: Tensor) -> Array:
        """See ``StepOps``."""
        return values.detach().to(self._device, torch.float32).contiguous()

    def load_batch(self, values_B: FloatArray) -> Array:
        """See ``StepOps``."""
        return torch.from_numpy(values_B).to(self._device)

    def load_rows(self, values_BF: Tensor) -> Array:
        """See ``StepOps``."""
        return self.load(values_BF.T)

    def linear(self, weight: Array, x: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(torch.mm, weight, x, out=out)]

    def relu(self, x: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(torch.clamp_min, x, 0.0, out=out)]

    def multiply(self, x: Array, y: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(torch.mul, x, y, out=out)]

    def add(self, x: Array, y: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(torch.add, x, y, out=out)]

    def tanh(self, x: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(torch.tanh, x, out=out)]

    def number(self, value: float) -> Array:
        """See ``StepOps``."""
        return self._number(value)

    def products(self, weights: Array, x: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(torch.bmm, weights, x, out=out)]

    def rank_one_updates(self, weights: Array, rows: Array, out: Array) -> list[Program]:
        """See ``StepOps``."""
        pairs = zip(weights.unsqueeze(2).unbind(), rows.unsqueeze(1).unbind(), strict=True)
        return [[partial(out.addmm_, weight_M1, row_1B)] for weight_M1, row_1B in pairs]

    def windows(self, rows: Array, kernel_size: int) -> Array:
        """See ``StepOps``."""
        count, padded_width, features = rows.shape[:3]
        shape = (count, padded_width - kernel_size + 1, kernel_size * features, *self.tail)
        return rows.as_strided(shape, rows.stride())

    def window_products(self, weights: Array, windows: Array, out: Array | None = None) -> Array:
        """See ``StepOps``."""
        products = torch.matmul(weights.unsqueeze(1), windows)
        return products if out is None else out.copy_(products)

    def row_products(self, weight: Array, x: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(torch.matmul, weight, x, out=out)]

    def copied(self, x: Array, out: Array) -> Program:
        """See ``StepOps``."""
        return [partial(out.copy_, x)]

    def copy(self, x: Array) -> Array:
        """See ``StepOps``."""
        return x.clone()

    def by_row(self, program: Program, num_columns: int) -> RowProgram:
        """See ``StepOps``."""
        return PlainRow(program)

    def by_column(self, num_columns: int, compile_column: Callable[[int], Program]) -> Columns:
        """See ``StepOps``: on a CUDA device they are captured in graphs."""
        if self._graphs is None:
            return PlainColumns(num_columns, compile_column)
        return PlainColumns(num_columns, compile_column, self._graphs.repeated)

    def to_numpy(self, x: Array) -> FloatArray:
        """See ``StepOps``."""
        values: FloatArray = x.cpu().numpy()
        return values


def step_ops(batch: int, device: torch.device) -> StepOps:
    """Operations that are fastest on a device: numpy's on the CPU, torch's elsewhere."""
    return NumpyOps(batch) if device.type == "cpu" else TorchOps(batch, device)
