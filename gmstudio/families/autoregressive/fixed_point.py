r"""Exact parallel sampling: the image as the fixed point of drawing all sub-pixels at once.

With the uniforms u drawn beforehand, stepping through an image solves

    x_i = F^{-1}(u_i | x_{<i}),   i = 1 … D

one equation after another. The same system can be solved by guessing all x_i, computing all conditionals in one pass,
drawing all sub-pixels again with the same uniforms, and so on until nothing changes (Jacobi iteration). If x_{<i} was
right in one round, x_i is right in the next, so at least one more sub-pixel is final after each round and there are D
rounds at most; a model whose pixels seldom surprise it needs far fewer.

Source: Song, Meng, Liao & Ermon 2021, Accelerating Feedforward Computation via Parallel Nonlinear Equation Solving,
arXiv:2002.03629, sections 2 and 4; Wiggers & Hoogeboom 2020, Predictive Sampling with Forecasting Autoregressive
Models, arXiv:2002.07101.

Shape legend: B batch, A images of it that are not final, C channels, H height, W width, L levels, D sub-pixels (C·H·W).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

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
from gmstudio.families.autoregressive.orders import flat_index
from gmstudio.nn.stepping.ops import FloatArray
from gmstudio.protocol.images import ImageSpec

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.base import AutoregressiveFamily

MAX_LOGITS = 2**24
"""Numbers of one pass's conditionals; more images are passed one group after another."""


class Round(NamedTuple):
    """The images after a round.

    Args:
        images: (B, C, H, W), all sub-pixels, guessed or final.
        settled: (B,), leading sub-pixels of the order that are final.
        num_changed: sub-pixels, of all images, that differ from the round before.
    """

    images: NDArray[np.uint8]
    settled: IntArray
    num_changed: int


def given_images(
    image: ImageSpec, batch: int, given_BCHW: NDArray[np.uint8] | None, num_given: int, order_D3: Tensor
) -> NDArray[np.uint8]:
    """Images whose first ``num_given`` sub-pixels of the order are those observed, and the others 0.

    Raises:
        ValueError: when the images or the number of observed sub-pixels do not fit.
    """
    if not 0 <= num_given <= image.num_dims:
        raise ValueError(f"{num_given} observed sub-pixels do not fit {image}; it has {image.num_dims}.")
    start_BCHW = np.zeros((batch, *image.shape), dtype=np.uint8)
    if num_given:
        if given_BCHW is None or given_BCHW.shape != start_BCHW.shape:
            raise ValueError(
                f"{num_given} observed sub-pixels need images of shape {start_BCHW.shape} to be taken from, not "
                f"{None if given_BCHW is None else given_BCHW.shape}."
            )
        observed = (slice(None), *order_D3[:num_given].T.numpy())
        start_BCHW[observed] = given_BCHW[observed]
    return start_BCHW


class Redrawing:
    """Draws new values for guesses of some sub-pixels, from conditionals that were computed with these guesses.

    Values that rounding could decide are only decided exactly once it matters: up to the first guess that changes.

    Args:
        exact: conditionals in double precision.
        image: specification of the images.
        uniforms_DB: row ``i`` is used at step ``i``.
        order_D3: the generation order.
        temperature: divides the logits.

    Raises:
        ValueError: when the temperature is negative or not finite.
    """

    def __init__(
        self,
        exact: ExactConditionals,
        image: ImageSpec,
        uniforms_DB: FloatArray,
        order_D3: Tensor,
        temperature: float,
    ) -> None:
        self._exact = exact
        self._uniforms_DB = uniforms_DB
        self._limits = thresholds(uniforms_DB, image.levels, temperature)
        self.index_D: IntArray = flat_index(order_D3, image).numpy()
        """Places of the order's sub-pixels in a flattened image."""

    def drawn(
        self,
        logits_AnL: FloatArray,
        images_BCHW: NDArray[np.uint8],
        active_A: IntArray,
        steps: slice,
        num_given: int,
    ) -> NDArray[np.uint8]:
        """(A, n) new values; they are final up to the first one that differs from the guess, and this one as well.

        Args:
            logits_AnL: log-probabilities, up to a constant.
            images_BCHW: the batch, with the guesses in their places.
            active_A: images that are drawn.
            steps: n consecutive ones of the order.
            num_given: leading sub-pixels of the order that stay as they are.
        """
        count, length, levels = logits_AnL.shape
        limits = self._limits
        lower_N, upper_N = (limit_DB[steps].T[active_A].ravel() for limit_DB in (limits.lower, limits.upper))
        values_N, doubtful = draw(logits_AnL.reshape(-1, levels), Thresholds(lower_N, upper_N, limits.temperature))
        drawn_An = values_N.astype(np.uint8).reshape(count, length)
        guess_An = images_BCHW.reshape(len(images_BCHW), -1)[active_A[:, np.newaxis], self.index_D[steps]]
        if num_given > steps.start:
            drawn_An[:, : num_given - steps.start] = guess_An[:, : num_given - steps.start]
        for number in doubtful:
            row, offset = divmod(number, length)
            step, index = steps.start + offset, int(active_A[row])
            if step >= num_given and (drawn_An[row, :offset] == guess_An[row, :offset]).all():
                uniform = float(self._uniforms_DB[step, index])
                exact = self._exact.value(images_BCHW[index], index, step, uniform, limits.temperature)
                drawn_An[row, offset] = exact
        return drawn_An


