"""The monotone map by a mixture of logistics: its slope, its inverse far out and between modes, its gradients."""

import pytest
import torch
from torch import Tensor

from gmstudio.families.flow.mixture_cdf import (
    ElementwiseMixture,
    MixtureParameters,
    mixture_forward,
    mixture_inverse,
    mixture_parameters,
    num_mixture_outputs,
)
from gmstudio.testing.laws.inputs import seeded


def parameters(num_components: int, scale: float, dtype: torch.dtype = torch.float64) -> MixtureParameters:
    out = scale * torch.randn(1, num_mixture_outputs(num_components), 3, generator=seeded(1), dtype=dtype)
    return mixture_parameters(out, torch.ones(3, dtype=dtype))


def plain(h: Tensor, of: MixtureParameters) -> Tensor:
    """The formula as it stands: exp(a) logit(Σ π σ((h - μ)/s)) + b."""
    apart = (h.unsqueeze(1) - of.means) / of.log_scales.exp()
    return of.log_scale.exp() * torch.logit((of.log_weights.exp() * torch.sigmoid(apart)).sum(1)) + of.shift


@pytest.mark.parametrize("num_components", [1, 2, 8])
def test_the_map_is_the_formula_and_its_slope_is_the_derivative(num_components: int) -> None:
    of = parameters(num_components, 1.0)
    h = (3.0 * torch.randn(40, 3, generator=seeded(), dtype=torch.float64)).requires_grad_()
    moved, log_slope = mixture_forward(h, of)
    torch.testing.assert_close(moved, plain(h, of), atol=1e-6, rtol=1e-6)
    (slope,) = torch.autograd.grad(moved.sum(), h)
    torch.testing.assert_close(log_slope, slope.log())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_the_inverse_comes_back_to_the_precision_of_its_floats(dtype: torch.dtype, scale: float) -> None:
    of = parameters(5, scale, dtype)
    h = torch.cat([torch.linspace(-12, 12, 400, dtype=dtype), torch.tensor([-1e4, -300.0, 300.0, 1e4], dtype=dtype)])
    h = h.unsqueeze(1).expand(-1, 3)
    moved, log_slope = mixture_forward(h, of)
    assert moved.isfinite().all() and (moved.diff(dim=0)[:399] >= 0).all()
    back, log_slope_back = mixture_inverse(moved, of)
    unit = torch.finfo(dtype).eps * (1.0 + moved.abs() + h.abs())
    error = (back - h).abs() / (1.0 + torch.exp(-log_slope))  # what rounding h' alone brings
    assert (error < 40 * unit).all()
    torch.testing.assert_close(
        mixture_forward(back, of)[0], moved, atol=1e-4 if dtype == torch.float32 else 1e-9, rtol=1e-5
    )
    sound = log_slope > -6
    torch.testing.assert_close(log_slope_back[sound], -log_slope[sound], atol=0.02, rtol=1e-3)


def test_the_inverse_has_the_gradient_of_an_inverse() -> None:
    of = parameters(3, 1.0)
    moved = torch.randn(10, 3, generator=seeded(2), dtype=torch.float64).requires_grad_()
    h, log_slope = mixture_inverse(moved, of)
    (slope,) = torch.autograd.grad(h.sum(), moved)
    torch.testing.assert_close(slope.log(), log_slope)
    out = torch.randn(1, num_mixture_outputs(3), 3, generator=seeded(1), dtype=torch.float64)
    target = moved.detach()[:1]
    solve = lambda raw: mixture_inverse(target, mixture_parameters(raw, torch.ones(3, dtype=torch.float64)))  # noqa: E731
    assert torch.autograd.gradcheck(lambda raw: solve(raw)[0], (out.requires_grad_(),), atol=1e-5)


def test_one_component_at_its_start_is_the_identity() -> None:
    of = mixture_parameters(torch.zeros(1, num_mixture_outputs(1), 2), torch.ones(2))
    h = torch.tensor([[-3.0, 0.5], [40.0, -1000.0]])
    torch.testing.assert_close(mixture_forward(h, of), (h, torch.zeros_like(h)))


def test_two_clusters_of_a_line_become_one() -> None:
    """An affine map keeps two clusters apart; one mixture makes them normal."""
    torch.manual_seed(0)
    layer = ElementwiseMixture((1,), 2)
    data = torch.cat([torch.full((500, 1), -2.0), torch.full((500, 1), 2.0)])
    data = data + 0.3 * torch.randn(1000, 1, generator=seeded())
    adam = torch.optim.Adam(layer.parameters(), 0.03)
    for _ in range(300):
        z, log_det = layer(data)
        loss = (0.5 * z.square().sum(1) - log_det).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    z = layer(data)[0].detach().flatten().sort().values
    normal = torch.special.ndtri((torch.arange(1000) + 0.5) / 1000)
    assert (z - normal).square().mean() < 0.05, "the affine map's best is 0.2"
