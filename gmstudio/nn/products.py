"""Products of matrices, by oneDNN where it is faster than the library that torch uses.

On the CPU torch multiplies float32 matrices by MKL, which uses no more than AVX2 on processors that Intel did not make.
oneDNN, a part of torch too, uses AVX-512 wherever there is one and reaches twice the rate. A call of it costs more, so
that small products stay with MKL. The choice follows from the processor and the sizes, never from a measurement while
the program runs: equal runs give equal bits.

Whatever is no plain product keeps torch's operations: other data types and devices, autocast, subclasses of tensors,
function transforms, and code that observes the operations to count, trace or export them.

Shapes: B batch, I inputs, O outputs of a layer; M rows, N columns of a product, K terms of each sum.
"""

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional


class Threshold(NamedTuple):
    """Sizes from which on a product is computed by oneDNN.

    Args:
        multiplications: M·K·N.
        side: the smallest of M, K and N.
    """

    multiplications: float
    side: int


MEASURED = Threshold(2**22, 16)
"""Faster from here on, forwards and backwards, with one thread or two (docs/decisions/0035-products-by-onednn.md)."""
ALWAYS = Threshold(1, 1)
NEVER = Threshold(math.inf, 1)
OBSERVERS = ("_is_tracing", "_len_torch_dispatch_stack", "_are_functorch_transforms_active")
"""Functions of torch that tell whether operations are traced, recorded or transformed."""
HAS_ONEDNN = (
    torch.backends.mkldnn.is_available()
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    and hasattr(forward_ad, "_current_level")
    and all(hasattr(torch._C, name) for name in OBSERVERS)
)
"""The operation and the observers are no public parts of torch, and may be missing."""


def threshold_for(vendor: str, capability: str, *, has_both: bool = True) -> Threshold:
    """Return the threshold on a processor.

    Args:
        vendor: its maker, for example ``AuthenticAMD``; empty where unknown.
        capability: instruction sets that torch uses, see ``torch.backends.cpu.get_cpu_capability``.
        has_both: torch contains oneDNN's operation and MKL.
    """
    is_slowed_down = bool(vendor) and "Intel" not in vendor
    return MEASURED if has_both and is_slowed_down and "AVX512" in capability else NEVER


def processor_vendor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Name of the processor's maker as Windows or, in a file, Linux give it; empty where they do not."""
    if sys.platform == "win32":
        return os.environ.get("PROCESSOR_IDENTIFIER", "")
    try:
        with cpuinfo.open() as lines:
            return next((line.partition(":")[2].strip() for line in lines if line.startswith("vendor_id")), "")
    except OSError:
        return ""


_threshold = _own = threshold_for(
    processor_vendor(),
    torch.backends.cpu.get_cpu_capability(),
    has_both=HAS_ONEDNN and torch.backends.mkl.is_available(),
)


@contextmanager
def products_by(library: Literal["onednn", "torch", "the faster"]) -> Iterator[None]:
    """Let one library compute products of every size, in all threads; for tests and benchmarks.

    Args:
        library: ``onednn``, ``torch`` as if this module were not there, or the usual choice.

    Raises:
        ValueError: when oneDNN is wanted and torch does not contain it.
    """
    global _threshold
    if library == "onednn" and not HAS_ONEDNN:
        raise ValueError(f"torch {torch.__version__} lacks oneDNN's products; choose torch instead.")
    before = _threshold
    _threshold = {"onednn": ALWAYS, "torch": NEVER, "the faster": _own}[library]
    try:
        yield
    finally:
        _threshold = before


class Linear(nn.Linear):
    """``nn.Linear`` with ``linear`` of this module; parameters, initial values and state dict are the same."""

    def forward(self, input: Tensor) -> Tensor:
        """(…, I) → (…, O)."""
        return linear(input, self.weight, self.bias)


