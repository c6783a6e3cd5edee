"""Working on the image: painting with mouse and keys, picking pixels, the menu."""

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.canvas.order_overlay import OrderPath, RankMap
from gmstudio.window.gui.widgets.canvas.paint_canvas import PaintCanvas
from gmstudio.window.gui.widgets.canvas.pixel_canvas import Picture

ROWS, COLUMNS = 6, 5


@pytest.fixture
def canvas(qtbot: QtBot) -> Iterator[PaintCanvas]:
    canvas = PaintCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(220, 260)
    nothing = np.zeros((1, ROWS, COLUMNS), np.bool_)
    canvas.set_picture(
        Picture(
            image=nothing.astype(np.uint8),
            levels=2,
            placed=~nothing,
            context=nothing,
            current=None,
            surprisal=np.zeros((ROWS, COLUMNS)),
            top=1.0,
            observed=nothing[0],
        )
    )
    canvas.show()
    canvas.setFocus()
    yield canvas


def at(canvas: PaintCanvas, row: int, column: int) -> QPoint:
    return canvas.pixel_rect(row, column).center().toPoint()


def painted(canvas: PaintCanvas) -> list[object]:
    """All signals of the brush, in sequence."""
    said: list[object] = []
    canvas.stroke_begun.connect(lambda erases: said.append("erase" if erases else "paint"))
    canvas.brushed.connect(lambda row, column: said.append((row, column)))
    canvas.stroke_ended.connect(lambda: said.append("end"))
    return said


def test_a_fast_stroke_leaves_no_gaps(qtbot: QtBot, canvas: PaintCanvas) -> None:
    canvas.set_mode("paint", 1)
    said = painted(canvas)
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at(canvas, 0, 0))
    qtbot.mouseMove(canvas, at(canvas, 4, 2))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=at(canvas, 4, 2))
    assert said == ["paint", (0, 0), (1, 0), (2, 1), (3, 2), (4, 2), "end"]


def test_the_right_button_takes_paint_away(qtbot: QtBot, canvas: PaintCanvas) -> None:
    canvas.set_mode("paint", 3)
    said = painted(canvas)
    qtbot.mouseClick(canvas, Qt.MouseButton.RightButton, pos=at(canvas, 2, 2))
    assert said == ["erase", (2, 2), "end"]


def test_keys_paint_where_the_cursor_is(qtbot: QtBot, canvas: PaintCanvas) -> None:
    canvas.set_mode("paint", 1)
    said = painted(canvas)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Space, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Delete):
        qtbot.keyClick(canvas, key)
    assert said == ["paint", (1, 1), "end", "erase", (0, 1), "end"]
    with qtbot.waitSignal(canvas.escaped):
        qtbot.keyClick(canvas, Qt.Key.Key_Escape)


def test_with_a_tool_in_hand_arrows_are_not_the_panels(qtbot: QtBot, canvas: PaintCanvas) -> None:
    stepped: list[bool] = []
    step = QAction(canvas)
    step.setShortcut("Right")
    step.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    step.triggered.connect(lambda: stepped.append(True))
    canvas.addAction(step)
    qtbot.waitUntil(canvas.hasFocus)
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert stepped == [True] and canvas.cursor_pixel == (0, 0)
    canvas.set_mode("edit")
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert stepped == [True] and canvas.cursor_pixel == (0, 1)
    with qtbot.waitSignal(canvas.clicked) as clicked:
        qtbot.keyClick(canvas, Qt.Key.Key_Return)
    assert clicked.args == [0, 1]


def test_clicks_edits_and_menus_name_their_pixel(qtbot: QtBot, canvas: PaintCanvas) -> None:
    with qtbot.waitSignal(canvas.clicked) as clicked:
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=at(canvas, 3, 4))
    control = Qt.KeyboardModifier.ControlModifier
    with qtbot.assertNotEmitted(canvas.clicked), qtbot.waitSignal(canvas.edit_wanted) as edited:
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, control, at(canvas, 2, 1))
    reason = QContextMenuEvent.Reason.Keyboard
    with qtbot.waitSignal(canvas.menu_wanted) as menu:
        QApplication.sendEvent(canvas, QContextMenuEvent(reason, QPoint(0, 0), QPoint(0, 0)))
    assert (clicked.args, edited.args, menu.args[:2]) == ([3, 4], [2, 1], [2, 1])


@pytest.mark.parametrize("size", [60, 220, 900])
def test_ranks_and_arrows_are_painted_at_any_size(canvas: PaintCanvas, size: int) -> None:
    canvas.resize(size, size)
    plain = canvas.grab().toImage()
    rows = OrderPath(np.array([(r, c) for r in range(ROWS) for c in range(COLUMNS)]), 3)
    leaping = OrderPath(np.random.default_rng(0).permutation(rows.path), 3)
    assert leaping.jumps and not rows.jumps
    shots = [plain]
    for order in (rows, leaping):
        for mode in ("arrows", "ranks"):
            canvas.set_order(order, mode)
            shots.append(canvas.grab().toImage())
    assert all(a != b for i, a in enumerate(shots) for b in shots[:i])
    canvas.set_order(rows, "off")
    assert canvas.grab().toImage() == plain


@pytest.mark.parametrize("size", [(90, 80), (500, 600)])  # with every so many-th rank, and with all
def test_ranks_that_change_are_drawn_again_without_traces_of_the_old(
    canvas: PaintCanvas, size: tuple[int, int]
) -> None:
    canvas.resize(*size)
    rng = np.random.default_rng(1)
    kept, area = RankMap(), canvas.image_rect().size()
    ranks = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    for _ in range(4):
        brightness = rng.choice([np.nan, 0.1, 0.9], size=ranks.shape)
        ranks = rng.permutation(ranks.ravel()).reshape(ranks.shape)
        anew = RankMap().pixmap(canvas, area, ranks, brightness)
        assert kept.pixmap(canvas, area, ranks, brightness).toImage() == anew.toImage()


def test_what_is_painted_and_partial_or_scattered_pixels_are_marked(canvas: PaintCanvas) -> None:
    plain = canvas.grab().toImage()
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    mask[2, 2] = True
    canvas.set_painted(mask)
    cell = canvas.pixel_rect(2, 2)
    assert canvas.grab().toImage().pixelColor(cell.center().toPoint()) != plain.pixelColor(cell.center().toPoint())
    canvas.set_painted(None)
    assert canvas.grab().toImage() == plain


def test_a_partial_colour_has_a_cut_corner(canvas: PaintCanvas) -> None:
    placed = np.zeros((3, ROWS, COLUMNS), np.bool_)
    placed[:, 0] = True
    placed[:2, 1, 1] = True
    nothing = np.zeros((ROWS, COLUMNS), np.bool_)
    image = np.zeros((3, ROWS, COLUMNS), np.uint8)
    image[0] = 3

    def shot(current: tuple[int, int] | None) -> tuple[str, str]:
        canvas.set_picture(Picture(image, 4, placed, placed & False, current, np.zeros((ROWS, COLUMNS)), 1.0, nothing))
        screen, cell = canvas.grab().toImage(), canvas.pixel_rect(1, 1)
        corner = cell.bottomRight() - QPointF(5, 4)
        return screen.pixelColor(cell.center().toPoint()).name(), screen.pixelColor(corner.toPoint()).name()

    for current in (None, (1, 1)):
        middle, corner = shot(current)
        assert middle == "#ff0000" and corner != "#ff0000"
