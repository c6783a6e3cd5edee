"""What is read, and the type it is written in, never moves or hides the curves."""

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.plots.curve_line import Trace
from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot

BLUE = QColor("#0072b2")
COUNT = 200


@pytest.fixture
def plot(qtbot: QtBot) -> Iterator[CurvePlot]:
    plot = CurvePlot("Negative log-likelihood", "nats per image")
    qtbot.addWidget(plot)
    plot.resize(420, 260)
    plot.show()
    yield plot


def noisy() -> Trace:
    """A falling curve with values of one and of nine letters."""
    values = np.linspace(4, 2, COUNT)
    values[::2] = 1.0
    values[1::50] = 0.00012345
    return Trace("loss", "loss", np.arange(COUNT), values, BLUE, split="train", owner="a")


def test_reading_longer_values_does_not_move_the_plot(plot: CurvePlot) -> None:
    plot.set_smoothing(0.9)
    plot.set_traces([noisy(), Trace("v", "loss", np.arange(COUNT), np.ones(COUNT), BLUE, split="validation")])
    plot.redraw()
    wraps = False
    for width in range(340, 700, 40):
        plot.resize(width, 260)
        plot.set_cursor(None)
        QApplication.processEvents()
        place, heights = plot._view.geometry(), set()
        for step in (None, *range(0, COUNT, 7), 51, 151):
            plot.set_cursor(step)
            QApplication.processEvents()
            heights.add(height_of(plot._legend.text(), plot._legend.width()))
            assert plot._view.geometry() == place, (width, step)
        wraps |= len(heights) > 1
    assert wraps, "the text does need more lines at some steps than at others"


def height_of(text: str, width: int) -> int:
    label = QLabel(text)
    label.setWordWrap(True)
    return label.heightForWidth(width)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_unsmoothed_curve_stays_in_view(plot: CurvePlot, sign: float) -> None:
    values = sign * (5 + np.sin(np.arange(COUNT)))
    plot.set_smoothing(0.99)
    plot.set_traces([Trace("a", "a", np.arange(COUNT), values, BLUE)])
    plot.redraw()
    _, (low, high) = plot.view_range()
    assert low <= values.min() and high >= values.max() and plot.note == ""


def test_the_axes_are_written_in_the_type_of_the_plot(plot: CurvePlot) -> None:
    plot.set_traces([noisy()])
    plot.redraw()
    left, bottom = plot._axes.left, plot._axes.bottom
    before = left.fixedWidth, bottom.fixedHeight
    font = QFont(plot.font())
    font.setPointSizeF(2 * font.pointSizeF())
    plot.setFont(font)
    assert left.style["tickFont"].pointSizeF() == font.pointSizeF() == bottom.label.font().pointSizeF()
    assert left.fixedWidth > 1.5 * before[0] and bottom.fixedHeight > 1.5 * before[1]
