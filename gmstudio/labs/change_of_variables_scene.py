"""Scene of the laboratory of the change of variables: maps, densities with an interval, derivatives that multiply.

Densities after a map are drawn through the images of a fine grid of z, where they need no inverse. Shapes: N points.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gmstudio.labs.base import Numbers
from gmstudio.labs.change_of_variables_maps import Base, Composition, MonotoneMap, area
from gmstudio.labs.drawing import small, wide
from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import Guide, Handles, Paths, PlaneLayer, Profile
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Block, Formula, Plane, Scene, Sentence, Table

SPAN = 4.0
TOP = 0.55
"""Upper end of the axis of a density as it is shown first."""
BINS = 64
GRID = np.linspace(-6.0, 6.0, 1201)
NUDGE = 1e-5
"""Half the step of the numerical derivative."""
DIGITS = "₀₁₂₃"


@dataclass(frozen=True, eq=False)
class Shown:
    """What is drawn.

    Args:
        base: density of z.
        flow: the maps.
        samples: (N,) values of x.
        inputs: knots, ends of the interval ``low`` and ``high``, and ``point``.
    """

    base: Base
    flow: Composition
    samples: Numbers
    inputs: Mapping[str, Numbers]

    @property
    def interval(self) -> Numbers:
        """(2,) ends of the interval of z."""
        return np.concatenate([self.inputs["low"], self.inputs["high"]])


def scene(shown: Shown) -> Scene:
    """All of it."""
    maps = tuple(_map_planes(shown))
    finding = Sentence(text=_finding(shown), finding=True)
    of_z, of_x = _density_plane_z(shown), _density_plane_x(shown)
    if len(maps) == 1:  # two planes in a row are of a good size
        return Scene(rows=((*maps, of_x), (finding,), (of_z, _formula(shown)), (_derivatives(shown),)))
    return Scene(rows=(maps, (finding,), (of_z, of_x), (_derivatives(shown),), (_formula(shown),)))


def _name(number: int, last: int) -> str:
    """Name of the variable behind a number of maps."""
    return "z" if number == 0 else "x" if number == last else f"h{DIGITS[number]}"


# ---- maps ----------------------------------------------------------------------------------------------------


def _map_planes(shown: Shown) -> list[Block]:
    planes: list[Block] = []
    values, log_slopes = GRID, np.zeros_like(GRID)
    marks = np.concatenate([shown.interval, shown.inputs["point"]])
    log_base = shown.base.log_density(GRID)
    last = len(shown.flow.maps)
    for number, one in enumerate(shown.flow.maps):
        after, log_slope = one.forward(values)
        marks_after = one.forward(marks)[0]
        before_density = np.exp(log_base - log_slopes)
        log_slopes = log_slopes + log_slope
        profiles = (
            Profile(
                name=f"p({_name(number, last)})", axis="x", places=wide(values), heights=wide(before_density), series=1
            ),
            Profile(
                name=f"p({_name(number + 1, last)})",
                axis="y",
                places=wide(after),
                heights=wide(np.exp(log_base - log_slopes)),
            ),
        )
        planes.append(_map_plane(number, last, one, (marks, marks_after), profiles))
        values, marks = after, marks_after
    return planes


def _map_plane(
    number: int, last: int, one: MonotoneMap, marks: tuple[Numbers, Numbers], profiles: tuple[Profile, Profile]
) -> Plane:
    before, after = _name(number, last), _name(number + 1, last)
    places = np.linspace(-SPAN, SPAN, 401)
    layers: list[PlaneLayer] = [*profiles]
    layers.append(Paths(name="", points=wide(np.column_stack([places, places])[None]), series=-1, dashed=True))
    layers.append(
        Paths(name=f"{after} = f({before})", points=wide(np.column_stack([places, one.forward(places)[0]])[None]))
    )
    for name, label, start, end in zip(("low", "high", "point"), ("a", "b", "z₀"), *marks, strict=True):
        is_first = number == 0
        layers.append(
            Guide(
                name=name if is_first else "",
                axis="x",
                value=float(start),
                label=label if is_first else "",
                help=f"Drag {label}: {'the point' if name == 'point' else 'an end of the interval'}."
                if is_first
                else "",
            )
        )
        layers.append(Guide(name="", axis="y", value=float(end), label=f"f({label})" if last == 1 else ""))
    help_text = "Drag a knot of the map; the knots have to rise on both axes."
    layers.append(Handles(name=f"knots {number + 1}", points=wide(np.column_stack([one.z, one.x])), help=help_text))
    return Plane(
        title="Map" if last == 1 else f"Map {number + 1}",
        x=PointAxis(before, -SPAN, SPAN),
        y=PointAxis(after, -SPAN, SPAN),
        layers=tuple(layers),
        square=True,
        note="Knots, a, b and z₀ can be dragged" if number == 0 else "Knots can be dragged",
    )


# ---- densities -----------------------------------------------------------------------------------------------


def _density_plane_z(shown: Shown) -> Plane:
    low, high = shown.interval.tolist()
    density = np.exp(shown.base.log_density(GRID))
    inside = np.linspace(low, high, 200)
    layers = (
        Paths(
            name="P(a ≤ z ≤ b)", points=_curve(inside, np.exp(shown.base.log_density(inside))), series=1, filled=True
        ),
        Paths(name="p(z)", points=_curve(GRID, density), series=1),
        Guide(name="low", axis="x", value=float(low), label="a", help="Drag an end of the interval."),
        Guide(name="high", axis="x", value=float(high), label="b", help="Drag an end of the interval."),
    )
    return _density_plane("Density of z", "z", layers, f"length b − a = {high - low:.4f}")


def _density_plane_x(shown: Shown) -> Plane:
    values, log_slopes = shown.flow.forward(GRID)
    low, high = shown.interval.tolist()
    inside = np.linspace(low, high, 200)
    images, slopes = shown.flow.forward(inside)
    layers: list[PlaneLayer] = []
    if len(shown.samples):
        counts, edges = np.histogram(shown.samples, BINS, (-SPAN, SPAN))
        heights = counts / len(shown.samples) / np.diff(edges)
        outline = np.column_stack([np.repeat(edges, 2), np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])])
        layers.append(Paths(name=f"{len(shown.samples):,} samples", points=wide(outline[None]), series=2))
    filled = _curve(images, np.exp(shown.base.log_density(inside) - slopes))
    layers += [
        Paths(name="P(f(a) ≤ x ≤ f(b))", points=filled, series=0, filled=True),
        Paths(name="p(x)", points=_curve(values, np.exp(shown.base.log_density(GRID) - log_slopes)), series=0),
        Guide(name="", axis="x", value=float(images[0]), label="f(a)"),
        Guide(name="", axis="x", value=float(images[-1]), label="f(b)"),
    ]
    return _density_plane("Density of x", "x", tuple(layers), f"length f(b) − f(a) = {images[-1] - images[0]:.4f}")


def _density_plane(title: str, name: str, layers: tuple[PlaneLayer, ...], note: str) -> Plane:
    return Plane(
        title=title, x=PointAxis(name, -SPAN, SPAN), y=PointAxis("density", 0.0, TOP), layers=layers, note=note
    )


def _curve(places: Numbers, heights: Numbers) -> Array:
    return wide(np.column_stack([places, heights])[None])


# ---- numbers -------------------------------------------------------------------------------------------------


def _finding(shown: Shown) -> str:
    low, high = shown.interval.tolist()
    images = shown.flow.forward(shown.interval)[0]
    of_z = float(np.diff(shown.base.cdf(shown.interval))[0])
    of_x = area(shown.base, shown.flow, float(images[0]), float(images[1]))
    text = (
        f"P(a ≤ z ≤ b) = {of_z:.7f}, and the area under p(x) from f(a) to f(b) is {of_x:.7f}: they differ by "
        f"{small(abs(of_z - of_x))}."
    )
    if high > low:
        ratio = (images[1] - images[0]) / (high - low)
        text += (
            f" The interval's length is multiplied by {ratio:.4f}, the mean of dx/dz, its mean density divided by it."
        )
    if len(shown.samples):
        text += f" The samples' distribution function is at most {_largest_gap(shown):.4f} from that of p(x)."
    return text


def _largest_gap(shown: Shown) -> float:
    """Kolmogorov's distance of the samples' distribution function from F(x) = F_z(f⁻¹(x))."""
    ordered = np.sort(shown.samples)
    expected = shown.base.cdf(shown.flow.inverse(ordered))
    number = len(ordered)
    steps = np.arange(number + 1) / number
    return float(max(np.abs(steps[1:] - expected).max(), np.abs(steps[:-1] - expected).max()))


def _derivatives(shown: Shown) -> Table:
    point = shown.inputs["point"]
    last = len(shown.flow.maps)
    rows, names, value = [], [], point
    for number, one in enumerate(shown.flow.maps):
        after, log_slope = one.forward(value)
        rows.append([value[0], after[0], np.exp(log_slope[0]), log_slope[0]])
        names.append(f"map {number + 1}: {_name(number, last)} → {_name(number + 1, last)}")
        value = after
    image, total = shown.flow.forward(point)
    rows.append([point[0], image[0], np.exp(sum(row[3] for row in rows)), sum(row[3] for row in rows)])
    ends = shown.flow.forward(np.concatenate([point - NUDGE, point + NUDGE]))[0]
    slope = float(np.diff(ends)[0]) / (2 * NUDGE)
    rows.append([point[0], image[0], slope, np.log(slope)])
    log_p = float(shown.base.log_density(point)[0])
    return Table(
        title="Derivatives at z₀",
        columns=("from", "to", "slope", "log slope"),
        rows=(*names, "all maps", "numerically"),
        values=wide(rows),
        format=".5f",
        note=f"log p(x) = log p(z) − log |dx/dz| = {log_p:.5f} − ({total[0]:.5f}) = {log_p - total[0]:.5f}",
    )


def _formula(shown: Shown) -> Formula:
    count = len(shown.flow.maps)
    if count == 1:
        latex = r"\log p_x(x) = \log p_z(z) - \log \left| \frac{dx}{dz} \right|"
    else:
        names = ["z", *(f"h_{i}" for i in range(1, count)), "x"]
        terms = [rf"\log \left| \frac{{d{b}}}{{d{a}}} \right|" for a, b in pairwise(names)]
        latex = r"\log p_x(x) = \log p_z(z) - " + " - ".join(terms)
    return Formula(latex=latex, title="Change of variables")
