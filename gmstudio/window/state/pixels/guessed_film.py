"""Rounds of a guess of all sub-pixels, as a film.

Shapes: M frames, C channels, H height, W width, D sub-pixels (C·H·W).
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.pixels_guessing import PixelsGuessed
from gmstudio.window.state.pixels.generation_edits import Choices
from gmstudio.window.state.pixels.snapshot import PixelSnapshot

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]


class RoundMasks(NamedTuple):
    """Pixels of a frame by their state, (H, W) bool each.

    The fields are the pixels whose channels are all settled, those with a channel that the round changed, and those
    with a channel that differs from the last image; of the last nothing is known before the last round.
    """

    settled: Mask
    changed: Mask
    wrong: Mask


class GuessBegun(NamedTuple):
    """Generation from which a guess begins, and the settings of the guess.

    The fields are its position, the choices that it was opened with, the seed of the uniforms to come, and the
    temperature.
    """

    state: PixelSnapshot
    choices: Choices
    seed: int
    temperature: float


@dataclass(frozen=True, eq=False)
class GuessedFilm:
    """Rounds that arrived.

    Args:
        begun: the generation and the settings that the guess began with.
        start: sub-pixels that were given.
        rounds: (M,) numbers of the rounds, from 1.
        images: (M, C, H, W) uint8 levels after each.
        settled: (M,) leading sub-pixels of the order that no later round changes.
        changed: (M,) sub-pixels that differ from the round before.
        work_ms: of the engine.
        done: the last round is among them.
    """

    begun: GuessBegun
    start: int
    rounds: Counts
    images: NDArray[np.uint8]
    settled: Counts
    changed: Counts
    work_ms: float
    done: bool

    @classmethod
    def of(cls, begun: GuessBegun, event: PixelsGuessed) -> "GuessedFilm":
        """Film of the first rounds."""
        return cls(
            begun=begun,
            start=event.start,
            rounds=event.rounds.numpy(),
            images=event.images.numpy(),
            settled=event.settled.numpy(),
            changed=event.changed.numpy(),
            work_ms=event.work_ms,
            done=event.done,
        )

    def appended(self, event: PixelsGuessed) -> "GuessedFilm":
        """Return the film with the rounds of an event appended."""
        return replace(
            self,
            rounds=np.concatenate([self.rounds, event.rounds.numpy()]),
            images=np.concatenate([self.images, event.images.numpy()]),
            settled=np.concatenate([self.settled, event.settled.numpy()]),
            changed=np.concatenate([self.changed, event.changed.numpy()]),
            work_ms=event.work_ms,
            done=event.done,
        )

    def __len__(self) -> int:
        return len(self.rounds)

    @property
    def state(self) -> PixelSnapshot:
        """The generation from which the guess began."""
        return self.begun.state

    @property
    def last_round(self) -> int:
        """Number of the newest round."""
        return int(self.rounds[-1])

    @property
    def num_guessed(self) -> int:
        """Sub-pixels that were not given; sampled one after another, each would need a step of its own."""
        return self.state.num_dims - self.start

    def frame_of(self, number: int) -> int:
        """Frame of a round, or of the nearest one that is kept before it."""
        return max(0, int(np.searchsorted(self.rounds, number, side="right")) - 1)

    @cached_property
    def wrong(self) -> Counts:
        """(M,) sub-pixels of each frame that differ from the last image; empty before the last round."""
        if not self.done:
            return np.zeros(0, np.int64)
        different: Counts = np.count_nonzero((self.images != self.images[-1]).reshape(len(self), -1), axis=1)
        return different

    def masks(self, frame: int) -> RoundMasks:
        """Pixels of a frame by their state."""
        image, order = self.images[frame], self.state.order
        settled = np.zeros(image.shape, np.bool_)
        settled[tuple(order[: int(self.settled[frame])].T)] = True
        changed = image != self.images[frame - 1] if frame else ~self.state.placed(self.start)
        wrong = image != self.images[-1] if self.done else np.zeros(image.shape, np.bool_)
        return RoundMasks(*(np.asarray(pixels) for pixels in (settled.all(0), changed.any(0), wrong.any(0))))

    def right_since(self, row: int, column: int) -> int:
        """Round from which on a pixel keeps the values of the newest frame."""
        values = self.images[:, :, row, column]
        others = np.flatnonzero((values != values[-1]).any(axis=1))
        return int(self.rounds[int(others[-1]) + 1]) if others.size else int(self.rounds[0])
