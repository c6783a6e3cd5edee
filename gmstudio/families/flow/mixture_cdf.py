r"""A monotone map of single values: the distribution function of a mixture of logistics, then scale and shift.

    h' = exp(a) · logit(F(h)) + b,    F(h) = Σ_k π_k σ((h - μ_k) / s_k),
    log |∂h'/∂h| = a + log f(h) - log F(h) - log(1 - F(h)),    f = F'.

One mixture may have several modes, so that one map can turn two clusters into one, which an affine map cannot. F and
1 - F are computed as logarithms, so that far out, where F is 1 in any precision, the map is the straight line of the
outermost logistic. Its inverse has no closed form: Newton's method inside a bracket, the smallest and largest of
μ_k + s_k u, between which logit F passes u.

Differences from the paper: means start spread out and overlapping, so that the map is close to the identity; a and the
logarithms of the scales are bounded by a hyperbolic tangent.

Source: Ho, Chen, Srinivas, Duan & Abbeel 2019, Flow++, arXiv:1902.00275, section 3.2.

Shapes: B batch, M moved values (with further axes … of a map), K components, F = 3K + 2 parameters of a value.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.families.flow.layers import FlowLayer, Step

FIRST_SPREAD = 3.0
"""Means of the components start between plus and minus this."""
LOG_SCALE_BOUND = 4.0
MAX_ROUNDS = 60
TOLERANCE = 16.0
"""Newton's method ends when its steps are below this many units of the precision."""


class MixtureParameters(NamedTuple):
    """Mixture and affine map of each value.

    Args:
        log_weights: (B or 1, K, M, …) log π.
        means: μ, likewise.
        log_scales: log s, likewise.
        log_scale: a, (B or 1, M, …).
        shift: b, likewise.
    """

    log_weights: Tensor
    means: Tensor
    log_scales: Tensor
    log_scale: Tensor
    shift: Tensor


def num_mixture_outputs(num_components: int) -> int:
    """F, numbers that ``mixture_parameters`` takes for each value."""
    return 3 * num_components + 2


def mixture_parameters(out_BFM: Tensor, gain: Tensor) -> MixtureParameters:
    """Parameters from the outputs of a network, (B, F, M, …), and a learned factor of the bounded a."""
    num_components = (out_BFM.shape[1] - 2) // 3
    logits, means, log_scales, affine = out_BFM.split([num_components] * 3 + [2], dim=1)
    first = torch.linspace(-1.0, 1.0, num_components) if num_components > 1 else torch.zeros(1)
    first = first.to(out_BFM).view(-1, *[1] * (out_BFM.dim() - 2))
    spread = FIRST_SPREAD * first
    width = LOG_SCALE_BOUND * torch.tanh(log_scales / LOG_SCALE_BOUND)
    raw, shift = affine.unbind(1)
    return MixtureParameters(
        functional.log_softmax(logits, dim=1), means + spread, width, gain * torch.tanh(raw), shift
    )


def mixture_forward(h: Tensor, parameters: MixtureParameters) -> Step:
    """H' of (B, M, …) values and the log-slope of each, of the same shape."""
    logit, log_slope = _logit_and_log_slope(h, parameters)
    moved = torch.addcmul(parameters.shift, logit, parameters.log_scale.exp())
    return moved, log_slope + parameters.log_scale


def mixture_inverse(moved: Tensor, parameters: MixtureParameters) -> Step:
    """H of (B, M, …) values h' and the log-slope of the inverse; the last step of Newton's method has a gradient."""
    target = (moved - parameters.shift) * torch.exp(-parameters.log_scale)
    with torch.no_grad():
        h = _solve(target, parameters)
    logit, log_slope = _logit_and_log_slope(h, parameters)
    h = h - (logit - target) * torch.exp(-log_slope.detach())
    return h, -_logit_and_log_slope(h, parameters)[1] - parameters.log_scale


class ElementwiseMixture(FlowLayer):
    """The map with learned parameters of its own for each value: a flow of images that have nothing to couple.

    Args:
        shape: of the state without the batch.
        num_components: K.
    """

    def __init__(self, shape: tuple[int, ...], num_components: int) -> None:
        super().__init__()
        self.raw = nn.Parameter(0.01 * torch.randn(num_mixture_outputs(num_components), *shape))
        self.gain = nn.Parameter(torch.ones(shape))

    def forward(self, h: Tensor) -> Step:
        """See ``FlowLayer``."""
        moved, log_slope = mixture_forward(h, mixture_parameters(self.raw.unsqueeze(0), self.gain))
        return moved, log_slope.flatten(1).sum(1)

    def inverse(self, h: Tensor) -> Step:
        """See ``FlowLayer``."""
        before, log_slope = mixture_inverse(h, mixture_parameters(self.raw.unsqueeze(0), self.gain))
        return before, log_slope.flatten(1).sum(1)


def _logit_and_log_slope(h: Tensor, parameters: MixtureParameters) -> Step:
    """logit(F(h)) and the logarithm of its slope."""
    apart = (h.unsqueeze(1) - parameters.means) * torch.exp(-parameters.log_scales)
    log_below = functional.logsigmoid(apart)
    log_above = log_below - apart
    log_density = torch.logsumexp(parameters.log_weights - parameters.log_scales + log_below + log_above, dim=1)
    log_cdf = torch.logsumexp(parameters.log_weights + log_below, dim=1)
    log_survival = torch.logsumexp(parameters.log_weights + log_above, dim=1)
    return log_cdf - log_survival, log_density - log_cdf - log_survival


def _solve(target: Tensor, parameters: MixtureParameters) -> Tensor:
    """H with logit(F(h)) = target: Newton's steps where they stay in the bracket and shrink, else its middle."""
    ends = torch.addcmul(parameters.means, parameters.log_scales.exp(), target.unsqueeze(1))
    low, high = ends.amin(1), ends.amax(1)
    h = 0.5 * (low + high)
    last = high - low
    precision = TOLERANCE * torch.finfo(h.dtype).eps
    for _ in range(MAX_ROUNDS):
        logit, log_slope = _logit_and_log_slope(h, parameters)
        error = logit - target
        low, high = torch.where(error < 0, h, low), torch.where(error > 0, h, high)
        newton = h - error * torch.exp(-log_slope)
        is_good = (newton >= low) & (newton <= high) & ((newton - h).abs() <= 0.5 * last)
        moved = torch.where(is_good, newton, 0.5 * (low + high))
        last = (moved - h).abs()
        h = moved
        if bool((last <= precision * (1.0 + h.abs())).all()):
            break
    return h
