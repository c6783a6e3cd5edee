"""Surfaces that a family computes itself, as a table of the probabilities of all cells."""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor

from gmstudio.engine.plane.surface import Surface, SurfaceRequest
from gmstudio.engine.runtime.inspection import in_background
from gmstudio.families.base import Family
from gmstudio.families.insides import GridDensity


def by_table(request: SurfaceRequest) -> Iterator[Surface | None]:
    """Surface from the family's table, which a thread computes: it can't be divided, and may take a second.

    The thread has a copy of the model, so that nothing that happens meanwhile changes it.
    """
    model = copy.deepcopy(request.model).eval()
    assert isinstance(model, GridDensity)
    method = model.grid_method

    def compute() -> Tensor:
        with torch.inference_mode():
            return model.log_prob_grid().exp().double().cpu()

    for table in in_background(compute):
        yield None if table is None else Surface(table.numpy().reshape(request.grid.shape), method)


def has_table(model: Family) -> bool:
    """Return whether the family computes the table."""
    return isinstance(model, GridDensity)
