"""The masked linear layer against the plain masked product."""

import pytest
import torch

from gmstudio.families.autoregressive.made.masked_linear import masked_linear


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("bias_shape", ["outputs", "batch"])
def test_it_is_the_masked_product(copies, bias_shape):
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)

    x, weight = normal(4, 5), normal(copies * 6, 5)
    bias = normal(copies * 6) if bias_shape == "outputs" else normal(4, copies * 6)
    mask = (torch.rand(6, 5, generator=generator) < 0.5).double()
    plain = x @ (weight * mask.repeat(copies, 1)).T + bias
    fast = masked_linear(x, weight, bias, mask)
    torch.testing.assert_close(fast, plain)
    upstream = torch.randn_like(plain)
    expected = torch.autograd.grad(plain, (x, weight, bias), upstream)
    found = torch.autograd.grad(fast, (x, weight, bias), upstream)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)
