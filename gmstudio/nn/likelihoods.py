"""Distributions of a discrete image given a decoder's features of each sub-pixel.

Shapes: B batch, C channels, H height, W width, L levels, F features per sub-pixel. A decoder network computes features
(B, C, H, W, F), where F is the likelihood's ``num_features``; the likelihood turns them into log p(x|features), into
means and into samples. Sub-pixels are independent given the features, and the probabilities of a sub-pixel's levels
sum to one whatever the distribution, so that log p is always of the integer image.
"""

import math
from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.nn.constants import constant
from gmstudio.nn.level_mixture import MixtureKind, log_mass

LikelihoodName = Literal["auto", "bernoulli", "categorical", "discretized gaussian", "discretized logistic"]
MAX_FEATURES = 8
SHARPEST: dict[MixtureKind, float] = {"gaussian": 1 / 3, "logistic": 1 / 6}
"""Smallest scales, in half bins: an inner level can have 99.5 % of the mass, and a miss has a bounded cost."""
MAX_LOG_SCALE = 5.0
FARTHEST = 3.0
"""Distributions are centred between -3 and 3, black being -1 and white 1; beyond, 32-bit floats lack precision."""
EDGES_AT_A_TIME = 16


class PixelLikelihood(nn.Module, ABC):
    """A distribution over the levels ``0 … L-1`` of each sub-pixel.

    Args:
        levels: values a sub-pixel can take.
        num_features: outputs of the decoder network per sub-pixel.
    """

    def __init__(self, levels: int, num_features: int) -> None:
        super().__init__()
        self.levels = levels
        self.num_features = num_features

    def log_prob(self, features_BCHWF: Tensor, x_BCHW: Tensor) -> Tensor:
        """Log-probability of integer images, summed over sub-pixels: (B,), nats."""
        return self.subpixel_log_prob(features_BCHWF, x_BCHW).flatten(1).sum(1)

    @abstractmethod
    def subpixel_log_prob(self, features_BCHWF: Tensor, x_BCHW: Tensor) -> Tensor:
        """Log-probability of each sub-pixel's integer: (B, C, H, W), nats."""

    def level_log_probs(self, features_BCHWF: Tensor) -> Tensor:
        """Log-probabilities of all levels of each sub-pixel: (B, C, H, W, L), nats."""
        whole = torch.ones(features_BCHWF.shape[:-1], dtype=torch.int64, device=features_BCHWF.device)
        of_levels = [self.subpixel_log_prob(features_BCHWF, level * whole) for level in range(self.levels)]
        return torch.stack(of_levels, dim=-1)

    @abstractmethod
    def mean(self, features_BCHWF: Tensor) -> Tensor:
        """Expected level divided by ``levels - 1``: (B, C, H, W) floats in [0, 1]."""

    @abstractmethod
    def sample(self, features_BCHWF: Tensor, uniforms_BCHW: Tensor) -> Tensor:
        """Turn uniforms in [0, 1) into levels by the inverse CDF: (B, C, H, W) uint8."""


class BernoulliLikelihood(PixelLikelihood):
    """Two levels: p(x = 1) = σ(feature)."""

    def __init__(self) -> None:
        super().__init__(levels=2, num_features=1)

    def log_prob(self, features_BCHWF: Tensor, x_BCHW: Tensor) -> Tensor:
        """(B,), nats."""
        return -self._nll(features_BCHWF, x_BCHW).flatten(1).sum(1)

    def subpixel_log_prob(self, features_BCHWF: Tensor, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W), nats."""
        return -self._nll(features_BCHWF, x_BCHW)

    def _nll(self, features_BCHWF: Tensor, x_BCHW: Tensor) -> Tensor:
        logits_BCHW = features_BCHWF.squeeze(-1)
        return functional.binary_cross_entropy_with_logits(logits_BCHW, x_BCHW.to(logits_BCHW), reduction="none")

    def mean(self, features_BCHWF: Tensor) -> Tensor:
        """(B, C, H, W), p(x = 1)."""
        return torch.sigmoid(features_BCHWF.squeeze(-1))

    def sample(self, features_BCHWF: Tensor, uniforms_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) uint8."""
        return (uniforms_BCHW < self.mean(features_BCHWF)).to(torch.uint8)


