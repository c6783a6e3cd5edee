"""Plot of the growth: measured costs as lines, and in dashes the formula, scaled to the largest measured point."""

import math
from pathlib import Path
from typing import Any, NamedTuple

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
WIDTH, HEIGHT = 1900, 820
LEFT_WIDTH = 48
"""Of the costs at an axis, up to five digits."""
MARGIN = 18
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
    layout.ci.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
    layout.addLabel(_legend(families), row=0, col=0, colspan=COLUMNS, size="11pt")
    shown = [(quantity, axis) for quantity, axis in PANELS if any(axis in found for found in families.values())]
    for number, (quantity, axis) in enumerate(shown):
        _fill(layout.addPlot(row=1 + number // COLUMNS, col=number % COLUMNS), families, quantity, axis)


def _legend(families: dict[str, Any]) -> str:
    names = [f'<b style="color: {colour(number)}">{own["title"]}</b>' for number, own in enumerate(families.values())]
    return " &nbsp; ".join([*names, "solid: measured", "dashed: growth of the arithmetic, or of what has to be stored"])


def colour(number: int) -> str:
    """Colour of a family by its place."""
    return COLOURS[number % len(COLOURS)]


def _fill(plot: Any, families: dict[str, Any], quantity: str, axis: str) -> None:
    """Draw one quantity along one axis; the range of costs has a factor of 10 at least."""
    ticks: dict[str, float] = {}
    costs: list[float] = []
    for number, found in enumerate(families.values()):
        curve = curve_of(found.get(axis, {}), quantity, axis)
        if not curve.values:
            continue
        pen = pyqtgraph.mkPen(colour(number), width=2)
        plot.plot(curve.values, curve.costs, pen=pen, symbol="o", symbolSize=5, symbolBrush=pen.color())
        plot.plot(curve.values, curve.formula, pen=pyqtgraph.mkPen(pen.color(), width=1, dash=[4, 4]))
        ticks |= {tick(value, axis): math.log10(value) for value in curve.values}
        costs += [math.log10(cost) for cost in curve.costs]
    plot.setTitle(f"{TITLES[quantity]}, {'MiB' if quantity == 'memory' else 'ms'}", size="10pt")
    plot.setLabel("bottom", next(found[axis]["words"] for found in families.values() if axis in found))
    plot.setLogMode(x=True, y=True)
    plot.showGrid(x=True, y=True, alpha=0.2)
    bottom, left = plot.getAxis("bottom"), plot.getAxis("left")
    bottom.setTicks([[(place, text) for text, place in ticks.items()]])
    bottom.setStyle(hideOverlappingLabels=False)  # else the last one, at the edge
    left.setWidth(LEFT_WIDTH)
    powers = [(float(power), f"{10.0**power:g}") for power in range(-2, 6)]
    between = [
        (math.log10(digit * 10.0**power), f"{digit * 10.0**power:g}") for power in range(-2, 6) for digit in (2, 5)
    ]
    if costs:
        middle, half = (min(costs) + max(costs)) / 2, max(max(costs) - min(costs), 1.0) / 2
        left.setTicks([powers + (between if half < 1.0 else [])])
        plot.setYRange(middle - half, middle + half)


def tick(value: float, axis: str) -> str:
    """Number at an axis; a width is a share of the whole one."""
    if axis == "width":
        return "1" if value > 0.9 else f"1/{round(1 / value)}"
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


class Curve(NamedTuple):
    """Costs along an axis, and the formula scaled to the last of them; empty where nothing was measured."""

    values: list[float]
    costs: list[float]
    formula: list[float]


def curve_of(found: dict[str, Any], quantity: str, axis: str) -> Curve:
    """Curve of one quantity along an axis; a larger data set should cost nothing."""
    if axis == "data" and "values" in found:
        return Curve(found["values"], found["step_ms"], len(found["values"]) * found["step_ms"][-1:])
    own = found.get(quantity)
    if own is None:
        return Curve([], [], [])
    scale, whole = own["measured"][-1] / own["formula"][-1], found.get("whole", 1)
    return Curve([value / whole for value in own["values"]], own["measured"], [scale * cost for cost in own["formula"]])
