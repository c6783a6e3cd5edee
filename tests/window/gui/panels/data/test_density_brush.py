"""The plane on which a density is drawn: the trace of the stroke that is being drawn."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from gmstudio.protocol.points import PointAxis
from gmstudio.window.gui.panels.data.density_brush import DensityBrush

LINE = np.stack([np.linspace(0.2, 0.8, 40), 0.5 + 0.2 * np.sin(np.linspace(0, 6, 40))], axis=1)


@pytest.fixture
def brush(qtbot: QtBot) -> DensityBrush:
    made = DensityBrush()
    qtbot.addWidget(made)
    made.resize(300, 300)
    made.set_axes(PointAxis("x₁", -4.0, 4.0), PointAxis("x₂", -4.0, 4.0))
    made.set_brush(draws=True, radius=0.03, erases=False, mirrored=False)
    with qtbot.waitExposed(made):
        made.show()
    return made


def drawn(brush: DensityBrush, line: NDArray[np.float64]) -> QImage:
    brush.set_line(line)
    return brush.grab().toImage()


def difference(one: QImage, other: QImage) -> float:
    """Mean difference of the grey values of two pictures."""
    greys = []
    for image in (one, other):
        grey = image.convertToFormat(QImage.Format.Format_Grayscale8)
        greys.append(np.frombuffer(grey.constBits(), np.uint8).astype(float))
    return float(np.abs(greys[0] - greys[1]).mean())


def test_a_stroke_that_grows_looks_as_one_that_is_drawn_at_once(brush: DensityBrush) -> None:
    blank = drawn(brush, LINE[:0])
    for count in range(1, len(LINE)):
        grown = drawn(brush, LINE[:count])
    drawn(brush, LINE[:0])
    whole = drawn(brush, LINE[:-1])
    assert difference(blank, whole) > 1
    assert difference(grown, whole) < 0.05 * difference(blank, whole)


def test_a_trace_follows_the_view_and_the_brush_and_goes_with_the_stroke(brush: DensityBrush) -> None:
    blank, first = drawn(brush, LINE[:0]), drawn(brush, LINE)
    brush.set_brush(draws=True, radius=0.03, erases=False, mirrored=True)
    both = brush.grab().toImage()
    brush.zoom(2.0)
    near = brush.grab().toImage()
    brush.fit()
    again = brush.grab().toImage()
    assert difference(first, both) > 0.1 and difference(both, near) > 0.1
    assert difference(both, again) < 0.1
    assert difference(drawn(brush, LINE[:0]), blank) == 0.0