class CategoricalLikelihood(PixelLikelihood):
    """More levels: a softmax over them.

    Up to 8 levels the features are the logits. Above, the logits are a linear map, learned and shared by all
    sub-pixels, of 8 features; it starts as the first 8 cosines over the levels. So neighbouring levels start out
    alike, a decoder's last layer does not grow with the levels, and held-out images score better (digits of 16 levels:
    3 nats).

    Args:
        levels: values a sub-pixel can take, 2 or more.
    """

    def __init__(self, levels: int) -> None:
        super().__init__(levels, num_features=min(levels, MAX_FEATURES))
        self.basis_FL: nn.Parameter | None = None
        if levels > MAX_FEATURES:
            self.basis_FL = nn.Parameter(_cosines(MAX_FEATURES, levels))

    def logits(self, features_BCHWF: Tensor) -> Tensor:
        """Unnormalized log-probabilities (B, C, H, W, L)."""
        if self.basis_FL is None:
            return features_BCHWF
        return (features_BCHWF @ self.basis_FL).to(features_BCHWF.dtype)

    def subpixel_log_prob(self, features_BCHWF: Tensor, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W), nats."""
        logits_NL = self.logits(features_BCHWF).flatten(0, 3)
        return -functional.cross_entropy(logits_NL, x_BCHW.flatten().long(), reduction="none").view(x_BCHW.shape)

    def level_log_probs(self, features_BCHWF: Tensor) -> Tensor:
        """(B, C, H, W, L), nats."""
        return torch.log_softmax(self.logits(features_BCHWF), dim=-1)

    def mean(self, features_BCHWF: Tensor) -> Tensor:
        """(B, C, H, W) floats in [0, 1]."""
        probs_BCHWL = torch.softmax(self.logits(features_BCHWF), dim=-1)
        values_L = torch.linspace(0.0, 1.0, self.levels, dtype=probs_BCHWL.dtype, device=probs_BCHWL.device)
        return (probs_BCHWL @ values_L).clamp(0.0, 1.0)

    def sample(self, features_BCHWF: Tensor, uniforms_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) uint8."""
        cumulative_BCHWL = torch.softmax(self.logits(features_BCHWF), dim=-1).cumsum(-1)
        passed = (cumulative_BCHWL[..., :-1] <= uniforms_BCHW.unsqueeze(-1)).sum(-1)
        return passed.to(torch.uint8)


