r"""Probabilities of all cells of points of one or two dimensions, by quadrature of a flow's density.

The probability of an integer point is the integral of the continuous density over its cell, here on the real line that
the logit maps places to,

    P(v) = ∫_{h(cell v)} p(h) dh,    h(y) = logit(α + (1 - 2α) y).

A flow has some density beyond [0, 1], where its samples are clamped to the nearest level: so the first and the last
cell of an axis reach to infinity, and the probabilities sum to one.

The first rule has evenly spaced midpoints m_i in y, and for each piece around one (p(m_{i-1}) + 22 p(m_i) +
p(m_{i+1}))/24, which is exact for cubics; a smooth density that vanishes at both ends sums to one with an error that
falls faster than any power of the spacing. Beyond [0, 1] there are Gauss-Legendre nodes on the real line. Where the sum
is not one, there are more midpoints, then Gauss-Legendre nodes everywhere, ever further out.

Source: Theis, van den Oord & Bethge 2016, A note on the evaluation of generative models, arXiv:1511.01844, section 3.1;
Press et al. 2007, Numerical Recipes, sections 4.1, 4.5 and 4.6; Trefethen & Weideman 2014, The exponentially convergent
trapezoidal rule, SIAM Review 56.

Shapes: N nodes of an axis, R rows (N of the other axis, or 1), D dimensions of the points, L levels.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.nn.precision import widest

MASS_TOLERANCE = 1e-5
"""Another rule is tried until all cells together have a mass of 1 within this."""
FINE_LEVELS = 192
"""From so many levels on, the first try has one midpoint per cell and axis; else two."""
MAX_AXIS_NODES = 1200
"""Rules of more nodes per axis are not tried."""
ROWS = 2**13
"""Points of a piece of work."""
WIDEST_PIECE = 0.5
"""Cells that are longer on the real line are cut into pieces."""
TAIL_PIECES = (0.25, 0.25, 0.5, 0.5, 1.0, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Lengths on the real line into which what lies beyond [0, 1] is cut."""
FEW_TAIL_PIECES, FEW_TAIL_NODES = (1.0, 1.5, 2.5, 5.0), 4
"""The same for the first rules, and the nodes of each."""
FAR_TAIL_PIECES = (32.0, 64.0, 128.0, 256.0)


class Nodes(NamedTuple):
    """Nodes of a quadrature along one axis.

    Args:
        line: (N,) float64, rising, on the real line.
        log_weights: (N,) float64.
        cells: (N,) int64, level whose cell each belongs to.
        even: first and last + 1 of those that are evenly spaced in y, of which the inner ones share in each other's
            pieces and the two outermost do nothing else; None: there are none.
    """

    line: Tensor
    log_weights: Tensor
    cells: Tensor
    even: tuple[int, int] | None = None


def midpoint_nodes(levels: int, alpha: float, num_nodes: int) -> Nodes:
    """Evenly spaced midpoints in y, and a few Gauss-Legendre nodes beyond each end.

    Args:
        levels: L cells that divide [0, 1].
        alpha: α of the logit.
        num_nodes: midpoints of a cell.
    """
    pieces = levels * num_nodes
    places = (np.arange(-1, pieces + 1) + 0.5) / pieces
    if 0.5 / pieces >= alpha / (1.0 - 2.0 * alpha):  # there is no density so far beyond the ends
        places[[0, -1]] = places[[1, -2]]
    below = alpha + (1.0 - 2.0 * alpha) * places
    above = alpha + (1.0 - 2.0 * alpha) * (1.0 - places)
    inner = np.log(below) - np.log(above)
    log_weights = math.log((1.0 - 2.0 * alpha) / pieces) - np.log(below) - np.log(above)
    edge = math.log(1.0 - alpha) - math.log(alpha)
    tail, tail_weights = _gauss_legendre(edge + np.cumsum((0.0, *FEW_TAIL_PIECES)), FEW_TAIL_NODES)
    cells = np.arange(-1, pieces + 1).clip(0, pieces - 1) // num_nodes
    count = len(tail)
    line = np.concatenate([-tail[::-1], inner, tail])
    all_weights = np.concatenate([tail_weights[::-1], log_weights, tail_weights])
    all_cells = np.concatenate([[0] * count, cells, [levels - 1] * count])
    even = (count, count + len(places))
    return Nodes(torch.from_numpy(line), torch.from_numpy(all_weights), torch.from_numpy(all_cells), even)


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
    line, log_weights = _gauss_legendre(np.array(edges), num_nodes)
    cell_N = np.repeat(cells, num_nodes)
    return Nodes(torch.from_numpy(line), torch.from_numpy(log_weights), torch.from_numpy(cell_N))


