"""Sampling a batch of images by steps or by guessing blocks, whichever is faster here.

The cost of a step is measured where images are stepped through, and remembered for the model and the size of the
batch, until steps are compiled. In the first call it is that of the first rows of pixels, in the second one that of
whole images. Blocks are guessed for as long as they keep up with the steps that they replace. If they fall behind by
``ALLOWED_LOSS`` of all steps, the rest of the images is stepped through, and the next calls do not try: that guesses
are seldom right cannot be seen beforehand. Only blocks that fall behind near the end are guessed to the end.

Shape legend: B batch, C channels, H height, W width, D sub-pixels (C·H·W).
"""

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from gmstudio.families.autoregressive.block_sweep import BlockConditionals, BlockSweep, Values
from gmstudio.families.autoregressive.drawing import ExactConditionals
from gmstudio.families.autoregressive.fixed_point import JacobiRounds
from gmstudio.families.autoregressive.session import AutoregressiveSession
from gmstudio.nn.matrix_threads import one_matrix_thread
from gmstudio.nn.stepping.compiling import STEP_KERNEL

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.base import AutoregressiveFamily

SamplingMethod = Literal["auto", "sequential", "parallel"]
METHODS: tuple[SamplingMethod, ...] = get_args(SamplingMethod)
PILOT_ROWS = 2
"""Rows of pixels that are stepped through in the first call; the last one is the measurement."""
FEWEST_ROWS = 4
"""Smaller images are stepped through."""
ALLOWED_LOSS = 0.06
FIRST_CALL_S = 0.02
"""What blocks may lose besides in the first call, which takes some milliseconds for memory and imports once."""
CALLS_WITHOUT = 8
"""Calls in which blocks are not tried after they fell behind once; twice as many with each further time."""
MAX_CALLS_WITHOUT = 512


@dataclass
class Pace:
    """What is known of the steps of a model at one size of the batch.

    Args:
        step_s: seconds of a step, the fewest so far; None: not measured yet.
        is_of_images: it was measured over whole images.
        open_s: seconds that it takes until the first step, the fewest so far.
        calls_without: calls left in which blocks are not tried.
        failures: times in a row that they fell behind.
    """

    step_s: float | None = None
    is_of_images: bool = False
    open_s: float = math.inf
    calls_without: int = 0
    failures: int = 0

    def record(self, kept_up: bool) -> None:
        """Record whether blocks kept up with the steps, which decides when they are tried again."""
        self.failures = 0 if kept_up else self.failures + 1
        if not kept_up:
            self.calls_without = min(CALLS_WITHOUT * 2 ** (self.failures - 1), MAX_CALLS_WITHOUT)


_PACES: WeakKeyDictionary[nn.Module, dict[tuple[int, bool], Pace]] = WeakKeyDictionary()


def pace_of(model: nn.Module, batch: int) -> Pace:
    """What is known of a model's steps so far; of compiled ones, several times as fast, once there are any."""
    key = batch, STEP_KERNEL.kernel is not None
    return _PACES.setdefault(model, {}).setdefault(key, Pace())


