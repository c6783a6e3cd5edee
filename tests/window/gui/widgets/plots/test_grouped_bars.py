"""Groups of bars: the scale leaves the tallest bar whole."""

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.plots.grouped_bars import GroupedBars


@pytest.mark.parametrize(
    ("values", "top", "expected"),
    [([[0.2, 0.4]], 0.0, 0.42), ([[0.2, 0.4]], 1.0, 1.0), ([[0.0, 0.0]], 0.0, 1.0), ([[0.2, np.nan]], 0.0, 0.21)],
)
def test_the_scale_ends_above_the_tallest_bar(
    qtbot: QtBot, values: list[list[float]], top: float, expected: float
) -> None:
    bars = GroupedBars()
    qtbot.addWidget(bars)
    bars.set_bars(("a", "b"), ("p",), np.array(values, np.float32), top)
    assert bars.top == pytest.approx(expected)
