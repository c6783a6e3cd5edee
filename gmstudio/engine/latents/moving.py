"""Decoding of a code that moves with a slider: on one thread, in as many steps as there is time for."""

import math
import time
from dataclasses import dataclass

from gmstudio.engine.latents.codes import decode
from gmstudio.engine.runtime.inspection import PIECE_S
from gmstudio.engine.runtime.threads import computing_threads
from gmstudio.families.base import Family, SteppedDecoder
from gmstudio.protocol.latents import Decode, Decoded

BUDGET_S = 0.015
"""Time for one image, so that an image follows each move of a slider at 60 a second."""
FEWEST_STEPS = 2
"""Of a preview: in one step, all codes have nearly the same image."""
MOST_ALONE_S = 0.03
"""Images that take one thread longer are decoded on all."""
FIRST_STEPS = 4
"""Of the first images of a model, whose steps have not been measured."""
MEASURED_STEPS = 8
"""Steps after which the shortest time of one counts; the first ones compile kernels."""


@dataclass
class _Cost:
    """Time of one step of decoding on one thread, or on another device."""

    count: int = 0
    least_s: float = math.inf

    @property
    def known(self) -> float:
        """Seconds; 0: not measured yet."""
        return self.least_s if self.count >= MEASURED_STEPS else 0.0

    def steps(self, most: int) -> int:
        """Steps that there is time for, at most ``most``."""
        return min(most, max(FEWEST_STEPS, int(BUDGET_S / self.known)) if self.known else FIRST_STEPS)

    def note(self, steps: int, seconds: float) -> None:
        """Note the time of an image."""
        self.count += steps
        self.least_s = min(seconds / steps, self.least_s)


class MovingCodes:
    """Decodes codes while they move, and learns from each how many steps there is time for.

    One thread computes: the second core paints the window meanwhile, and threads that wait for one another at each of
    a hundred small operations take longer than one where anything else runs.
    """

    def __init__(self) -> None:
        self._costs: dict[str, _Cost] = {}

    def decode(self, model: Family, step: int, command: Decode) -> Decoded:
        """Decode a code, as a preview where the model decodes in steps and all take longer than ``BUDGET_S``.

        Raises:
            ValueError: as from ``codes.decode``.
        """
        cost, most = self._cost_of(model, command), _steps_of(model)
        steps, preview, view = cost.steps(most), "", model
        if steps < most:
            assert isinstance(model, SteppedDecoder)
            preview, view = model.preview_text(steps), model.with_decode_steps(steps)
        if model.device.type == "cpu" and cost.known * steps > MOST_ALONE_S:
            return decode(view, step, command, preview=preview)
        clock = time.thread_time if model.device.type == "cpu" else time.perf_counter
        with computing_threads(1):
            began = clock()
            event = decode(view, step, command, preview=preview)
            cost.note(steps, clock() - began)
        return event

    def takes_long(self, model: Family, command: Decode) -> bool:
        """Return whether one whole image takes longer than a piece of work, as codes that moved have shown."""
        return self._cost_of(model, command).known * _steps_of(model) > PIECE_S

    def _cost_of(self, model: Family, command: Decode) -> _Cost:
        return self._costs.setdefault(f"{command.run} {model.config}", _Cost())


def _steps_of(model: Family) -> int:
    return model.num_decode_steps if isinstance(model, SteppedDecoder) else 1
