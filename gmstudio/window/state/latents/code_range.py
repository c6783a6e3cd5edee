"""What the coordinates of a code can be: their unit, how far sliders reach, and draws from their prior."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Prior = Literal["normal", "bernoulli", "none"]
VARIATION = 0.3
"""``vary`` keeps a correlation of sqrt(1 - 0.3²) with a Gaussian code, and draws a tenth of the binary units anew."""
REDRAWN = 0.1


@dataclass(frozen=True)
class CodeRange:
    """The coordinates of a latent space.

    Args:
        prior: as in ``LatentSpec``.
        low: smallest value that can be typed.
        high: largest.
        near: where sliders and traversals begin.
        far: where they end.
        unit: written behind a value: ``σ`` of the prior (or of the data's codes, where there is no prior), or nothing.
        words: the unit, for tooltips.
    """

    prior: Prior
    low: float
    high: float
    near: float
    far: float
    unit: str
    words: str

    def traversed(self, count: int) -> NDArray[np.float32]:
        """(count,) values from ``near`` to ``far``."""
        return np.linspace(self.near, self.far, count).astype(np.float32)

    def clip(self, code: NDArray[np.floating]) -> NDArray[np.float32]:
        """The nearest code that there can be."""
        return code.clip(self.low, self.high).astype(np.float32)

    def draw(self, num_dims: int, seed: int | None) -> NDArray[np.float32]:
        """(Z,) from the prior; binary units are on or off with probability ½; the same seed draws the same."""
        generator = np.random.default_rng(seed)
        if self.prior == "bernoulli":
            return generator.integers(0, 2, num_dims).astype(np.float32)
        return self.clip(generator.standard_normal(num_dims))

    def vary(self, code: NDArray[np.float32], seed: int | None) -> NDArray[np.float32]:
        """A code near this one: z ← sqrt(1 - s²) z + s ε, s = ``VARIATION``, which leaves a Gaussian as it is.

        Of binary units a share of ``REDRAWN`` is drawn anew.
        """
        if self.prior == "bernoulli":
            generator = np.random.default_rng(seed)
            redrawn = generator.random(len(code)) < REDRAWN
            return np.where(redrawn, generator.integers(0, 2, len(code)), code).astype(np.float32)
        kept = math.sqrt(1.0 - VARIATION**2)
        return self.clip(kept * code + VARIATION * self.draw(len(code), seed))

    def told(self, value: float) -> str:
        """A value with its unit, for people."""
        return f"{value:.2f}{self.unit}".replace("-0.00", "0.00")


RANGES: dict[Prior, CodeRange] = {
    "normal": CodeRange("normal", -6.0, 6.0, -3.0, 3.0, "σ", "in σ of the prior"),
    "none": CodeRange("none", -6.0, 6.0, -3.0, 3.0, "σ", "in standard deviations of the data's codes"),
    "bernoulli": CodeRange("bernoulli", 0.0, 1.0, 0.0, 1.0, "", "from 0 (off) to 1 (on)"),
}
