"""Coordinates of a latent code: unit, limits, range of the sliders, and samples from the prior.

Shapes: Z latent dimensions.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Code = NDArray[np.float32]
"""(Z,) coordinates."""
Prior = Literal["normal", "bernoulli", "none"]
PERTURBATION = 0.3
"""s of ``CodeRange.perturb``: a Gaussian code keeps a correlation of sqrt(1 - s²) with its perturbation."""


@dataclass(frozen=True)
class CodeRange:
    """Range of the coordinates of a latent space.

    Args:
        prior: as in ``LatentSpec``.
        low: smallest value that can be typed.
        high: largest.
        near: left end of sliders and traversals.
        far: right end.
        unit: suffix of a value: ``σ`` of the prior (of the encoded data, where there is no prior), or nothing.
        unit_text: the unit, for tooltips.
    """

    prior: Prior
    low: float
    high: float
    near: float
    far: float
    unit: str
    unit_text: str

    def traversed(self, count: int) -> Code:
        """(count,) values from ``near`` to ``far``."""
        return np.linspace(self.near, self.far, count).astype(np.float32)

    def clip(self, code: NDArray[np.floating]) -> Code:
        """Clip a code to ``low`` … ``high``."""
        return code.clip(self.low, self.high).astype(np.float32)

    def sample(self, num_dims: int, seed: int | None) -> Code:
        """Sample a code (num_dims,) from the normal prior.

        Args:
            num_dims: Z.
            seed: the same seed gives the same code; None: another code each time.
        """
        return self.clip(np.random.default_rng(seed).standard_normal(num_dims))

    def perturb(self, code: Code, seed: int | None) -> Code:
        """Sample a code near this one: z ← sqrt(1 - s²) z + s ε, s = ``PERTURBATION``, which preserves N(0, I)."""
        kept = math.sqrt(1.0 - PERTURBATION**2)
        return self.clip(kept * code + PERTURBATION * self.sample(len(code), seed))

    def format(self, value: float) -> str:
        """A value with its unit, for display: ``0.25σ``."""
        return f"{value:.2f}{self.unit}".replace("-0.00", "0.00")


RANGES: dict[Prior, CodeRange] = {
    "normal": CodeRange("normal", -6.0, 6.0, -3.0, 3.0, "σ", "in σ of the prior"),
    "none": CodeRange("none", -6.0, 6.0, -3.0, 3.0, "σ", "in standard deviations of the encoded data"),
    "bernoulli": CodeRange("bernoulli", 0.0, 1.0, 0.0, 1.0, "", "from 0 (off) to 1 (on)"),
}
