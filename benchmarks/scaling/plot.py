"""Plot of the growth: measured costs as lines, growth of the formula as dashes through the last point."""

import math
from pathlib import Path
from typing import Any

import pyqtgraph  # type: ignore[import-untyped]
from PySide6.QtWidgets import QApplication

PATH = Path(__file__).resolve().parent.parent.parent / "docs" / "scaling.png"
PANELS = (
    ("step", "size"),
    ("step", "levels"),
    ("step", "batch"),
    ("step", "width"),
    ("step", "data"),
    ("sample 1", "size"),
    ("sample 64", "size"),
    ("sample 64", "levels"),
    ("sample 64", "width"),
    ("memory", "batch"),
)
TITLES = {
    "step": "Training step",
    "sample 1": "One sample",
    "sample 64": "64 samples",
    "memory": "Peak memory of a step",
}
COLUMNS = 5
WIDTH, HEIGHT = 1900, 760
ON_PAPER = {"background": "w", "foreground": "k", "antialias": True}
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22")


def draw(families: dict[str, Any], path: Path = PATH) -> None:
    """Write a PNG of all axes that were measured.

    Args:
        families: as ``command.measure`` returns them.
        path: of the picture.
    """
    application = QApplication.instance() or QApplication(["gmstudio"])
    before = {name: pyqtgraph.getConfigOption(name) for name in ON_PAPER}
    pyqtgraph.setConfigOptions(**ON_PAPER)
    try:
        layout = pyqtgraph.GraphicsLayoutWidget()
        layout.resize(WIDTH, HEIGHT)
        _fill_all(layout, families)
        assert layout.grab().save(str(path)), f"{path} could not be written"
        layout.close()
    finally:
        pyqtgraph.setConfigOptions(**before)
    assert application is not None


def _fill_all(layout: Any, families: dict[str, Any]) -> None:
    shown = [(quantity, axis) for quantity, axis in PANELS if any(axis in found for found in families.values())]
    for number, (quantity, axis) in enumerate(shown):
        plot = layout.addPlot(row=number // COLUMNS, col=number % COLUMNS)
        if number == 0:
            plot.addLegend(offset=(5, 5), labelTextSize="8pt")
        _fill(plot, families, quantity, axis)


def _fill(plot: Any, families: dict[str, Any], quantity: str, axis: str) -> None:
    words, unit = axis, "MiB" if quantity == "memory" else "ms"
    for number, found in enumerate(families.values()):
        if axis not in found:
            continue
        words = found[axis]["words"]
        values, costs, formula = curve(found[axis], quantity, axis)
        if not values:
            continue
        pen = pyqtgraph.mkPen(COLOURS[number % len(COLOURS)], width=2)
        plot.plot(values, costs, pen=pen, symbol="o", symbolSize=5, symbolBrush=pen.color(), name=found["title"])
        dashes = pyqtgraph.mkPen(pen.color(), width=1, dash=[4, 4])
        plot.plot(values, [costs[-1] * (value / values[-1]) ** formula for value in values], pen=dashes)
    plot.setTitle(f"{TITLES[quantity]}, {unit}", size="10pt")
    plot.setLabel("bottom", words)
    plot.setLogMode(x=True, y=True)
    _set_ticks(plot, [found[axis] for found in families.values() if axis in found], quantity, axis)
    plot.showGrid(x=True, y=True, alpha=0.2)


def _set_ticks(plot: Any, found: list[dict[str, Any]], quantity: str, axis: str) -> None:
    """Mark the values of the first family, and some costs; the range of costs has a factor of 10 at least."""
    curves = [curve(one, quantity, axis) for one in found]
    values = next(own[0] for own in curves if own[0])
    plot.getAxis("bottom").setTicks([[(math.log10(value), f"{value:,}") for value in values]])
    marks = [digit * 10.0**power for power in range(-2, 6) for digit in (1, 2, 5)]
    plot.getAxis("left").setTicks([[(math.log10(mark), f"{mark:g}") for mark in marks]])
    costs = [math.log10(cost) for own in curves for cost in own[1]]
    middle, half = (min(costs) + max(costs)) / 2, max(max(costs) - min(costs), 1.0) / 2
    plot.setYRange(middle - half, middle + half)


def curve(found: dict[str, Any], quantity: str, axis: str) -> tuple[list[float], list[float], float]:
    """Values, costs and the formula's exponent of one quantity along an axis; empty where it was not measured."""
    if axis == "data":
        return found["values"], found["step_ms"], 0.0
    own = found.get(quantity)
    if own is None:
        return [], [], math.nan
    return own["values"], own["measured"], own.get("exponent_of_formula", math.nan)
