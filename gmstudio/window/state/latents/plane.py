"""Plane through a latent space: two axes, coordinates of codes on it, and codes of its points.

Shapes: Z latent dimensions, N codes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.window.state.latents.code_range import Code

SAME_LINE = 1e-6


@dataclass(frozen=True, eq=False)
class Plane:
    """Plane spanned by two vectors; coordinates are multiples of them.

    A code moves only in the span of the two vectors; its component orthogonal to the plane stays.

    Args:
        x: (Z,) float32, horizontal unit.
        y: (Z,) float32, vertical unit.
    """

    x: Code
    y: Code

    @property
    def possible(self) -> bool:
        """The vectors are two different directions, so that they span a plane."""
        gram = self._gram()
        return bool(np.linalg.det(gram) > SAME_LINE * gram[0, 0] * gram[1, 1])

    def coordinates(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 2) coordinates of (N, Z) codes: their least-squares projection on the plane through 0."""
        both = np.stack([codes @ self.x, codes @ self.y])
        return np.linalg.solve(self._gram(), both).T.astype(np.float32)

    def codes(self, through: Code, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N, Z) codes at (N, 2) points of the plane through a code (Z,)."""
        away = points - self.coordinates(through[np.newaxis])
        moved = through + away[:, :1] * self.x + away[:, 1:] * self.y
        return np.asarray(moved, dtype=np.float32)

    def _gram(self) -> NDArray[np.float64]:
        vectors = np.stack([self.x, self.y]).astype(np.float64)
        gram: NDArray[np.float64] = vectors @ vectors.T
        return gram


def axis(num_dims: int, dim: int) -> Code:
    """(Z,) unit vector of one dimension."""
    vector = np.zeros(num_dims, np.float32)
    vector[dim] = 1.0
    return vector