class DiscretizedLikelihood(PixelLikelihood):
    r"""A Gaussian or logistic distribution of each sub-pixel, integrated over each level's bin.

    The levels are laid out evenly on [-1, 1]. A bin reaches half way to the neighbours, the first and the last one to
    infinity, so p(x = l) = F((b_l - μ) / s) - F((a_l - μ) / s) and the levels' probabilities sum to one. The features
    are μ and, through a softplus above the smallest scale, log s.

    Args:
        levels: values a sub-pixel can take, 2 or more.
        kind: F is the normal distribution's function (s its standard deviation), or the logistic one.

    Source: Kingma et al. 2016, Improved Variational Inference with Inverse Autoregressive Flow, arXiv:1606.04934,
    appendix C.1 (discretized logistic); Ho et al. 2020, arXiv:2006.11239, section 3.3 (discretized Gaussian).
    """

    def __init__(self, levels: int, kind: MixtureKind) -> None:
        super().__init__(levels, num_features=2)
        self.kind = kind
        self._half_bin = 1.0 / (levels - 1)

    def location_and_scale(self, features_BCHWF: Tensor) -> tuple[Tensor, Tensor]:
        """μ and s on the scale where black is -1 and white 1, (B, C, H, W) each."""
        location_BCHW, raw_BCHW = features_BCHWF[..., 0].clamp(-FARTHEST, FARTHEST), features_BCHWF[..., 1]
        floor = math.log(SHARPEST[self.kind] * self._half_bin)
        log_scale_BCHW = (floor + functional.softplus(raw_BCHW - floor)).clamp(max=MAX_LOG_SCALE)
        return location_BCHW, torch.exp(log_scale_BCHW)

    def subpixel_log_prob(self, features_BCHWF: Tensor, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W), nats."""
        location, scale = self.location_and_scale(features_BCHWF)
        from_mean = x_BCHW.to(location.dtype) * (2.0 * self._half_bin) - 1.0 - location
        lower, upper = (from_mean - self._half_bin) / scale, (from_mean + self._half_bin) / scale
        return log_mass(self.kind, lower, upper, x_BCHW == 0, x_BCHW == self.levels - 1)

    def level_log_probs(self, features_BCHWF: Tensor) -> Tensor:
        """(B, C, H, W, L), nats."""
        levels_L1111 = torch.arange(self.levels, device=features_BCHWF.device).view(-1, 1, 1, 1, 1)
        return self.subpixel_log_prob(features_BCHWF, levels_L1111).movedim(0, -1)

    def mean(self, features_BCHWF: Tensor) -> Tensor:
        """(B, C, H, W) floats in [0, 1]: E[x] = Σ_l P(x > l), exact for the integers."""
        location, scale = (part.unsqueeze(-1) for part in self.location_and_scale(features_BCHWF))
        edges_E = torch.arange(1, 2 * self.levels - 2, 2, dtype=location.dtype, device=location.device)
        expected_BCHW = torch.zeros_like(location).squeeze(-1)
        for piece_E in torch.split(edges_E * self._half_bin - 1.0, EDGES_AT_A_TIME):
            above = (location - piece_E) / scale
            mass = torch.sigmoid(above) if self.kind == "logistic" else torch.special.ndtr(above)
            expected_BCHW = expected_BCHW + mass.sum(-1)
        return (expected_BCHW / (self.levels - 1)).clamp(0.0, 1.0)

    def sample(self, features_BCHWF: Tensor, uniforms_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) uint8: the quantile of the continuous distribution falls in the level's bin."""
        location, scale = self.location_and_scale(features_BCHWF)
        quantile = torch.logit(uniforms_BCHW) if self.kind == "logistic" else torch.special.ndtri(uniforms_BCHW)
        levels = (location + scale * quantile + 1.0) / (2.0 * self._half_bin)
        return levels.round().clamp(0, self.levels - 1).to(torch.uint8)


def pixel_likelihood(levels: int, name: LikelihoodName = "auto") -> PixelLikelihood:
    """Likelihood of a name for a number of levels.

    Args:
        levels: values a sub-pixel can take, 2 or more.
        name: ``auto`` is Bernoulli for 2 levels, categorical for more.

    Raises:
        ValueError: for a Bernoulli distribution of more than 2 levels.
    """
    if name == "discretized gaussian":
        return DiscretizedLikelihood(levels, "gaussian")
    if name == "discretized logistic":
        return DiscretizedLikelihood(levels, "logistic")
    if name == "bernoulli" and levels != 2:
        raise ValueError(
            f"A Bernoulli decoder distinguishes 2 levels; the images have {levels}. Choose a categorical or a "
            "discretized decoder, or binarize the images."
        )
    if name == "categorical" or levels != 2:
        return CategoricalLikelihood(levels)
    return BernoulliLikelihood()


@constant
def _cosines(num_features: int, levels: int) -> Tensor:
    """Rows cos(π k (l + ½) / L), k = 1 … num_features: (num_features, levels)."""
    k_F1 = torch.arange(1, num_features + 1, dtype=torch.float32).unsqueeze(1)
    middle_L = (torch.arange(levels, dtype=torch.float32) + 0.5) / levels
    return torch.cos(math.pi * k_F1 * middle_L)
