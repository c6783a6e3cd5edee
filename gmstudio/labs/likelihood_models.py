r"""Distributions on a line that is cut into cells, and models of them with parameters that are dragged or fitted.

All probabilities are masses of the cells, normalized over the line that is drawn, so that entropy, cross-entropy and KL
are finite sums and their identity holds exactly. Densities are masses over the width of a cell.

Source: Bishop 2006, sections 1.6, 2.3 and 2.5 (histograms). Shapes: M cells, K components or bins.
"""

from abc import ABC, abstractmethod
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from gmstudio.labs.base import Numbers

LOW, HIGH, NUM_CELLS = -6.0, 6.0, 480
WIDTH = (HIGH - LOW) / NUM_CELLS
CENTRES: Numbers = LOW + WIDTH * (np.arange(float(NUM_CELLS)) + 0.5)
NARROWEST, WIDEST = 0.03, 5.0
"""Limits of standard deviations and scales."""
ROOT = float(np.sqrt(2 * np.pi))

TARGETS = {
    "two": ((0.4, -2.4, 0.6), (0.6, 2.0, 0.9)),
    "three": ((0.3, -3.5, 0.5), (0.4, 0.0, 0.7), (0.3, 3.2, 0.4)),
    "skewed": ((0.35, -2.0, 0.4), (0.3, -1.2, 0.7), (0.2, 0.2, 1.0), (0.15, 2.0, 1.5)),
    "one": ((1.0, 0.5, 1.2),),
}
"""Name of p* → weight, mean and standard deviation of its Gaussians."""


def target(name: str) -> Numbers:
    """(M,) masses of p*, all above 0."""
    weights, means, deviations = np.array(TARGETS[name]).T
    density = (weights / deviations * np.exp(-0.5 * np.square((CENTRES[:, None] - means) / deviations))).sum(1)
    found: Numbers = density / density.sum()
    return found


def empirical(masses: Numbers, uniforms: Numbers) -> Numbers:
    """(M,) shares of the cells that uniform numbers, (N,), draw by inversion of the distribution function."""
    cells = np.minimum(np.searchsorted(np.cumsum(masses), uniforms, side="right"), NUM_CELLS - 1)
    return np.bincount(cells, minlength=NUM_CELLS) / len(uniforms)


class Model(ABC):
    """A model p, whose parameters are float64 tensors.

    Attributes:
        parameters: leaves of the graph, by name.
    """

    parameters: dict[str, Tensor]
    along: Literal["x", "y"] | None = None
    """Axis along which handles move; None: freely."""
    help: str = ""
    """What dragging a handle does."""
    note: str = ""
    """The same in a few words."""

    def _set(self, **values: Numbers) -> None:
        self.parameters = {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}
        for parameter in self.parameters.values():
            parameter.requires_grad_(True)

    @abstractmethod
    def log_masses(self) -> Tensor:
        """(M,) log-probabilities of the cells, with their graph."""

    @abstractmethod
    def handles(self) -> Numbers:
        """(K, 2) places of the handles: x and density."""

    @abstractmethod
    def drag(self, points: Numbers) -> None:
        """Set the parameters so that the handles are at these places, (K, 2), or as near as their limits allow."""

    def masses(self) -> Numbers:
        """(M,) probabilities of the cells."""
        found: Numbers = self.log_masses().detach().exp().numpy()
        return found


class Mixture(Model):
    """Mixture of K Gaussians; one is a Gaussian. A handle is the top of a component."""

    help = "Drag a top sideways to move its component, up and down to make it narrower or wider."
    note = "Drag a top: sideways its place, up and down its width"

    def __init__(self, components: int) -> None:
        means = np.linspace(-4.0, 4.0, components) if components > 1 else np.array([1.0])
        self._set(means=means, log_deviations=np.zeros(components), logits=np.zeros(components))

    def log_masses(self) -> Tensor:
        """See ``Model``."""
        x_M1 = torch.from_numpy(CENTRES)[:, None]
        log_deviations = self._log_deviations()
        log_weights = self.parameters["logits"].log_softmax(0)
        terms = log_weights - log_deviations - 0.5 * ((x_M1 - self.parameters["means"]) / log_deviations.exp()) ** 2
        return torch.logsumexp(terms, 1).log_softmax(0)

    def _log_deviations(self) -> Tensor:
        return self.parameters["log_deviations"].clamp(float(np.log(NARROWEST)), float(np.log(WIDEST)))

    def components(self) -> Numbers:
        """(K, 3): weight, mean and standard deviation of each."""
        with torch.no_grad():
            weights, deviations = self.parameters["logits"].softmax(0), self._log_deviations().exp()
            found: Numbers = torch.stack([weights, self.parameters["means"], deviations], 1).numpy()
            return found

    def set_components(self, components: Numbers) -> None:
        """Set weight, mean and standard deviation of each, (K, 3)."""
        weights, means, deviations = components.T
        self._set(
            means=means,
            log_deviations=np.log(np.clip(deviations, NARROWEST, WIDEST)),
            logits=np.log(np.maximum(weights, 1e-12)),
        )

    def handles(self) -> Numbers:
        """See ``Model``."""
        weights, means, deviations = self.components().T
        return np.column_stack([means, weights / (deviations * ROOT)])

    def drag(self, points: Numbers) -> None:
        """See ``Model``; weights stay."""
        weights = self.components()[:, 0]
        deviations = weights / (ROOT * np.maximum(points[:, 1], 1e-6))
        self.set_components(np.column_stack([weights, np.clip(points[:, 0], LOW, HIGH), deviations]))


