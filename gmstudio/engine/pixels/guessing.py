"""All sub-pixels of a generation guessed at once, and corrected round by round until nothing changes.

Shapes: R rounds, C channels, H height, W width, D sub-pixels (C·H·W).
"""

import time
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.pixels.generation import Generation
from gmstudio.engine.pixels.setting import uniforms_of
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.autoregressive.fixed_point import Round
from gmstudio.protocol.array import Array
from gmstudio.protocol.pixels_guessing import GuessPixels, PixelsGuessed

MAX_FILM_BYTES = 16 * 1024 * 1024
"""Images up to this size are reported round by round; beyond it every second, third … round."""


class Guess:
    """Rounds of one guess, computed one at a time.

    Args:
        generation: its sub-pixels are guessed; it is not moved.
        command: step, temperature and seed.

    Attributes:
        done: the last round was computed.

    Raises:
        ValueError: when the step is not on the recorded path, nothing is left to guess, or the model has no pass that
            computes all conditionals.
    """

    def __init__(self, generation: Generation, command: GuessPixels) -> None:
        self._command, self._image = command, generation.image
        self.done = False
        self._start = _checked_step(generation, command.step)
        self._rounds = self._open(generation)
        self._last_number, self._work_ms = 0, 0.0
        self._kept: list[tuple[int, Round]] = []

    def advance(self) -> None:
        """Compute the next round."""
        begun = time.perf_counter()
        with torch.inference_mode():
            last = next(self._rounds)
        self._work_ms += (time.perf_counter() - begun) * 1000
        self._last_number += 1
        self.done = int(last.settled[0]) == self._image.num_dims
        if self.done or self._last_number % self._every == 0:
            self._kept.append((self._last_number, last))

    def report(self) -> PixelsGuessed:
        """Return the event with the rounds since the last one."""
        kept, self._kept = self._kept, []
        guessed = self._image.num_dims - self._start
        images = [last.images[0] for _, last in kept]
        return PixelsGuessed(
            request=self._command.request,
            session=self._command.session,
            start=self._start,
            rounds=_numbers([number for number, _ in kept]),
            images=Array.of(np.stack(images) if kept else np.zeros((0, *self._image.shape), np.uint8)),
            settled=_numbers([int(last.settled[0]) for _, last in kept]),
            changed=_numbers([last.num_changed if number > 1 else guessed for number, last in kept]),
            work_ms=self._work_ms,
            done=self.done,
        )

    @property
    def _every(self) -> int:
        """Number of rounds of which one is reported."""
        return 1 + self._last_number * self._image.num_dims // MAX_FILM_BYTES

    def _open(self, generation: Generation) -> Iterator[Round]:
        setting, num_dims = generation.setting, self._image.num_dims
        model = setting.model
        if not isinstance(model, AutoregressiveFamily):
            raise ValueError(
                "This model computes one conditional at a time, so its sub-pixels cannot be guessed all at once; "
                "choose a run of another autoregressive family, like PixelCNN."
            )
        uniforms_D1 = generation.uniforms
        if self._command.seed >= 0:
            uniforms_D1[self._start :] = uniforms_of(self._command.seed, num_dims, 1)[self._start :]
        return model.parallel_rounds(
            uniforms_D1,
            torch.from_numpy(generation.order),
            self._command.temperature,
            labels_B=setting.labels(1),
            given_BCHW=generation.image_at(self._start)[np.newaxis],
            num_given=self._start,
        )


def _checked_step(generation: Generation, step: int) -> int:
    if not 0 <= step <= generation.path:
        raise ValueError(f"Step {step} is not on the path; guess from 0 … {generation.path}.")
    if step == generation.image.num_dims:
        raise ValueError("The image is finished; go back to the pixel from which to guess.")
    return step


def _numbers(values: list[int]) -> Array:
    numbers: NDArray[np.int64] = np.array(values, np.int64)
    return Array.of(numbers)
