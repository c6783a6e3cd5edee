"""The strictly lower triangular product against the plain masked one."""

import pytest
import torch

from gmstudio.families.autoregressive.fvbn import strictly_lower_product


@pytest.mark.parametrize("size", [1, 2, 63, 64, 65, 130, 300])
@pytest.mark.parametrize("features", [1, 3])
def test_it_is_the_masked_product(size, features):
    generator = torch.Generator().manual_seed(size)
    x = torch.randn(5, size, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(features, size, size, generator=generator, dtype=torch.float64, requires_grad=True)
    upstream = torch.randn(5, features, size, generator=generator, dtype=torch.float64)
    plain = torch.einsum("bd,fed->bfe", x, weight.tril(-1))
    fast = strictly_lower_product(x, weight)
    torch.testing.assert_close(fast, plain)
    expected = torch.autograd.grad(plain, (x, weight), upstream)
    found = torch.autograd.grad(fast, (x, weight), upstream)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)


def test_what_is_not_below_the_diagonal_does_not_matter():
    x, weight = torch.randn(2, 70), torch.randn(1, 70, 70)
    assert torch.equal(strictly_lower_product(x, weight.tril(-1)), strictly_lower_product(x, weight))
