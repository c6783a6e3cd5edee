"""Answers about the density of a model of points, as messages."""

import time
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset
from gmstudio.engine.evaluation.label_mixture import label_mixture
from gmstudio.engine.plane.counting import NUM_COUNTED
from gmstudio.engine.plane.grid import grid_of_data
from gmstudio.engine.plane.metrics import UNKNOWN, Reference
from gmstudio.engine.plane.rules import rule_for, surface_pieces
from gmstudio.engine.plane.surface import Surface, SurfaceSlot
from gmstudio.engine.plane.views import views_of
from gmstudio.engine.runtime.inspection import exploring
from gmstudio.families.base import Family, Sampler
from gmstudio.families.generation import sample_in_pieces
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.data import SPLITS, SplitName
from gmstudio.protocol.plane import DrawSurface, OpenPlane, PlaneOpened, SurfaceDrawn

T = TypeVar("T")

MAX_POINTS = 50_000
MAX_SAMPLES = 10_000
PATIENCE_S = 0.05
"""Time that a surface waits for the samples beside it; after it, it is sent without them first."""


def open_plane(model: Family, dataset: Dataset, command: OpenPlane) -> PlaneOpened:
    """Describe a run of points.

    Raises:
        ValueError: for a number of points that is out of range.
    """
    if not 0 <= command.num_points <= MAX_POINTS:
        raise ValueError(f"{command.num_points:,} points of each split; ask for 0 to {MAX_POINTS:,}.")
    grid, rule = grid_of_data(model, dataset), rule_for(model)
    points: dict[SplitName, Array] = {}
    labels: dict[SplitName, Array] = {}
    for name in SPLITS:
        split = dataset.split(name)
        points[name] = Array.of(grid.points(split.images[: command.num_points]).astype(np.float32))
        if split.labels is not None:
            labels[name] = Array.of(split.labels[: command.num_points])
    return PlaneOpened(
        request=command.request,
        run=command.run,
        axes=grid.axes,
        levels=grid.levels,
        truth=None if dataset.truth is None else Array.of(dataset.truth.astype(np.float64)),
        points=points,
        labels=labels,
        method=rule.method,
        method_help=rule.help,
        views=tuple(view.describe(model, grid) for view in views_of(model, grid).values()),
    )


def draw_surface(
    model: Family, step: int, dataset: Dataset, command: DrawSurface, slot: SurfaceSlot | None = None
) -> Iterator[Event | None]:
    """Compute the surface of a model, with samples beside it.

    Args:
        model: whose weights don't change meanwhile.
        step: training step of the weights.
        dataset: that it was trained on.
        command: number of samples and seed.
        slot: keeps the surface of the model; None: it is not kept.

    Returns:
        A generator of None after each piece, and of ``SurfaceDrawn``.

    Raises:
        ValueError: at once, for a number of samples out of range.
    """
    if not 0 <= command.num_samples <= MAX_SAMPLES:
        raise ValueError(f"{command.num_samples:,} samples beside the surface; ask for 0 to {MAX_SAMPLES:,}.")
    return _SurfaceJob(model, step, dataset, command, slot or SurfaceSlot()).pieces()


class _SurfaceJob:
    def __init__(self, model: Family, step: int, dataset: Dataset, command: DrawSurface, slot: SurfaceSlot) -> None:
        self._model, self._step, self._dataset, self._command = model, step, dataset, command
        self._slot = slot
        self._grid = grid_of_data(model, dataset)
        self._reference = Reference.of(self._grid, dataset)
        self._spent_s = 0.0

    def pieces(self) -> Iterator[Event | None]:
        known = self._slot.surface
        if known is not None:
            yield from self._with_samples(known)
            return
        last: Surface | None = None
        if rule_for(self._model).has_quick and not self._slot.quick:
            for surface in self._timed(self._surface(quick=True)):
                yield None if surface is None else self._event(surface, None, done=False)
        for surface in self._timed(self._surface(quick=self._slot.quick)):
            if surface is None or (surface.done and surface.samples is None):
                last = surface or last
                yield None
            else:
                last = surface
                if surface.done:
                    self._slot.surface = surface
                yield self._event(surface, self._some(surface.samples), done=surface.done)
        if last is None:
            nothing = np.full(self._grid.shape, np.nan)
            yield self._event(Surface(nothing, None, rule_for(self._model).help), None, done=True)
        elif last.samples is None:
            self._slot.surface = last
            yield from self._with_samples(last)

    def _surface(self, *, quick: bool) -> Iterator[Surface | None]:
        labels = self._dataset.train.labels
        return surface_pieces(self._model, self._grid, self._command.seed, labels, NUM_COUNTED, quick=quick)

    def _with_samples(self, surface: Surface) -> Iterator[Event | None]:
        """Events of a surface, beside which samples have to be drawn where none were counted."""
        if surface.samples is not None:
            yield self._event(surface, self._some(surface.samples), done=True)
            return
        if not self._command.num_samples or not isinstance(self._model, Sampler):
            yield self._event(surface, None, done=True)
            return
        began, sent = time.monotonic(), False
        for images in self._timed(self._samples()):
            if images is not None:
                yield self._event(surface, images, done=True)
            elif not sent and time.monotonic() - began > PATIENCE_S:
                sent = True
                yield self._event(surface, None, done=False)
            else:
                yield None

    def _samples(self) -> Iterator[NDArray[np.uint8] | None]:
        command = self._command
        return draw_samples(self._model, command.num_samples, command.seed, self._dataset.train.labels)

    def _timed(self, pieces: Iterator[T]) -> Iterator[T]:
        """Pieces of work, whose time is added up."""
        while True:
            began = time.perf_counter()
            try:
                piece = next(pieces)
            except StopIteration:
                return
            finally:
                self._spent_s += time.perf_counter() - began
            yield piece

    def _some(self, samples: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
        return None if samples is None or not self._command.num_samples else samples[: self._command.num_samples]

    def _event(self, surface: Surface, samples: NDArray[np.uint8] | None, *, done: bool) -> SurfaceDrawn:
        return SurfaceDrawn(
            request=self._command.request,
            run=self._command.run,
            method=surface.method,
            values=Array.of(surface.values.astype(np.float32)),
            samples=None if samples is None else Array.of(self._grid.within_cells(samples, self._command.seed)),
            metrics=UNKNOWN if surface.method is None else self._reference.measure(surface),
            weights_step=self._step,
            engine_ms=1e3 * self._spent_s,
            note=surface.note,
            done=done,
        )


def draw_samples(
    model: Family, count: int, seed: int, labels: NDArray[np.int64] | None
) -> Iterator[NDArray[np.uint8] | None]:
    """Draw points from a model: yields None after each piece, then images (N, 1, 1, D).

    Args:
        model: that can be sampled from.
        count: N.
        seed: of all noise.
        labels: of the training points, with whose frequencies the labels of class-conditional models are drawn.
    """
    assert isinstance(model, Sampler)
    generator = torch.Generator(model.device).manual_seed(seed)
    mixture = label_mixture(model, labels)
    given = None
    if mixture is not None:
        random = np.random.default_rng([seed, 3])
        shares = np.array(list(mixture.frequencies.values()))
        given = torch.from_numpy(random.choice(mixture.labels, count, p=shares / shares.sum()))
    pieces = sample_in_pieces(model, count, generator, given)
    while True:
        with exploring(model):
            images = next(pieces, None)
        yield None if images is None else images.cpu().numpy()
        if images is not None:
            return
