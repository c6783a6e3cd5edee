r"""Probabilities of all cells of points of one or two dimensions, by Gauss-Legendre quadrature of a flow's density.

The probability of an integer point is the integral of the continuous density over its cell, here on the real line that
the logit maps places to,

    P(v) = ∫_{h(cell v)} p(h) dh,    h(y) = logit(α + (1 - 2α) y).

A flow has some density beyond [0, 1], where its samples are clamped to the nearest level: so the first and the last
cell of an axis reach to infinity, and the probabilities sum to one.

Source: Theis, van den Oord & Bethge 2016, A note on the evaluation of generative models, arXiv:1511.01844, section 3.1;
Press et al. 2007, Numerical Recipes, section 4.6.

Shapes: N nodes of an axis, D dimensions of the points, L levels.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gmstudio.nn.precision import widest

MASS_TOLERANCE = 5e-6
"""There are ever more nodes, and further out, until all cells together have a mass of 1 within this."""
MAX_AXIS_NODES = 1200
"""Limit of the nodes of an axis."""
FINE_LEVELS = 192
"""From so many levels on, the first try has one node per cell and axis; else two."""
WIDEST_PIECE = 0.5
"""Longer cells on the real line are cut into pieces."""
TAIL_PIECES = (0.25, 0.25, 0.5, 0.5, 1.0, 1.0, 2.0, 4.0)
"""Lengths on the real line into which what lies beyond [0, 1] is cut at first."""
MORE_TAIL_PIECES = (8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
"""Further lengths, two more at each try."""


class Nodes(NamedTuple):
    """Nodes of the quadrature along one axis.

    Args:
        line: (N,) float64, rising, on the real line.
        log_weights: (N,) float64.
        cells: (N,) int64, level whose cell each belongs to.
    """

    line: Tensor
    log_weights: Tensor
    cells: Tensor


def gauss_legendre_nodes(levels: int, alpha: float, num_nodes: int, tail_pieces: Sequence[float]) -> Nodes:
    """Nodes of all cells of an axis and of what lies beyond its ends.

    Args:
        levels: L cells that divide [0, 1].
        alpha: α of the logit.
        num_nodes: nodes of a cell, or of a piece of a long one.
        tail_pieces: lengths of the pieces beyond each end.
    """
    inside = alpha + (1.0 - 2.0 * alpha) * np.linspace(0.0, 1.0, levels + 1)
    bounds = np.log(inside) - np.log1p(-inside)
    tail = np.cumsum(tail_pieces)
    edges, cells = list(bounds[0] - tail[::-1]), [0] * len(tail)
    for cell, (low, high) in enumerate(pairwise(bounds)):
        pieces = math.ceil((high - low) / WIDEST_PIECE)
        edges += list(np.linspace(low, high, pieces + 1)[:-1])
        cells += [cell] * pieces
    edges += [bounds[-1], *(bounds[-1] + tail)]
    cells += [levels - 1] * len(tail)
    unit, weights = np.polynomial.legendre.leggauss(num_nodes)
    half = 0.5 * np.diff(edges)[:, None]
    line = (np.array(edges)[:-1, None] + half * (unit + 1.0)).ravel()
    log_weights = np.log(half * weights).ravel()
    return Nodes(*(torch.from_numpy(part) for part in (line, log_weights, np.repeat(cells, num_nodes))))


def log_cell_masses(
    log_density: Callable[[Tensor], Tensor], num_dims: int, levels: int, alpha: float, like: Tensor
) -> Tensor:
    """Logarithm of each cell's mass.

    Args:
        log_density: (N, D) points of the real line → (N,) nats.
        num_dims: D, 1 or 2.
        levels: L, of each axis.
        alpha: α of the logit.
        like: tensor of the precision and device of the points.

    Returns:
        (L, L), or (1, L) of one dimension, in the device's widest floats; row = level of the second dimension.
    """
    num_nodes, attempt = 1 if levels >= FINE_LEVELS else 2, 1
    while True:
        nodes = gauss_legendre_nodes(levels, alpha, num_nodes, TAIL_PIECES + MORE_TAIL_PIECES[: 2 * attempt])
        log_masses = _quadrature(log_density, num_dims, nodes, levels, like)
        error = abs(float(log_masses.exp().sum()) - 1.0)
        if error <= MASS_TOLERANCE or 2 * len(nodes.line) > MAX_AXIS_NODES:
            return log_masses
        num_nodes, attempt = 2 * num_nodes, attempt + 1


def _quadrature(
    log_density: Callable[[Tensor], Tensor], num_dims: int, nodes: Nodes, levels: int, like: Tensor
) -> Tensor:
    wide = widest(like.device)
    h_N, log_weight_N, cell_N = nodes.line.to(like), nodes.log_weights.to(like.device, wide), nodes.cells
    cell_N = cell_N.to(like.device)
    if num_dims == 1:
        log_N = log_density(h_N.unsqueeze(1)).to(wide) + log_weight_N
        return _grouped_logsumexp(log_N.unsqueeze(0), cell_N, levels)
    row, column = torch.meshgrid(h_N, h_N, indexing="ij")
    log_NN = log_density(torch.stack([column.flatten(), row.flatten()], dim=1)).to(wide).view(len(h_N), -1)
    by_column = _grouped_logsumexp(log_NN + log_weight_N, cell_N, levels)
    return _grouped_logsumexp(by_column.T + log_weight_N, cell_N, levels).T.contiguous()


def _grouped_logsumexp(values_RN: Tensor, group_N: Tensor, num_groups: int) -> Tensor:
    """Log-sum-exp of the columns of each group: (R, groups)."""
    lowest = values_RN.new_full((len(values_RN), num_groups), torch.finfo(values_RN.dtype).min)
    highest = lowest.scatter_reduce(1, group_N.expand_as(values_RN), values_RN, "amax")
    shares = torch.exp(values_RN - highest[:, group_N])
    return highest + torch.zeros_like(highest).index_add(1, group_N, shares).log()
