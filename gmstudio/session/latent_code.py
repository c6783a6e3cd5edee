"""A code of a latent space, as the user sets it: coordinates, locks, and the dimension that is looked along."""

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

Code = NDArray[np.float32]
MAX_VALUE = 6.0
"""Coordinates go from -6σ to 6σ of the prior."""
VARIATION = 0.3
"""``vary`` keeps a correlation of sqrt(1 - 0.3²) with the code that was there."""


def draw(num_dims: int, seed: int | None) -> Code:
    """(Z,) from the standard normal prior, cut to ±``MAX_VALUE``; None draws something else each time."""
    drawn = np.random.default_rng(seed).standard_normal(num_dims)
    return drawn.clip(-MAX_VALUE, MAX_VALUE).astype(np.float32)


class LatentCode(QObject):
    """A code that is set as a whole or coordinate by coordinate.

    A locked dimension keeps its value whatever sets the whole code; ``set_value`` still moves it.

    Attributes:
        code: (Z,) float32, in σ of the prior; empty without a latent space. Not to be written to.
        locked: (Z,) which dimensions keep their value. Not to be written to.
        dim: the dimension that is looked along: the one that was touched last.

    Signals:
        code_changed: ``code`` is another.
        locks_changed: ``locked`` is another.
        dim_changed: ``dim`` is another.
    """

    code_changed = Signal()
    locks_changed = Signal()
    dim_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.code: Code = np.zeros(0, np.float32)
        self.locked: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.dim = 0

    @property
    def num_dims(self) -> int:
        """Dimensions of the latent space; 0 without one."""
        return len(self.code)

    def set_value(self, dim: int, value: float) -> None:
        """Move one coordinate, and look along it.

        Args:
            dim: 0 … Z-1.
            value: in σ of the prior; cut to ±``MAX_VALUE``.

        Raises:
            ValueError: for a dimension that does not exist or a value that is not finite.
        """
        if not 0 <= dim < self.num_dims:
            raise ValueError(f"There is no latent dimension {dim}; they go from 0 to {self.num_dims - 1}.")
        if not math.isfinite(value):
            raise ValueError(f"Dimension {dim} cannot be {value}; enter a number from -{MAX_VALUE:g} to {MAX_VALUE:g}.")
        self.choose_dim(dim)
        code = self.code.copy()
        code[dim] = min(MAX_VALUE, max(-MAX_VALUE, value))
        self._go(code)

    def set_code(self, code: Code) -> None:
        """Go to another code, cut to ±``MAX_VALUE``; locked dimensions stay.

        Raises:
            ValueError: when it does not have Z finite coordinates.
        """
        if code.shape != self.code.shape:
            raise ValueError(f"A code of shape {code.shape}; this latent space has {self.num_dims} dimensions.")
        if not np.isfinite(code).all():
            raise ValueError("The code holds numbers that are not finite; train again with a lower learning rate.")
        self._go(np.where(self.locked, self.code, code.clip(-MAX_VALUE, MAX_VALUE)).astype(np.float32))

    def reset(self) -> None:
        """Go to the prior's mean, 0."""
        self.set_code(np.zeros_like(self.code))

    def randomize(self, seed: int | None = None) -> None:
        """Draw from the prior; the same seed draws the same, None something else each time."""
        self.set_code(draw(self.num_dims, seed))

    def vary(self, seed: int | None = None) -> None:
        """Go somewhere near: z ← sqrt(1 - s²) z + s ε, s = ``VARIATION``, which leaves the prior as it is."""
        kept = math.sqrt(1.0 - VARIATION**2)
        self.set_code((kept * self.code + VARIATION * draw(self.num_dims, seed)).astype(np.float32))

    def set_locked(self, dim: int, locked: bool) -> None:
        """Have a dimension keep its value, or no longer."""
        if self.locked[dim] != locked:
            self.locked = self.locked.copy()
            self.locked[dim] = locked
            self.locks_changed.emit()

    def choose_dim(self, dim: int) -> None:
        """Look along another dimension."""
        if dim != self.dim and 0 <= dim < self.num_dims:
            self.dim = dim
            self.dim_changed.emit()

    def _go(self, code: Code) -> None:
        if not np.array_equal(code, self.code):
            self.code = code
            self.code_changed.emit()
