r"""Increasing maps of a line through given points, their inverses and derivatives; base densities.

Between neighbouring knots (z_k, x_k), (z_{k+1}, x_{k+1}) with slope s and derivatives d_k, d_{k+1} > 0 the map is a
rational quadratic, at ξ = (z - z_k) / (z_{k+1} - z_k):

    x = x_k + (x_{k+1} - x_k) (s ξ² + d_k ξ(1-ξ)) / (s + (d_{k+1} + d_k - 2s) ξ(1-ξ))

It increases wherever the knots do, and its inverse is a root of a quadratic. Outside the knots it is a straight line.
The derivatives at the knots come from the slopes beside them, by the harmonic mean.

Source: Gregory & Delbourgo 1982, Piecewise Rational Quadratic Interpolation to Monotonic Data, IMA J. Numer. Anal. 2;
Durkan, Bekasov, Murray & Papamakarios 2019, Neural Spline Flows, section 3.1; Fritsch & Butland 1984 (derivatives).
Shapes: N points, K knots.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.labs.base import Numbers

LEAST_STEP = 1e-3
"""Least distance of neighbouring knots on either axis."""
EDGE = 3.0
"""The uniform density goes from -3 to 3."""
NODES, DEEPEST, TOLERANCE = 12, 16, 1e-10
"""Of the quadrature in each piece: nodes, most halvings, difference at which a piece is not halved any more."""


class MonotoneMap:
    """Increasing map x = f(z).

    Args:
        knots: (K, 2) points (z, x), increasing in both, K ≥ 2.

    Raises:
        ValueError: when they do not increase; the message names the knots.
    """

    def __init__(self, knots: Numbers) -> None:
        self.z, self.x = (np.array(column) for column in knots.T)
        for name, values, fault in (("z", self.z, "is no function"), ("x", self.x, "folds and has no inverse")):
            wrong = np.flatnonzero(np.diff(values) < LEAST_STEP)
            if len(wrong):
                k = int(wrong[0])
                raise ValueError(
                    f"Knot {k + 2} has {name} = {values[k + 1]:.3f}, not above knot {k + 1} at {values[k]:.3f}: the "
                    f"map {fault}. Keep the knots rising."
                )
        self._slopes = np.diff(self.x) / np.diff(self.z)
        self._derivatives = self._at_knots()

    def _at_knots(self) -> Numbers:
        s: Numbers = self._slopes
        if len(s) == 1:
            return np.repeat(s, 2)
        inner: Numbers = 2 * s[:-1] * s[1:] / (s[:-1] + s[1:])
        return np.concatenate([s[:1], inner, s[-1:]])

    def forward(self, z: Numbers) -> tuple[Numbers, Numbers]:
        """(N,) z → x and log dx/dz."""
        k = np.clip(np.searchsorted(self.z, z, side="right") - 1, 0, len(self._slopes) - 1)
        inside = np.clip((z - self.z[k]) / (self.z[k + 1] - self.z[k]), 0.0, 1.0)
        value, slope = self._piece(k, inside)
        low, high = z < self.z[0], z > self.z[-1]
        d = self._derivatives
        value = np.where(
            low, self.x[0] + d[0] * (z - self.z[0]), np.where(high, self.x[-1] + d[-1] * (z - self.z[-1]), value)
        )
        return value, np.log(np.where(low, d[0], np.where(high, d[-1], slope)))

    def _piece(self, k: NDArray[np.int64], xi: Numbers) -> tuple[Numbers, Numbers]:
        s, d0, d1 = self._slopes[k], self._derivatives[k], self._derivatives[k + 1]
        mixed = xi * (1 - xi)
        bottom = s + (d1 + d0 - 2 * s) * mixed
        value = self.x[k] + (self.x[k + 1] - self.x[k]) * (s * xi**2 + d0 * mixed) / bottom
        slope = s**2 * (d1 * xi**2 + 2 * s * mixed + d0 * (1 - xi) ** 2) / bottom**2
        return value, slope

    def inverse(self, x: Numbers) -> Numbers:
        """(N,) x → z."""
        k = np.clip(np.searchsorted(self.x, x, side="right") - 1, 0, len(self._slopes) - 1)
        s, d0, d1 = self._slopes[k], self._derivatives[k], self._derivatives[k + 1]
        height = self.x[k + 1] - self.x[k]
        risen = np.clip(x - self.x[k], 0.0, height)
        spare = d1 + d0 - 2 * s
        a = height * (s - d0) + risen * spare
        b = height * d0 - risen * spare
        c = -s * risen
        # The root in [0, 1], written so that no two nearly equal numbers are subtracted.
        xi = 2 * c / (-b - np.sqrt(np.maximum(b**2 - 4 * a * c, 0.0)))
        z = self.z[k] + xi * (self.z[k + 1] - self.z[k])
        d = self._derivatives
        below, above = self.z[0] + (x - self.x[0]) / d[0], self.z[-1] + (x - self.x[-1]) / d[-1]
        found: Numbers = np.where(x < self.x[0], below, np.where(x > self.x[-1], above, z))
        return found


class Composition:
    """Maps one after another.

    Args:
        maps: the first one is applied to z.
    """

    def __init__(self, maps: Sequence[MonotoneMap]) -> None:
        self.maps = tuple(maps)

    def forward(self, z: Numbers) -> tuple[Numbers, Numbers]:
        """(N,) z → x and log dx/dz, the sum of the maps' own."""
        total = np.zeros_like(z)
        for one in self.maps:
            z, log_slope = one.forward(z)
            total = total + log_slope
        return z, total

    def inverse(self, x: Numbers) -> Numbers:
        """(N,) x → z."""
        for one in reversed(self.maps):
            x = one.inverse(x)
        return x


