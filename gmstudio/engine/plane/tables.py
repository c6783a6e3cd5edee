"""Surfaces that a family computes itself, as a table of the probabilities of all cells."""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor

from gmstudio.engine.plane.continuous import by_midpoints, has_density
from gmstudio.engine.plane.surface import Surface, SurfaceRequest
from gmstudio.engine.runtime.inspection import in_background
from gmstudio.families.base import Family
from gmstudio.families.insides import GridDensity


def by_table(request: SurfaceRequest) -> Iterator[Surface | None]:
    """Surface from the family's table, which a thread computes: it can't be divided, and may take a second.

    A quick one is by the midpoint rule, where there is a density of a continuum.

    The thread has a copy of the model, so that nothing that happens meanwhile changes it.
    """
    if request.quick and has_density(request.model):
        yield from by_midpoints(request)
        return
    model = copy.deepcopy(request.model).eval()
    assert isinstance(model, GridDensity)
    method = model.grid_method

    def compute() -> Tensor:
        with torch.inference_mode():
            return model.log_prob_grid().exp().cpu().double()

    for table in in_background(compute):
        yield None if table is None else Surface(table.numpy().reshape(request.grid.shape), method)


def has_table(model: Family) -> bool:
    """Return whether the family computes the table."""
    return isinstance(model, GridDensity)
