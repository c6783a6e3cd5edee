"""Charts of a run's history: training and validation of each term of the objective over the steps."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.runs.report.content import Chart, Line
from gmstudio.protocol.families import Objective
from gmstudio.runs.history import Curve

MOST_POINTS = 300
"""Points of a line; more are averaged in equal parts."""
MOST_CHARTS = 6
SPLITS = (("train", "training"), ("valid", "validation"))


def charts_of(curves: Mapping[tuple[str, str], Curve], objective: Objective | None) -> list[Chart]:
    """Build the charts: first the loss, then its terms, then what else was measured.

    Args:
        curves: (split, name) → steps and values.
        objective: of the run; None: unknown, so that names stand for titles.
    """
    terms = {term.name: term for term in objective.terms} if objective is not None else {}
    names = sorted({name for _split, name in curves}, key=lambda name: (name != "loss", name not in terms))
    charts = []
    for name in names:
        lines = tuple(
            line
            for split, title in SPLITS
            if (split, name) in curves
            for line in [_line(title, curves[(split, name)], faint=split == "train" and ("valid", name) in curves)]
            if len(line.x)
        )
        if lines:
            term = terms.get(name)
            title = term.title if term is not None else name.replace("_", " ")
            charts.append(Chart(title, term.unit if term is not None else "", lines))
    return charts[:MOST_CHARTS]


def _line(name: str, curve: Curve, *, faint: bool) -> Line:
    steps, values = curve
    known = np.isfinite(values)
    x, y = steps[known].astype(np.float64), values[known]
    if len(x) > MOST_POINTS:
        edges = np.linspace(0, len(x), MOST_POINTS + 1).astype(int)
        counts = np.diff(edges)
        x, y = np.add.reduceat(x, edges[:-1]) / counts, np.add.reduceat(y, edges[:-1]) / counts
        name = f"{name} (means of {round(counts.mean()):,} points)"
    return Line(name, x, y, faint)


def extent(chart: Chart) -> tuple[float, float, float, float]:
    """Ends of the axes, x low and high, y low and high; a few peaks at the start may stand out above."""
    x, y = (np.concatenate([part(line) for line in chart.lines]) for part in (_x, _y))
    low, high = float(y.min()), float(np.quantile(y, 0.99))
    high = max(high, max(float(line.y[-1]) for line in chart.lines))
    margin = 0.05 * (high - low) or max(abs(high) * 0.05, 0.5)
    first, last = float(x.min()), float(x.max())
    return first, last if last > first else first + 1.0, low - margin, high + margin


def _x(line: Line) -> NDArray[np.float64]:
    return line.x


def _y(line: Line) -> NDArray[np.float64]:
    return line.y
