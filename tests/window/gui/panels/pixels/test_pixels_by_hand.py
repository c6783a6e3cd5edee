"""The Pixels panel's tools with the hand of a user: real drags over the image, real keys."""

import pytest
from pixel_engine import PixelEngine
from pixels_scene import make_panel
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.library import RunLibrary

GREY = ImageSpec(channels=1, height=4, width=4, levels=4)
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def engine() -> PixelEngine:
    nade = FAMILIES["nade"]
    return PixelEngine(GREY, nade(nade.Config(num_hidden=4, order_agnostic=True), GREY))


@pytest.fixture
def panel(qtbot: QtBot, engine: PixelEngine) -> PixelsPanel:
    return make_panel(qtbot, engine)


def at(panel: PixelsPanel, row: int, column: int) -> QPoint:
    return panel.canvas.pixel_rect(row, column).center().toPoint()


def drag(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine, *pixels: tuple[int, int]) -> None:
    qtbot.mousePress(panel.canvas, LEFT, pos=at(panel, *pixels[0]))
    for pixel in pixels[1:]:
        qtbot.mouseMove(panel.canvas, at(panel, *pixel))
    qtbot.mouseRelease(panel.canvas, LEFT, pos=at(panel, *pixels[-1]))
    engine.serve()


def paint_with_one_pixel(panel: PixelsPanel, tool: str) -> None:
    panel.session.tools.set_tool("order" if tool == "order" else "mask")
    panel.session.tools.set_brush(1)


def test_dragging_paints_the_whole_stroke_of_an_order(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine) -> None:
    paint_with_one_pixel(panel, "order")
    drag(qtbot, panel, engine, (1, 0), (1, 3), (3, 3))
    assert panel.session.tools.order.painted() == [4, 5, 6, 7, 11, 15]
    assert panel.canvas.picture is not None and panel.canvas.picture.current is None, "of the order that is left"
    panel.canvas.hovered.emit(1, 2)
    assert panel._reading.toolTip() == "Row 1, column 2: rank 2, painted"
    panel.order.apply.trigger()
    engine.serve()
    assert panel.session.state is not None and panel.session.state.place_of(5) == (0, 3, 3)


def test_lifting_the_brush_observes_all_but_the_mask(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.session.browse()
    engine.serve()
    panel.session.condition_on(0)
    panel.session.conditioning.choose_preset("inpainting")
    panel.session.tools.clear("mask")
    engine.serve()
    paint_with_one_pixel(panel, "mask")
    drag(qtbot, panel, engine, (0, 0), (0, 3))
    state = panel.session.state
    assert state is not None and state.num_observed == 12
    assert [state.place_of(step)[1:] for step in range(12, 16)] == [(0, 0), (0, 1), (0, 2), (0, 3)]


@pytest.mark.parametrize("focus", ["canvas", "bars"])
def test_escape_leaves_an_edit(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine, focus: str) -> None:
    panel.session.navigator.draw_to(6)
    engine.serve()
    qtbot.mouseClick(panel.canvas, LEFT, Qt.KeyboardModifier.ControlModifier, at(panel, 0, 2))
    engine.serve()
    assert panel.session.navigator.editing is not None
    state = panel.session.navigator.shown
    assert state is not None and panel.figures.total.text() == f"{state.total_nats:.2f} nats", "of the image shown"
    qtbot.keyClick(panel.canvas if focus == "canvas" else panel.conditional.bars, Qt.Key.Key_Escape)
    engine.serve()
    assert panel.session.navigator.editing is None


@pytest.mark.parametrize("height", [540, 900])
def test_what_stands_above_the_tabs_does_not_move_from_one_to_the_next(
    qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine, height: int
) -> None:
    panel.resize(880, height)
    heights = []
    for index in range(panel.tabs.count()):
        panel.tabs.setCurrentIndex(index)
        engine.serve()
        panel.layout().activate()
        qtbot.wait(1)
        heights.append(panel.conditional.height())
    assert len(set(heights)) == 1
    assert panel.tabs.height() > 0.35 * height, "the views have room in low windows too"


def test_in_low_windows_nothing_lies_over_anything_else(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.resize(880, 480)
    panel.tabs.setCurrentWidget(panel.conditioning)
    panel.session.browse()
    engine.serve()
    panel.session.condition_on(0)
    panel.session.conditioning.choose_preset("denoising")
    engine.serve()
    panel.conditioning.layout().activate()
    qtbot.wait(1)
    settings, images = panel.conditioning.settings, panel.conditioning.images
    bottom = settings.mapTo(panel.conditioning, QPoint(0, settings.height())).y()
    assert panel.conditioning.split.mapTo(panel.conditioning, QPoint(0, 0)).y() >= bottom
    assert images.height() >= 96 and not images.image_rect(0).isEmpty()


def test_before_the_engine_is_there_nothing_is_said_of_runs(qtbot: QtBot, engine: PixelEngine) -> None:
    library = RunLibrary(engine)
    panel = PixelsPanel(PixelsState(engine, library), library)
    qtbot.addWidget(panel)
    assert panel.canvas._placeholder == "The engine is starting …"
    engine.hello()
    assert panel.canvas._placeholder.startswith("No autoregressive model")
