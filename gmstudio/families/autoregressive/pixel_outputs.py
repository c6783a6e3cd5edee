r"""Distributions of a pixel's values given a feature map: outputs of convolutional and recurrent families.

Each gives exact probabilities of every level, so that a pixel's conditional can be shown and sums to one, and the
log-probability of given values without computing the rest.

- ``BernoulliOutput``: 2 levels, one feature per sub-pixel, the log odds of level 1.
- ``SoftmaxOutput``: a logit for every level of every sub-pixel. The network orders the colours, by its masks.
- ``LogisticMixtureOutput``: a mixture of logistic distributions, integrated over each level's bin. Neighbouring levels
  are alike by construction, and the features do not grow with the number of levels. The colours are ordered here, not
  in the network: all of a pixel's features come from earlier pixels, components are shared by the pixel's colours, and
  the means of later colours depend linearly on the earlier colours' values.

Levels are laid out evenly on [-1, 1], half a bin is h = 1/(L-1), and the first and the last bin reach to infinity
(``level_mixture.log_mass``). With shared components k of weight \pi_k,

    p(r, g, b) = \sum_k \pi_k p_k(r) p_k(g|r) p_k(b|r, g),

so a colour's conditional is a mixture as well, whose weights are those given the earlier colours (Bayes).

Source: Salimans, Karpathy, Chen & Kingma 2017, PixelCNN++, arXiv:1701.05517, sections 2.1 and 2.2.

Shape legend: B batch, C channels, H height, W width, L levels, F features of a pixel, K mixture components.
"""

from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gmstudio.nn.level_mixture import MAX_LOG_SCALE, MIN_LOG_SCALE, log_mass
from gmstudio.nn.stepping.ops import FloatArray
from gmstudio.protocol.images import ImageSpec

OutputName = Literal["auto", "softmax", "logistic mixture"]


