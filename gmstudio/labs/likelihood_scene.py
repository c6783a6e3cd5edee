"""Scenes of the laboratory of maximum likelihood: densities, parts of the likelihood, directions of KL, overfitting.

Entropies are of densities, in nats: of the masses of the cells, plus the logarithm of a cell's width. Shapes: M cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gmstudio.labs import likelihood_models as models
from gmstudio.labs.base import Numbers
from gmstudio.labs.drawing import line, wide
from gmstudio.labs.information import cross_entropy, entropy, kl
from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import Dots, Handles, Paths, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Curves, Plane, Scene, Sentence, Table

TOP = 0.5
"""Upper end of the density's axis as it is shown first."""
MOST_HANDLES = 40
SHOWN_DRAWS = 400
HISTOGRAM_BINS = 40
"""Bins in which the draws are shown beside p*; they divide the cells."""
CAPACITIES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 30, 40, 48, 60, 80, 96, 120)
LOG_WIDTH = float(np.log(models.WIDTH))
Track = Sequence[tuple[int, float, float]]


@dataclass(frozen=True, eq=False)
class Data:
    """What a model is compared with.

    Args:
        truth: (M,) masses of p*.
        shares: (M,) shares p̂ of the draws.
        draws: their number n.
    """

    truth: Numbers
    shares: Numbers
    draws: int


def identity(data: Data, model: models.Model, track: Track, *, to_truth: bool) -> Scene:
    """The likelihood and its parts."""
    return Scene(
        rows=(
            (
                density_plane("Density of p* and of the model p", "model", data.truth, model, data),
                _course(track, data, to_truth),
            ),
            (Sentence(text=_identity_finding(data, model), finding=True),),
            (_parts(data, model),),
        )
    )


def density_plane(title: str, name: str, truth: Numbers, model: models.Model, data: Data | None = None) -> Plane:
    """Densities over the line, with the draws below and handles on the model; ``name`` is that of their input."""
    layers: list[PlaneLayer] = [
        Paths(name="p*", points=_path(truth), series=-1, filled=True),
        Paths(name="p", points=_path(model.masses()), series=0),
    ]
    if data is not None:
        layers.append(Paths(name="histogram", points=wide(_histogram(data)[None]), series=1, dashed=True))
        layers.append(Dots(name=f"{data.draws:,} draws", points=wide(_rug(data)), series=1))
    handles = model.handles()
    if len(handles) <= MOST_HANDLES:
        layers.append(Handles(name=name, points=wide(handles), help=model.help, along=model.along))
    return Plane(
        title=title,
        x=PointAxis("x", models.LOW, models.HIGH),
        y=PointAxis("density", 0.0, TOP),
        layers=tuple(layers),
        note=model.note if len(handles) <= MOST_HANDLES else f"At most {MOST_HANDLES} bins can be dragged.",
    )


def _path(masses: Numbers) -> Array:
    return wide(np.column_stack([models.CENTRES, masses / models.WIDTH])[None])


def _histogram(data: Data) -> Numbers:
    """(N, 2) outline of the draws' density in wide bins."""
    heights = data.shares.reshape(HISTOGRAM_BINS, -1).sum(1) * HISTOGRAM_BINS / (models.HIGH - models.LOW)
    edges = np.linspace(models.LOW, models.HIGH, HISTOGRAM_BINS + 1)
    return np.column_stack([np.repeat(edges, 2), np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])])


