"""Messages about guessing all sub-pixels of a generation at once (exact parallel sampling).

Source: Song et al. (2021), Accelerating feedforward computation via parallel nonlinear equation solving,
https://arxiv.org/abs/2002.03629; Wiggers & Hoogeboom (2020), https://arxiv.org/abs/2002.07101.
"""

from typing import ClassVar

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event


class GuessPixels(Command, frozen=True, kw_only=True):
    """Guess all sub-pixels after a step, and correct them in rounds; answered with ``PixelsGuessed`` until ``done``.

    In a round one pass computes all conditionals given the last guesses, and every sub-pixel is drawn again with its
    own uniform. The rounds end when nothing changes: then the image is that which drawing one sub-pixel after another
    from the step to the end gives. The generation itself is not moved.

    Args:
        session: the generation.
        step: first sub-pixel to guess; those of the recorded path before it are given.
        temperature: of the draws.
        seed: of the uniforms from ``step`` on, as after ``ForgetPath``; −1: the generation's own.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ("session",)

    session: int
    step: int
    temperature: float = 1.0
    seed: int = -1


class PixelsGuessed(Event, frozen=True, kw_only=True):
    """R further rounds of a guess.

    Args:
        start: sub-pixels that were given.
        rounds: (R,) int64 numbers of these rounds, from 1; of very many rounds some are left out.
        images: (R, C, H, W) uint8 levels after each.
        settled: (R,) int64: leading sub-pixels of the order that no later round changes.
        changed: (R,) int64: sub-pixels that differ from the round before; in the first round, all that are guessed.
        work_ms: of the engine for all rounds so far, without what it did in between.
        done: the last round is among them.
    """

    session: int
    start: int
    rounds: Array
    images: Array
    settled: Array
    changed: Array
    work_ms: float
    done: bool

    def ends_request(self) -> bool:
        """Return whether the last round is among them."""
        return self.done
