"""Products by oneDNN against torch's own: the same values and gradients, and torch's own wherever others are wanted."""

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from gmstudio.families.adversarial.losses import gradient_penalty
from gmstudio.nn import products
from gmstudio.nn.products import (
    ALWAYS,
    HAS_ONEDNN,
    MEASURED,
    NEVER,
    Linear,
    linear,
    processor_vendor,
    product,
    products_by,
    threshold_for,
)


@pytest.fixture
def by_onednn() -> Iterator[None]:
    if not HAS_ONEDNN:
        pytest.skip("torch lacks oneDNN's products")
    with products_by("onednn"):
        yield


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, by_onednn: None) -> list[tuple[int, ...]]:
    """Shapes of the left factors that oneDNN multiplies."""
    seen: list[tuple[int, ...]] = []
    multiplied = products._multiplied

    def record(x_MK: Tensor, *others: Any) -> Tensor:
        seen.append(tuple(x_MK.shape))
        return multiplied(x_MK, *others)

    monkeypatch.setattr(products, "_multiplied", record)
    return seen


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


LAYOUTS = {
    "rows": lambda rows, columns: normal(rows, columns),
    "transposed": lambda rows, columns: normal(columns, rows).T,
    "part of the columns": lambda rows, columns: normal(rows, columns + 3)[:, 1 : columns + 1],
    "every other row": lambda rows, columns: normal(2 * rows, columns)[::2],
    "one row": lambda rows, columns: normal(1, columns).expand(rows, columns),
    "one number": lambda rows, columns: normal(1, 1).expand(rows, columns),
}
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


def gradients(out: Tensor, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """The output, its gradients, and the gradients of their squares."""
    first = torch.autograd.grad(out, inputs, normal(*out.shape, seed=5), create_graph=True)
    total = torch.stack([grad.square().sum() for grad in first]).sum()
    second = torch.autograd.grad(total, inputs, allow_unused=True)
    return [out, *first, *(grad for grad in second if grad is not None)]


def assert_equal_both_ways(compute: Any, *inputs: Tensor) -> None:
    """Values, gradients and second gradients are torch's up to rounding."""
    inputs = tuple(value.detach().requires_grad_() for value in inputs)
    with products_by("torch"):
        expected = gradients(compute(*inputs), inputs)
    with products_by("onednn"):
        found = gradients(compute(*inputs), inputs)
    for mine, its in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-3)


@pytest.mark.usefixtures("by_onednn")
@every_layout
@pytest.mark.parametrize("of", ["a", "b"])
def test_a_product_of_any_layout(layout: str, of: str) -> None:
    a = LAYOUTS[layout](17, 33) if of == "a" else normal(17, 33)
    b = LAYOUTS[layout](33, 21) if of == "b" else normal(33, 21, seed=1)
    torch.testing.assert_close(_by_onednn(product, a, b), a @ b, rtol=1e-4, atol=1e-4)
    assert_equal_both_ways(product, a, b)


@pytest.mark.usefixtures("by_onednn")
@every_layout
@pytest.mark.parametrize("of", ["x", "weight"])
@pytest.mark.parametrize("has_bias", [True, False])
def test_a_layer_of_any_layout(layout: str, of: str, has_bias: bool) -> None:
    x = LAYOUTS[layout](17, 33) if of == "x" else normal(17, 33)
    weight = LAYOUTS[layout](21, 33) if of == "weight" else normal(21, 33, seed=1)
    bias = (normal(21, seed=2),) if has_bias else ()
    torch.testing.assert_close(_by_onednn(linear, x, weight, *bias), functional.linear(x, weight, *bias))
    assert_equal_both_ways(linear, x, weight, *bias)


def _by_onednn(compute: Any, *inputs: Tensor) -> Tensor:
    with products_by("onednn"), torch.inference_mode():
        found: Tensor = compute(*inputs)
        return found


def test_more_axes_are_flattened_and_one_axis_is_torch_s(calls: list[tuple[int, ...]]) -> None:
    x, weight, bias = normal(2, 3, 5), normal(4, 5), normal(4)
    torch.testing.assert_close(linear(x, weight, bias), functional.linear(x, weight, bias))
    assert calls == [(6, 5)]
    assert torch.equal(linear(x[0, 0], weight, bias), functional.linear(x[0, 0], weight, bias))
    assert len(calls) == 1


def test_an_empty_batch_has_no_rows(by_onednn: None) -> None:
    weight = normal(4, 5).requires_grad_()
    out = linear(torch.empty(0, 5), weight, normal(4))
    out.sum().backward()
    assert out.shape == (0, 4) and product(torch.empty(0, 5), weight.T).shape == (0, 4)
    assert weight.grad is not None and not weight.grad.any()
    assert torch.equal(linear(torch.empty(3, 0), torch.empty(4, 0), torch.ones(4)), torch.ones(3, 4))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions_are_torch_s(calls: list[tuple[int, ...]], dtype: torch.dtype) -> None:
    x, weight = normal(3, 5).to(dtype), normal(4, 5).to(dtype)
    assert torch.equal(linear(x, weight), functional.linear(x, weight))
    assert torch.equal(product(x, weight.T), x @ weight.T)
    assert not calls


def test_autocast_other_devices_and_subclasses_are_torch_s(calls: list[tuple[int, ...]]) -> None:
    class Own(Tensor):
        pass

    x, weight = normal(3, 5), normal(4, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert linear(x, weight).dtype == torch.bfloat16
    assert linear(x.to("meta"), weight.to("meta")).is_meta
    assert isinstance(product(x.as_subclass(Own), weight.T), Own)
    assert not calls


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_transforms_and_forward_derivatives_are_torch_s(calls: list[tuple[int, ...]]) -> None:
    x, weight = normal(3, 5), normal(4, 5)
    jacobian = torch.func.jacfwd(lambda own: linear(x, own))(weight)
    assert torch.equal(jacobian, torch.func.jacrev(lambda own: linear(x, own))(weight))
    torch.testing.assert_close(torch.func.vmap(lambda own: product(x, own))(weight.T[None]), (x @ weight.T)[None])
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, x)
        assert torch.equal(torch.autograd.forward_ad.unpack_dual(linear(dual, weight)).tangent, linear(x, weight))
    assert not calls


