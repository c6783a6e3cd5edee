"""Polylines that are drawn as separate segments."""

import time

import numpy as np
import pytest
from PySide6.QtCore import QBuffer, QIODevice, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF
from PySide6.QtSvg import QSvgGenerator

from gmstudio.window.gui.widgets.polylines import dashes, draw_polylines

SIDE = 200
FRAME_MS = 50.0


def picture(draw: object) -> np.ndarray:  # type: ignore[type-arg]
    """Ink of a picture: (SIDE, SIDE) from 0 to 255."""
    image = QImage(SIDE, SIDE, QImage.Format.Format_Grayscale8)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw(painter)  # type: ignore[operator]
    painter.end()
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(SIDE, image.bytesPerLine())
    return 255 - rows[:, :SIDE].astype(int)


@pytest.mark.parametrize("dashed", [False, True])
def test_a_polyline_looks_as_qt_draws_it(qapp: object, dashed: bool) -> None:
    x = np.linspace(10, 190, 60)
    places = np.stack([x, 100 + 70 * np.sin(x / 20)], axis=1)

    def by_qt(painter: QPainter) -> None:
        style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(QColor("black"), 2, style, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.RoundJoin))
        painter.drawPolyline(QPolygonF([QPointF(*place) for place in places.tolist()]))

    ours = picture(lambda painter: draw_polylines(painter, places[None], QColor("black"), 2, dashed=dashed))
    expected = picture(by_qt)
    assert expected.sum() > 0
    assert np.abs(ours - expected).sum() < 0.15 * expected.sum()
    assert abs(ours.sum() / expected.sum() - 1) < 0.05


def test_a_place_that_is_not_finite_interrupts_the_line(qapp: object) -> None:
    places = np.array([[[10.0, 100], [80, 100], [np.nan, np.nan], [120, 100], [190, 100]]])
    ink = picture(lambda painter: draw_polylines(painter, places, QColor("black"), 2))
    assert ink[100, 40] > 100 and ink[100, 150] > 100
    assert not ink[:, 90:110].any()


def test_dashes_go_on_from_one_segment_to_the_next() -> None:
    segments = np.array([[[0.0, 0], [5, 0]], [[5, 0], [5, 5]]])
    found = dashes(segments, 4.0, 2.0)
    np.testing.assert_allclose(found, [[[0, 0], [4, 0]], [[5, 1], [5, 5]]])
    assert len(dashes(np.zeros((0, 2, 2)), 4.0, 2.0)) == 0


def test_a_line_stays_whole_in_a_drawing_of_shapes(qapp: object) -> None:
    buffer, generator = QBuffer(), QSvgGenerator()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator.setOutputDevice(buffer)
    painter = QPainter(generator)
    x = np.linspace(0, 100, 50)
    draw_polylines(painter, np.stack([x, x], axis=1)[None], QColor("black"), 2)
    painter.end()
    text = bytes(buffer.data().data()).decode()
    assert text.count("<polyline") + text.count("<path") == 1


def test_a_tangle_is_drawn_within_a_frame(qapp: object) -> None:
    places = 200 * np.random.default_rng(0).random((2, 500, 2))
    spent = []
    for _ in range(3):  # of the first one, modules are loaded
        began = time.thread_time()
        picture(lambda painter: draw_polylines(painter, places, QColor("black"), 1.8))
        spent.append(1e3 * (time.thread_time() - began))
    assert min(spent) < FRAME_MS, "Qt's own polyline takes half a second here"
