"""One image in generation: a model's pixel session, the recorded path, and the conditionals computed on the way.

Three marks move along the generation order, ``step ≤ scored ≤ path ≤ D``: the current step, the step up to which every
conditional has been computed (and at which the model's session is), and the length of the recorded path. Moving back
and forth between 0 and ``scored`` therefore costs no model evaluation.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.engine.pixels.breakpoints import TINY, Breakpoints, Stopped, entropy_of
from gmstudio.engine.pixels.setting import PixelSetting, uniforms_of
from gmstudio.families.base import PixelSession
from gmstudio.protocol.array import Array
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import PixelsMoved

REPLAY_BUDGET_MS = 30.0
"""For scoring recorded sub-pixels within one command."""
MAX_KEPT_BYTES = 64 * 1024 * 1024
"""Conditionals are kept up to this size per generation; beyond it they are computed again."""


class Generation:
    """One image, moved through forth and back; all nats and conditionals are those of the weights it was opened with.

    Args:
        number: of the session.
        run: name of the run.
        weights_step: training step of the weights.
        setting: the model and its order.
        seed: of the uniforms.
    """

    def __init__(self, number: int, run: str, weights_step: int, setting: PixelSetting, seed: int) -> None:
        self.number, self.run, self.weights_step, self.setting = number, run, weights_step, setting
        self.image: ImageSpec = setting.image
        self._session = setting.open_session(1, uniforms_of(seed, self.image.num_dims, 1))
        self.order: NDArray[np.int64] = self._session.order.cpu().numpy().astype(np.int64)
        self._values = np.zeros(self.image.num_dims, dtype=np.int64)
        self._nats = np.zeros(self.image.num_dims, dtype=np.float32)
        self._entropies = np.zeros(self.image.num_dims, dtype=np.float32)
        self._kept: dict[int, NDArray[np.float32]] = {}
        self._probe: PixelSession | None = None
        self.step = self.scored = self.path = 0
        self.stopped: Stopped = ""
        """The breakpoint that ended the last move."""

    @property
    def values(self) -> NDArray[np.int64]:
        """(step,) levels of the placed sub-pixels, in the generation order."""
        return self._values[: self.step]

    @property
    def nats(self) -> NDArray[np.float32]:
        """(step,) −log p of each placed sub-pixel at temperature 1."""
        return self._nats[: self.step]

    @property
    def entropies(self) -> NDArray[np.float32]:
        """(step,) nats, the entropy of each placed sub-pixel's conditional."""
        return self._entropies[: self.step]

    @property
    def uniforms(self) -> Tensor:
        """(D, 1) float32: the number that selects the value of each step, a copy on the CPU."""
        return self._session.uniforms.detach().cpu().clone()

    def record(self, values: NDArray[np.int64]) -> None:
        """Make (n,) levels the recorded path from the start; they are scored when they are passed."""
        self._forget_beyond(0)
        self._values[: len(values)] = values
        self.path = len(values)
        self.step = 0
        self.stopped = ""

    def advance(self, count: int, temperature: float, budget_ms: float, breakpoints: Breakpoints | None = None) -> None:
        """Place up to ``count`` sub-pixels, at least one, for about ``budget_ms``; beyond the path they are drawn.

        A breakpoint ends it early, see ``stopped``. The position where it ends is checked too, so that no breakpoint
        is missed between two moves; the first sub-pixel of the next move passes it.
        """
        end = min(self.step + count, self.image.num_dims)
        self._move(end, budget_ms, lambda: int(self._session.draw(temperature)[0]), breakpoints)

    def move_to(self, step: int, budget_ms: float = REPLAY_BUDGET_MS) -> None:
        """Move to a step of the recorded path, or as far towards it as the budget allows for scoring.

        Raises:
            ValueError: when the path does not reach that far.
        """
        if not 0 <= step <= self.path:
            raise ValueError(f"Step {step} is not on the path; go to 0 … {self.path}, or generate further.")
        self.step = min(step, self.scored)
        self._move(step, budget_ms, None)

    def place(self, value: int) -> None:
        """Commit a value at the current position; the recorded path from there on is dropped.

        Raises:
            ValueError: when the image is finished or there is no such level.
        """
        if self.step == self.image.num_dims:
            raise ValueError("The image is finished; go back to the pixel that you want to set.")
        if not 0 <= value < self.image.levels:
            raise ValueError(f"Level {value} does not exist; choose 0 … {self.image.levels - 1}.")
        self._forget_beyond(self.step)
        self._commit(value)
        self.stopped = ""

    def edit(self, step: int, value: int, *, keep: bool, temperature: float) -> None:
        """Change a placed sub-pixel, and return to the current step as far as ``REPLAY_BUDGET_MS`` allows.

        Args:
            step: of the sub-pixel.
            value: its new level.
            keep: later values stay and are rescored; otherwise they are drawn again, from the same uniforms.
            temperature: of the values drawn again.

        Raises:
            ValueError: when that sub-pixel is not placed, or there is no such level.
        """
        if not 0 <= step < self.step:
            raise ValueError(
                f"Sub-pixel {step} is not placed; change one of the {self.step} that are"
                + (f", 0 … {self.step - 1}." if self.step else ", once there are some.")
            )
        if not 0 <= value < self.image.levels:
            raise ValueError(f"Level {value} does not exist; choose 0 … {self.image.levels - 1}.")
        end, path, self.step = self.step, self.path, step
        self._forget_beyond(step)
        self._values[step] = value
        self.path = path if keep else step + 1
        self._move(end, REPLAY_BUDGET_MS, lambda: int(self._session.draw(temperature)[0]))

    def forget(self, seed: int) -> None:
        """Drop the recorded path beyond the current step; what follows is drawn from the uniforms of this seed."""
        self._forget_beyond(self.step)
        self.stopped = ""
        fresh = uniforms_of(seed, self.image.num_dims, 1)
        with _without_gradients():
            self._session.uniforms[self.step :] = fresh[self.step :].to(self._session.uniforms)

    def moved(self, request: int) -> PixelsMoved:
        """Return the event with the current position."""
        with _without_gradients():
            return self._moved(request)

    def _moved(self, request: int) -> PixelsMoved:
        finished = self.step == self.image.num_dims
        conditional = np.zeros(0, dtype=np.float32)
        context = np.zeros(self.image.shape, dtype=np.bool_)
        if not finished:
            conditional, context = self._conditional(), self._context()
        return PixelsMoved(
            request=request,
            session=self.number,
            step=self.step,
            path=self.path,
            image=Array.of(self.image_at(self.step)),
            nats=Array.of(self.nats),
            conditional=Array.of(conditional),
            uniform=0.0 if finished else float(self._session.uniforms[self.step, 0]),
            context=Array.of(context),
            stopped=self.stopped,
            entropies=Array.of(self.entropies),
        )

    def conditional_at(self, step: int) -> NDArray[np.float32]:
        """(L,) conditional of a step up to the current one; recomputed where it was not kept."""
        with self._at(step):
            return self._conditional()

    def context_at(self, step: int) -> NDArray[np.bool_]:
        """(C, H, W) bool: sub-pixels that the conditional of a step up to the current one can depend on."""
        with self._at(step):
            return self._context()

    def image_at(self, step: int) -> NDArray[np.uint8]:
        """(C, H, W) levels after a step of the recorded path; sub-pixels not placed are 0."""
        assert 0 <= step <= self.path, "nothing is recorded beyond the path"
        image = np.zeros(self.image.shape, dtype=np.uint8)
        channel, row, column = self.order[:step].T
        image[channel, row, column] = self._values[:step]
        return image

    @contextmanager
    def _at(self, step: int) -> Iterator[None]:
        """Inside, ``step`` is the current step."""
        assert 0 <= step <= self.step, "only placed sub-pixels have a conditional"
        current, self.step = self.step, step
        try:
            yield
        finally:
            self.step = current

    def _move(
        self,
        end: int,
        budget_ms: float,
        draw: Callable[[], int] | None,
        breakpoints: Breakpoints | None = None,
    ) -> None:
        with _without_gradients():
            self._move_within(end, time.perf_counter() + budget_ms / 1000, draw, breakpoints)

    def _move_within(
        self, end: int, deadline: float, draw: Callable[[], int] | None, breakpoints: Breakpoints | None
    ) -> None:
        self.stopped = ""
        while self.step < end:
            if self.step < self.scored:
                begun, self.step = self.step, min(end, self.scored)
                if breakpoints is not None and self._stops_between(begun, breakpoints):
                    return
                continue
            if self.step < self.path:
                self._commit(int(self._values[self.step]))
            else:
                assert draw is not None, "nothing is recorded beyond the path"
                self._move_session(self._session)
                self._commit(draw())
            if breakpoints is not None and self._stops_between(self.step - 1, breakpoints):
                return
            if time.perf_counter() >= deadline:
                return

    def _stops_between(self, begun: int, breakpoints: Breakpoints) -> bool:
        """Go back to the first breakpoint after ``begun`` and up to the current step; return whether there is one."""
        ahead = entropy_of(self._conditional()) if self.step < self.image.num_dims else 0.0
        found = breakpoints.first(begun, self.nats, self.entropies, ahead)
        if found is not None:
            self.step, self.stopped = found
        return found is not None

    def _commit(self, value: int) -> None:
        """Place a value at the current step, which is the last one scored, and score it."""
        conditional = self._conditional()
        self._move_session(self._session)
        self._nats[self.step] = max(0.0, -math.log(max(float(conditional[value]), TINY)))  # p rounded above 1
        self._entropies[self.step] = entropy_of(conditional)
        self._values[self.step] = value
        with _without_gradients():
            self._session.place(torch.tensor([value], device=self._session.images.device))
        self.step += 1
        self.scored = self.step
        self.path = max(self.path, self.step)

    def _forget_beyond(self, step: int) -> None:
        """Drop values, scores and conditionals of the path from ``step`` on; conditionals depend on earlier values."""
        self.path = min(self.path, step)
        self.scored = min(self.scored, step)
        for later in [s for s in self._kept if s > step]:
            del self._kept[later]
        if self._session.step > step:
            with _without_gradients():
                self._session.rewind(step)

    def _move_session(self, session: PixelSession) -> None:
        """Move a session of the model to the current step; most often it is there already."""
        if session.step == self.step:
            return
        with _without_gradients():
            if session.step > self.step:
                session.rewind(self.step)
            while session.step < self.step:
                value = int(self._values[session.step])
                session.place(torch.tensor([value], device=session.images.device))

    def _conditional(self) -> NDArray[np.float32]:
        """(L,) conditional of the current step, kept or computed."""
        kept = self._kept.get(self.step)
        if kept is not None:
            return kept
        self._move_session(self._session)
        with _without_gradients():
            conditional: NDArray[np.float32] = self._session.conditional()[0].float().cpu().numpy()
        if (len(self._kept) + 1) * conditional.nbytes <= MAX_KEPT_BYTES:
            self._kept[self.step] = conditional
        return conditional

    def _context(self) -> NDArray[np.bool_]:
        """(C, H, W) context of the current step; it depends on the architecture only, not on the values.

        At an earlier step it comes from a second session, which never computes a conditional: the first one need not
        be moved back and recompute its way forth.
        """
        session = self._session
        if session.step != self.step:
            if self._probe is None:
                self._probe = self.setting.open_session(1, torch.zeros(self.image.num_dims, 1))
            session = self._probe
            self._move_session(session)
        context: NDArray[np.bool_] = session.context().cpu().numpy()
        return context


def _without_gradients() -> AbstractContextManager[object]:
    """Context without gradients; entered once for many steps, since to enter it takes as long as a step."""
    return nullcontext() if torch.is_inference_mode_enabled() else torch.inference_mode()