def test_flop_are_counted_all_the_same(by_onednn: None) -> None:
    layer = Linear(5, 4)
    with FlopCounterMode(display=False) as counter:
        layer(normal(3, 5).requires_grad_()).sum().backward()
    assert counter.get_total_flops() == 3 * 2 * 3 * 5 * 4


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_trace_holds_torch_s_operations_for_any_batch(calls: list[tuple[int, ...]]) -> None:
    layer, x = Linear(5, 4), normal(3, 5)
    traced = torch.jit.trace(layer, x, check_trace=False)
    exported = torch.export.export(layer, (x,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)).module()
    assert not calls
    larger = normal(7, 5)
    for graph in (traced, exported):
        torch.testing.assert_close(graph(larger), layer(larger))


def test_wrong_shapes_raise_torch_s_errors(by_onednn: None) -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        linear(normal(3, 5), normal(4, 6))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        product(normal(3, 5), normal(4, 6))


def test_only_gradients_that_are_needed_are_computed(calls: list[tuple[int, ...]]) -> None:
    x, weight = normal(3, 5), normal(4, 5)
    linear(x, weight.clone().requires_grad_()).sum().backward()
    assert calls == [(3, 5), (4, 3)]
    calls.clear()
    product(x.clone().requires_grad_(), weight.T).sum().backward()
    assert calls == [(3, 5), (3, 4)]


def test_a_gradient_penalty_reaches_the_weights(by_onednn: None) -> None:
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Flatten(1), Linear(16, 8), nn.LeakyReLU(0.2), Linear(8, 1))
    real, fake = normal(6, 1, 4, 4), normal(6, 1, 4, 4, seed=1)

    def penalty_gradients() -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(0)
        loss = gradient_penalty(lambda x: critic(x).squeeze(1), real, fake, generator)
        weights = [critic[1].weight, critic[3].weight]
        return torch.autograd.grad(loss, weights)

    found = penalty_gradients()
    with products_by("torch"):
        expected = penalty_gradients()
    torch.testing.assert_close(found, expected)
    assert all(grad.any() for grad in found)


def test_the_module_is_torch_s_but_for_the_product(by_onednn: None) -> None:
    torch.manual_seed(3)
    own = Linear(5, 4)
    torch.manual_seed(3)
    usual = nn.Linear(5, 4)
    assert isinstance(own, nn.Linear) and own.state_dict().keys() == usual.state_dict().keys()
    assert all(torch.equal(a, b) for a, b in zip(own.parameters(), usual.parameters(), strict=True))
    x = normal(3, 5)
    torch.testing.assert_close(copy.deepcopy(own)(x), usual(x))


def test_equal_products_have_equal_bits(by_onednn: None) -> None:
    a, b = normal(64, 300), normal(300, 200)
    first = product(a, b)
    shifted = torch.empty(64 * 300 + 5)[5:].view(64, 300).copy_(a)
    assert torch.equal(product(shifted, b.clone()), first)


def test_small_products_are_torch_s(calls: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_own", MEASURED)
    with products_by("the faster"):
        product(normal(64, 256), normal(256, 255))  # few multiplications
        product(normal(4096, 512), normal(512, 8))  # a narrow side
        assert not calls
        product(normal(64, 256), normal(256, 256))
        assert calls == [(64, 256)]


@pytest.mark.parametrize(
    ("vendor", "capability", "expected"),
    [
        ("AuthenticAMD", "AVX512", MEASURED),
        ("AMD64 Family 25 Model 97 Stepping 2, AuthenticAMD", "AVX512", MEASURED),
        ("AuthenticAMD", "AVX2", NEVER),
        ("GenuineIntel", "AVX512", NEVER),
        ("Intel64 Family 6 Model 143 Stepping 8, GenuineIntel", "AVX512", NEVER),
        ("", "AVX512", NEVER),
        ("ARM Family 8", "DEFAULT", NEVER),
    ],
)
def test_the_processor_decides(vendor: str, capability: str, expected: products.Threshold) -> None:
    assert threshold_for(vendor, capability) == expected
    assert threshold_for(vendor, capability, has_both=False) == NEVER


def test_the_maker_of_the_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    monkeypatch.setattr(sys, "platform", "linux")
    assert processor_vendor(cpuinfo) == ""
    cpuinfo.write_text("processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\n")
    assert processor_vendor(cpuinfo) == "AuthenticAMD"
    cpuinfo.write_text("processor\t: 0\nBogoMIPS\t: 50.00\n")
    assert processor_vendor(cpuinfo) == ""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("PROCESSOR_IDENTIFIER", "Intel64 Family 6, GenuineIntel")
    assert processor_vendor() == "Intel64 Family 6, GenuineIntel"


def test_without_the_operation_products_are_torch_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "HAS_ONEDNN", False)
    with pytest.raises(ValueError, match=r"lacks oneDNN's products; choose torch instead"), products_by("onednn"):
        pass
    with products_by("torch"):
        assert products._threshold == NEVER
        torch.testing.assert_close(product(normal(3, 5), normal(5, 4)), normal(3, 5) @ normal(5, 4))


def test_the_choice_is_restored(by_onednn: None) -> None:
    with pytest.raises(KeyError), products_by("torch"):
        raise KeyError
    assert products._threshold == ALWAYS