class JacobiRounds:
    """Rounds of one pass each, over the images that are not final.

    Args:
        model: the family's model.
        exact: its conditionals in double precision.
        uniforms_DB: row ``i`` is used at step ``i``.
        order_D3: the generation order.
        temperature: divides the logits.
        labels_B: labels that the images are conditioned on.

    Raises:
        ValueError: when the temperature is negative or not finite.
    """

    def __init__(
        self,
        model: "AutoregressiveFamily",
        exact: ExactConditionals,
        uniforms_DB: FloatArray,
        order_D3: Tensor,
        temperature: float,
        labels_B: Tensor | None,
    ) -> None:
        self._model = model
        self._order_D3 = order_D3
        self._labels_B = labels_B
        self._redrawing = Redrawing(exact, model.image, uniforms_DB, order_D3, temperature)

    def run(self, start_BCHW: NDArray[np.uint8], num_given: int = 0) -> Iterator[Round]:
        """Iterate until all images are final; there is one round at least.

        Args:
            start_BCHW: the first guess.
            num_given: leading sub-pixels of the order that stay as they are.
        """
        images_BCHW = start_BCHW
        at = tuple(self._order_D3.T.numpy())
        size = len(self._order_D3)
        settled_B = np.full(len(images_BCHW), num_given, dtype=np.int64)
        while True:
            active_A = (settled_B < size).nonzero()[0]
            before_AD = images_BCHW[active_A][:, *at]
            after_AD = self._drawn(images_BCHW, active_A, num_given)
            changed_AD = after_AD != before_AD
            images_BCHW = images_BCHW.copy()
            images_BCHW[active_A[:, np.newaxis], *at] = after_AD
            # The first sub-pixel that changed was drawn given final ones, so it is final itself.
            settled_B = settled_B.copy()
            settled_B[active_A] = np.where(changed_AD.any(1), changed_AD.argmax(1) + 1, size)
            yield Round(images_BCHW, settled_B, int(changed_AD.sum()))
            if settled_B.min() == size:
                return

    def _drawn(self, images_BCHW: NDArray[np.uint8], active_A: IntArray, num_given: int) -> NDArray[np.uint8]:
        """(A, D) values of all sub-pixels in order, drawn given those before them as they are now."""
        size, levels = len(self._order_D3), self._model.image.levels
        group = max(1, MAX_LOGITS // (size * levels))
        drawn = [
            self._drawn_group(images_BCHW, active_A[start : start + group], num_given)
            for start in range(0, len(active_A), group)
        ]
        return np.concatenate(drawn) if drawn else np.zeros((0, size), dtype=np.uint8)

    def _drawn_group(self, images_BCHW: NDArray[np.uint8], active_A: IntArray, num_given: int) -> NDArray[np.uint8]:
        model = self._model
        channels, rows, columns = self._order_D3.T
        with torch.inference_mode():
            x_ACHW = torch.from_numpy(images_BCHW[active_A]).to(model.device)
            labels_A = None if self._labels_B is None else self._labels_B[torch.from_numpy(active_A)]
            logits_ADL = model.logits(x_ACHW, self._order_D3, labels_A)[:, channels, rows, columns]
        steps = slice(0, len(self._order_D3))
        return self._redrawing.drawn(logits_ADL.float().cpu().numpy(), images_BCHW, active_A, steps, num_given)
