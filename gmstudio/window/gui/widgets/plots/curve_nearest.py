"""Curve of a plot that is nearest to the pointer."""

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF

from gmstudio.window.gui.widgets.plots.curve_line import Trace

REACH = 12.0
"""Largest distance of the pointer from a curve that counts as on it, pixels."""


def nearest_trace(traces: Sequence[Trace], box: Any, position: QPointF, *, log: bool) -> Hashable | None:
    """Key of the curve nearest to a point of the scene, measured vertically.

    Args:
        traces: the curves.
        box: pyqtgraph's view box of the plot.
        position: the point, in the scene.
        log: the values are drawn on a logarithmic axis.

    Returns:
        The key; None where no curve is within ``REACH``.
    """
    if not box.sceneBoundingRect().contains(position):
        return None
    step = float(box.mapSceneToView(position).x())
    best, found = REACH, None
    for trace in traces:
        if not len(trace.steps) or not trace.steps[0] <= round(step) <= trace.steps[-1]:
            continue
        value = float(np.interp(step, trace.steps, trace.values)) * trace.factor
        if log:
            value = math.log10(value) if value > 0 else math.nan
        away = (
            abs(float(box.mapViewToScene(QPointF(step, value)).y()) - position.y()) if math.isfinite(value) else REACH
        )
        if away < best:
            best, found = away, trace.key
    return found
