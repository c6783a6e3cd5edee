"""Position of a generation and the probabilities there: values only."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import PixelsMoved, PixelsOpened

Floats = NDArray[np.float64]


def tempered(probabilities: NDArray[np.floating], temperature: float) -> Floats:
    """Sharpen or flatten a distribution: p^(1/T) / Σ p^(1/T).

    Args:
        probabilities: (L,).
        temperature: 1: unchanged; 0: all probability on the most likely value (the first of several).

    Returns:
        (L,) probabilities.
    """
    exact: Floats = probabilities.astype(np.float64)
    if temperature == 1 or not exact.size:
        return exact
    if temperature == 0:
        certain: Floats = np.eye(exact.size)[int(exact.argmax())]
        return certain
    with np.errstate(divide="ignore"):
        logits = np.log(exact) / temperature
    weights: Floats = np.exp(logits - logits.max())
    normalized: Floats = weights / weights.sum()
    return normalized


def entropy_nats(probabilities: NDArray[np.floating]) -> float:
    """−Σ p log p, in nats."""
    positive = probabilities[probabilities > 0].astype(np.float64)
    return max(0.0, float(-(positive * np.log(positive)).sum()))


def inverse_cdf(probabilities: NDArray[np.floating], uniform: float) -> int:
    """The first value whose cumulative probability exceeds ``uniform`` (in [0, 1))."""
    cumulative = probabilities.astype(np.float64).cumsum()
    index = int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))
    return min(index, probabilities.size - 1)


def pixel_starts(order: NDArray[np.int64]) -> NDArray[np.intp]:
    """Steps of a (D, 3) order at which a pixel begins."""
    moves = (np.diff(order[:, 1:], axis=0) != 0).any(axis=1)
    return np.concatenate([[0], np.flatnonzero(moves) + 1])


def line_starts(order: NDArray[np.int64], spec: ImageSpec) -> NDArray[np.intp]:
    """Steps of a (D, 3) order at which a line of pixels begins: a row, a column, or a straight part of another order.

    Where most pixels are not in line with the one before, as in a shuffled order, a line has as many pixels as a row.
    """
    starts = pixel_starts(order)
    moves = np.diff(order[starts, 1:], axis=0)
    straight = np.where(moves[:, 0] == 0, np.sign(moves[:, 1]), np.where(moves[:, 1] == 0, 2 * np.sign(moves[:, 0]), 0))
    if 2 * np.count_nonzero(straight) < straight.size:
        return starts[:: spec.width]
    turns = [0]
    for pixel in (np.flatnonzero(np.diff(straight, prepend=straight[:1]) | (straight == 0)) + 1).tolist():
        jumped = straight[pixel - 1] == 0
        if jumped or pixel - 1 != turns[-1]:  # the pixel after a turn sets the new direction
            turns.append(pixel)
    return starts[turns]


@dataclass(frozen=True)
class PixelSnapshot:
    """Position of an open generation.

    Args:
        session: its number in the engine.
        run: name of the run.
        spec: of the images.
        weights_step: training step of the weights.
        order: (D, 3) rows (channel, row, column).
        step: sub-pixels placed.
        path: length of the recorded path.
        image: (C, H, W) uint8 levels; sub-pixels not placed yet are 0.
        nats: (step,) −log p at temperature 1, in the generation order.
        conditional: (L,) of the next sub-pixel at temperature 1; empty at the end.
        uniform: the number u in [0, 1) that selects the next value by the inverse CDF.
        context: (C, H, W) bool: sub-pixels that the next conditional can depend on.
        entropies: (step,) entropy of each placed sub-pixel's conditional in nats, in the generation order; NaN where
            the engine did not report it.
        stopped: the breakpoint that ended the last move: ``entropy``, ``probability``; else empty.
        orders: names of the orders that can be chosen; only the model's own when it has one.
        order_name: the one it follows.
        order_words: description of the only order that the model takes; empty when any can be chosen.
        num_observed: sub-pixels that come first because they are observed.
        any_order: the model is order-agnostic: it can be conditioned on any set of sub-pixels.
        num_classes: classes that it can be conditioned on; 0: none.
        classes: those of them that it was trained with.
        label: the one that it is conditioned on; −1: none.
    """

    session: int
    run: str
    spec: ImageSpec
    weights_step: int
    order: NDArray[np.int64]
    step: int
    path: int
    image: NDArray[np.uint8]
    nats: NDArray[np.float32]
    conditional: NDArray[np.float32]
    uniform: float
    context: NDArray[np.bool_]
    entropies: NDArray[np.float32]
    stopped: Literal["", "entropy", "probability"] = ""
    orders: tuple[str, ...] = ()
    order_name: str = ""
    order_words: str = ""
    num_observed: int = 0
    any_order: bool = False
    num_classes: int = 0
    classes: tuple[int, ...] = ()
    label: int = -1

    @classmethod
    def of(cls, opened: PixelsOpened, moved: PixelsMoved) -> "PixelSnapshot":
        """Combine the two events."""
        entropies = moved.entropies.numpy() if moved.entropies is not None else np.full(moved.step, np.nan, np.float32)
        return cls(
            session=opened.session,
            run=opened.run,
            spec=opened.image,
            weights_step=opened.weights_step,
            order=opened.order.numpy(),
            step=moved.step,
            path=moved.path,
            image=moved.image.numpy(),
            nats=moved.nats.numpy(),
            conditional=moved.conditional.numpy(),
            uniform=moved.uniform,
            context=moved.context.numpy(),
            entropies=entropies,
            stopped=moved.stopped,
            orders=opened.orders,
            order_name=opened.order_name,
            order_words=opened.order_words,
            num_observed=opened.num_observed,
            any_order=opened.any_order,
            num_classes=opened.num_classes,
            classes=opened.classes,
            label=opened.label,
        )

    @property
    def num_dims(self) -> int:
        """D, sub-pixels of an image."""
        return self.spec.num_dims

    @property
    def finished(self) -> bool:
        """Every sub-pixel is placed."""
        return self.step == self.num_dims

    @property
    def position(self) -> tuple[int, int, int] | None:
        """(channel, row, column) of the next sub-pixel; None at the end."""
        return None if self.finished else self.place_of(self.step)

    def place_of(self, step: int) -> tuple[int, int, int]:
        """(channel, row, column) of the sub-pixel that is placed at a step."""
        channel, row, column = self.order[step].tolist()
        return channel, row, column

    def placed(self, first: int | None = None) -> NDArray[np.bool_]:
        """(C, H, W) bool: the first sub-pixels in the generation order, by default all that are placed."""
        placed = np.zeros(self.spec.shape, np.bool_)
        channel, row, column = self.order[: self.step if first is None else first].T
        placed[channel, row, column] = True
        return placed

    def steps_of_pixel(self, row: int, column: int) -> NDArray[np.int64]:
        """(C,) steps at which the sub-pixels of a pixel are placed, in order."""
        return np.flatnonzero((self.order[:, 1] == row) & (self.order[:, 2] == column))

    def row_start(self, step: int) -> int:
        """First step of the line (see ``line_starts``) of the sub-pixel before a step; 0 at the start."""
        starts = line_starts(self.order, self.spec)
        return int(starts[max(0, int(np.searchsorted(starts, step)) - 1)])

    def row_end(self, step: int) -> int:
        """First step of the line after that of a step; D when there is none."""
        starts = line_starts(self.order, self.spec)
        after = int(np.searchsorted(starts, step, side="right"))
        return int(starts[after]) if after < starts.size else self.num_dims

    def pixel_start(self, step: int) -> int:
        """First step of the pixel of the sub-pixel before a step; 0 at the start."""
        starts = pixel_starts(self.order)
        return int(starts[max(0, int(np.searchsorted(starts, step)) - 1)])

    def pixel_end(self, step: int) -> int:
        """First step of the pixel after that of a step; D when there is none."""
        starts = pixel_starts(self.order)
        after = int(np.searchsorted(starts, step, side="right"))
        return int(starts[after]) if after < starts.size else self.num_dims

    @property
    def total_nats(self) -> float:
        """−log p of the placed sub-pixels, nats."""
        return float(self.nats.sum(dtype=np.float64))

    @property
    def bits_per_dim(self) -> float:
        """Bits per placed sub-pixel; 0 before the first."""
        return self.total_nats / (self.step * math.log(2.0)) if self.step else 0.0

    def surprisal(self) -> Floats:
        """(H, W) −log p per pixel, summed over its channels, nats; NaN where nothing is placed."""
        surprisal = np.full(self.spec.shape[1:], np.nan)
        _, row, column = self.order[: self.step].T
        surprisal[row, column] = 0.0
        np.add.at(surprisal, (row, column), self.nats)
        return surprisal
