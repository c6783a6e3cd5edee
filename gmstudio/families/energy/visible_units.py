"""Visible units of a Boltzmann machine: a level's contribution to the energy, and the conditional of a pixel.

Shapes: B batch, D sub-pixels, L levels, F features of a level, V statistics (D·F).

The hidden units are connected to statistics φ(x) of an image x, F numbers for each sub-pixel, and the biases b to the
levels themselves. Given the drive u = W h of the hidden units, sub-pixels are independent:

    p(x_d = l | h) ∝ exp(b_d(l) + Σ_f φ_f(l) u_df),

a distribution over the integers 0 … L-1, so that probabilities are of the integer image however many levels it has.

Source: Salakhutdinov, Mnih & Hinton, Restricted Boltzmann Machines for Collaborative Filtering, ICML 2007, section 2.
"""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.families.energy.gray_code import gray_bits, levels_of_bits, mean_level
from gmstudio.nn.constants import constant

MAX_FEATURES = 8


class VisibleUnits(nn.Module, ABC):
    """Visible units of one kind.

    Args:
        num_dims: D.
        levels: L.
        num_features: F.
        num_scores: biases of one sub-pixel.
        uniform_count: mean activity of each bias when all levels are equally likely.
    """

    def __init__(
        self, num_dims: int, levels: int, num_features: int, num_scores: int, uniform_count: float | None = None
    ) -> None:
        super().__init__()
        self.uniform_count = 1.0 / levels if uniform_count is None else uniform_count
        self.num_dims, self.levels, self.num_features = num_dims, levels, num_features
        self.bias_shape = (num_dims, num_scores)

    @property
    def num_statistics(self) -> int:
        """V, number of statistics that the hidden units are connected to."""
        return self.num_dims * self.num_features

    @abstractmethod
    def state(self, x: Tensor, like: Tensor) -> Tensor:
        """Integer images (B, …) as the chain's state (B, D), on the device of ``like``."""

    @abstractmethod
    def statistics(self, x_BD: Tensor) -> Tensor:
        """φ(x): (B, D) states → (B, V) floats."""

    @abstractmethod
    def level_features(self) -> Tensor:
        """φ of each level: (L, F)."""

    @abstractmethod
    def level_scores(self, bias: Tensor) -> Tensor:
        """b_d(l): (D, L)."""

    @abstractmethod
    def score(self, bias: Tensor, x_BD: Tensor) -> Tensor:
        """Σ_d b_d(x_d): (B,)."""

    @abstractmethod
    def mean_counts(self, x_BD: Tensor) -> Tensor:
        """Mean activity of each bias: the gradient of the mean ``score``, of the bias' shape."""

    @abstractmethod
    def log_odds(self, counts: Tensor) -> Tensor:
        """Biases with which units without weights have these mean counts (clamped away from 0 and 1)."""

    @abstractmethod
    def logits(self, bias: Tensor, drive_BV: Tensor) -> Tensor:
        """Input of ``sample``, ``mean`` and ``log_prob``: (B, D) or (B, D, L)."""

    @abstractmethod
    def sample(self, logits: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draw states (B, D)."""

    @abstractmethod
    def mean(self, logits: Tensor) -> Tensor:
        """Expected level divided by L - 1: (B, D) in [0, 1]."""

    @abstractmethod
    def log_prob(self, logits: Tensor, x_BD: Tensor) -> Tensor:
        """Log p(x|h): (B,), nats."""

    @abstractmethod
    def log_normalizer(self, logits: Tensor) -> Tensor:
        """Σ_d log Σ_l exp(logit): (B,)."""


class BinaryUnits(VisibleUnits):
    """Two levels: φ(x) = x and p(x_d = 1 | h) = σ(b_d + u_d). States are floats 0 or 1."""

    phi: Tensor

    def __init__(self, num_dims: int) -> None:
        super().__init__(num_dims, levels=2, num_features=1, num_scores=1)
        self.register_buffer("phi", torch.tensor([[0.0], [1.0]]), persistent=False)

    def state(self, x: Tensor, like: Tensor) -> Tensor:
        """(B, D) floats."""
        return x.flatten(1).to(device=like.device, dtype=like.dtype)

    def statistics(self, x_BD: Tensor) -> Tensor:
        """The state itself."""
        return x_BD

    def level_features(self) -> Tensor:
        """(2, 1): 0 and 1."""
        return self.phi

    def level_scores(self, bias: Tensor) -> Tensor:
        """(D, 2): 0 and b."""
        return torch.cat([torch.zeros_like(bias), bias], dim=1)

    def score(self, bias: Tensor, x_BD: Tensor) -> Tensor:
        """(B,)."""
        return torch.mv(x_BD, bias.squeeze(1))

    def mean_counts(self, x_BD: Tensor) -> Tensor:
        """(D, 1): the mean image."""
        return x_BD.mean(0).unsqueeze(1)

    def log_odds(self, counts: Tensor) -> Tensor:
        """(D, 1)."""
        return torch.logit(counts.clamp(0.01, 0.99))

    def logits(self, bias: Tensor, drive_BV: Tensor) -> Tensor:
        """(B, D)."""
        return drive_BV + bias.squeeze(1)

    def sample(self, logits: Tensor, generator: torch.Generator | None) -> Tensor:
        """(B, D) floats."""
        return bernoulli(torch.sigmoid(logits), generator)

    def mean(self, logits: Tensor) -> Tensor:
        """(B, D), p(x = 1 | h)."""
        return torch.sigmoid(logits)

    def log_prob(self, logits: Tensor, x_BD: Tensor) -> Tensor:
        """(B,), nats."""
        return (x_BD * logits - functional.softplus(logits)).sum(1)

    def log_normalizer(self, logits: Tensor) -> Tensor:
        """(B,)."""
        return functional.softplus(logits).sum(1)


class SoftmaxUnits(VisibleUnits):
    """More levels: a softmax unit for each sub-pixel, as in Salakhutdinov, Mnih & Hinton 2007.

    Every level of every sub-pixel has a bias of its own. Up to 8 levels each but the lowest has weights of its own too:
    φ is one-hot, as in the paper. Above, φ has 8 features that neighbouring levels share: the two ends of the scale,
    where scanned images have most of their pixels, and the first six cosines over the levels. So the weights do not
    grow with the levels, and each is learned from all of them.

    φ of the lowest level is zero, as that of binary units is. This does not restrict the machine, because a constant in
    φ is a bias of the hidden units. But sub-pixels that are empty in all images would have that constant as their
    gradient, and their weights would diverge towards images with bright borders.

    Args:
        num_dims: D.
        levels: L, more than 2.
    """

    phi: Tensor

    def __init__(self, num_dims: int, levels: int) -> None:
        super().__init__(num_dims, levels, num_features=min(levels - 1, MAX_FEATURES), num_scores=levels)
        phi_LF = torch.eye(levels)[:, 1:] if levels <= MAX_FEATURES else _ends_and_cosines(levels)
        self.register_buffer("phi", phi_LF, persistent=False)

    def state(self, x: Tensor, like: Tensor) -> Tensor:
        """(B, D) int64."""
        return x.flatten(1).to(device=like.device, dtype=torch.int64)

    def statistics(self, x_BD: Tensor) -> Tensor:
        """(B, V)."""
        return functional.embedding(x_BD, self.phi).flatten(1)

    def level_features(self) -> Tensor:
        """(L, F)."""
        return self.phi

    def level_scores(self, bias: Tensor) -> Tensor:
        """(D, L)."""
        return bias

    def score(self, bias: Tensor, x_BD: Tensor) -> Tensor:
        """(B,)."""
        return bias.flatten()[_places(x_BD, self.levels)].sum(1)

    def mean_counts(self, x_BD: Tensor) -> Tensor:
        """(D, L): frequency of each level at each sub-pixel."""
        return level_counts(x_BD, self.levels).to(self.phi.dtype)

    def log_odds(self, counts: Tensor) -> Tensor:
        """(D, L), log-probabilities."""
        smoothed = counts + 0.02 / self.levels
        return torch.log(smoothed / smoothed.sum(1, keepdim=True))

    def logits(self, bias: Tensor, drive_BV: Tensor) -> Tensor:
        """(B, D, L)."""
        drive_BDF = drive_BV.unflatten(1, (self.num_dims, self.num_features))
        logits_BDL: Tensor = (drive_BDF @ self.phi.T.to(drive_BV.dtype)).to(drive_BV.dtype) + bias
        return logits_BDL

    def sample(self, logits: Tensor, generator: torch.Generator | None) -> Tensor:
        """(B, D) int64, by the inverse CDF."""
        cumulative_BDL = torch.softmax(logits, dim=-1).cumsum(-1)
        uniforms = torch.rand(logits.shape[:-1], generator=generator, device=logits.device, dtype=logits.dtype)
        return (cumulative_BDL[..., :-1] <= uniforms.unsqueeze(-1)).sum(-1)

    def mean(self, logits: Tensor) -> Tensor:
        """(B, D)."""
        values_L = torch.linspace(0.0, 1.0, self.levels, dtype=logits.dtype, device=logits.device)
        return (torch.softmax(logits, dim=-1) @ values_L).clamp(0.0, 1.0)

    def log_prob(self, logits: Tensor, x_BD: Tensor) -> Tensor:
        """(B,), nats."""
        return torch.log_softmax(logits, dim=-1).gather(-1, x_BD.unsqueeze(-1)).squeeze(-1).sum(1)

    def log_normalizer(self, logits: Tensor) -> Tensor:
        """(B,)."""
        return torch.logsumexp(logits, dim=-1).sum(1)


class GrayUnits(VisibleUnits):
    """Binary units for the bits of each level in Gray code: of 64 levels, 6 units for a sub-pixel.

    φ of a level is its bits. Every pattern of bits is a level, so that the softmax over levels that other units have
    is here a product over bits, p(bit = 1 | h) = σ(b + u): this is a machine of binary units. States are levels.

    Args:
        num_dims: D.
        levels: L, a power of two.

    Raises:
        ValueError: when it is none.
    """

    phi: Tensor

    def __init__(self, num_dims: int, levels: int) -> None:
        bits_LF = gray_bits(levels)
        count = bits_LF.shape[1]
        super().__init__(num_dims, levels, num_features=count, num_scores=count, uniform_count=0.5)
        self.register_buffer("phi", bits_LF, persistent=False)

    def state(self, x: Tensor, like: Tensor) -> Tensor:
        """(B, D) int64."""
        return x.flatten(1).to(device=like.device, dtype=torch.int64)

    def statistics(self, x_BD: Tensor) -> Tensor:
        """(B, V) bits."""
        return functional.embedding(x_BD, self.phi).flatten(1)

    def level_features(self) -> Tensor:
        """(L, F)."""
        return self.phi

    def level_scores(self, bias: Tensor) -> Tensor:
        """(D, L)."""
        scores_DL: Tensor = bias @ self.phi.T.to(bias)
        return scores_DL

    def score(self, bias: Tensor, x_BD: Tensor) -> Tensor:
        """(B,)."""
        score_B: Tensor = self.statistics(x_BD).to(bias) @ bias.flatten()
        return score_B

    def mean_counts(self, x_BD: Tensor) -> Tensor:
        """(D, F): mean of each bit."""
        means_V: Tensor = self.statistics(x_BD).mean(0)
        return means_V.view(self.bias_shape)

    def log_odds(self, counts: Tensor) -> Tensor:
        """(D, F)."""
        return torch.logit(counts.clamp(0.01, 0.99))

    def logits(self, bias: Tensor, drive_BV: Tensor) -> Tensor:
        """(B, D, F), of the bits."""
        logits_BDF: Tensor = drive_BV.unflatten(1, self.bias_shape) + bias
        return logits_BDF

    def sample(self, logits: Tensor, generator: torch.Generator | None) -> Tensor:
        """(B, D) int64."""
        return levels_of_bits(bernoulli(torch.sigmoid(logits), generator))

    def mean(self, logits: Tensor) -> Tensor:
        """(B, D)."""
        return mean_level(logits, self.phi)

    def log_prob(self, logits: Tensor, x_BD: Tensor) -> Tensor:
        """(B,), nats."""
        bits_BDF = self.statistics(x_BD).view(logits.shape)
        return (bits_BDF * logits - functional.softplus(logits)).flatten(1).sum(1)

    def log_normalizer(self, logits: Tensor) -> Tensor:
        """(B,)."""
        return functional.softplus(logits).flatten(1).sum(1)


VisibleKind = Literal["levels", "gray"]


def visible_units(num_dims: int, levels: int, kind: VisibleKind = "levels") -> VisibleUnits:
    """Visible units: of ``levels`` binary for 2 of them, softmax for more; of ``gray`` binary for the bits of each.

    Raises:
        ValueError: when a Gray code has no such number of levels.
    """
    if kind == "gray":
        return GrayUnits(num_dims, levels)
    return BinaryUnits(num_dims) if levels == 2 else SoftmaxUnits(num_dims, levels)


def bernoulli(probs: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw 0 or 1 for each probability, as floats; several times faster than ``torch.bernoulli``."""
    uniforms = torch.rand(probs.shape, generator=generator, device=probs.device, dtype=probs.dtype)
    return torch.lt(uniforms, probs, out=uniforms)


def level_counts(x_BD: Tensor, levels: int) -> Tensor:
    """Frequency of each level at each sub-pixel, averaged over (B, D) int64 images: (D, L) floats."""
    num_dims = x_BD.shape[1]
    counts = torch.zeros(num_dims * levels, device=x_BD.device)
    places = _places(x_BD, levels).flatten()
    counts.index_add_(0, places, torch.ones((), device=x_BD.device).expand(len(places)))
    return counts.view(num_dims, levels) / len(x_BD)


def _places(x_BD: Tensor, levels: int) -> Tensor:
    """Index of each sub-pixel's level in a flattened (D, L) table: (B, D)."""
    return x_BD + levels * torch.arange(x_BD.shape[1], device=x_BD.device)


@constant
def _ends_and_cosines(levels: int) -> Tensor:
    """(L, 8): is a level above the lowest, is it the highest, and cos(π k (l + ½) / L) for k = 1 … 6 less that of 0."""
    middle_L1 = ((torch.arange(levels) + 0.5) / levels).unsqueeze(1)
    cosines = torch.cos(torch.pi * middle_L1 * torch.arange(1, MAX_FEATURES - 1))
    ends = torch.zeros(levels, 2)
    ends[1:, 0] = ends[-1, 1] = 1.0
    return torch.cat([ends, cosines - cosines[0]], dim=1)
