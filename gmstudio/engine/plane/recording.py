"""Recording of a model's surface while it trains on points.

Steps at which a surface is due: 0, 1, 2, 5, 10, 20, 50 …, then those of a regular interval, at most that of the
samples, and the last one. A due one is recorded where all of them take at most a fiftieth of the time of training and
a quarter of a second, which is spread over its steps; where only samples exist, a twentieth, and fewer are counted.
"""

import math
import time
from collections.abc import Iterator

import msgspec
import numpy as np

from gmstudio.data.dataset import Dataset
from gmstudio.engine.plane.grid import grid_of_data, is_points
from gmstudio.engine.plane.metrics import Reference
from gmstudio.engine.plane.rules import rule_for, surface_pieces
from gmstudio.engine.plane.surface import Surface
from gmstudio.families.base import Family
from gmstudio.protocol.base import Event
from gmstudio.protocol.plane import SurfaceRecorded
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.surfaces import StoredSurface, append_surface, list_surfaces

SHARE = 0.02
"""Largest share of the time of training that recording takes."""
COUNTED_SHARE = 0.05
"""The same where samples have to be drawn and counted, without which there would hardly be any surface of diffusion."""
LEAST_S = 0.25
"""Time that it may take besides, so that a training of some seconds leaves a film, too."""
FIRST = 0.2
"""Part of ``LEAST_S`` for the first steps; the rest follows with the root of the part of the steps that are made."""
LAST_S = 0.25
"""Time that the last one may take in any case, with which a film ends."""
FRAMES = 80
"""Number of surfaces that a film of a whole training has at least, where the time allows it."""
FEWEST_COUNTED = 400
MOST_COUNTED = 20_000


def is_due(step: int, training: Training) -> bool:
    """Return whether a surface is to be recorded at a step."""
    interval = min(_round_down(training.steps / FRAMES), max(1, training.sample_every))
    return step % interval == 0 or step >= training.steps or (step < interval and step == _round_down(step))


class SurfaceRecorder:
    """Records surfaces of the model of one run.

    Args:
        run: run folder, open for writing.
        model: on its device.
        dataset: of points.
    """

    def __init__(self, run: RunFolder, model: Family, dataset: Dataset) -> None:
        self._run, self._model, self._dataset = run, model, dataset
        self._grid = grid_of_data(model, dataset)
        self._reference = Reference.of(self._grid, dataset)
        self._counts = rule_for(model).method == "histogram"
        self._trained_s = self._earlier_s = self._spent_s = self._cost_s = 0.0
        self._counted = FEWEST_COUNTED
        self._begun = False

    def trained(self, seconds: float) -> None:
        """Note the time of a training step."""
        self._trained_s += seconds

    def record(self, step: int) -> Iterator[Event | None]:
        """Record the surface of the present weights where it is due: yields None after each piece, then the event.

        A surface that is not finite, of weights that diverged, is not recorded.

        Raises:
            RunError: when it cannot be written.
        """
        if not self._begun:
            self._begun = True
            self._earlier_s = max((entry.seconds for entry in list_surfaces(self._run.history)), default=0.0)
        if not is_due(step, self._run.record.training) or not self._affordable(step):
            return
        before_s, labels = self._spent_s, self._dataset.train.labels
        pieces = surface_pieces(
            self._model, self._grid, self._run.record.training.seed, labels, self._counted, quick=True
        )
        surface: Surface | None = None
        while surface is None or not surface.done:
            began = time.perf_counter()
            surface = next(pieces) or surface
            self._spent_s += time.perf_counter() - began
            yield None
        began = time.perf_counter()
        event = self._store(step, surface) if np.isfinite(surface.values).all() else None
        self._spent_s += time.perf_counter() - began
        self._cost_s = self._spent_s - before_s
        self._counted = surface.counted or self._counted
        yield event

    def _store(self, step: int, surface: Surface) -> SurfaceRecorded:
        seconds, metrics = self._earlier_s + self._trained_s, self._reference.measure(surface)
        stored = StoredSurface(
            step,
            seconds,
            surface.method or "",
            surface.note,
            msgspec.structs.asdict(metrics),
            surface.values.astype(np.float32),
        )
        append_surface(self._run.history, stored)
        return SurfaceRecorded(run=self._run.name, step=step, seconds=seconds, metrics=metrics)

    def _affordable(self, step: int) -> bool:
        """Return whether there is time for another one; how many samples it may count depends on that, too."""
        share = COUNTED_SHARE if self._counts else SHARE
        made = min(1.0, step / self._run.record.training.steps)
        besides_s = LEAST_S * (FIRST + (1.0 - FIRST) * math.sqrt(made))
        left_s = besides_s + share * self._trained_s - self._spent_s
        if made == 1.0:
            left_s = max(left_s, LAST_S)
        if not self._counts or not self._cost_s:
            return self._cost_s <= left_s
        affordable = int(self._counted * left_s / self._cost_s)
        if affordable < FEWEST_COUNTED:
            return False
        self._cost_s *= min(affordable, MOST_COUNTED) / self._counted
        self._counted = min(affordable, MOST_COUNTED)
        return True


def recorder_for(run: RunFolder, model: Family, dataset: Dataset) -> SurfaceRecorder | None:
    """Return the recorder of a run of points; None: its data are no points, or its model has no density."""
    if not dataset.axes or not is_points(dataset.image) or rule_for(model).method is None:
        return None
    return SurfaceRecorder(run, model, dataset)


def _round_down(number: float) -> int:
    """Largest of 1, 2, 5, 10, 20, 50 … up to a number; 1 for smaller ones."""
    if number <= 1:
        return 1
    power: int = 10 ** int(math.log10(number) + 1e-9)
    return next(factor * power for factor in (5, 2, 1) if factor * power <= number + 1e-9)
