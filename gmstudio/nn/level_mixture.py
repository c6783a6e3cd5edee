r"""A mixture of continuous distributions, integrated over each level's bin: exact probabilities of integers.

The levels are laid out evenly on [-1, 1]; a bin reaches half way to the neighbours, and the first and the last bin to
infinity, so that the probabilities of all levels sum to one. Of a logistic distribution with edges a < b in units of
its scale, the mass is

    \sigma(b) - \sigma(a) = \sigma(b)\, \sigma(-a)\, (1 - e^{a-b}),

which is accurate far out in the tails; of a Gaussian, Φ(b) - Φ(a), taken on the side where both are small.

Source: Uria, Murray & Larochelle 2013, RNADE: The real-valued neural autoregressive density-estimator,
arXiv:1306.0186, section 3 (mixtures); Salimans et al. 2017, PixelCNN++, arXiv:1701.05517, section 2.1 (bins).

Shapes: B batch, D sub-pixels, K components, F = 3K features per sub-pixel, L levels.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.nn.constants import constant

MixtureKind = Literal["logistic", "gaussian"]
MIN_LOG_SCALE, MAX_LOG_SCALE = -7.0, 3.0


class LevelMixture(nn.Module):
    """Map from features (B, F, D) to log-probabilities of levels.

    Args:
        levels: values a sub-pixel can take, 3 or more.
        num_components: K.
        kind: of the components.

    Attributes:
        num_features: F; K logits of the components' weights, then K means and K logarithms of scales.
    """

    centres: Tensor

    def __init__(self, levels: int, num_components: int, kind: MixtureKind) -> None:
        super().__init__()
        self.levels = levels
        self.num_features = 3 * num_components
        self.kind = kind
        self.register_buffer("centres", torch.linspace(-1.0, 1.0, levels), persistent=False)

    @constant
    def initial_features(self) -> Tensor:
        """(F,) features to start from: equal weights, means spread over the levels, scales that overlap."""
        num_components = self.num_features // 3
        means = (2 * torch.arange(num_components) + 1.0) / num_components - 1.0
        log_scales = torch.full((num_components,), -1.0)
        return torch.cat([torch.zeros(num_components), means, log_scales])

    def forward(self, features_BFD: Tensor) -> Tensor:
        """Log-probabilities of all levels: (B, L, D)."""
        levels_L1 = torch.arange(self.levels, device=features_BFD.device).unsqueeze(1)
        return self._log_prob(features_BFD.unsqueeze(2), levels_L1)

    def log_prob(self, features_BFD: Tensor, x_BD: Tensor) -> Tensor:
        """Log-probability of integer values: (B, D), nats."""
        return self._log_prob(features_BFD, x_BD.long().unsqueeze(1))

    def log_components(self, features_BF: Tensor) -> Tensor:
        """Log-probabilities of all levels by component: (B, K, L); their exponentials sum to one over both."""
        levels_L = torch.arange(self.levels, device=features_BF.device)
        return self._log_mass(features_BF.unsqueeze(2), levels_L)

    def _log_prob(self, features: Tensor, x: Tensor) -> Tensor:
        """(B, F, …) features, and integers that broadcast with (B, K, …) → the same without the second axis."""
        return torch.logsumexp(self._log_mass(features, x), dim=1)

    def _log_mass(self, features: Tensor, x: Tensor) -> Tensor:
        """(B, F, …) features, and integers that broadcast with (B, K, …) → log-weights plus log-masses, (B, K, …)."""
        features = features.to(torch.promote_types(features.dtype, torch.float32))
        logits, means, log_scales = features.chunk(3, dim=1)
        per_scale = torch.exp(-log_scales.clamp(MIN_LOG_SCALE, MAX_LOG_SCALE))
        half_bin = 1.0 / (self.levels - 1)
        from_mean = self.centres[x] - means
        lower, upper = (from_mean - half_bin) * per_scale, (from_mean + half_bin) * per_scale
        mass = log_mass(self.kind, lower, upper, x == 0, x == self.levels - 1, 2.0 * half_bin * per_scale)
        return functional.log_softmax(logits, dim=1) + mass


def _logistic_log_mass(lower: Tensor, upper: Tensor, is_first: Tensor, is_last: Tensor, width: Tensor | None) -> Tensor:
    below = functional.logsigmoid(upper)
    above = functional.logsigmoid(-lower)
    inner = below + above + torch.log(-torch.expm1(lower - upper if width is None else -width))
    return torch.where(is_first, below, torch.where(is_last, above, inner))


def _gaussian_log_mass(lower: Tensor, upper: Tensor, is_first: Tensor, is_last: Tensor, width: Tensor | None) -> Tensor:
    mirrored = lower + upper > 0
    log_low = torch.special.log_ndtr(torch.where(mirrored, -upper, lower))
    log_high = torch.special.log_ndtr(torch.where(mirrored, -lower, upper))
    inner = log_high + torch.log(-torch.expm1((log_low - log_high).clamp(max=-1e-12)))
    below, above = torch.special.log_ndtr(upper), torch.special.log_ndtr(-lower)
    return torch.where(is_first, below, torch.where(is_last, above, inner))


_LOG_MASS = {"logistic": _logistic_log_mass, "gaussian": _gaussian_log_mass}


def log_mass(
    kind: MixtureKind, lower: Tensor, upper: Tensor, is_first: Tensor, is_last: Tensor, width: Tensor | None = None
) -> Tensor:
    """Logarithm of the mass between two edges.

    Args:
        kind: of the distribution; centred at 0, of scale 1.
        lower: lower edges of the bins, in units of the scale.
        upper: upper edges, larger.
        is_first: bool; these bins have no lower edge.
        is_last: bool; these bins have no upper edge.
        width: of the bins, in units of the scale, where it is known without the difference of the edges; it is then
            exact, and may broadcast, which saves work.

    Returns:
        The broadcast shape of the arguments.
    """
    return _LOG_MASS[kind](lower, upper, is_first, is_last, width)
