"""Generating a batch of images one sub-pixel at a time from any source of conditionals.

Shape legend: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W).
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.families.autoregressive.drawing import (
    ExactConditionals,
    IntArray,
    Thresholds,
    draw,
    thresholds,
)
from gmstudio.nn.stepping.ops import FloatArray
from gmstudio.protocol.images import ImageSpec

Position = tuple[int, int, int]


class Stepper(Protocol):
    """Computation of one conditional after another for the images of a session, a shared array that is filled in."""

    def logits(self, step: int) -> FloatArray:
        """(B, L) log-probabilities, up to a constant, of the sub-pixel at ``step`` given all before it."""

    def rewind(self, step: int) -> None:
        """Discard everything that depends on sub-pixels from ``step`` on; they are about to change."""


@runtime_checkable
class DrawsAhead(Protocol):
    """A ``Stepper`` that can draw several values at once."""

    def draw_ahead(self, step: int, limits: Thresholds) -> int:
        """Draw and place values from ``step`` on, as far as that is quicker than one by one and leaves no doubt.

        Args:
            step: of the first one.
            limits: thresholds at the uniforms of all steps.

        Returns:
            Number of values placed in the session's images; may be 0.
        """


class AutoregressiveSession:
    """A ``PixelSession`` of an autoregressive family, with all tensors on the CPU.

    Args:
        image: specification of the images.
        order_D3: the generation order.
        uniforms_DB: uniforms that turn probabilities into values, row ``i`` at step ``i``.
        open_stepper: (images, order, rewindable) → computation of the conditionals.
        receptive_field: (step, order) → sub-pixels that the conditional can depend on, (C, H, W) bool.
        exact: conditionals for the uniforms that are so near to a threshold that rounding could decide.
        rewindable: whether ``rewind`` may be called; if not, less is stored.
    """

    def __init__(
        self,
        image: ImageSpec,
        order_D3: Tensor,
        uniforms_DB: Tensor,
        open_stepper: Callable[[NDArray[np.uint8], Tensor, bool], Stepper],
        receptive_field: Callable[[int, Tensor], Tensor],
        exact: ExactConditionals,
        *,
        rewindable: bool = True,
    ) -> None:
        self._images_BCHW = np.zeros((uniforms_DB.shape[1], *image.shape), dtype=np.uint8)
        self.images = torch.from_numpy(self._images_BCHW)
        self.order = order_D3
        self.uniforms = uniforms_DB
        self.step = 0
        self._levels = image.levels
        self._rewindable = rewindable
        self._receptive_field = receptive_field
        self._exact = exact
        self._uniforms_DB: FloatArray = uniforms_DB.numpy()
        self._positions: list[Position] = list(zip(*order_D3.T.tolist(), strict=True))
        self._stepper = open_stepper(self._images_BCHW, order_D3, rewindable)
        self._logits_BL: FloatArray | None = None
        self._probs_BL: FloatArray | None = None

    @property
    def position(self) -> Position | None:
        """(channel, row, column) to be drawn next; None at the end."""
        return self._positions[self.step] if self.step < len(self._positions) else None

    def conditional(self) -> Tensor:
        """(B, L) float32 probabilities of the next sub-pixel given the ones placed.

        Raises:
            ValueError: when every sub-pixel has been placed.
        """
        with _quiet_products():
            return torch.from_numpy(self._conditional())

    def draw(self, temperature: float = 1.0) -> Tensor:
        """(B,) int64 values for the next sub-pixel: inverse CDF of the tempered conditional at ``uniforms[step]``.

        Args:
            temperature: divides the logits; 1 leaves the conditional as it is, 0 takes the most likely value.

        Raises:
            ValueError: when the temperature is negative or not finite, or every sub-pixel has been placed.
        """
        self._open_position()
        with _quiet_products():
            return torch.from_numpy(self._draw(thresholds(self._uniforms_DB[self.step], self._levels, temperature)))

    def place(self, values: Tensor) -> None:
        """Set (B,) integers at the current position and advance by one step.

        Raises:
            ValueError: when every sub-pixel has been placed, or the values do not fit.
        """
        position = self._open_position()
        values_B = values.detach().cpu().numpy()
        if values_B.shape != (len(self.images),) or values_B.dtype.kind not in "iu":
            raise ValueError(
                f"{len(self.images)} integers are placed at a time, one per image, not {values_B.dtype} of shape "
                f"{values_B.shape}."
            )
        if not ((values_B >= 0) & (values_B < self._levels)).all():
            raise ValueError(
                f"Values from {values_B.min()} to {values_B.max()} cannot be placed at {position}; a value is "
                f"0 to {self._levels - 1}."
            )
        self._commit(values_B)

    def rewind(self, step: int) -> None:
        """Go back to ``step``; sub-pixels from there on are 0 again.

        Raises:
            ValueError: when the step is outside 0 … current.
        """
        if not 0 <= step <= self.step:
            raise ValueError(f"Step {step} cannot be rewound to; it must be 0 to {self.step}.")
        if not self._rewindable:
            raise ValueError("This session cannot be rewound; open it with rewindable=True.")
        if step == self.step:
            return
        channels, rows, columns = self.order[step : self.step].T.numpy()
        self._images_BCHW[:, channels, rows, columns] = 0
        self.step = step
        self._stepper.rewind(step)
        self._logits_BL = self._probs_BL = None

    def context(self) -> Tensor:
        """(C, H, W) bool: receptive field, the sub-pixels that the next conditional can depend on by architecture.

        Raises:
            ValueError: when every sub-pixel has been placed.
        """
        self._open_position()
        return self._receptive_field(self.step, self.order)

    def skip_to(self, step: int) -> None:
        """Continue at a later step; the sub-pixels before it are those in ``images``, where they were written."""
        assert self.step <= step <= len(self._positions)
        self.step = step
        self._logits_BL = self._probs_BL = None

    def finish(self, temperature: float = 1.0, until: int | None = None) -> None:
        """Draw and place all remaining sub-pixels, or at least those before step ``until``."""
        limits = thresholds(self._uniforms_DB, self._levels, temperature)
        end = len(self._positions) if until is None else until
        ahead = self._stepper if isinstance(self._stepper, DrawsAhead) else None
        with _quiet_products():
            while self.step < end:
                if ahead is not None:
                    self._draw_ahead(ahead, limits, end)
                if self.step < end:
                    self._commit(self._draw(limits.at(self.step)))

    def _draw_ahead(self, stepper: DrawsAhead, limits: Thresholds, end: int) -> None:
        """Draw and place sub-pixels to an end at least, or until one is in doubt or has to be drawn by itself."""
        while self.step < end and (drawn := stepper.draw_ahead(self.step, limits)):
            self.step += drawn
            self._logits_BL = self._probs_BL = None

    def _open_position(self) -> Position:
        position = self.position
        if position is None:
            raise ValueError(f"All {self.step} sub-pixels have been placed; rewind to continue.")
        return position

    def _logits(self) -> FloatArray:
        if self._logits_BL is None:
            self._logits_BL = self._stepper.logits(self.step)
        return self._logits_BL

    def _conditional(self) -> FloatArray:
        if self._probs_BL is None:
            self._open_position()
            self._probs_BL = _softmax(self._logits())
        return self._probs_BL

    def _draw(self, limits: Thresholds) -> IntArray:
        values_B, doubtful = draw(self._logits(), limits)
        for index in doubtful:
            uniform = float(self._uniforms_DB[self.step, index])
            image_CHW = self._images_BCHW[index]
            values_B[index] = self._exact.value(image_CHW, index, self.step, uniform, limits.temperature)
        return values_B

    def _commit(self, values_B: NDArray[Any]) -> None:
        channel, row, column = self._positions[self.step]
        self._images_BCHW[:, channel, row, column] = values_B
        self.step += 1
        self._logits_BL = self._probs_BL = None


def _quiet_products() -> np.errstate:
    """Context without numpy's warning of invalid values in products.

    OpenBLAS computes with memory beyond its arguments and discards the result, which nevertheless raises the flag
    of an invalid operation (numpy issue 29194).
    """
    return np.errstate(invalid="ignore")


def _softmax(logits_BL: FloatArray) -> FloatArray:
    # `reduce` itself, because `max` and `sum` cost twice as much on arrays this small.
    probs_BL: FloatArray = np.exp(logits_BL - np.maximum.reduce(logits_BL, axis=1, keepdims=True))
    probs_BL /= np.add.reduce(probs_BL, axis=1, keepdims=True)
    return probs_BL
