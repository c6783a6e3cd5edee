"""NADE's chunked loss against the plain one, under autograd."""

import pytest
import torch

from gmstudio.families.autoregressive.level_logits import LevelLogits
from gmstudio.families.autoregressive.nade.hidden import mean_nll, pre_activations
from gmstudio.nn.level_mixture import LevelMixture


def plain(x, values, parameters, output, activation):
    weight, bias, readout, offset = parameters
    earlier = torch.ones(x.shape[1], x.shape[1], dtype=x.dtype).tril(-1)
    hidden = getattr(torch, activation)(torch.einsum("bj,ij,jn->bin", x, earlier, weight) + bias)
    features = torch.einsum("bin,ifn->bfi", hidden, readout) + offset.T
    return -output.log_prob(features, values).sum(1).mean()


@pytest.mark.parametrize("size", [1, 2, 16, 17, 50])
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("levels", [2, 5])
def test_loss_and_gradient_are_the_plain_ones(size, activation, levels):
    generator = torch.Generator().manual_seed(size)
    output = LevelLogits(2) if levels == 2 else LevelMixture(levels, 2, "logistic")
    shapes = [(size, 7), (7,), (size, output.num_features, 7), (size, output.num_features)]
    parameters = tuple(torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes)
    values = torch.randint(levels, (6, size), generator=generator)
    x = values / (levels - 1)
    expected, found = (
        plain(x, values, parameters, output, activation),
        mean_nll(x, values, parameters, output, activation),
    )
    torch.testing.assert_close(found, expected)
    for a, b in zip(
        torch.autograd.grad(3 * found, parameters), torch.autograd.grad(3 * expected, parameters), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(mean_nll(x, values, parameters, output, activation), expected)


def test_pre_activations_are_running_sums():
    x, weight, bias = torch.rand(3, 40), torch.randn(40, 5), torch.randn(5)
    found = torch.cat([a for _, a in pre_activations(x, weight, bias)])
    running = torch.stack([bias + x[:, :i] @ weight[:i] for i in range(40)])
    torch.testing.assert_close(found, running)
