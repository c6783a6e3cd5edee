"""Distributions of a discrete image given the features that a decoder computed for each sub-pixel.

Shapes: B batch, C channels, H height, W width, L levels, F features per sub-pixel. A decoder network puts out features
(B, C, H, W, F), where F is the likelihood's ``num_features``; the likelihood turns them into log p(x|features), into
means and into samples. Sub-pixels are independent given the features.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

MAX_FEATURES = 8


class PixelLikelihood(nn.Module, ABC):
    """A distribution over the levels ``0 … L-1`` of each sub-pixel.

    Args:
        levels: values a sub-pixel can take.
        num_features: numbers that the decoder network must put out per sub-pixel.
    """

    def __init__(self, levels: int, num_features: int) -> None:
        super().__init__()
        self.levels = levels
        self.num_features = num_features

    @abstractmethod
    def log_prob(self, features_BCHWF: Tensor, x_BCHW: Tensor) -> Tensor:
        """Log-probability of integer images, summed over sub-pixels: (B,), nats."""

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
        logits_BCHW = features_BCHWF.squeeze(-1)
        negative = functional.binary_cross_entropy_with_logits(logits_BCHW, x_BCHW.to(logits_BCHW), reduction="none")
        return -negative.flatten(1).sum(1)

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

    def log_prob(self, features_BCHWF: Tensor, x_BCHW: Tensor) -> Tensor:
        """(B,), nats."""
        logits_NL = self.logits(features_BCHWF).flatten(0, 3)
        negative = functional.cross_entropy(logits_NL, x_BCHW.flatten().long(), reduction="none")
        return -negative.view(len(x_BCHW), -1).sum(1)

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


def pixel_likelihood(levels: int) -> PixelLikelihood:
    """The likelihood that fits a number of levels: Bernoulli for 2, categorical for more."""
    return BernoulliLikelihood() if levels == 2 else CategoricalLikelihood(levels)


def _cosines(num_features: int, levels: int) -> Tensor:
    """Rows cos(π k (l + ½) / L), k = 1 … num_features: (num_features, levels)."""
    k_F1 = torch.arange(1, num_features + 1, dtype=torch.float32).unsqueeze(1)
    middle_L = (torch.arange(levels, dtype=torch.float32) + 0.5) / levels
    return torch.cos(math.pi * k_F1 * middle_L)
