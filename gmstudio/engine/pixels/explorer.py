"""Open generations by number, and continuations of them: the engine's side of the Pixels panel.

A generation keeps a copy of the weights that it was opened with, so its numbers remain exact while training continues;
generations of the same weights share one copy.
"""

import copy
import math
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache
from torch import nn

from gmstudio.engine.pixels.attribution import attribute
from gmstudio.engine.pixels.breakpoints import Breakpoints
from gmstudio.engine.pixels.comparison import compare
from gmstudio.engine.pixels.continuation import Continuations
from gmstudio.engine.pixels.generation import REPLAY_BUDGET_MS, Generation
from gmstudio.engine.pixels.guessing import Guess
from gmstudio.engine.pixels.influence import measure_influence
from gmstudio.engine.pixels.setting import PixelModel, check_seed, checked_levels, setting_of
from gmstudio.families.base import Family
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
    MeasureInfluence,
    OpenPixels,
    PixelsOpened,
    PlacePixel,
    RewindPixels,
)
from gmstudio.protocol.pixels_guessing import GuessPixels

MAX_OPEN = 8
MAX_CONTINUATIONS = 256
MAX_TEMPERATURE = 100.0
MAX_BUDGET_MS = 100.0
REPORTS_HZ = 15.0
"""Of continuations, and of the rounds of a guess."""
PIECE_MS = 4.0
"""A continuation returns control to the engine about this often."""


@dataclass(frozen=True, eq=False)
class _Weights:
    """A copy of a model with the weights of one training step.

    Args:
        source: the model that was copied.
        step: the training step.
        model: the copy.
    """

    source: "weakref.ref[nn.Module]"
    step: int
    model: PixelModel


@dataclass(frozen=True, eq=False)
class _Open:
    """An open generation and its weights."""

    generation: Generation
    weights: _Weights