@dataclass(frozen=True)
class Base:
    """Density of z.

    Args:
        log_density: (N,) z → nats.
        cdf: (N,) z → probability below.
        quantile: (N,) uniforms in (0, 1) → z.
    """

    log_density: Callable[[Numbers], Numbers]
    cdf: Callable[[Numbers], Numbers]
    quantile: Callable[[Numbers], Numbers]


def _by_torch(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Numbers], Numbers]:
    return lambda values: np.asarray(function(torch.from_numpy(np.asarray(values, np.float64))), np.float64)


def _uniform_log_density(z: Numbers) -> Numbers:
    return np.where(np.abs(z) <= EDGE, -np.log(2 * EDGE), -np.inf)


BASES = {
    "gaussian": Base(
        lambda z: -0.5 * z**2 - 0.5 * float(np.log(2 * np.pi)),
        _by_torch(torch.special.ndtr),
        _by_torch(torch.special.ndtri),
    ),
    "logistic": Base(
        lambda z: -np.abs(z) - 2 * np.log1p(np.exp(-np.abs(z))), _by_torch(torch.sigmoid), _by_torch(torch.logit)
    ),
    "uniform": Base(
        _uniform_log_density, lambda z: np.clip((z + EDGE) / (2 * EDGE), 0.0, 1.0), lambda u: EDGE * (2 * u - 1)
    ),
}


def log_density(base: Base, flow: Composition, x: Numbers) -> Numbers:
    """Log p_x(x) = log p_z(f⁻¹(x)) - log |dx/dz| at f⁻¹(x), (N,) nats."""
    z = flow.inverse(x)
    found: Numbers = base.log_density(z) - flow.forward(z)[1]
    return found


def breaks(flow: Composition) -> Numbers:
    """Values of x between which the whole map is smooth, rising."""
    found: list[Numbers] = []
    for number, one in enumerate(flow.maps):
        found.append(Composition(flow.maps[number:]).forward(one.z)[0])
    return np.unique(np.concatenate(found))


def area(base: Base, flow: Composition, low: float, high: float) -> float:
    """∫ p_x(x) dx from low to high, by Gauss-Legendre quadrature.

    The pieces between the breaks of the map are halved where their halves do not sum to the whole.
    """
    inner = np.concatenate([breaks(flow), flow.forward(np.array([-EDGE, 0.0, EDGE]))[0]])
    ends = np.unique(np.concatenate([[low], inner[(inner > low) & (inner < high)], [high]]))
    pieces = np.stack([ends[:-1], ends[1:]], axis=1)
    whole = _integrals(base, flow, pieces)
    total = 0.0
    for _ in range(DEEPEST):
        middle = pieces.mean(1)
        halves = np.stack([pieces[:, 0], middle, middle, pieces[:, 1]], axis=1).reshape(-1, 2)
        parts = _integrals(base, flow, halves).reshape(-1, 2)
        done = np.abs(parts.sum(1) - whole) < TOLERANCE
        total += float(parts[done].sum())
        pieces, whole = halves.reshape(-1, 2, 2)[~done].reshape(-1, 2), parts[~done].ravel()
        if not len(pieces):
            break
    return total + float(whole.sum())


def _integrals(base: Base, flow: Composition, pieces: Numbers) -> Numbers:
    """(P,) integrals of p_x over (P, 2) pieces."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    halves = np.diff(pieces, axis=1) / 2
    places = pieces[:, :1] + halves * (nodes + 1)
    density = np.exp(log_density(base, flow, places.ravel())).reshape(places.shape)
    found: Numbers = (halves * weights * density).sum(1)
    return found
