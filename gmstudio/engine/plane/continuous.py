r"""Surfaces of densities of a continuum, integrated over each cell by Gauss–Legendre quadrature.

    p(cell) = ∫_cell p(v) dv ≈ Σ_q w_q p(v_q),   v in units of levels.

Shapes: L levels, M cells, Q nodes in a cell, D dimensions.
"""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from gmstudio.engine.plane.grid import PlaneGrid
from gmstudio.engine.plane.rows import rows_in_pieces
from gmstudio.engine.plane.surface import Surface, SurfaceRequest

FEW_LEVELS = 64
"""Levels up to which a cell of the plane has two nodes on each axis; more levels have one, the midpoint."""
NODES_ON_A_LINE = 8


@runtime_checkable
class ContinuousDensity(Protocol):
    """Families with the density of a continuum, of which levels are cells."""

    def log_density(self, y: Tensor) -> Tensor:
        """(B, C, H, W) floats in [0, 1) → log-density in units of levels, (B,) nats."""


def nodes_per_axis(grid: PlaneGrid) -> int:
    """Number of nodes of a cell on each axis."""
    if grid.dims == 1:
        return NODES_ON_A_LINE
    return 2 if grid.levels <= FEW_LEVELS else 1


def by_quadrature(request: SurfaceRequest) -> Iterator[Surface | None]:
    """Surface of a flow: its density, integrated over each cell."""
    model, grid = request.model, request.grid
    assert isinstance(model, ContinuousDensity)
    like = next(model.parameters())
    levels_MD = grid.levels_of_cells(model.device)
    log_terms: list[Tensor] = []
    nodes, weights = np.polynomial.legendre.leggauss(nodes_per_axis(grid))
    offsets_QD = torch.cartesian_prod(*[torch.from_numpy(0.5 * (nodes + 1.0))] * grid.dims).view(-1, grid.dims)
    shares_Q = torch.cartesian_prod(*[torch.from_numpy(0.5 * weights)] * grid.dims).view(-1, grid.dims).prod(1)
    for offset_D, share in zip(offsets_QD.to(like), shares_Q, strict=True):
        parts: list[Tensor] = []

        def compute(rows: slice, offset_D: Tensor = offset_D, parts: list[Tensor] = parts) -> None:
            with torch.inference_mode():
                y_ND = (levels_MD[rows] + offset_D) / grid.levels
                parts.append(model.log_density(y_ND.view(-1, 1, 1, grid.dims)).double())

        yield from rows_in_pieces(len(levels_MD), compute)
        log_terms.append(torch.cat(parts) + share.log().to(parts[0].device))
    values_M = torch.stack(log_terms).logsumexp(0).exp()
    surface = values_M.cpu().numpy().reshape(grid.shape)
    outside = 1.0 - float(surface.sum())
    note = f"{outside:.2%} of the density lies outside the grid." if outside > 5e-5 else ""
    yield Surface(surface, "quadrature", note)


def is_continuous(model: object) -> bool:
    """Return whether the density of a continuum gives the surface."""
    return isinstance(model, ContinuousDensity)
