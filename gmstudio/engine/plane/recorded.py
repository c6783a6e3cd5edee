"""Surfaces that were recorded while a run trained, as messages."""

import math
import time
from typing import get_args

import msgspec
import numpy as np

from gmstudio.protocol.array import Array
from gmstudio.protocol.plane import (
    DrawSurface,
    ListSurfaces,
    SurfaceDrawn,
    SurfaceMethod,
    SurfaceMetrics,
    SurfacesListed,
)
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunDamagedError, RunMissingError
from gmstudio.runs.surfaces import Metrics, list_surfaces, read_surface

METRICS = tuple(field.name for field in msgspec.structs.fields(SurfaceMetrics))


def list_recorded(run: RunFolder, command: ListSurfaces) -> SurfacesListed:
    """List the surfaces of a run.

    Raises:
        RunError: when its history is missing or damaged.
    """
    entries = list_surfaces(run.history)
    return SurfacesListed(
        request=command.request,
        run=command.run,
        steps=Array.of(np.array([entry.step for entry in entries], np.int64)),
        seconds=Array.of(np.array([entry.seconds for entry in entries], np.float64)),
        metrics={
            name: Array.of(np.array([entry.metrics.get(name, math.nan) for entry in entries], np.float64))
            for name in METRICS
        },
    )


def draw_recorded(run: RunFolder, command: DrawSurface, step: int) -> SurfaceDrawn:
    """Surface of a run that was recorded at a step, or the last one before it.

    Raises:
        RunMissingError: when none was recorded.
        RunDamagedError: when it is damaged.
    """
    began = time.perf_counter()
    steps = [entry.step for entry in list_surfaces(run.history)]
    if not steps:
        raise RunMissingError(
            f"{command.run} has no recorded surfaces. They are recorded while a run trains on points."
        )
    surface = read_surface(run.history, max((known for known in steps if known <= step), default=steps[0]))
    if surface.method not in get_args(SurfaceMethod):
        raise RunDamagedError(f"{run.history.path}: the surface of step {surface.step} is damaged.")
    return SurfaceDrawn(
        request=command.request,
        run=command.run,
        method=msgspec.convert(surface.method, SurfaceMethod),
        values=Array.of(surface.values),
        samples=None,
        metrics=recorded_metrics(surface.metrics),
        weights_step=surface.step,
        engine_ms=1e3 * (time.perf_counter() - began),
        note=surface.note,
    )


def recorded_metrics(metrics: Metrics) -> SurfaceMetrics:
    """Metrics from what was stored; NaN for those that an earlier version did not store."""
    return SurfaceMetrics(**{name: metrics.get(name, math.nan) for name in METRICS})
