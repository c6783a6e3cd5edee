"""Legend of a plot: the value of each curve at the cursor, as it was recorded and smoothed."""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from PySide6.QtCore import Qt

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.curve_line import Trace

LEGEND_TIP = (
    "Values at the line, else the newest ones. A faint line is what was recorded, the bold one its average. "
    "The gap is validation minus the mean of the last training values; ★ is the best validation value."
)
MAX_NAME = 28
"""Letters of the name of a run, of which the tooltip has all."""
SIGNS = {Qt.PenStyle.DashLine: "╍", Qt.PenStyle.DotLine: "┈", Qt.PenStyle.DashDotLine: "┉"}


class Reading(NamedTuple):
    """Value of a curve at the cursor.

    Args:
        trace: the curve.
        value: as recorded, in the displayed unit; NaN beyond the ends of the run.
        smoothed: of the bold line; NaN where the curve is not smoothed.
        recent: mean of the last values recorded up to the cursor.
    """

    trace: Trace
    value: float
    smoothed: float = math.nan
    recent: float = math.nan


def legend_html(title: str, details: str, readings: Sequence[Reading]) -> str:
    """Title and details of the plot, and the values of each label side by side, those of several runs with their names.

    Args:
        title: of the plot.
        details: unit, axis and place of the cursor.
        readings: values of the curves.
    """
    muted = theme().color("muted").name()
    parts = [f"<b>{title}</b><span style='color:{muted}'>{details}</span>"]
    several = len({r.trace.owner for r in readings}) > 1
    for label in dict.fromkeys(r.trace.label for r in readings if r.trace.label):
        of_label = [reading for reading in readings if reading.trace.label == label]
        texts = []
        for owner in dict.fromkeys(r.trace.owner for r in of_label):
            own = [reading for reading in of_label if reading.trace.owner == owner]
            name = f"<i>{escape(_short(owner)).replace(' ', '&nbsp;')}</i>&nbsp;" if several else ""
            texts.append(name + "&nbsp; ".join([*(_html(reading) for reading in own), *_gap(own)]))
        parts.append(f"{label.replace(' ', '&nbsp;')}&nbsp;{'&nbsp; '.join(texts)}")
    return " &nbsp; ".join(parts)


def gap_of(readings: Sequence[Reading]) -> float:
    """Validation minus the mean of the last training values, of one term and run; NaN where one is missing."""
    validation = next((r.value for r in readings if r.trace.split == "validation"), math.nan)
    train = next((r.recent for r in readings if r.trace.split == "train"), math.nan)
    return validation - train


def _gap(readings: Sequence[Reading]) -> list[str]:
    gap, muted = gap_of(readings), theme().color("muted").name()
    return [] if math.isnan(gap) else [f"<span style='color:{muted}'>gap&nbsp;{gap:+.3g}</span>"]


def _short(name: str) -> str:
    """Name of a run, shortened in its middle."""
    half = MAX_NAME // 2
    return name if len(name) <= MAX_NAME else f"{name[:half]}…{name[-half:]}"


def legend_tip(keys: str, readings: Sequence[Reading]) -> str:
    """Tooltip of the legend: its meaning, how the plot is zoomed, and the colour of each run where there are several.

    Args:
        keys: tooltip of the plot; may be empty.
        readings: values of the curves.
    """
    owners = {r.trace.owner: r.trace.color.name() for r in readings}
    rows = [f"<span style='color:{color}'>━</span> {escape(owner)}" for owner, color in owners.items()]
    lines = (LEGEND_TIP, escape(keys), *(rows if len(rows) > 1 else ()))
    return "<br>".join(filter(None, lines))


def _html(reading: Reading) -> str:
    """Value for the legend, after its split or the sign of its line."""
    trace = reading.trace
    sign = f"{SIGNS.get(trace.dash, '')}{trace.split}" or "━"
    smoothed = "" if math.isnan(reading.smoothed) else f"&nbsp;(smoothed&nbsp;{reading.smoothed:.4g})"
    colored = f"<span style='color:{trace.color.name()}'>{sign}</span>"
    best = ""
    if trace.best is not None:
        best = f"&nbsp;(best&nbsp;{_number(trace.value_at(trace.best))}&nbsp;at&nbsp;{trace.best_label}&nbsp;★)"
    return f"{colored}&nbsp;<b>{_number(reading.value)}</b>{smoothed}{best}"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4g}"
