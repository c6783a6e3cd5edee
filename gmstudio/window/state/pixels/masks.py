"""Masks of observed sub-pixels, noise for denoising, and reconstruction error: values only.

Shapes: C channels, H height, W width.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.images import ImageSpec

Mask = NDArray[np.bool_]


def spaced_mask(spec: ImageSpec, factor: int) -> Mask:
    """(C, H, W): every ``factor``-th pixel of every ``factor``-th row, as in an image of lower resolution."""
    mask = np.zeros(spec.shape, np.bool_)
    mask[:, ::factor, ::factor] = True
    return mask


def channel_mask(spec: ImageSpec, channel: int) -> Mask:
    """(C, H, W): one channel of every pixel."""
    mask = np.zeros(spec.shape, np.bool_)
    mask[channel] = True
    return mask


def outside_mask(spec: ImageSpec, missing: Mask) -> Mask:
    """(C, H, W): all sub-pixels but those of the missing pixels (H, W)."""
    return np.broadcast_to(~missing, spec.shape).copy()


def unlikely(surprisal: NDArray[np.floating], threshold: float) -> Mask:
    """(H, W): pixels whose −log p, in nats, exceeds the threshold."""
    return np.asarray(np.nan_to_num(surprisal, nan=0.0) > threshold)


def salt_and_pepper(levels: NDArray[np.uint8], num_levels: int, probability: float, seed: int) -> NDArray[np.uint8]:
    """Set pixels at random to black or white, both with the same probability.

    Args:
        levels: (C, H, W).
        num_levels: values a sub-pixel can take.
        probability: of a pixel to be replaced, 0 … 1.
        seed: of the noise.
    """
    random = np.random.default_rng(seed)
    draws = random.random((2, *levels.shape[1:]))
    noise = np.where(draws[1] < 0.5, 0, num_levels - 1).astype(np.uint8)
    noisy: NDArray[np.uint8] = np.where(draws[0] < probability, noise, levels)
    return noisy


@dataclass(frozen=True)
class ReconstructionError:
    """Difference between an image and the original on a set of sub-pixels.

    Args:
        count: sub-pixels compared.
        differing: those with another value.
        rmse: root mean square difference, of values from 0 to 1.
    """

    count: int
    differing: int
    rmse: float

    @classmethod
    def of(
        cls, image: NDArray[np.uint8], original: NDArray[np.uint8], where: Mask, num_levels: int
    ) -> "ReconstructionError":
        """Compare two images (C, H, W) on a mask of that shape."""
        difference = image[where].astype(np.float64) - original[where]
        rmse = math.sqrt(float(np.square(difference).mean())) / (num_levels - 1) if difference.size else 0.0
        return cls(difference.size, int(np.count_nonzero(difference)), rmse)

    @property
    def psnr_db(self) -> float:
        """Peak signal-to-noise ratio, 20 log₁₀(1 / RMSE), in decibels; infinite where nothing differs."""
        return -20 * math.log10(self.rmse) if self.rmse > 0 else math.inf
