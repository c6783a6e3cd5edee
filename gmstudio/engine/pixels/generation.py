"""One image in generation: a model's pixel session, the path that it remembers, and what was seen on the way.

Three marks move along the generation order, ``step ≤ scored ≤ path ≤ D``: where the viewer stands, up to where every
conditional has been computed (and where the model's session stands), and how far values are remembered. Going back and
forth between 0 and ``scored`` therefore costs no model evaluation.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.pixels.breakpoints import TINY, Breakpoints, Stopped, entropy_of
from gmstudio.engine.pixels.setting import PixelSetting, uniforms_of
from gmstudio.families.base import PixelSession
from gmstudio.protocol.array import Array
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import PixelsMoved

REPLAY_BUDGET_MS = 30.0
"""For scoring given sub-pixels within one command."""
MAX_SEEN_BYTES = 64 * 1024 * 1024
"""Conditionals are kept up to this size per generation; beyond it they are computed again."""


class Generation:
    """Walks one image forth and back; all values, nats and conditionals are those of the weights it was opened with.

    Args:
        number: of the session, as the window knows it.
        run: path of the run.
        weights_step: training step of the weights.
        setting: the model, and how it generates.
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
        self._seen: dict[int, NDArray[np.float32]] = {}
        self._probe: PixelSession | None = None
        self.step = self.scored = self.path = 0
        self.stopped: Stopped = ""
        """The breakpoint that ended the last walk."""

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

    def remember(self, values: NDArray[np.int64]) -> None:
        """Make these (n,) levels the path from the start; they are scored when they are walked over."""
        self._forget_beyond(0)
        self._values[: len(values)] = values
        self.path = len(values)
        self.step = 0
        self.stopped = ""

    def advance(self, count: int, temperature: float, budget_ms: float, breakpoints: Breakpoints | None = None) -> None:
        """Go forward by up to ``count`` sub-pixels, at least one, for about ``budget_ms``; new ones are drawn.

        A breakpoint ends it early, see ``stopped``. Where this leaves off is looked at too, so that no breakpoint can
        hide between two walks; the first sub-pixel passes it.
        """
        end = min(self.step + count, self.image.num_dims)
        self._walk(end, budget_ms, lambda: int(self._session.draw(temperature)[0]), breakpoints)

    def walk_to(self, step: int, budget_ms: float = REPLAY_BUDGET_MS) -> None:
        """Go to a step of the remembered path, or as far towards it as the budget lets us score.

        Raises:
            ValueError: when the path does not reach that far.
        """
        if not 0 <= step <= self.path:
            raise ValueError(f"Step {step} is not on the path; go to 0 … {self.path}, or generate further.")
        self.step = min(step, self.scored)
        self._walk(step, budget_ms, None)

    def place(self, value: int) -> None:
        """Commit a value at the current position; what was remembered from there on is forgotten.

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
        """Change a placed sub-pixel, and go back to where the generation stood as far as ``REPLAY_BUDGET_MS`` allows.

        Args:
            step: of the sub-pixel.
            value: its new level.
            keep: what was remembered after it stays and is scored anew; otherwise it is drawn again, from the same
                uniforms.
            temperature: of what is drawn again.

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
        stood, path, self.step = self.step, self.path, step
        self._forget_beyond(step)
        self._values[step] = value
        self.path = path if keep else step + 1
        self._walk(stood, REPLAY_BUDGET_MS, lambda: int(self._session.draw(temperature)[0]))

    def forget(self, seed: int) -> None:
        """Drop the path beyond the current step; what follows uses the uniforms of this seed from here on."""
        self._forget_beyond(self.step)
        self.stopped = ""
        fresh = uniforms_of(seed, self.image.num_dims, 1)
        with torch.inference_mode():
            self._session.uniforms[self.step :] = fresh[self.step :].to(self._session.uniforms)

    def moved(self, request: int) -> PixelsMoved:
        """Where the generation stands, as an event."""
        finished = self.step == self.image.num_dims
        conditional = np.zeros(0, dtype=np.float32)
        context = np.zeros(self.image.shape, dtype=np.bool_)
        if not finished:
            conditional, context = self._look(), self._context()
        return PixelsMoved(
            request=request,
            session=self.number,
            step=self.step,
            path=self.path,
            image=Array.of(self._picture()),
            nats=Array.of(self.nats),
            conditional=Array.of(conditional),
            uniform=0.0 if finished else float(self._session.uniforms[self.step, 0]),
            context=Array.of(context),
            stopped=self.stopped,
            entropies=Array.of(self.entropies),
        )

    def conditional_at(self, step: int) -> NDArray[np.float32]:
        """(L,) conditional of a step up to the current one; one that was not kept costs the way back and forth."""
        with self._standing_at(step):
            return self._look()

    def context_at(self, step: int) -> NDArray[np.bool_]:
        """(C, H, W) bool: what the conditional of a step up to the current one can depend on."""
        with self._standing_at(step):
            return self._context()

    def picture_at(self, step: int) -> NDArray[np.uint8]:
        """(C, H, W) levels after a step up to the current one; what is not placed is 0."""
        with self._standing_at(step):
            return self._picture()

    @contextmanager
    def _standing_at(self, step: int) -> Iterator[None]:
        assert 0 <= step <= self.step, "only what stands now can be looked at"
        stood, self.step = self.step, step
        try:
            yield
        finally:
            self.step = stood

    def _walk(
        self,
        end: int,
        budget_ms: float,
        draw: Callable[[], int] | None,
        breakpoints: Breakpoints | None = None,
    ) -> None:
        deadline = time.perf_counter() + budget_ms / 1000
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
                assert draw is not None, "nothing is remembered beyond the path"
                self._seek()
                with torch.inference_mode():
                    value = draw()
                self._commit(value)
            if breakpoints is not None and self._stops_between(self.step - 1, breakpoints):
                return
            if time.perf_counter() >= deadline:
                return

    def _stops_between(self, begun: int, breakpoints: Breakpoints) -> bool:
        """Whether a breakpoint lies after ``begun`` and up to the current step; if so, go back to the first one."""
        ahead = entropy_of(self._look()) if self.step < self.image.num_dims else 0.0
        found = breakpoints.first(begun, self.nats, self.entropies, ahead)
        if found is not None:
            self.step, self.stopped = found
        return found is not None

    def _commit(self, value: int) -> None:
        """Place a value at the current step, which is the last one scored, and score it."""
        conditional = self._look()
        self._seek()
        self._nats[self.step] = -math.log(max(float(conditional[value]), TINY))
        self._entropies[self.step] = entropy_of(conditional)
        self._values[self.step] = value
        with torch.inference_mode():
            self._session.place(torch.tensor([value], device=self._session.images.device))
        self.step += 1
        self.scored = self.step
        self.path = max(self.path, self.step)

    def _forget_beyond(self, step: int) -> None:
        """Forget values, scores and conditionals of the path from ``step`` on (a conditional hangs on earlier ones)."""
        self.path = min(self.path, step)
        self.scored = min(self.scored, step)
        for seen in [s for s in self._seen if s > step]:
            del self._seen[seen]
        if self._session.step > step:
            with torch.inference_mode():
                self._session.rewind(step)

    def _seek(self) -> None:
        """Bring the model's session to the current step; only moves after a look back at what was not kept."""
        self._bring(self._session)

    def _bring(self, session: PixelSession) -> None:
        with torch.inference_mode():
            if session.step > self.step:
                session.rewind(self.step)
            while session.step < self.step:
                value = int(self._values[session.step])
                session.place(torch.tensor([value], device=session.images.device))

    def _look(self) -> NDArray[np.float32]:
        """(L,) conditional of the current step, kept or computed."""
        found = self._seen.get(self.step)
        if found is not None:
            return found
        self._seek()
        with torch.inference_mode():
            conditional: NDArray[np.float32] = self._session.conditional()[0].float().cpu().numpy()
        if (len(self._seen) + 1) * conditional.nbytes <= MAX_SEEN_BYTES:
            self._seen[self.step] = conditional
        return conditional

    def _context(self) -> NDArray[np.bool_]:
        """(C, H, W) context of the current step; it hangs on the architecture only, not on the values.

        Looking back, it is asked of a second session, that never computes a conditional: the first one stays where it
        is and need not compute its way forth again.
        """
        session = self._session
        if session.step != self.step:
            if self._probe is None:
                self._probe = self.setting.open_session(1, torch.zeros(self.image.num_dims, 1))
            session = self._probe
            self._bring(session)
        context: NDArray[np.bool_] = session.context().cpu().numpy()
        return context

    def _picture(self) -> NDArray[np.uint8]:
        picture = np.zeros(self.image.shape, dtype=np.uint8)
        channel, row, column = self.order[: self.step].T
        picture[channel, row, column] = self.values
        return picture