class PixelExplorer:
    """The open generations, at most ``MAX_OPEN``; the least recently used one is closed for a new one.

    Attributes:
        num_advanced: sub-pixels that all of them have advanced.
    """

    def __init__(self) -> None:
        self.num_advanced = 0
        self._open: LRUCache[int, _Open] = LRUCache(MAX_OPEN)
        self._copies: weakref.WeakSet[_Weights] = weakref.WeakSet()
        self._last_number = 0

    def open(self, model: nn.Module, run: str, weights_step: int, command: OpenPixels) -> list[Event]:
        """Open a generation.

        Args:
            model: of the run, with its current weights; it is copied.
            run: name of the run.
            weights_step: training step of those weights.
            command: what to open.

        Returns:
            ``PixelsOpened`` and ``PixelsMoved``.

        Raises:
            ValueError: when the model is not autoregressive, or the command's values do not fit it.
        """
        if not isinstance(model, PixelModel):
            raise ValueError(
                "Only an autoregressive model generates pixel by pixel; choose a run of such a family, like PixelCNN."
            )
        check_seed(command.seed)
        levels = checked_levels(command, model.image)
        weights = self._weights(model, run, weights_step, command.weights_of)
        setting = setting_of(weights.model, command)
        self._last_number += 1
        number = self._last_number
        generation = Generation(number, run, weights.step, setting, command.seed)
        if levels is not None and command.num_placed:
            channel, row, column = generation.order[: command.num_placed].T
            generation.record(levels[channel, row, column].astype(np.int64))
            generation.move_to(command.num_placed)
        self._open[number] = _Open(generation, weights)
        opened = PixelsOpened(
            request=command.request,
            session=number,
            run=run,
            image=setting.image,
            weights_step=weights.step,
            order=Array.of(generation.order),
            orders=setting.orders,
            order_name=setting.order_name,
            order_words=setting.order_words,
            num_observed=setting.num_observed,
            any_order=setting.any_order,
            num_classes=setting.num_classes,
            classes=setting.classes,
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
            raise ValueError(f"{command.count} pixels cannot be generated; generate 1 or more.")
        if not 0 <= command.budget_ms <= MAX_BUDGET_MS:
            raise ValueError(f"A budget of {command.budget_ms:g} ms; it must be 0 to {MAX_BUDGET_MS:g} ms.")
        breakpoints = None
        if command.stop_entropy is not None or command.stop_probability is not None:
            breakpoints = Breakpoints(command.stop_entropy, command.stop_probability)
        before = generation.step
        generation.advance(command.count, command.temperature, command.budget_ms, breakpoints)
        self.num_advanced += generation.step - before
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
        """Change a placed sub-pixel.

        Raises:
            ValueError: for an unknown session, a sub-pixel that is not placed, a level that does not exist, or a
                temperature out of range.
        """
        generation = self._generation(command.session)
        _check_temperature(command.temperature)
        generation.edit(command.step, command.value, keep=command.keep, temperature=command.temperature)
        return [generation.moved(command.request)]

    def rewind(self, command: RewindPixels) -> list[Event]:
        """Move to a step of the recorded path.

        Raises:
            ValueError: for an unknown session or a step beyond the path.
        """
        generation = self._generation(command.session)
        generation.move_to(command.step, REPLAY_BUDGET_MS)
        return [generation.moved(command.request)]

    def forget(self, command: ForgetPath) -> list[Event]:
        """Drop the recorded path beyond the current step and draw what follows from other uniforms.

        Raises:
            ValueError: for an unknown session or a seed out of range.
        """
        generation = self._generation(command.session)
        check_seed(command.seed)
        generation.forget(command.seed)
        return [generation.moved(command.request)]

    def attribute(self, command: AttributePixel) -> list[Event]:
        """Attribute a conditional to its context.

        Raises:
            ValueError: for an unknown session, a step beyond the current one, or a level that does not exist.
        """
        return [attribute(self._generation(command.session), command)]

    def compare(self, model: Family, run: str, weights_step: int, command: ComparePixels) -> list[Event]:
        """Score the placed sub-pixels with another model.

        Args:
            model: of the other run, with its current weights.
            run: name of the other run.
            weights_step: training step of those weights.
            command: what to compare.

        Raises:
            ValueError: for an unknown session, other images, or an order that the model cannot generate in.
        """
        return [compare(self._generation(command.session), model, run, weights_step, command)]

    def influence(self, model: Family | None, command: MeasureInfluence) -> list[Event]:
        """Measure how a conditional changes with single earlier sub-pixels.

        Args:
            model: of another run, with its current weights; None: the generation's own.
            command: what to measure.

        Raises:
            ValueError: for an unknown session, a step out of range, or a model that cannot be compared.
        """
        return [measure_influence(self._generation(command.session), model, command)]

    def close(self, command: ClosePixels) -> list[Event]:
        """Close a generation; a continuation of it ends at its next piece.

        Raises:
            ValueError: for an unknown session.
        """
        self._generation(command.session)
        del self._open[command.session]
        return [Done(request=command.request)]

    def continuations(self, command: ContinuePixels) -> Iterator[Event | None]:
        """Sample continuations of the current prefix, in small pieces.

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
            raise ValueError(f"{command.count} continuations; sample 1 to {MAX_CONTINUATIONS}.")
        if generation.step == generation.image.num_dims:
            raise ValueError("The image is finished; go back to the pixel from which to sample continuations.")
        return self._continuation_job(command, Continuations(generation, command))

    def _continuation_job(self, command: ContinuePixels, continuations: Continuations) -> Iterator[Event | None]:
        last_report = time.perf_counter()
        while not continuations.finished and command.session in self._open:
            continuations.work(PIECE_MS)
            due = time.perf_counter() - last_report >= 1 / REPORTS_HZ
            if due and continuations.begun and not continuations.finished:
                last_report = time.perf_counter()
                yield continuations.report(done=False)
            yield None
        yield continuations.report(done=True)

    def guess(self, command: GuessPixels) -> Iterator[Event | None]:
        """Guess all sub-pixels after a step, a round at a time, with the weights that the generation has now.

        The generation may be closed meanwhile, as it is where one with newer weights takes its place.

        Returns:
            A generator of None after each round and of ``PixelsGuessed`` about 15 times a second, the last ``done``.

        Raises:
            ValueError: at once, for an unknown session, a finished image, values out of range, or a model without a
                pass that computes all conditionals.
        """
        generation = self._generation(command.session)
        _check_temperature(command.temperature)
        if command.seed != -1:
            check_seed(command.seed)
        return self._guess_job(Guess(generation, command))

    def _guess_job(self, guess: Guess) -> Iterator[Event | None]:
        last_report = time.perf_counter()
        while not guess.done:
            guess.advance()
            if not guess.done and time.perf_counter() - last_report >= 1 / REPORTS_HZ:
                last_report = time.perf_counter()
                yield guess.report()
            yield None
        yield guess.report()

    def _generation(self, number: int) -> Generation:
        return self._entry(number).generation

    def _entry(self, number: int) -> _Open:
        try:
            return self._open[number]
        except KeyError:
            raise ValueError(
                f"Generation {number} is not open any more (at most {MAX_OPEN} are kept); open it again."
            ) from None

    def _weights(self, model: nn.Module, run: str, step: int, weights_of: int) -> _Weights:
        """Return those of another generation, or a copy of the model's; a copy in use is shared."""
        if weights_of:
            entry = self._entry(weights_of)
            if entry.generation.run != run:
                raise ValueError(f"Generation {weights_of} is of another run; its weights cannot be used for {run}.")
            return entry.weights
        for weights in self._copies:
            if weights.source() is model and weights.step == step:
                return weights
        copied = copy.deepcopy(model).eval().requires_grad_(False)
        assert isinstance(copied, PixelModel), "the copy of an autoregressive model is one"
        weights = _Weights(weakref.ref(model), step, copied)
        self._copies.add(weights)
        return weights


def _check_temperature(temperature: float) -> None:
    if not (math.isfinite(temperature) and 0 <= temperature <= MAX_TEMPERATURE):
        raise ValueError(f"The temperature is {temperature:g}; it must be 0 (most likely) to {MAX_TEMPERATURE:g}.")


def _check_breakpoints(command: AdvancePixels) -> None:
    entropy, probability = command.stop_entropy, command.stop_probability
    if entropy is not None and not (math.isfinite(entropy) and entropy >= 0):
        raise ValueError(f"A breakpoint at an entropy of {entropy:g} nats; it must be 0 nats or more.")
    if probability is not None and not 0 <= probability <= 1:
        raise ValueError(f"A breakpoint at a probability of {probability:g}; it must be 0 to 1.")
