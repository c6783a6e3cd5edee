"""The Pixels panel's tools with the hand of a user: real drags over the image, real keys."""

import pytest
from pixel_engine import PixelEngine
from pixels_scene import make_panel
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.runs import RunsListed
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
    panel.sections.open("views")
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
    assert panel.canvas._placeholder == "The engine is starting …", "its runs are not known yet"
    engine.deliver(RunsListed(home="/runs", runs=(), problems=()))
    assert panel.canvas._placeholder.startswith("No autoregressive model")


def second_order(panel: PixelsPanel, name: str) -> None:
    combo = panel.order.beside
    combo.setCurrentIndex(combo.findData(name))
    combo.activated.emit(combo.currentIndex())


def test_two_orders_of_one_model_are_side_by_side(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.tabs.setCurrentWidget(panel.order)
    panel.session.navigator.draw_to(6)
    engine.serve()
    assert panel.order.map.isVisible() and not panel.order.second_image.isVisible()
    second_order(panel, "spiral")
    engine.serve()
    first, second = panel.session.state, panel.session.second_order.state
    assert first is not None and second is not None
    assert (second.order_name, second.step, second.weights_step) == ("spiral", 6, first.weights_step)
    qtbot.waitUntil(lambda: panel.order.second_image.isVisible())
    assert panel.order.own_image.size() == panel.order.second_image.size() and not panel.order.map.isVisible()
    words = panel.order._words.text()
    assert f"Left: row by row from the top left, {first.total_nats:.2f} nats for 6 sub-pixels" in words
    assert f"Right: spiral inwards along the border, {second.total_nats:.2f} nats" in words
    for trigger, step in ((panel.transport.finish, 16), (panel.transport.back, 15), (panel.transport.start, 0)):
        trigger.trigger()
        engine.serve()
        second = panel.session.second_order.state
        assert second is not None and second.step == step, "it follows"
    second_order(panel, "")
    engine.serve()
    assert panel.session.second_order.state is None and panel.order.map.isVisible()


def test_a_second_order_has_the_observed_pixels_of_the_first(panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.tabs.setCurrentWidget(panel.order)
    second_order(panel, "centre")
    panel.session.browse()
    engine.serve()
    panel.session.condition_on(0)
    engine.serve()
    first, second = panel.session.state, panel.session.second_order.state
    assert first is not None and second is not None and first.step == second.step == 8
    assert (first.image == second.image).all()
    panel.transport.finish.trigger()
    engine.serve()
    first, second = panel.session.state, panel.session.second_order.state
    assert first is not None and second is not None and first.finished and second.finished
    assert (first.image == second.image)[0, :2].all()


def test_a_model_of_one_order_has_no_second_one(qtbot: QtBot) -> None:
    pixelcnn = FAMILIES["pixelcnn"]
    engine = PixelEngine(GREY, pixelcnn(pixelcnn.Config(num_blocks=1, num_channels=2, num_head_channels=2), GREY))
    panel = make_panel(qtbot, engine)
    assert not panel.order.beside.isEnabled() and "one order only" in panel.order.beside.toolTip()
    assert not panel.order.brush.paint.isEnabled() and "one order only" in panel.order.brush.paint.toolTip()


def test_tools_that_cannot_act_are_disabled_with_their_reason(panel: PixelsPanel, engine: PixelEngine) -> None:
    mask, edit = panel.conditioning.settings.brush.paint, panel.tool_line.edit
    assert not edit.isEnabled() and "Nothing is sampled yet" in edit.toolTip()
    back, step = panel.transport.back, panel.transport.step
    assert not back.isEnabled() and "Nothing is sampled yet" in back.toolTip() and step.isEnabled()
    assert not mask.isEnabled() and "choose that as the observed part" in mask.toolTip()
    panel.session.navigator.draw_to(3)
    panel.session.conditioning.choose_preset("inpainting")
    engine.serve()
    assert edit.isEnabled() and "Nothing" not in edit.toolTip()
    assert not mask.isEnabled() and "Choose an image first" in mask.toolTip()
    panel.session.browse()
    engine.serve()
    panel.session.condition_on(0)
    engine.serve()
    assert mask.isEnabled()
    mask.setChecked(True)
    assert panel.session.tools.tool == "mask"
    panel.session.conditioning.choose_preset("completion")
    assert panel.session.tools.tool == "go", "the brush is put away with its mask"
    assert not panel.order.apply.isEnabled() and "Nothing is painted yet" in panel.order.apply.toolTip()
    panel.transport.finish.trigger()
    engine.serve()
    assert back.isEnabled() and not step.isEnabled() and "The image is finished" in step.toolTip()
    assert "Nothing" not in back.toolTip() and back.toolTip().endswith("(Left)")


def test_one_button_ends_each_tool(panel: PixelsPanel, engine: PixelEngine) -> None:
    done, apply = panel.tool_line._done_button, panel.tool_line._apply_button
    panel.session.navigator.draw_to(3)
    engine.serve()
    for tool, shown in (("go", (False, False)), ("edit", (True, False)), ("order", (False, True))):
        panel.session.tools.set_tool(tool)
        assert (done.isVisible(), apply.isVisible()) == shown
    buttons = [b for b in panel.findChildren(QToolButton) if b.defaultAction() is panel.order.apply]
    assert buttons == [apply]


def test_what_is_observed_is_said_beside_a_painted_order(panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.session.browse()
    engine.serve()
    panel.session.condition_on(0)
    panel.session.conditioning.choose_preset("inpainting")
    engine.serve()
    assert "Observed pixels come first" in panel.order._words.text()
