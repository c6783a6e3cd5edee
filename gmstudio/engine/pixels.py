"""The engine's side of the Pixels panel: open generations by number, and forks of them.

A generation keeps a copy of the weights that it was opened with, so its numbers stay exact while training goes on;
generations of the same weights share one copy.
"""

import copy
import math
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.cards import ImageSpec
from gmstudio.engine.generation import REPLAY_BUDGET_MS, TINY, Generation, open_session, uniforms_of
from gmstudio.families.base import Autoregressive
from gmstudio.messages import (
    AdvancePixels,
    Array,
    ClosePixels,
    Done,
    Event,
    ForgetPath,
    ForkPixels,
    OpenPixels,
    PixelsForked,
    PixelsOpened,
    PlacePixel,
    RewindPixels,
)

MAX_OPEN = 8
MAX_FORKS = 256
MAX_SEED = 2**31 - 1
MAX_TEMPERATURE = 100.0
MAX_BUDGET_MS = 100.0
FORK_REPORTS_HZ = 15.0
PIECE_MS = 4.0
"""A fork hands control back to the engine about this often."""


@dataclass(frozen=True)
class _Snapshot:
    """A copy of a model's weights: of which model object, at which training step."""

    source: "weakref.ref[Any]"
    step: int
    copy: Any


class PixelExplorer:
    """Holds the open generations, at most ``MAX_OPEN``; the one that was unused for longest is closed for a new one."""

    def __init__(self) -> None:
        self._open: OrderedDict[int, Generation] = OrderedDict()
        self._snapshots: dict[int, _Snapshot] = {}
        self._newest_fork: dict[int, object] = {}
        self._last_number = 0

    def open(self, model: Any, run: str, weights_step: int, command: OpenPixels) -> list[Event]:
        """Open a generation.

        Args:
            model: the run's model with its current weights; it is copied.
            run: path of the run.
            weights_step: training step of those weights.
            command: what to open.

        Returns:
            ``PixelsOpened`` and ``PixelsMoved``.

        Raises:
            ValueError: when the model is not autoregressive, or the command's values do not fit it.
        """
        if not isinstance(model, Autoregressive):
            raise ValueError(
                "Only an autoregressive model generates pixel by pixel; choose a run of such a family, like PixelCNN."
            )
        image: ImageSpec = model.image  # type: ignore[attr-defined]
        _check_seed(command.seed)
        given = _check_given(command, image)
        snapshot = self._snapshot(model, run, weights_step, command.weights_of)
        self._last_number += 1
        number = self._last_number
        generation = Generation(number, run, snapshot.step, snapshot.copy, command.seed)
        if given is not None and command.first:
            channel, row, column = generation.order[: command.first].T
            generation.remember(given[channel, row, column].astype(np.int64))
            generation.walk_to(command.first)
        self._open[number], self._snapshots[number] = generation, snapshot
        while len(self._open) > MAX_OPEN:
            self._drop(next(iter(self._open)))
        opened = PixelsOpened(
            request=command.request,
            session=number,
            run=run,
            image=image,
            weights_step=snapshot.step,
            order=Array.of(generation.order),
        )
        return [opened, generation.moved(command.request)]

    def advance(self, command: AdvancePixels) -> list[Event]:
        """Generate up to ``count`` sub-pixels within the budget.

        Raises:
            ValueError: for an unknown session, a count below 1, a temperature outside 0 … 100 or an absurd budget.
        """
        generation = self._generation(command.session)
        _check_temperature(command.temperature)
        if command.count < 1:
            raise ValueError(f"{command.count} pixels cannot be generated; ask for 1 or more.")
        if not 0 <= command.budget_ms <= MAX_BUDGET_MS:
            raise ValueError(f"A budget of {command.budget_ms:g} ms; it must be 0 to {MAX_BUDGET_MS:g} ms.")
        generation.advance(command.count, command.temperature, command.budget_ms)
        return [generation.moved(command.request)]

    def place(self, command: PlacePixel) -> list[Event]:
        """Commit a value at the current position.

        Raises:
            ValueError: for an unknown session, a level that does not exist, or a finished image.
        """
        generation = self._generation(command.session)
        generation.place(command.value)
        return [generation.moved(command.request)]

    def rewind(self, command: RewindPixels) -> list[Event]:
        """Go to a step of the remembered path.

        Raises:
            ValueError: for an unknown session or a step beyond the path.
        """
        generation = self._generation(command.session)
        generation.walk_to(command.step, REPLAY_BUDGET_MS)
        return [generation.moved(command.request)]

    def forget(self, command: ForgetPath) -> list[Event]:
        """Drop the path beyond the current step and take other uniforms for what follows.

        Raises:
            ValueError: for an unknown session or a seed out of range.
        """
        generation = self._generation(command.session)
        _check_seed(command.seed)
        generation.forget(command.seed)
        return [generation.moved(command.request)]

    def close(self, command: ClosePixels) -> list[Event]:
        """Let a generation go; a fork of it ends at its next piece.

        Raises:
            ValueError: for an unknown session.
        """
        self._generation(command.session)
        self._drop(command.session)
        return [Done(request=command.request)]

    def fork(self, command: ForkPixels) -> Iterator[Event | None]:
        """Continue the current prefix in several ways, in small pieces.

        A newer fork of the same generation, or closing it, ends this one early.

        Returns:
            A generator of None after each piece of work and of ``PixelsForked`` about 15 times a second, the last
            one with ``done``.

        Raises:
            ValueError: at once, for an unknown session, a finished image, or values out of range.
        """
        generation = self._generation(command.session)
        _check_seed(command.seed)
        _check_temperature(command.temperature)
        if not 1 <= command.count <= MAX_FORKS:
            raise ValueError(f"{command.count} continuations; ask for 1 to {MAX_FORKS}.")
        if generation.step == generation.image.num_dims:
            raise ValueError("The image is finished; go back to the pixel from which to continue in other ways.")
        token = object()
        self._newest_fork[command.session] = token
        return self._fork_pieces(command, _Fork(generation, command), token)

    def _fork_pieces(self, command: ForkPixels, fork: "_Fork", token: object) -> Iterator[Event | None]:
        last_report = time.perf_counter()
        while not fork.finished and self._newest_fork.get(command.session) is token:
            fork.work(PIECE_MS)
            if not fork.finished and fork.begun and time.perf_counter() - last_report >= 1 / FORK_REPORTS_HZ:
                last_report = time.perf_counter()
                yield fork.report(command, done=False)
            yield None
        yield fork.report(command, done=True)

    def _generation(self, number: int) -> Generation:
        try:
            self._open.move_to_end(number)
        except KeyError:
            raise ValueError(
                f"Generation {number} is not open any more (at most {MAX_OPEN} are kept); open it again."
            ) from None
        return self._open[number]

    def _drop(self, number: int) -> None:
        del self._open[number], self._snapshots[number]
        self._newest_fork.pop(number, None)

    def _snapshot(self, model: Any, run: str, weights_step: int, weights_of: int) -> _Snapshot:
        if weights_of:
            if self._generation(weights_of).run != run:
                raise ValueError(f"Generation {weights_of} is of another run; its weights cannot be used for {run}.")
            return self._snapshots[weights_of]
        for snapshot in self._snapshots.values():
            if snapshot.source() is model and snapshot.step == weights_step:
                return snapshot
        copied = copy.deepcopy(model).eval().requires_grad_(False)
        return _Snapshot(weakref.ref(model), weights_step, copied)


