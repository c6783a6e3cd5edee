"""The distribution that points are drawn from: the probability of each cell of the grid, by class.

Shapes: Y classes, L₁ columns (x₁), L₂ rows (x₂, upwards).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.points.components import cell_probabilities, normalized
from gmstudio.data.points.curves import SIDE, USUAL_NOISE, made_components
from gmstudio.data.points.mixture_text import WEIGHT_TOLERANCE, parse_mixture
from gmstudio.data.points.pictures import picture_density
from gmstudio.data.points.settings import PointsConfig
from gmstudio.data.points.strokes import EMPTY, stroke_density
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.strokes import WINDOW, parse_strokes

Floats = NDArray[np.float64]

COARSE = 0.25
"""Cells: a deviation below this is lost in the grid."""
FEW_CELLS = 3.0
"""e^H below which a distribution is called nearly a single cell."""
AXIS_TITLES = ("x₁", "x₂")


@dataclass(frozen=True, eq=False)
class PointDensity:
    """A known distribution over the grid.

    Args:
        classes: (Y, L₂, L₁) joint probability p*(y, x) of each class and cell, their sum 1; (Y, 1, L) of one dimension.
        axes: D axes.
        label_names: of the classes; empty: there are none, and Y is 1.
        remarks: what a user should know, sentences.
    """

    classes: Floats
    axes: tuple[PointAxis, ...]
    label_names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def total(self) -> Floats:
        """(L₂, L₁) probability p*(x) of each cell; they sum to 1."""
        return normalized(self.classes.sum(axis=0))


def known_density(config: PointsConfig) -> PointDensity:
    """Return the distribution of any shape but ``csv``, whose distribution nobody knows.

    Raises:
        ConfigError: when the settings make no distribution: nothing is drawn, a text is malformed.
        DataError: when a picture cannot be used.
    """
    assert config.shape != "csv"
    if config.shape in ("mixture_1d", "mixture_2d"):
        density = _mixture(config)
    elif config.shape == "drawn":
        density = _drawn(config)
    elif config.shape == "picture":
        density = _picture(config)
    else:
        density = _made(config)
    if np.exp(entropy(density.total)) < FEW_CELLS:
        remark = (
            "Nearly all probability lies in one cell of the grid, which every model learns at once. Choose more "
            "levels, or spread the points further."
        )
        return PointDensity(density.classes, density.axes, density.label_names, (*density.remarks, remark))
    return density


def density_of(config: PointsConfig) -> Floats:
    """(L₂, L₁) float64 probabilities p*(x) of the cells, their sum 1; see ``known_density``."""
    return known_density(config).total


def class_truths(config: PointsConfig) -> Floats:
    """(Y, L₂, L₁) float64 probabilities p*(x | y) of the cells by class, the sum of each class 1.

    Raises:
        ConfigError: as ``known_density``; or when the shape has no classes.
    """
    density = known_density(config)
    if not density.label_names:
        raise ConfigError({"shape": f"The shape {config.shape} has no classes. Choose moons, spirals or a mixture."})
    weights = density.classes.sum(axis=(1, 2), keepdims=True)
    result: Floats = density.classes / np.maximum(weights, np.finfo(float).tiny)
    return result


def axes_of(config: PointsConfig) -> tuple[PointAxis, ...]:
    """Axes of any shape but ``csv``, one for each dimension; see ``known_density``."""
    return known_density(config).axes


def entropy(probabilities: Floats) -> float:
    """Entropy of probabilities of any shape, in nats: −Σ p log p."""
    positive = probabilities[probabilities > 0]
    return float(-(positive * np.log(positive)).sum())


def _axes(*ends: tuple[float, float]) -> tuple[PointAxis, ...]:
    titles = AXIS_TITLES if len(ends) > 1 else ("x",)
    return tuple(PointAxis(title, low, high) for title, (low, high) in zip(titles, ends, strict=True))


def _made(config: PointsConfig) -> PointDensity:
    noise = USUAL_NOISE[config.shape] if config.noise is None else config.noise
    components, names = made_components(config.shape, noise)
    ends = ((-SIDE, SIDE), (-SIDE, SIDE))
    probabilities = cell_probabilities(components, ends, config.levels)
    cell = 2 * SIDE / config.levels
    sharp = config.shape == "checkerboard" and noise == 0  # its squares are whole cells
    return PointDensity(probabilities, _axes(*ends), names, () if sharp else _coarse("The noise", noise, cell, config))


def _coarse(what: str, deviation: float, cell: float, config: PointsConfig) -> tuple[str, ...]:
    """Sentence on a deviation that the grid is too coarse for."""
    if deviation >= COARSE * cell:
        return ()
    remedy = "Choose more levels or a larger deviation." if config.levels < 256 else "Choose a larger deviation."
    return (
        f"{what} has standard deviation {deviation:g}, much less than a cell ({cell:g}): the grid hides it. {remedy}",
    )


def _mixture(config: PointsConfig) -> PointDensity:
    dims = 1 if config.shape == "mixture_1d" else 2
    field = f"components_{dims}d"
    mixture = parse_mixture(getattr(config, field), dims, field)
    probabilities = cell_probabilities(mixture.components, mixture.ends, config.levels)
    remarks: tuple[str, ...] = ()
    if abs(mixture.weight_sum - 1) > WEIGHT_TOLERANCE:
        remarks += (f"The weights sum to {mixture.weight_sum:g}; they were divided by it.",)
    cells = np.array([(high - low) / config.levels for low, high in mixture.ends])
    ratios = mixture.components.deviations / cells
    component, axis = np.unravel_index(ratios.argmin(), ratios.shape)
    deviation = float(mixture.components.deviations[component, axis])
    remarks += _coarse(f"Component {component + 1}", deviation, float(cells[axis]), config)
    names = tuple(f"component {number + 1}" for number in range(len(probabilities)))
    return PointDensity(probabilities, _axes(*mixture.ends), names, remarks)


def _drawn(config: PointsConfig) -> PointDensity:
    strokes = parse_strokes(config.strokes)
    if not strokes:
        raise ConfigError({"strokes": EMPTY})
    masses = stroke_density(strokes, config.levels)
    if not masses.sum() > 1e-9:
        raise ConfigError({"strokes": "All that was drawn is erased. Draw a stroke with the brush."})
    drawn = [stroke for stroke in strokes if not stroke.erases]
    places = {tuple(point) for stroke in drawn for point in stroke.points}
    remarks: tuple[str, ...] = ()
    if len(places) == 1:
        deviation = (WINDOW[1] - WINDOW[0]) * max(stroke.radius for stroke in drawn)
        remarks = (
            f"The drawing is a single dot: the density is one round Gaussian of standard deviation {deviation:g}. Draw "
            "more for a density with a shape.",
        )
    return PointDensity(normalized(masses)[None], _axes(WINDOW, WINDOW), (), remarks)


def _picture(config: PointsConfig) -> PointDensity:
    if not config.path.strip():
        raise ConfigError({"path": "File is empty. Choose a picture."})
    masses, ratio = picture_density(config.path, config.likely, config.levels)
    half = np.array([1.0, ratio]) * SIDE / max(1.0, ratio)
    remarks: tuple[str, ...] = ()
    if masses.max() - masses.min() < 1e-9 * masses.max():
        remarks = ("All pixels are alike: the density is uniform. Choose another picture for one with a shape.",)
    ends = [(-float(side), float(side)) for side in half]
    return PointDensity(normalized(masses)[None], _axes(*ends), (), remarks)