def linear(x: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """Compute x · weightᵀ + bias like ``functional.linear``: (…, I) → (…, O), differentiable any number of times."""
    columns, inner = weight_OI.shape
    if not is_for_onednn(x, inner, columns, weight_OI, bias_O):
        return functional.linear(x, weight_OI, bias_O)
    if x.dim() > 2:
        return linear(x.flatten(0, -2), weight_OI, bias_O).view(*x.shape[:-1], columns)
    if not torch.is_grad_enabled():
        return _multiplied(x, weight_OI, bias_O)
    apply: Callable[..., Tensor] = _Linear.apply
    return apply(x, weight_OI, bias_O)


def product(a_MK: Tensor, b_KN: Tensor) -> Tensor:
    """Compute a · b like ``torch.mm``: (M, N), differentiable any number of times."""
    inner, columns = b_KN.shape
    if a_MK.dim() != 2 or not is_for_onednn(a_MK, inner, columns, b_KN):
        return torch.mm(a_MK, b_KN)
    if not torch.is_grad_enabled():
        return _multiplied(a_MK, b_KN.T)
    apply: Callable[..., Tensor] = _Product.apply
    return apply(a_MK, b_KN)


def is_for_onednn(a: Tensor, inner: int, columns: int, b: Tensor, bias_N: Tensor | None = None) -> bool:
    """Test whether oneDNN computes a product: it is large, and one of plain float32 matrices on the CPU.

    Args:
        a: (…, K), the left factor.
        inner: K.
        columns: N.
        b: the right factor, (K, N) or transposed.
        bias_N: added to each row.
    """
    if not HAS_ONEDNN or _is_traced() or a.numel() * columns < _threshold.multiplications:
        return False
    return (
        a.dim() > 1
        and a.shape[-1] == inner
        and min(a.numel() // inner, inner, columns) >= _threshold.side
        and not _is_observed()
        and _is_plain(a)
        and _is_plain(b)
        and (bias_N is None or (bias_N.shape == (columns,) and _is_plain(bias_N)))
    )


def _is_traced() -> bool:
    """Test whether a graph is made for any batch size, so that no choice may depend on it."""
    return torch._C._is_tracing() or torch.compiler.is_compiling()


def _is_observed() -> bool:
    """Test whether operations are cast, counted, recorded or transformed, for which they have to be torch's own."""
    return (
        torch.is_autocast_enabled("cpu")
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._are_functorch_transforms_active()
        or forward_ad._current_level >= 0
    )


def _is_plain(tensor: Tensor) -> bool:
    is_float = tensor.dtype is torch.float32 and tensor.is_cpu and tensor.layout is torch.strided
    return is_float and type(tensor) in (Tensor, nn.Parameter)


def _multiplied(x_MK: Tensor, weight_NK: Tensor, bias_N: Tensor | None = None) -> Tensor:
    """Compute x · weightᵀ + bias by oneDNN, without a graph.

    Weights with gaps between their rows are copied: for them oneDNN has plain loops only, a hundred times slower.
    """
    columns, inner = weight_NK.shape
    if weight_NK.stride() not in ((inner, 1), (1, columns)):
        weight_NK = weight_NK.contiguous()
    found: Tensor = torch.ops.mkldnn._linear_pointwise.default(x_MK, weight_NK, bias_N, "none", [], "")
    return found


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        for_x, for_weight, _ = ctx.needs_input_grad
        ctx.save_for_backward(x_BI if for_weight else None, weight_OI if for_x else None)
        return _multiplied(x_BI, weight_OI, bias_O)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        (grad_BO,) = grads
        x_BI, weight_OI = ctx.saved_tensors
        return (
            None if weight_OI is None else product(grad_BO, weight_OI),
            None if x_BI is None else product(grad_BO.T, x_BI),
            grad_BO.sum(0) if ctx.needs_input_grad[2] else None,
        )


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a_MK: Tensor, b_KN: Tensor) -> Tensor:
        for_a, for_b = ctx.needs_input_grad
        ctx.save_for_backward(a_MK if for_b else None, b_KN if for_a else None)
        return _multiplied(a_MK, b_KN.T)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (grad_MN,) = grads
        a_MK, b_KN = ctx.saved_tensors
        return (
            None if b_KN is None else product(grad_MN, b_KN.T),
            None if a_MK is None else product(a_MK.T, grad_MN),
        )
