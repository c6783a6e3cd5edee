"""The masked linear layer, whole, in blocks or in joined blocks, against the plain masked product."""

import pytest
import torch
from torch import Tensor

from gmstudio.families.autoregressive.masked_linear import SMALLEST_BATCH, Mask, in_blocks, masked_linear, one_block
from gmstudio.nn.products import HAS_ONEDNN, products_by


def assert_masked_product(
    mask_MK: Tensor, mask: Mask, copies: int, bias_shape: str = "outputs", batch: int = 4, tolerance: float = 1e-7
) -> str:
    """Values and gradients are those of the plain product; returns the name of the function that computed them."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=mask_MK.dtype, requires_grad=True)

    outputs, inputs = mask_MK.shape
    x, weight = normal(batch, inputs), normal(copies * outputs, inputs)
    bias = normal(copies * outputs) if bias_shape == "outputs" else normal(batch, copies * outputs)
    plain = x @ (weight * mask_MK.repeat(copies, 1)).T + bias
    fast = masked_linear(x, weight, bias, mask)
    torch.testing.assert_close(fast, plain, rtol=tolerance, atol=tolerance)
    upstream = torch.randn_like(plain)
    expected = torch.autograd.grad(plain, (x, weight, bias), upstream)
    found = torch.autograd.grad(fast, (x, weight, bias), upstream)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)
    assert fast.grad_fn is not None
    return fast.grad_fn.name()


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("bias_shape", ["outputs", "batch"])
def test_any_mask_is_one_block(copies: int, bias_shape: str) -> None:
    mask_MK = (torch.rand(6, 5, generator=torch.Generator().manual_seed(1)) < 0.5).double()
    assert_masked_product(mask_MK, one_block(mask_MK), copies, bias_shape)


@pytest.mark.parametrize("size", [1, 2, 63, 64, 65, 130, 300])
@pytest.mark.parametrize("copies", [1, 3])
def test_a_strictly_lower_triangle_is_computed_in_blocks(size: int, copies: int) -> None:
    mask_DD = torch.ones(size, size, dtype=torch.float64).tril(-1)
    mask = in_blocks(mask_DD)
    assert len(mask) == min(4, -(-size // 64))
    assert_masked_product(mask_DD, mask, copies)


@pytest.mark.skipif(not HAS_ONEDNN, reason="torch lacks oneDNN's products")
@pytest.mark.parametrize("size", [65, 130, 300])
@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("bias_shape", ["outputs", "batch"])
def test_onednn_multiplies_joined_blocks(size: int, copies: int, bias_shape: str) -> None:
    mask_DD = torch.ones(size, size).tril(-1)
    with products_by("onednn"):
        for mask in (in_blocks(mask_DD), one_block(mask_DD)):
            name = assert_masked_product(mask_DD, mask, copies, bias_shape, SMALLEST_BATCH, tolerance=1e-3)
            assert name == "_JoinedBlocksBackward"
        small = assert_masked_product(mask_DD, mask, copies, bias_shape, SMALLEST_BATCH - 1, tolerance=1e-3)
        assert small == "_MaskedLinearBackward"


def test_a_staircase_whose_outputs_read_nothing_at_first_and_all_at_last() -> None:
    limits_M = torch.tensor([0] * 70 + [3] * 70 + [9] * 70)
    mask_MK = (torch.arange(9) < limits_M.unsqueeze(1)).double()
    mask = in_blocks(mask_MK)
    assert [(block.whole, block.reach) for block in mask] == [(0, 0), (0, 3), (3, 9), (9, 9)]
    assert_masked_product(mask_MK, mask, 1)


def test_what_is_no_staircase_is_one_block() -> None:
    staircase = torch.ones(200, 200).tril()
    assert len(in_blocks(staircase)) == 4
    for other in (staircase.flip(0), staircase.flip(1), staircase[:, torch.randperm(200)]):
        assert len(in_blocks(other)) == 1


def test_weights_under_the_mask_do_not_matter() -> None:
    x, weight, bias = torch.randn(2, 150), torch.randn(150, 150), torch.zeros(150)
    mask = in_blocks(torch.ones(150, 150).tril(-1))
    assert torch.equal(masked_linear(x, weight.tril(-1), bias, mask), masked_linear(x, weight, bias, mask))
