r"""Markov chains on a grid of states with known probabilities: Metropolis and Gibbs, as matrices and as draws.

    Metropolis   P_ij = q min(1, π_j / π_i)  for j in a box around i, the rest of the probability stays at i
    Gibbs        x1 ~ π(x1 | x2), then x2 ~ π(x2 | x1); or one of the two, drawn at random

A chain has the stationary distribution π where πP = π. Detailed balance, π_i P_ij = π_j P_ji, implies that; Gibbs
sampling in a fixed order has the one without the other.

Source: MacKay 2003, chapter 29; Bishop 2006, sections 11.2 and 11.3. Shapes: G places on an axis, S = G² states, number
of a state = G · row + column; row x2, column x1.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gmstudio.labs.base import Numbers
from gmstudio.labs.information import total_variation

T = TypeVar("T", bound=np.generic)

GRID = 20
LOW, HIGH = -3.0, 3.0
CENTRES: Numbers = LOW + (HIGH - LOW) / GRID * (np.arange(float(GRID)) + 0.5)
MODES = {
    "two": np.array([[-1.3, -1.0], [1.3, 1.0]]),
    "four": np.array([[-1.5, -1.5], [-1.5, 1.5], [1.5, -1.5], [1.5, 1.5]]),
}


def density(name: str, modes: Numbers, width: float, correlation: float) -> Numbers:
    """(G, G) probabilities.

    Args:
        name: ``two`` or ``four`` Gaussians at ``modes``, ``correlated``, ``ring``.
        modes: (K, 2) centres.
        width: standard deviation of the Gaussians, and across the ring.
        correlation: of the correlated Gaussian, whose deviations are 1.
    """
    x1, x2 = np.meshgrid(CENTRES, CENTRES)
    if name == "correlated":
        energy = (x1**2 - 2 * correlation * x1 * x2 + x2**2) / (2 * (1 - correlation**2))
    elif name == "ring":
        energy = (np.hypot(x1, x2) - 2.0) ** 2 / (2 * width**2)
    else:
        squares = [((x1 - a) ** 2 + (x2 - b) ** 2) / (2 * width**2) for a, b in modes]
        energy = -np.logaddexp.reduce([-square for square in squares])
    weights = np.exp(np.maximum(-(energy - energy.min()), -300.0))
    found: Numbers = weights / weights.sum()
    return found


# ---- transition matrices -------------------------------------------------------------------------------------


def offsets(radius: int) -> list[tuple[int, int]]:
    """Moves (rows, columns) that are proposed, all with equal probability: a box without its centre."""
    span = range(-radius, radius + 1)
    return [(down, right) for down in span for right in span if (down, right) != (0, 0)]


def metropolis_matrix(pi: Numbers, radius: int) -> Numbers:
    """(S, S) probabilities of the next state; proposals outside the grid are rejected."""
    size = pi.size
    flat, numbers = pi.ravel(), np.arange(size, dtype=np.int64).reshape(pi.shape)
    matrix = np.zeros((size, size))
    moves = offsets(radius)
    for down, right in moves:
        start, end = _shifted(numbers, down, right)
        matrix[start, end] = np.minimum(1.0, flat[end] / flat[start]) / len(moves)
    matrix[np.arange(size), np.arange(size)] = np.maximum(0.0, 1.0 - matrix.sum(1))
    return matrix


def _shifted(values: NDArray[T], down: int, right: int) -> tuple[NDArray[T], NDArray[T]]:
    """Values at the states from which a move stays on the grid, and at those that it leads to, (N,) each."""
    rows, columns = values.shape
    top, bottom = max(0, -down), rows - max(0, down)
    left, edge = max(0, -right), columns - max(0, right)
    moved = values[top + down : bottom + down, left + right : edge + right]
    return values[top:bottom, left:edge].ravel(), moved.ravel()


def gibbs_halves(pi: Numbers) -> tuple[Numbers, Numbers]:
    """(S, S) each: x1 is drawn given x2, and x2 given x1."""
    rows, columns = pi.shape
    along_row = pi / pi.sum(1, keepdims=True)
    along_column = pi / pi.sum(0, keepdims=True)
    first, second = (np.zeros((rows, columns, rows, columns)) for _ in range(2))
    for row in range(rows):
        first[row, :, row, :] = along_row[row]
    for column in range(columns):
        second[:, column, :, column] = along_column[:, column]
    return first.reshape(pi.size, pi.size), second.reshape(pi.size, pi.size)


def transition_matrix(pi: Numbers, kind: str, radius: int) -> Numbers:
    """(S, S) probabilities of one step of ``metropolis``, ``gibbs_scan`` or ``gibbs_random``; rows sum to one."""
    if kind == "metropolis":
        return metropolis_matrix(pi, radius)
    if kind == "gibbs_scan":  # the old x1 is forgotten: x1 is drawn from its row, then x2 from the new column
        of_row, of_column = pi / pi.sum(1, keepdims=True), pi / pi.sum(0, keepdims=True)
        next_state = of_row[:, None, :] * of_column
        return np.repeat(next_state, GRID, axis=0).reshape(pi.size, pi.size)
    first, second = gibbs_halves(pi)
    return 0.5 * (first + second)


def acceptance_rates(pi: Numbers, largest: int) -> Numbers:
    """(largest,) shares of proposals that the chain at rest accepts, for radius 1, 2, …; those off the grid count."""
    flow = np.zeros(largest + 1)
    for down, right in offsets(largest):
        start, end = _shifted(pi, down, right)
        flow[max(abs(down), abs(right))] += np.minimum(start, end).sum()
    sizes = (2 * np.arange(1, largest + 1) + 1) ** 2 - 1
    found: Numbers = np.cumsum(flow[1:]) / sizes
    return found


@dataclass(frozen=True, eq=False)
class Balance:
    """What a transition matrix P does to π.

    Args:
        detailed: largest |π_i P_ij - π_j P_ji|.
        stationary: largest |(πP)_j - π_j|.
    """

    detailed: float
    stationary: float


def balance(pi: Numbers, matrix: Numbers) -> Balance:
    """Test detailed balance and stationarity."""
    flat = pi.ravel()
    flow = flat[:, None] * matrix
    return Balance(float(np.abs(flow - flow.T).max()), float(np.abs(flow.sum(0) - flat).max()))


def distances(pi: Numbers, matrix: Numbers, start: int, steps: int) -> Numbers:
    """(steps + 1,) total variation between π and the distribution after 0, 1, … steps from one state."""
    now = np.zeros(pi.size)
    now[start] = 1.0
    found = [total_variation(now, pi.ravel())]
    for _ in range(steps):
        now = now @ matrix
        found.append(total_variation(now, pi.ravel()))
    return np.array(found)


def exact_autocorrelation(pi: Numbers, matrix: Numbers, lags: int) -> Numbers:
    """(lags + 1,) autocorrelation of x1 in the chain at rest: Σ π_i f_i (P^k f)_i / Var f."""
    flat = pi.ravel()
    values = np.tile(CENTRES, GRID)
    centred = values - flat @ values
    weighted, ahead = flat * centred, centred
    found = [float(weighted @ ahead)]
    for _ in range(lags):
        ahead = matrix @ ahead
        found.append(float(weighted @ ahead))
    return np.array(found) / found[0]


# ---- draws ---------------------------------------------------------------------------------------------------


class GridChain:
    """A chain that is run step by step.

    Args:
        pi: (G, G) stationary distribution.
        kind: ``metropolis``, ``gibbs_scan`` or ``gibbs_random``.
        radius: of the proposals of Metropolis.
        start: number of the first state.

    Attributes:
        path: numbers of all states, the start first.
        accepted: proposals that were accepted.
    """

    def __init__(self, pi: Numbers, kind: str, radius: int, start: int) -> None:
        self.kind = kind
        self.path = [start]
        self.accepted = 0
        self._p = pi.ravel().tolist()
        self._moves = offsets(radius)
        self._row_sums = np.cumsum(pi / pi.sum(1, keepdims=True), axis=1).tolist()
        self._column_sums = np.cumsum(pi / pi.sum(0, keepdims=True), axis=0).T.tolist()

    def run(self, uniforms: Numbers) -> None:
        """Make as many steps as there are rows of uniform numbers, (N, 2)."""
        step = {"metropolis": self._metropolis, "gibbs_scan": self._scan, "gibbs_random": self._random}[self.kind]
        state = self.path[-1]
        for first, second in uniforms.tolist():
            state = step(state, first, second)
            self.path.append(state)

    def _metropolis(self, state: int, first: float, second: float) -> int:
        down, right = self._moves[int(first * len(self._moves))]
        row, column = state // GRID + down, state % GRID + right
        if not (0 <= row < GRID and 0 <= column < GRID):
            return state
        proposed = row * GRID + column
        if second * self._p[state] >= self._p[proposed]:
            return state
        self.accepted += 1
        return proposed

    def _scan(self, state: int, first: float, second: float) -> int:
        return self._draw_row(self._draw_column(state, first), second)

    def _random(self, state: int, first: float, second: float) -> int:
        return self._draw_column(state, second) if first < 0.5 else self._draw_row(state, second)

    def _draw_column(self, state: int, uniform: float) -> int:
        """x1 given x2."""
        row = state // GRID
        return row * GRID + min(bisect_right(self._row_sums[row], uniform), GRID - 1)

    def _draw_row(self, state: int, uniform: float) -> int:
        """x2 given x1."""
        column = state % GRID
        return min(bisect_right(self._column_sums[column], uniform), GRID - 1) * GRID + column


def shares(path: list[int]) -> Numbers:
    """(S,) shares of the states among those visited, without the start unless it is the only one."""
    visited = path[1:] or path
    return np.bincount(visited, minlength=GRID * GRID) / len(visited)


def nearest_state(place: Numbers) -> int:
    """Number of the state whose cell holds a place (x1, x2), or of the nearest one."""
    column, row = (min(max(int((value - LOW) / (HIGH - LOW) * GRID), 0), GRID - 1) for value in place)
    return row * GRID + column


def places(path: list[int]) -> Numbers:
    """(N, 2) coordinates of states."""
    numbers = np.array(path)
    return np.column_stack([CENTRES[numbers % GRID], CENTRES[numbers // GRID]])