def _gauss_legendre(edges: NDArray[np.float64], num_nodes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and log-weights of the pieces between rising edges."""
    unit, weights = np.polynomial.legendre.leggauss(num_nodes)
    half = 0.5 * np.diff(edges)[:, None]
    return (edges[:-1, None] + half * (unit + 1.0)).ravel(), np.log(half * weights).ravel()


def log_cell_masses(
    log_density: Callable[[Tensor], Tensor], num_dims: int, levels: int, alpha: float, like: Tensor
) -> Iterator[Tensor | None]:
    """Logarithm of each cell's mass.

    Args:
        log_density: (N, D) points of the real line → (N,) nats.
        num_dims: D, 1 or 2.
        levels: L, of each axis.
        alpha: α of the logit.
        like: tensor of the precision and device of the points.

    Yields:
        None after each piece; then (L, L), or (1, L) of one dimension, in the device's widest floats; row = level of
        the second dimension.
    """
    best, least = None, math.inf
    for nodes in _rules(levels, alpha):
        if best is not None and len(nodes.line) > MAX_AXIS_NODES:
            continue
        logs = []
        for points_ND in _points(nodes, num_dims, like).split(ROWS):
            logs.append(log_density(points_ND))
            yield None
        log_masses = _summed(torch.cat(logs), nodes, num_dims, levels)
        error = abs(float(log_masses.exp().sum()) - 1.0)
        if best is None or error < least:
            best, least = log_masses, error
        if error <= MASS_TOLERANCE:
            break
    yield best


def _rules(levels: int, alpha: float) -> Iterator[Nodes]:
    """Rules in the order in which they are tried."""
    first = 1 if levels >= FINE_LEVELS else 2
    yield midpoint_nodes(levels, alpha, first)
    yield midpoint_nodes(levels, alpha, 2 * first)
    yield gauss_legendre_nodes(levels, alpha, 3, TAIL_PIECES)
    yield gauss_legendre_nodes(levels, alpha, 6, TAIL_PIECES + FAR_TAIL_PIECES)


def _points(nodes: Nodes, num_dims: int, like: Tensor) -> Tensor:
    """(N, D) points: all pairs of nodes, row by row, or the nodes themselves."""
    h_N = nodes.line.to(like)
    if num_dims == 1:
        return h_N.unsqueeze(1)
    row, column = torch.meshgrid(h_N, h_N, indexing="ij")
    return torch.stack([column.flatten(), row.flatten()], dim=1)


def _summed(log_density_N: Tensor, nodes: Nodes, num_dims: int, levels: int) -> Tensor:
    """Logarithms of the cells' masses from the density at all points."""
    wide = widest(log_density_N.device)
    log_weight_N, cell_N = nodes.log_weights.to(log_density_N.device, wide), nodes.cells.to(log_density_N.device)
    log_RN = log_density_N.to(wide).view(-1, len(cell_N)) + log_weight_N
    if num_dims == 2:
        log_RN = log_RN + log_weight_N.unsqueeze(1)
    highest = log_RN.max()
    mass_RN = torch.exp(log_RN - highest)
    if nodes.even is not None:
        mass_RN = _shared(mass_RN, nodes.even)
    mass = mass_RN.new_zeros(len(mass_RN), levels).index_add(1, cell_N, mass_RN)
    if num_dims == 2:
        mass_RN = mass if nodes.even is None else _shared(mass.T, nodes.even).T
        mass = mass_RN.new_zeros(levels, levels).index_add(0, cell_N, mass_RN)
    log_mass = highest + mass.log()
    if bool((mass == 0.0).any()):  # beyond the range of the exponential
        log_RL = _grouped_logsumexp(log_RN, cell_N, levels)
        plain = log_RL if num_dims == 1 else _grouped_logsumexp(log_RL.T, cell_N, levels).T
        log_mass = torch.where(mass == 0.0, plain, log_mass)
    lowest = math.log(torch.finfo(wide).tiny)  # so that no exponential is 0, which the mass of no cell is
    return log_mass.clamp(min=lowest).contiguous()


def _shared(mass_RN: Tensor, even: tuple[int, int]) -> Tensor:
    """Masses of the pieces around evenly spaced midpoints, from the density there: 1, 22 and 1 parts in 24."""
    first, last = even
    inner = mass_RN[:, first:last]
    shared = mass_RN.clone()
    shared[:, first + 1 : last - 1] = (inner[:, :-2] + 22.0 * inner[:, 1:-1] + inner[:, 2:]) / 24.0
    shared[:, [first, last - 1]] = 0.0
    return shared


def _grouped_logsumexp(values_RN: Tensor, group_N: Tensor, num_groups: int) -> Tensor:
    """Log-sum-exp of the columns of each group: (R, groups)."""
    lowest = values_RN.new_full((len(values_RN), num_groups), torch.finfo(values_RN.dtype).min)
    highest = lowest.scatter_reduce(1, group_N.expand_as(values_RN), values_RN, "amax")
    shares = torch.exp(values_RN - highest[:, group_N])
    return highest + torch.zeros_like(highest).index_add(1, group_N, shares).log()
