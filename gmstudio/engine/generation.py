"""One image in generation: a model's pixel session, the path that it remembers, and what was seen on the way.

Three marks move along the generation order, ``step ≤ scored ≤ path ≤ D``: where the viewer stands, up to where every
conditional has been computed (and where the model's session stands), and how far values are remembered. Going back and
forth between 0 and ``scored`` therefore costs no model evaluation.
"""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.cards import ImageSpec
from gmstudio.families.base import PixelSession
from gmstudio.messages import Array, PixelsMoved

REPLAY_BUDGET_MS = 30.0
"""For scoring given sub-pixels within one command."""
MAX_SEEN_BYTES = 64 * 1024 * 1024
"""Conditionals are kept up to this size per generation; beyond it they are computed again."""
TINY = float(np.finfo(np.float32).tiny)
"""Smallest probability whose logarithm is taken: float32 ends there, so 87.3 nats means that much or more."""


class Generation:
    """Walks one image forth and back; all values, nats and conditionals are those of the weights it was opened with.

    Args:
        number: of the session, as the window knows it.
        run: path of the run.
        weights_step: training step of the weights.
        model: an autoregressive model whose weights nobody changes any more.
        seed: of the uniforms.
    """

    def __init__(self, number: int, run: str, weights_step: int, model: Any, seed: int) -> None:
        self.number, self.run, self.weights_step, self.model = number, run, weights_step, model
        self.image: ImageSpec = model.image
        self._session = open_session(model, 1, uniforms_of(seed, self.image.num_dims, 1))
        self.order: NDArray[np.int64] = self._session.order.cpu().numpy().astype(np.int64)
        self._values = np.zeros(self.image.num_dims, dtype=np.int64)
        self._nats = np.zeros(self.image.num_dims, dtype=np.float32)
        self._seen: dict[int, NDArray[np.float32]] = {}
        self._probe: PixelSession | None = None
        self.step = self.scored = self.path = 0

    @property
    def values(self) -> NDArray[np.int64]:
        """(step,) levels of the placed sub-pixels, in the generation order."""
        return self._values[: self.step]

    @property
    def nats(self) -> NDArray[np.float32]:
        """(step,) −log p of each placed sub-pixel at temperature 1."""
        return self._nats[: self.step]

    def remember(self, values: NDArray[np.int64]) -> None:
        """Make these (n,) levels the path from the start; they are scored when they are walked over."""
        self._forget_beyond(0)
        self._values[: len(values)] = values
        self.path = len(values)
        self.step = 0

    def advance(self, count: int, temperature: float, budget_ms: float) -> None:
        """Go forward by up to ``count`` sub-pixels, at least one, for about ``budget_ms``; new ones are drawn."""
        end = min(self.step + count, self.image.num_dims)
        self._walk(end, budget_ms, lambda: int(self._session.draw(temperature)[0]))

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

    def forget(self, seed: int) -> None:
        """Drop the path beyond the current step; what follows uses the uniforms of this seed from here on."""
        self._forget_beyond(self.step)
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
        )

    def _walk(self, end: int, budget_ms: float, draw: Callable[[], int] | None) -> None:
        deadline = time.perf_counter() + budget_ms / 1000
        while self.step < end:
            if self.step < self.scored:
                self.step = min(end, self.scored)
                continue
            if self.step < self.path:
                self._commit(int(self._values[self.step]))
            else:
                assert draw is not None, "nothing is remembered beyond the path"
                self._seek()
                with torch.inference_mode():
                    value = draw()
                self._commit(value)
            if time.perf_counter() >= deadline:
                return

    def _commit(self, value: int) -> None:
        """Place a value at the current step, which is the last one scored, and score it."""
        conditional = self._look()
        self._seek()
        self._nats[self.step] = -math.log(max(float(conditional[value]), TINY))
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
                uniforms = torch.zeros(self.image.num_dims, 1)
                self._probe = open_session(self.model, 1, uniforms)
            session = self._probe
            self._bring(session)
        context: NDArray[np.bool_] = session.context().cpu().numpy()
        return context

    def _picture(self) -> NDArray[np.uint8]:
        picture = np.zeros(self.image.shape, dtype=np.uint8)
        channel, row, column = self.order[: self.step].T
        picture[channel, row, column] = self.values
        return picture


def uniforms_of(seed: int, num_dims: int, batch: int) -> Tensor:
    """(D, B) float32 numbers in [0, 1) of a seed; drawn on the CPU, so a seed means the same on every device."""
    return torch.rand(num_dims, batch, generator=torch.Generator().manual_seed(seed))


def open_session(model: Any, batch: int, uniforms: Tensor) -> PixelSession:
    """Open a pixel session that uses these (D, B) uniforms; the global random state is left alone."""
    with torch.inference_mode():
        session: PixelSession = model.pixel_session(batch, generator=torch.Generator(model.device))
        session.uniforms.copy_(uniforms)
    return session