class _Fork:
    """Several continuations of a prefix, advanced together."""

    def __init__(self, generation: Generation, command: ForkPixels) -> None:
        self._prefix = generation.values.copy()
        self._temperature = command.temperature
        self._num_dims = generation.image.num_dims
        uniforms = uniforms_of(command.seed, self._num_dims, command.count)
        self._session = open_session(generation.model, command.count, uniforms)
        self._nats = np.full(command.count, generation.nats.sum(dtype=np.float64))

    @property
    def begun(self) -> bool:
        """Whether the prefix stands in all continuations."""
        return self._session.step >= len(self._prefix)

    @property
    def finished(self) -> bool:
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
        values = session.draw(self._temperature)
        chosen = session.conditional().gather(1, values[:, None])[:, 0]
        self._nats -= np.log(np.maximum(chosen.cpu().numpy(), TINY))
        session.place(values)

    def report(self, command: ForkPixels, *, done: bool) -> PixelsForked:
        return PixelsForked(
            request=command.request,
            session=command.session,
            images=Array.of(self._session.images.cpu().numpy()),
            nats=Array.of(self._nats.astype(np.float32)),
            start=len(self._prefix),
            step=self._session.step,
            done=done,
        )


def _check_seed(seed: int) -> None:
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"The seed is {seed}; it must be 0 to {MAX_SEED}.")


def _check_temperature(temperature: float) -> None:
    if not (math.isfinite(temperature) and 0 <= temperature <= MAX_TEMPERATURE):
        raise ValueError(f"The temperature is {temperature:g}; it must be 0 (most likely) to {MAX_TEMPERATURE:g}.")


def _check_given(command: OpenPixels, image: ImageSpec) -> NDArray[Any] | None:
    """The given levels (C, H, W), or None."""
    if not 0 <= command.first <= image.num_dims:
        raise ValueError(f"{command.first} given pixels; this model's images have 0 to {image.num_dims}.")
    if command.given is None:
        if command.first:
            raise ValueError(f"{command.first} pixels are to be given, but no image came with them; send one.")
        return None
    given = command.given.numpy()
    if given.shape != image.shape:
        raise ValueError(f"The given image has shape {given.shape}; this model needs {image.shape}.")
    if not np.issubdtype(given.dtype, np.integer):
        raise ValueError(f"The given image holds {given.dtype} numbers; levels are whole numbers, send uint8.")
    low, high = int(given.min()), int(given.max())
    if low < 0 or high >= image.levels:
        bad = low if low < 0 else high
        raise ValueError(f"The given image holds the value {bad}; this model's levels are 0 … {image.levels - 1}.")
    return given