def _rug(data: Data) -> Numbers:
    cells = np.flatnonzero(data.shares)
    cells = cells[:: max(1, len(cells) // SHOWN_DRAWS)]
    return np.column_stack([models.CENTRES[cells], np.full(len(cells), 0.012)])


def _course(track: Track, data: Data, to_truth: bool) -> Curves:
    steps, of_data, of_truth = np.array(track, np.float64).T
    lines = [line("of p*: H(p*, p)", steps, of_truth)]
    if not to_truth:
        lines.append(line("of the draws: −mean log p", steps, of_data))
    ends = np.array([0.0, max(10.0, steps[-1])])
    lines.append(line("least possible: H(p*)", ends, np.full(2, entropy(data.truth) + LOG_WIDTH)))
    return Curves(
        title="Cross-entropy in the steps",
        x_title="gradient step",
        y_title="nats",
        lines=tuple(lines),
        x_range=(0.0, float(ends[1])),
        y_range=_range([candidate.y.numpy() for candidate in lines]),
    )


def _range(heights: Sequence[Numbers]) -> tuple[float, float]:
    finite = np.concatenate(heights)
    low, high = float(finite.min()), float(finite.max())
    margin = max(0.05, 0.1 * (high - low))
    return low - margin, high + margin


def parts(p: Numbers, q: Numbers) -> tuple[float, float, float]:
    """Entropy H(p), KL(p ‖ q) and cross-entropy H(p, q), each computed by itself, nats of densities."""
    return entropy(p) + LOG_WIDTH, kl(p, q), cross_entropy(p, q) + LOG_WIDTH


def _parts(data: Data, model: models.Model) -> Table:
    columns = []
    for p in (data.truth, data.shares):
        own, divergence, cross = parts(p, model.masses())
        columns.append([own, divergence, own + divergence, cross, round(own + divergence - cross, 12) + 0.0])
    mean = columns[1][3]
    return Table(
        title="Parts of the negative log-likelihood (nats)",
        columns=("true density p*", f"{data.draws:,} draws"),
        rows=("entropy H", "KL to the model p", "sum of both", "cross-entropy, −E[log p]", "difference"),
        values=wide(np.array(columns).T),
        format=".6f",
        note=f"Log-likelihood of the draws: {-mean * data.draws:,.4f} nats, counted in cells of {models.WIDTH:g}.",
    )


def _identity_finding(data: Data, model: models.Model) -> str:
    own, divergence, cross = parts(data.truth, model.masses())
    return (
        f"H(p*, p) = {cross:.6f} = {own:.6f} + {divergence:.6f} = H(p*) + KL(p* ‖ p). Only the KL depends on the "
        f"model: {divergence:.4f} nats can still be gained by fitting p*, and no model falls below {own:.4f}."
    )


# ---- forward and reverse -------------------------------------------------------------------------------------


def directions(truth: Numbers, forward: models.Model, reverse: models.Model) -> Scene:
    """Fits by KL(p* ‖ p) and by KL(p ‖ p*), side by side."""
    rows = []
    for model in (forward, reverse):
        p = model.masses()
        mean, deviation = moments(p)
        rows.append([kl(truth, p), kl(p, truth), mean, deviation])
    mean, deviation = moments(truth)
    table = Table(
        title="Both divergences of both fits (nats)",
        columns=("KL(p* ‖ p)", "KL(p ‖ p*)", "mean", "standard deviation"),
        rows=("fit by KL(p* ‖ p)", "fit by KL(p ‖ p*)", "p*"),
        values=wide([*rows, [0.0, 0.0, mean, deviation]]),
        format=".5f",
    )
    return Scene(
        rows=(
            (
                density_plane("Forward: least KL(p* ‖ p), maximum likelihood", "forward", truth, forward),
                density_plane("Reverse: least KL(p ‖ p*)", "reverse", truth, reverse),
            ),
            (Sentence(text=_directions_finding(rows, deviation), finding=True),),
            (table,),
        )
    )


def moments(masses: Numbers) -> tuple[float, float]:
    """Mean and standard deviation."""
    mean = float(masses @ models.CENTRES)
    return mean, float(np.sqrt(masses @ np.square(models.CENTRES - mean)))


def _directions_finding(rows: Sequence[Sequence[float]], deviation: float) -> str:
    (forward, forward_back, _, wide_deviation), (reverse, reverse_back, _, narrow) = rows
    return (
        f"The forward fit has KL(p* ‖ p) = {forward:.4f}, the reverse one {reverse:.4f}; in KL(p ‖ p*) they have "
        f"{forward_back:.4f} and {reverse_back:.4f} nats. Standard deviations: forward {wide_deviation:.2f}, reverse "
        f"{narrow:.2f}, p* {deviation:.2f}. Forward KL asks for probability wherever p* has some, and covers its "
        "modes; reverse KL asks for none where p* has little, and seeks a mode."
    )


# ---- overfitting ---------------------------------------------------------------------------------------------


def overfitting(data: Data, model: models.Model, track: Track, smoothing: float, *, to_truth: bool) -> Scene:
    """Cross-entropies of the draws and of p* against the capacity of a histogram, and in the steps of the model."""
    of_draws, of_truth = capacity_curves(data, smoothing)
    own = entropy(data.truth) + LOG_WIDTH
    sizes = np.array(CAPACITIES, np.float64)
    lines = (
        line("of the draws (training)", sizes, of_draws),
        line("of p* (new data)", sizes, of_truth),
        line("least possible: H(p*)", sizes[[0, -1]], [own, own]),
    )
    curves = Curves(
        title="Cross-entropy of fitted histograms",
        x_title="bins",
        y_title="nats",
        lines=lines,
        x_range=(1.0, float(CAPACITIES[-1])),
        y_range=_range([candidate.y.numpy() for candidate in lines]),
    )
    best = int(np.argmin(of_truth))
    last = len(CAPACITIES) - 1
    text = (
        f"With n = {data.draws:,} draws, the histogram of {CAPACITIES[best]} bins is nearest to p* "
        f"({of_truth[best]:.4f} nats). With {CAPACITIES[last]} bins the draws have {of_draws[last]:.4f} nats and p* "
        f"{_written(of_truth[last])}: a gap of {_written(of_truth[last] - of_draws[last])} that comes from fitting the "
        "draws themselves."
    )
    if np.isinf(of_truth).any():
        text += " It is infinite where a bin without a draw has probability 0 in the model and not in p*."
    plane = density_plane("Density of p* and of the model p", "model", data.truth, model, data)
    return Scene(
        rows=(
            (plane, curves),
            (Sentence(text=text, finding=True),),
            (_course(track, data, to_truth),),
            (_parts(data, model),),
        )
    )


def _written(nats: float) -> str:
    return "∞ nats" if np.isinf(nats) else f"{nats:.4f} nats"


def capacity_curves(data: Data, smoothing: float) -> tuple[Numbers, Numbers]:
    """Cross-entropies of the draws and of p* under the histogram of each size in ``CAPACITIES``, nats."""
    fitted = [models.smoothed_histogram(data.shares, data.draws, bins, smoothing) for bins in CAPACITIES]
    of_draws, of_truth = ([cross_entropy(p, q) + LOG_WIDTH for q in fitted] for p in (data.shares, data.truth))
    return np.array(of_draws), np.array(of_truth)