class DiscretizedLogistic(Model):
    """Logistic whose mass is integrated over each of L levels of the line; the outermost ones hold the tails."""

    help = "Drag the top sideways to move the location, up and down to change the scale."
    note = "Drag the top: sideways its place, up and down its scale"

    def __init__(self, levels: int) -> None:
        self.level_M = np.arange(NUM_CELLS) * levels // NUM_CELLS
        self._sizes = torch.from_numpy(np.bincount(self.level_M).astype(np.float64))
        edges = LOW + WIDTH * np.searchsorted(self.level_M, np.arange(1, levels))
        self._edges = torch.from_numpy(edges)
        self._set(location=np.array([1.0]), log_scale=np.array([-0.5]))

    def log_masses(self) -> Tensor:
        """See ``Model``."""
        scaled = (self._edges - self.parameters["location"]) / self._scale()
        infinite = torch.full((1,), torch.inf, dtype=torch.float64)
        lower, upper = torch.cat([-infinite, scaled]), torch.cat([scaled, infinite])
        # On the side where σ is near 1, the difference of the tails 1 - σ keeps its digits.
        mirrored = lower + upper > 0
        low, high = torch.where(mirrored, -upper, lower), torch.where(mirrored, -lower, upper)
        masses = (torch.sigmoid(high) - torch.sigmoid(low)).clamp_min(1e-300)
        return ((masses / masses.sum()).log() - self._sizes.log())[torch.from_numpy(self.level_M)]

    def _scale(self) -> Tensor:
        return self.parameters["log_scale"].clamp(float(np.log(NARROWEST)), float(np.log(WIDEST))).exp()

    def handles(self) -> Numbers:
        """See ``Model``."""
        location, scale = self.parameters["location"].detach().numpy(), self._scale().detach().numpy()
        return np.column_stack([location, 1 / (4 * scale)])

    def drag(self, points: Numbers) -> None:
        """See ``Model``."""
        scale = np.clip(1 / (4 * np.maximum(points[:, 1], 1e-6)), NARROWEST, WIDEST)
        self._set(location=np.clip(points[:, 0], LOW, HIGH), log_scale=np.log(scale))


class Histogram(Model):
    """Constant density in each of K bins of the line."""

    along = "y"
    help = "Drag the top of a bin up or down; the others share the remaining probability as before."
    note = "Drag the top of a bin up or down"

    def __init__(self, bins: int) -> None:
        self.bin_M = np.arange(NUM_CELLS) * bins // NUM_CELLS
        self._count = bins
        self.sizes = self.of_bins(np.ones(NUM_CELLS))
        self._set(logits=np.log(self.sizes))

    def log_masses(self) -> Tensor:
        """See ``Model``."""
        log_bins = self.parameters["logits"].log_softmax(0) - torch.from_numpy(np.log(self.sizes))
        return log_bins[torch.from_numpy(self.bin_M)]

    def of_bins(self, masses: Numbers) -> Numbers:
        """(K,) sums of cells' masses, (M,)."""
        return np.bincount(self.bin_M, weights=masses, minlength=self._count).astype(np.float64)

    def handles(self) -> Numbers:
        """See ``Model``."""
        return np.column_stack([self.of_bins(CENTRES) / self.sizes, self.of_bins(self.masses()) / (self.sizes * WIDTH)])

    def drag(self, points: Numbers) -> None:
        """See ``Model``."""
        before = self.handles()[:, 1] * self.sizes * WIDTH
        wanted = np.maximum(points[:, 1], 0.0) * self.sizes * WIDTH
        moved = np.abs(wanted - before) > 1e-9
        taken = wanted[moved] * min(1.0, 0.99 / max(float(wanted[moved].sum()), 1e-12))
        left = before[~moved].sum()
        after = before.copy()
        after[moved] = taken
        after[~moved] *= (1 - taken.sum()) / left if left > 0 else 0.0
        self._set(logits=np.log(np.maximum(after, 1e-12)))


def smoothed_histogram(shares: Numbers, draws: int, bins: int, smoothing: float) -> Numbers:
    """(M,) masses of the histogram of most likelihood, with a pseudo-count α for each bin.

    p(bin) = (N_bin + α) / (N + α K). Source: Bishop 2006, section 2.5.1; Manning, Raghavan & Schütze 2008, section
    11.3.2 (smoothing).
    """
    model = Histogram(bins)
    counts = model.of_bins(shares) * draws
    masses = (counts + smoothing) / (draws + smoothing * bins) / model.sizes
    return masses[model.bin_M]


def build(family: str, components: int, levels: int, bins: int) -> Model:
    """Return the model of a family with its parameters at the start."""
    match family:
        case "gaussian":
            return Mixture(1)
        case "mixture":
            return Mixture(components)
        case "logistic":
            return DiscretizedLogistic(levels)
        case _:
            return Histogram(bins)
