"""Several continuations of a prefix, sampled together."""

import time

import numpy as np
import torch

from gmstudio.engine.pixels.breakpoints import TINY
from gmstudio.engine.pixels.generation import Generation
from gmstudio.engine.pixels.setting import uniforms_of
from gmstudio.protocol.array import Array
from gmstudio.protocol.pixels import ContinuePixels, PixelsContinued


class Continuations:
    """Continuations of the placed sub-pixels of a generation, advanced together.

    Args:
        generation: it is continued, and not moved.
        command: number, seed and temperature.
    """

    def __init__(self, generation: Generation, command: ContinuePixels) -> None:
        self._command = command
        self._prefix = generation.values.copy()
        self._num_dims = generation.image.num_dims
        uniforms = uniforms_of(command.seed, self._num_dims, command.count)
        self._session = generation.setting.open_session(command.count, uniforms)
        self._nats = np.full(command.count, generation.nats.sum(dtype=np.float64))

    @property
    def begun(self) -> bool:
        """The prefix is placed in all continuations."""
        return self._session.step >= len(self._prefix)

    @property
    def finished(self) -> bool:
        """All continuations are whole images."""
        return self._session.step == self._num_dims

    def work(self, budget_ms: float) -> None:
        """Place sub-pixels, at least one, for about this long."""
        deadline = time.perf_counter() + budget_ms / 1000
        with torch.inference_mode():
            while not self.finished:
                self._place_one()
                if time.perf_counter() >= deadline:
                    return

    def _place_one(self) -> None:
        session = self._session
        if not self.begun:
            value = int(self._prefix[session.step])
            session.place(torch.full((len(self._nats),), value, device=session.images.device))
            return
        values = session.draw(self._command.temperature)
        conditional = session.conditional()
        if self._command.greedy_first:
            values[0] = conditional[0].argmax()
        chosen = conditional.gather(1, values[:, None])[:, 0]
        self._nats -= np.log(np.maximum(chosen.cpu().numpy(), TINY))
        session.place(values)

    def report(self, *, done: bool) -> PixelsContinued:
        """Return the event with the continuations so far."""
        return PixelsContinued(
            request=self._command.request,
            session=self._command.session,
            images=Array.of(self._session.images.cpu().numpy()),
            nats=Array.of(self._nats.astype(np.float32)),
            start=len(self._prefix),
            step=self._session.step,
            done=done,
        )