class PixelOutput(Protocol):
    """A distribution over the values of a pixel's channels, R → G → B."""

    num_groups: int
    """Colour groups that the network separates by its masks: the channels, or 1 where the output orders them itself."""
    num_features: int
    """F, over all channels of a pixel; divided among the groups as ``group_slices`` does."""

    def log_probs(self, features_BFHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Log-probabilities, up to a constant, of all levels given the earlier colours in ``x``: (B, C, H, W, L)."""

    def log_prob(self, features_BFHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Log-probability of each value given the earlier colours: (B, C, H, W), nats."""

    def log_components(self, features_BF: Tensor, levels_BC: Tensor, channel: int) -> Tensor:
        """Conditional of one channel, by mixture component.

        Args:
            features_BF: features of one pixel.
            levels_BC: the pixel's values, integers or floats; only those of earlier channels matter.
            channel: 0 … C-1.

        Returns:
            (B, K, L) log-probabilities, nats, whose exponentials sum to one over K and L; K is 1 if it is no mixture.
        """

    def initial_bias(self) -> Tensor | None:
        """(F,) features to start training from; None: any."""

    def step_logits(self, features_FB: FloatArray, earlier_BC: NDArray[np.uint8]) -> FloatArray:
        """Conditional of the next channel, for a sampler.

        Args:
            features_FB: features of one pixel, those of the current group.
            earlier_BC: the values of the pixel's earlier channels; their number determines which channel is next.

        Returns:
            (B, L) log-probabilities, up to a constant.
        """


class BernoulliOutput:
    """Two levels: F is one log odds per channel.

    Args:
        image: specification of the images.
    """

    def __init__(self, image: ImageSpec) -> None:
        self.num_groups = self.num_features = image.channels

    def log_probs(self, features_BFHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """See ``PixelOutput``; the first logit is 0."""
        return functional.pad(features_BFHW.unsqueeze(-1), (1, 0))

    def log_prob(self, features_BFHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """See ``PixelOutput``."""
        return -functional.binary_cross_entropy_with_logits(features_BFHW, x_BCHW.to(features_BFHW), reduction="none")

    def log_components(self, features_BF: Tensor, levels_BC: Tensor, channel: int) -> Tensor:
        """See ``PixelOutput``."""
        return functional.pad(features_BF[:, channel, None], (1, 0)).log_softmax(1).unsqueeze(1)

    def initial_bias(self) -> Tensor | None:
        """See ``PixelOutput``."""
        return None

    def step_logits(self, features_FB: FloatArray, earlier_BC: NDArray[np.uint8]) -> FloatArray:
        """See ``PixelOutput``."""
        logits_BL = np.zeros((features_FB.shape[1], 2), dtype=np.float32)
        logits_BL[:, 1] = features_FB[0]
        return logits_BL


class SoftmaxOutput:
    """F is a logit per channel and level.

    Args:
        image: specification of the images.
    """

    def __init__(self, image: ImageSpec) -> None:
        self.num_groups = image.channels
        self.num_features = image.channels * image.levels
        self._by_channel = (image.channels, image.levels)

    def log_probs(self, features_BFHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """See ``PixelOutput``."""
        logits_BCLHW: Tensor = features_BFHW.unflatten(1, self._by_channel)
        return logits_BCLHW.permute(0, 1, 3, 4, 2)

    def log_prob(self, features_BFHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """See ``PixelOutput``."""
        logits_BLCHW = features_BFHW.unflatten(1, self._by_channel).transpose(1, 2)
        return -functional.cross_entropy(logits_BLCHW, x_BCHW.long(), reduction="none")

    def log_components(self, features_BF: Tensor, levels_BC: Tensor, channel: int) -> Tensor:
        """See ``PixelOutput``."""
        logits_BCL: Tensor = features_BF.unflatten(1, self._by_channel)
        return logits_BCL[:, channel : channel + 1].log_softmax(2)

    def initial_bias(self) -> Tensor | None:
        """See ``PixelOutput``."""
        return None

    def step_logits(self, features_FB: FloatArray, earlier_BC: NDArray[np.uint8]) -> FloatArray:
        """See ``PixelOutput``."""
        return features_FB.T


class LogisticMixtureOutput:
    """A mixture of K logistic distributions, integrated over the levels' bins.

    F is, for each component: its weight's logit (none if K is 1); per channel a mean, then per channel the logarithm of
    a scale; for colour three coefficients (tanh of the feature): red in green's mean, red in blue's, green in blue's.

    Args:
        image: specification of the images.
        num_mixtures: K.
    """

    def __init__(self, image: ImageSpec, num_mixtures: int) -> None:
        self.num_groups = 1
        self._channels, self._levels, self._components = image.channels, image.levels, num_mixtures
        num_weights = 1 if num_mixtures > 1 else 0
        num_coefficients = image.channels * (image.channels - 1) // 2
        self._parts = [part * num_mixtures for part in (num_weights, image.channels, image.channels, num_coefficients)]
        self.num_features = sum(self._parts)
        self._half_bin = 1.0 / (image.levels - 1)
        centres_L = torch.linspace(-1.0, 1.0, image.levels)
        self._edges_E: FloatArray = (centres_L[:-1] + self._half_bin).numpy()

    def initial_bias(self) -> Tensor:
        """Equal weights, means spread over the levels, scales that overlap, colours independent."""
        weights, means, scales, coefficients = (torch.zeros(size) for size in self._parts)
        spread_K = (2.0 * torch.arange(self._components) + 1.0) / self._components - 1.0
        means += spread_K.repeat(self._channels)
        return torch.cat([weights, means, scales - 1.0, coefficients])

    def log_prob(self, features_BFHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """See ``PixelOutput``."""
        weights_CBKHW, means_CBKHW, scales_CBKHW = self._conditionals(features_BFHW, x_BCHW)
        mass_CBKHW = self._log_mass(means_CBKHW, scales_CBKHW, x_BCHW.long().transpose(0, 1).unsqueeze(2))
        return torch.logsumexp(weights_CBKHW + mass_CBKHW, dim=2).transpose(0, 1)

    def log_probs(self, features_BFHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """See ``PixelOutput``; they are normalized."""
        parts = [part.transpose(0, 1).unsqueeze(-1) for part in self._conditionals(features_BFHW, x_BCHW)]
        levels_L = torch.arange(self._levels, device=features_BFHW.device)
        # One component after another, because all of them at once would take K times the memory.
        summed_BCHWL: Tensor | None = None
        for weight, mean, scale in zip(*(part.unbind(2) for part in parts), strict=True):
            component_BCHWL = weight + self._log_mass(mean, scale, levels_L)
            summed_BCHWL = component_BCHWL if summed_BCHWL is None else torch.logaddexp(summed_BCHWL, component_BCHWL)
        assert summed_BCHWL is not None
        return summed_BCHWL

    def log_components(self, features_BF: Tensor, levels_BC: Tensor, channel: int) -> Tensor:
        """See ``PixelOutput``."""
        parts = self._conditionals(features_BF[:, :, None, None], levels_BC[:, :, None, None])
        weight_BK1, mean_BK1, scale_BK1 = (part[channel, :, :, 0] for part in parts)
        return weight_BK1 + self._log_mass(mean_BK1, scale_BK1, torch.arange(self._levels, device=features_BF.device))

    def step_logits(self, features_FB: FloatArray, earlier_BC: NDArray[np.uint8]) -> FloatArray:
        """See ``PixelOutput``; they are normalized."""
        channel = earlier_BC.shape[1]
        features_B = torch.from_numpy(np.ascontiguousarray(features_FB.T))
        values_BC = np.zeros((len(earlier_BC), self._channels), dtype=np.int64)
        values_BC[:, :channel] = earlier_BC
        with torch.inference_mode():
            parts = self._conditionals(features_B[:, :, None, None], torch.from_numpy(values_BC)[:, :, None, None])
        weights_BK, means_BK, scales_BK = (part[channel, :, :, 0, 0].numpy() for part in parts)
        return self._log_levels(weights_BK, means_BK, scales_BK)

    def _conditionals(self, features_BFHW: Tensor, x_BCHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-weights, means and 1/scales of each colour's mixture given the earlier colours, (C, B, K, H, W) each."""
        features_BFHW = features_BFHW.to(torch.promote_types(features_BFHW.dtype, torch.float32))
        logits, means, log_scales, coefficients = features_BFHW.split(self._parts, dim=1)
        shape = (self._channels, self._components)
        means_CBKHW = means.unflatten(1, shape).transpose(0, 1)
        log_scales = log_scales.clamp(MIN_LOG_SCALE, MAX_LOG_SCALE)
        per_scale_CBKHW = torch.exp(-log_scales).unflatten(1, shape).transpose(0, 1)
        weights_BKHW = functional.log_softmax(logits, dim=1) if self._components > 1 else torch.zeros_like(means[:, :1])
        if self._channels == 1:
            return weights_BKHW.unsqueeze(0), means_CBKHW, per_scale_CBKHW
        values_CBKHW = (x_BCHW.to(means.dtype) * (2.0 * self._half_bin) - 1.0).transpose(0, 1).unsqueeze(2)
        red, green, _ = values_CBKHW
        red_in_green, red_in_blue, green_in_blue = torch.tanh(coefficients).chunk(3, dim=1)
        shifts = [torch.zeros_like(red_in_green), red_in_green * red, red_in_blue * red + green_in_blue * green]
        means_CBKHW = means_CBKHW + torch.stack(shifts)
        weights = [weights_BKHW]
        for channel in range(self._channels - 1):
            x_BKHW = x_BCHW[:, channel].unsqueeze(1)
            joint = weights[-1] + self._log_mass(means_CBKHW[channel], per_scale_CBKHW[channel], x_BKHW)
            weights.append(functional.log_softmax(joint, dim=1))
        return torch.stack(weights), means_CBKHW, per_scale_CBKHW

    def _log_mass(self, mean: Tensor, per_scale: Tensor, x: Tensor) -> Tensor:
        """Logarithm of a component's mass in the bins of integers x; all shapes broadcast.

        Floats are centres of bins of the same width; those nearest to the first or last level reach to infinity.
        """
        from_mean = x.to(mean.dtype) * (2.0 * self._half_bin) - 1.0 - mean
        lower, upper = (from_mean - self._half_bin) * per_scale, (from_mean + self._half_bin) * per_scale
        width = 2.0 * self._half_bin * per_scale
        return log_mass("logistic", lower, upper, x < 0.5, x > self._levels - 1.5, width)

    def _log_levels(self, weights_BK: FloatArray, means_BK: FloatArray, per_scale_BK: FloatArray) -> FloatArray:
        """Log-probabilities of all levels under a mixture: (B, L).

        A bin's mass is σ(e) (1 - σ(e')) (1 - exp(e' - e)) with the edges e' < e; logarithms keep those of levels far
        from all means, which a high temperature makes probable.
        """
        edges_BKE = (self._edges_E - means_BK[..., np.newaxis]) * per_scale_BK[..., np.newaxis]
        log_BKE = np.log1p(np.exp(-np.abs(edges_BKE)))
        mass_BKL = np.empty((*means_BK.shape, self._levels), dtype=np.float32)
        np.subtract(np.minimum(edges_BKE, 0.0), log_BKE, out=mass_BKL[..., :-1])  # below a bin's upper edge
        mass_BKL[..., -1] = 0.0
        mass_BKL[..., 1:] -= np.maximum(edges_BKE, 0.0) + log_BKE  # above its lower edge
        mass_BKL[..., 1:-1] += np.log(-np.expm1(-2.0 * self._half_bin * per_scale_BK))[..., np.newaxis]
        mass_BKL += weights_BK[..., np.newaxis]
        most_BL = mass_BKL.max(axis=1)
        mass_BKL -= most_BL[:, np.newaxis]
        logits_BL: FloatArray = np.log(np.exp(mass_BKL, out=mass_BKL).sum(axis=1)) + most_BL
        return logits_BL


def pixel_output(name: OutputName, image: ImageSpec, num_mixtures: int) -> PixelOutput:
    """Distribution of a name.

    Args:
        name: ``auto`` and ``softmax`` are a softmax, which for 2 levels is a Bernoulli.
        image: specification of the images.
        num_mixtures: components of a logistic mixture.
    """
    if name == "logistic mixture":
        return LogisticMixtureOutput(image, num_mixtures)
    return BernoulliOutput(image) if image.levels == 2 else SoftmaxOutput(image)


def start_from(bias_F: Tensor, output: PixelOutput) -> None:
    """Add the output's initial features, if it defines any, to the bias of the layer before it."""
    initial_F = output.initial_bias()
    if initial_F is not None:
        with torch.no_grad():
            bias_F += initial_F
