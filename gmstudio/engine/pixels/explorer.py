"""The engine's side of the Pixels panel: open generations by number, and continuations of them.

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

from gmstudio.engine.pixels.attribution import attribute
from gmstudio.engine.pixels.breakpoints import Breakpoints
from gmstudio.engine.pixels.comparison import compare
from gmstudio.engine.pixels.continuation import Continuation
from gmstudio.engine.pixels.generation import REPLAY_BUDGET_MS, Generation
from gmstudio.engine.pixels.setting import check_seed, given_levels, setting_of
from gmstudio.families.base import Autoregressive
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import Done
from gmstudio.protocol.pixels import (
    AdvancePixels,
    AttributePixel,
    ClosePixels,
    ComparePixels,
    ContinuePixels,
    EditPixel,
    ForgetPath,
    OpenPixels,
    PixelsOpened,
    PlacePixel,
    RewindPixels,
)

MAX_OPEN = 8
MAX_CONTINUATIONS = 256
MAX_TEMPERATURE = 100.0
MAX_BUDGET_MS = 100.0
CONTINUATION_REPORTS_HZ = 15.0
PIECE_MS = 4.0
"""A continuation hands control back to the engine about this often."""


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
        check_seed(command.seed)
        given = given_levels(command, model.image)  # type: ignore[attr-defined]
        snapshot = self._snapshot(model, run, weights_step, command.weights_of)
        setting = setting_of(snapshot.copy, command)
        self._last_number += 1
        number = self._last_number
        generation = Generation(number, run, snapshot.step, setting, command.seed)
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
            image=setting.image,
            weights_step=snapshot.step,
            order=Array.of(generation.order),
            orders=setting.orders,
            order_name=setting.order_name,
            order_words=setting.order_words,
            num_given=setting.num_given,
            any_order=setting.any_order,
            num_classes=setting.num_classes,
            label=setting.label,
        )
        return [opened, generation.moved(command.request)]

    def advance(self, command: AdvancePixels) -> list[Event]:
        """Generate up to ``count`` sub-pixels within the budget.

        Raises:
            ValueError: for an unknown session, a count below 1, a temperature outside 0 … 100 or an absurd budget.
        """
        generation = self._generation(command.session)
        _check_temperature(command.temperature)
        _check_breakpoints(command)
        if command.count < 1:
            raise ValueError(f"{command.count} pixels cannot be generated; ask for 1 or more.")
        if not 0 <= command.budget_ms <= MAX_BUDGET_MS:
            raise ValueError(f"A budget of {command.budget_ms:g} ms; it must be 0 to {MAX_BUDGET_MS:g} ms.")
        breakpoints = None
        if command.stop_entropy is not None or command.stop_probability is not None:
            breakpoints = Breakpoints(command.stop_entropy, command.stop_probability)
        generation.advance(command.count, command.temperature, command.budget_ms, breakpoints)
        return [generation.moved(command.request)]

    def place(self, command: PlacePixel) -> list[Event]:
        """Commit a value at the current position.

        Raises:
            ValueError: for an unknown session, a level that does not exist, or a finished image.
        """
        generation = self._generation(command.session)
        generation.place(command.value)
        return [generation.moved(command.request)]

    def edit(self, command: EditPixel) -> list[Event]:
        """Change a sub-pixel that is placed already.

        Raises:
            ValueError: for an unknown session, a sub-pixel that is not placed, a level that does not exist, or a
                temperature out of range.
        """
        generation = self._generation(command.session)
        _check_temperature(command.temperature)
        generation.edit(command.step, command.value, keep=command.keep, temperature=command.temperature)
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
        check_seed(command.seed)
        generation.forget(command.seed)
        return [generation.moved(command.request)]

    def attribute(self, command: AttributePixel) -> list[Event]:
        """What a conditional looks at.

        Raises:
            ValueError: for an unknown session, a step beyond the current one, or a level that does not exist.
        """
        return [attribute(self._generation(command.session), command)]

    def compare(self, model: Any, run: str, weights_step: int, command: ComparePixels) -> list[Event]:
        """What another model makes of the sub-pixels that are placed.

        Args:
            model: the other run's, with its current weights.
            run: path of the other run.
            weights_step: training step of those weights.
            command: what to compare.

        Raises:
            ValueError: for an unknown session, other images, or an order that the model cannot generate in.
        """
        return [compare(self._generation(command.session), model, run, weights_step, command)]

    def close(self, command: ClosePixels) -> list[Event]:
        """Let a generation go; a continuation of it ends at its next piece.

        Raises:
            ValueError: for an unknown session.
        """
        self._generation(command.session)
        self._drop(command.session)
        return [Done(request=command.request)]

    def continuation(self, command: ContinuePixels) -> Iterator[Event | None]:
        """Continue the current prefix in several ways, in small pieces.

        Closing the generation ends it early.

        Returns:
            A generator of None after each piece of work and of ``PixelsContinued`` about 15 times a second, the last
            one with ``done``.

        Raises:
            ValueError: at once, for an unknown session, a finished image, or values out of range.
        """
        generation = self._generation(command.session)
        check_seed(command.seed)
        _check_temperature(command.temperature)
        if not 1 <= command.count <= MAX_CONTINUATIONS:
            raise ValueError(f"{command.count} continuations; ask for 1 to {MAX_CONTINUATIONS}.")
        if generation.step == generation.image.num_dims:
            raise ValueError("The image is finished; go back to the pixel from which to continue in other ways.")
        return self._continuation_job(command, Continuation(generation, command))

    def _continuation_job(self, command: ContinuePixels, continuation: Continuation) -> Iterator[Event | None]:
        last_report = time.perf_counter()
        while not continuation.finished and command.session in self._open:
            continuation.work(PIECE_MS)
            due = time.perf_counter() - last_report >= 1 / CONTINUATION_REPORTS_HZ
            if due and continuation.begun and not continuation.finished:
                last_report = time.perf_counter()
                yield continuation.report(done=False)
            yield None
        yield continuation.report(done=True)

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


def _check_temperature(temperature: float) -> None:
    if not (math.isfinite(temperature) and 0 <= temperature <= MAX_TEMPERATURE):
        raise ValueError(f"The temperature is {temperature:g}; it must be 0 (most likely) to {MAX_TEMPERATURE:g}.")


def _check_breakpoints(command: AdvancePixels) -> None:
    entropy, probability = command.stop_entropy, command.stop_probability
    if entropy is not None and not (math.isfinite(entropy) and entropy >= 0):
        raise ValueError(f"A breakpoint at an entropy of {entropy:g} nats; it must be 0 nats or more.")
    if probability is not None and not 0 <= probability <= 1:
        raise ValueError(f"A breakpoint at a probability of {probability:g}; it must be 0 to 1.")
