r"""Quick surfaces of densities of a continuum, by the midpoint rule.

    p(cell) = ∫_cell p(v) dv ≈ p(centre),   v in units of levels.

Of many levels every second midpoint is computed on each axis, and log p is interpolated by a cubic between them. What
lies beyond the axes is left out, so that the mass is below one.

Shapes: N nodes of an axis, D dimensions.
"""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional

from gmstudio.engine.plane.rows import rows_in_pieces
from gmstudio.engine.plane.surface import Surface, SurfaceRequest
from gmstudio.families.base import Family

MOST_NODES = 128
"""Nodes of an axis of the plane."""
NODES = 2048
"""Rows of a slice."""


@runtime_checkable
class ContinuousDensity(Protocol):
    """Families with the density of a continuum, of which levels are cells."""

    def log_density(self, y: Tensor) -> Tensor:
        """(B, C, H, W) floats in [0, 1) → log-density in units of levels, (B,) nats."""


def by_midpoints(request: SurfaceRequest) -> Iterator[Surface | None]:
    """Surface of a flow by its density at the centres of cells."""
    model, grid = request.model, request.grid
    assert isinstance(model, ContinuousDensity)
    count = min(grid.levels, MOST_NODES) if grid.dims == 2 else grid.levels
    line = (torch.arange(count) + 0.5) / count
    y_ND = torch.cartesian_prod(*[line] * grid.dims).view(-1, grid.dims).flip(1).to(next(model.parameters()))
    parts: list[Tensor] = []

    def compute(rows: slice) -> None:
        with torch.inference_mode():
            parts.append(model.log_density(y_ND[rows].view(-1, 1, 1, grid.dims)))

    yield from rows_in_pieces(len(y_ND), NODES, compute)
    log_RC = torch.cat(parts).view(-1, count)
    if count < grid.levels:
        log_RC = functional.interpolate(log_RC[None, None], size=grid.shape, mode="bicubic", align_corners=False)[0, 0]
    values = log_RC.cpu().double().exp().numpy()
    outside = 1.0 - float(values.sum())
    note = "By the midpoint rule" + (f"; {outside:.1%} of the mass lies beyond the axes." if outside > 5e-4 else ".")
    yield Surface(values, "quadrature", note)


def has_density(model: Family) -> bool:
    """Return whether the density of a continuum can be computed."""
    return isinstance(model, ContinuousDensity)