class BatchSampler:
    """Samples a batch of images with given uniforms, with the weights as they are.

    Args:
        model: the family's model.
        pace: what is known of its steps; brought up to date.
        uniforms_DB: row ``i`` is used at step ``i``.
        order_D3: the generation order.
        temperature: divides the logits.
        labels_B: labels that the images are conditioned on.
    """

    def __init__(
        self,
        model: "AutoregressiveFamily",
        pace: Pace,
        uniforms_DB: Tensor,
        order_D3: Tensor,
        temperature: float,
        labels_B: Tensor | None,
    ) -> None:
        self._model = model
        self._uniforms_DB = uniforms_DB
        self._order_D3 = order_D3
        self._temperature = temperature
        self._labels_B = labels_B
        self._batch = uniforms_DB.shape[1]
        self._pace = pace

    def sample(self, method: SamplingMethod) -> Tensor:
        """(B, C, H, W) uint8, on the CPU; the same images by any method.

        Raises:
            ValueError: when there is no such method.
        """
        if method not in METHODS:
            raise ValueError(f"There is no method {method!r} of sampling; choose one of {', '.join(METHODS)}.")
        if method == "sequential" or (method == "auto" and self._is_to_step()):
            return self._in_steps()
        conditionals = self._model.block_conditionals(self._order_D3, self._batch, self._labels_B)
        if method == "parallel":
            return self._in_rounds() if conditionals is None else self._in_blocks(conditionals)
        return self._in_steps() if conditionals is None else self._by_plan(conditionals)

    def _in_rounds(self) -> Tensor:
        """By passes over whole images."""
        rounds = JacobiRounds(
            self._model, self._exact(), self._uniforms_DB.numpy(), self._order_D3, self._temperature, self._labels_B
        )
        *_, last = rounds.run(self._empty())
        return torch.from_numpy(last.images)

    def _in_blocks(self, conditionals: BlockConditionals) -> Tensor:
        images_BCHW = self._empty()
        with one_matrix_thread(scipy=False):
            for _ in self._sweep(conditionals, images_BCHW, 0).run():
                pass
        return torch.from_numpy(images_BCHW)

    def _in_steps(self) -> Tensor:
        session = self._open()
        step_s = self._step(session)
        # The fewest seconds so far: once others have been measured too long, blocks would keep up with them for ever.
        self._pace.step_s = step_s if self._pace.step_s is None else min(step_s, self._pace.step_s)
        self._pace.is_of_images = True
        return session.images

    def _is_to_step(self) -> bool:
        """Test whether this call is to step through images without trying blocks, which have to be prepared."""
        pace = self._pace
        wants_measurement = pace.step_s is not None and not pace.is_of_images
        is_without = wants_measurement or pace.calls_without > 0 or self._model.image.height < FEWEST_ROWS
        pace.calls_without -= min(1, pace.calls_without)
        return is_without

    def _by_plan(self, conditionals: BlockConditionals) -> Tensor:
        """By blocks while they keep up."""
        size, session, pace = len(self._order_D3), None, self._pace
        if pace.step_s is None:
            session = self._open()
            for row in range(1, PILOT_ROWS + 1):
                pace.step_s = self._step(session, row * size // self._model.image.height)
        images_BCHW = self._empty() if session is None else session.images.numpy()
        num_done = 0 if session is None else session.step
        with one_matrix_thread(scipy=False):  # products this small would wait for a second one
            num_final = self._guess(self._sweep(conditionals, images_BCHW, num_done), num_done, session is not None)
        if num_final == size:
            return torch.from_numpy(images_BCHW)
        if session is None:
            session = self._open()
            session.images.copy_(torch.from_numpy(images_BCHW))
        session.skip_to(num_final)
        self._step(session)
        return session.images

    def _guess(self, sweep: BlockSweep, num_done: int, is_first_call: bool) -> int:
        """Guess blocks for as long as they keep up; return how many sub-pixels of the order are final.

        Blocks that fall behind late are guessed to the end: a session that begins there computes what it needs of all
        steps.
        """
        assert self._pace.step_s is not None
        began, num_final, keeps_up = time.thread_time(), num_done, True
        all_steps_s = len(self._order_D3) * self._pace.step_s
        allowed_s = ALLOWED_LOSS * all_steps_s
        allowed_s += FIRST_CALL_S if is_first_call else self._pace.open_s * (1.0 - ALLOWED_LOSS)
        for num_final in sweep.run():
            spent_s, count = time.thread_time() - began, num_final - num_done
            keeps_up = spent_s - count * self._pace.step_s <= allowed_s
            if not keeps_up and spent_s * (len(self._order_D3) - num_final) > count * all_steps_s:
                break
        self._pace.record(keeps_up)
        return num_final

    def _step(self, session: AutoregressiveSession, until: int | None = None) -> float:
        """Step through images, to the end or at least to a step; return the seconds of a step."""
        began, start = time.thread_time(), session.step
        session.finish(self._temperature, until)
        return (time.thread_time() - began) / max(1, session.step - start)

    def _sweep(self, conditionals: BlockConditionals, images_BCHW: Values, num_done: int) -> BlockSweep:
        return BlockSweep(
            conditionals,
            self._exact(),
            self._model.image,
            images_BCHW,
            self._uniforms_DB.numpy(),
            self._order_D3,
            self._temperature,
            num_done,
        )

    def _exact(self) -> ExactConditionals:
        return ExactConditionals(self._model, self._order_D3, self._labels_B, keep_weights=False)

    def _open(self) -> AutoregressiveSession:
        began = time.thread_time()
        session = self._model.open_session(
            self._uniforms_DB, self._order_D3, self._labels_B, rewindable=False, keep=False
        )
        self._pace.open_s = min(time.thread_time() - began, self._pace.open_s)
        return session

    def _empty(self) -> Values:
        return np.zeros((self._batch, *self._model.image.shape), dtype=np.uint8)
