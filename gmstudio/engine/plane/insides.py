"""Answers about what a model has inside, as messages."""

import time
from collections.abc import Iterator

import numpy as np

from gmstudio.data.dataset import Dataset
from gmstudio.engine.plane.grid import PlaneGrid, grid_of_data
from gmstudio.engine.plane.surface import SurfaceSlot
from gmstudio.engine.plane.views import views_of
from gmstudio.engine.plane.views.view import Drawing, Floats, ViewRequest
from gmstudio.engine.runtime.inspection import exploring_pieces
from gmstudio.families.base import Family
from gmstudio.protocol.base import Event
from gmstudio.protocol.plane import DrawInside, InsideDrawn


def draw_inside(
    model: Family, step: int, dataset: Dataset, command: DrawInside, slot: SurfaceSlot | None = None
) -> Iterator[Event | None]:
    """Draw a view of what a model has inside.

    Args:
        model: whose weights don't change meanwhile.
        step: training step of the weights.
        dataset: that it was trained on.
        command: view and inputs.
        slot: keeps the surface of the model; None: it is not kept.

    Returns:
        A generator of None after each piece, and of ``InsideDrawn``.

    Raises:
        ValueError: at once for a view that the model has not, or a point outside the plane; from the generator for
            inputs that cannot be used.
    """
    grid = grid_of_data(model, dataset)
    views = views_of(model, grid)
    if command.view not in views:
        offered = ", ".join(views) or "none"
        raise ValueError(f"{model.card.title} has no view {command.view!r}; it has {offered}.")
    inputs = {name: given.numpy().astype(np.float64) for name, given in command.inputs.items()}
    point = checked_point(grid, command.point) if command.point else None
    request = ViewRequest(model, dataset, grid, inputs, point, command.seed, slot or SurfaceSlot())
    return _pieces(views[command.view].draw(request), request, step, command)


def _pieces(
    drawings: Iterator[Drawing | None], request: ViewRequest, step: int, command: DrawInside
) -> Iterator[Event | None]:
    spent_s, pieces = 0.0, exploring_pieces(request.model, drawings)
    while True:
        began = time.perf_counter()
        try:
            drawing = next(pieces)
        except StopIteration:
            return
        spent_s += time.perf_counter() - began
        if drawing is None:
            yield None
            continue
        yield InsideDrawn(
            request=command.request,
            run=command.run,
            view=command.view,
            layers=drawing.layers,
            numbers=drawing.numbers,
            note=drawing.note,
            weights_step=step,
            engine_ms=1e3 * spent_s,
            done=drawing.done,
        )
        if drawing.done:
            return


def checked_point(grid: PlaneGrid, point: tuple[float, ...]) -> Floats:
    """Centre of the cell of a point, the nearest one for a point outside: (D,).

    Raises:
        ValueError: when it has another number of coordinates, or one that is not finite.
    """
    if len(point) != grid.dims or not np.isfinite(point).all():
        raise ValueError(f"The point {point} does not fit; give {grid.dims} finite coordinates.")
    centre: Floats = grid.points(grid.snapped(np.array([point])))[0]
    return centre
