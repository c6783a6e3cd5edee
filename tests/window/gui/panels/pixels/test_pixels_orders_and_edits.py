"""Pixels panel: orders, conditioning, edits, breakpoints, and the names of its controls."""

import numpy as np
import pytest
from pixel_engine import RUN, PixelEngine
from pixels_panel_fixture import RGB, engine, find, panel, where
from pixels_scene import make_panel
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QStandardItemModel
from PySide6.QtWidgets import QDoubleSpinBox, QLabel, QSlider, QSpinBox, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.families import FAMILIES
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.protocol.data import BrowseData
from gmstudio.protocol.images import ImageSpec
from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.gui.widgets.canvas.paint_canvas import PaintCanvas
from gmstudio.window.state.pixels.snapshot import entropy_nats

__all__ = ["engine", "panel"]


# ---- orders, conditioning, edits -------------------------------------------------------------------------------------


@pytest.fixture
def free_engine() -> PixelEngine:
    nade = FAMILIES["nade"]
    return PixelEngine(RGB, nade(nade.Config(num_hidden=4, order_agnostic=True), RGB))


@pytest.fixture
def free(qtbot: QtBot, free_engine: PixelEngine) -> PixelsPanel:
    return make_panel(qtbot, free_engine)


def test_the_order_is_shown_as_arrows_and_as_ranks(qtbot: QtBot, panel: PixelsPanel) -> None:
    modes = []
    for _ in range(3):
        qtbot.keyClick(panel, Qt.Key.Key_O)
        modes.append(panel.canvas.order_mode)
    assert modes == ["arrows", "ranks", "off"] and panel.ranks.text() == "Order"
    assert panel.canvas.order is not None and panel.canvas.order.path.tolist()[:4] == [[0, 0], [0, 1], [0, 2], [1, 0]]


def test_a_model_of_one_order_says_so_and_lets_no_other_be_chosen(panel: PixelsPanel) -> None:
    panel.tabs.setCurrentWidget(panel.order)
    assert not panel.order.order.isEnabled() and panel.order.brush.isHidden()
    assert any(label.text().startswith("This model generates in") for label in panel.order.findChildren(QLabel))
    presets = panel.conditioning.preset.model()
    assert isinstance(presets, QStandardItemModel)
    item = presets.item(1)
    assert not item.isEnabled() and "only on the first pixels" in item.toolTip()


def test_an_order_is_chosen_in_words(free: PixelsPanel, free_engine: PixelEngine) -> None:
    orders = free.order.order
    orders.setCurrentIndex(orders.findText("Spiral inwards along the border"))
    free_engine.serve()
    assert where(free).order_name == "spiral" and orders.isEnabled()
    assert free.order.seed.isHidden()
    orders.setCurrentIndex(orders.findData("random"))
    free_engine.serve()
    assert not free.order.seed.isHidden()
    before = where(free).order
    free.order.seed.setValue(5)
    free_engine.serve()
    assert where(free).order_name == "random" and (where(free).order != before).any()


def stroke(canvas: PaintCanvas, *pixels: tuple[int, int]) -> None:
    """Emit the signals of a drag over these pixels (a test of the canvas drags)."""
    canvas.stroke_begun.emit(False)
    for pixel in pixels:
        canvas.brushed.emit(*pixel)
    canvas.stroke_ended.emit()


def test_an_order_is_painted_and_applied(free: PixelsPanel, free_engine: PixelEngine) -> None:
    free.tabs.setCurrentWidget(free.order)
    orders = free.order.order
    orders.setCurrentIndex(orders.findData("painted"))
    assert free.session.tools.tool == "order" and where(free).order_name == "raster", "nothing is painted yet"
    free.order.brush.side.setCurrentIndex(0)
    canvas = free.canvas
    stroke(canvas, (2, 0), (2, 1), (2, 2))
    assert canvas.order_mode == "ranks" and canvas._ranks[2].tolist() == [0, 1, 2], "the ranks follow the brush"
    assert free.order.map.overlay is not None
    free.order.brush.undo.trigger()
    assert not free.order.apply.isEnabled()
    stroke(canvas, (1, 1))
    free.order.apply.trigger()
    free_engine.serve()
    assert where(free).order_name == "painted" and where(free).place_of(0) == (0, 1, 1)
    assert free.session.tools.tool == "go" and orders.currentData() == "painted"


def test_observed_pixels_are_chosen_marked_and_compared(free: PixelsPanel, free_engine: PixelEngine) -> None:
    free.tabs.setCurrentWidget(free.conditioning)
    free_engine.serve()
    preset = free.conditioning.preset
    preset.setCurrentIndex(preset.findData("super_resolution"))
    free.conditioning.images.clicked.emit(4)
    free_engine.serve()
    assert where(free).num_observed == 3 * 4
    assert free.canvas.picture is not None and free.canvas.picture.observed.tolist()[0] == [True, False, True]
    free.canvas.hovered.emit(0, 0)
    assert "(observed)" in free._reading.words
    free.transport.finish.trigger()
    free_engine.serve()
    assert free.conditioning._outcome.text().startswith("Generated 15 of 27: ")
    preset.setCurrentIndex(preset.findData("colourization"))
    free.conditioning.settings.channel.setCurrentIndex(2)
    free_engine.serve()
    assert where(free).placed().sum(axis=(1, 2)).tolist() == [0, 0, 9]
    assert not free.grab().isNull()


def test_images_of_another_run_come_by_themselves(free: PixelsPanel, free_engine: PixelEngine) -> None:
    free.tabs.setCurrentWidget(free.conditioning)
    free_engine.serve()
    asked = len([c for c in free_engine.sent if isinstance(c, BrowseData)])
    free.session.choose_run("/runs/other")
    free_engine.serve()
    free_engine.list_runs(RUN, "/runs/other")
    free_engine.serve()
    assert len([c for c in free_engine.sent if isinstance(c, BrowseData)]) == asked + 1
    assert len(free.conditioning.images.images) == 20


def test_denoising_from_the_panel(free: PixelsPanel, free_engine: PixelEngine) -> None:
    free.tabs.setCurrentWidget(free.conditioning)
    free_engine.serve()
    free.conditioning.images.clicked.emit(0)
    preset = free.conditioning.preset
    preset.setCurrentIndex(preset.findData("denoising"))
    free.conditioning.settings.noise.field.setValue(0.4)
    free_engine.serve()
    free.conditioning.settings.threshold.field.setValue(1.0)
    assert free.canvas.painted is not None and free.canvas.painted.any(), "the unlikely ones are marked"
    assert free.conditioning.settings.resample.isEnabled()
    free.conditioning.settings.resample.trigger()
    free_engine.serve()
    assert where(free).finished and "differ from the original" in free.conditioning._outcome.text()


def test_a_pixel_is_edited_with_the_keyboard(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.session.navigator.draw_to(8)
    engine.serve()
    before = where(panel).image.copy()
    qtbot.keyClick(panel, Qt.Key.Key_E)
    qtbot.waitUntil(panel.canvas.hasFocus)
    assert panel.canvas.cursor_pixel == (2, 1), "on the pixel placed last"
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Left, Qt.Key.Key_Return):
        qtbot.keyClick(panel.canvas, key)
    engine.serve()
    editing = panel.session.navigator.editing
    assert editing is not None and where(panel).place_of(editing.step) == (0, 1, 0)
    assert panel.canvas.picture is not None and panel.canvas.picture.current == (1, 0)
    assert panel.canvas.picture.placed.sum() == 8, "the image stays in sight"
    other = int(before[0, 1, 0] + 1) % 4
    qtbot.keyClicks(panel, str(other))
    engine.serve()
    after = where(panel).image
    assert after[0, 1, 0] == other and np.count_nonzero(after != before) == 1
    assert (1, 0) in panel.canvas.picture.chosen
    qtbot.keyClick(panel.canvas, Qt.Key.Key_Escape)
    assert panel.session.tools.tool == "go" and find(panel, QToolButton, "tool.done").isHidden()


def test_what_follows_is_regenerated_by_choice(panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.session.navigator.draw_to(8)
    engine.serve()
    panel.canvas.edit_wanted.emit(0, 0)
    engine.serve()
    panel.tool_line.following.setCurrentIndex(1)
    assert not panel.session.navigator.keep_following and not panel.tool_line.following.isHidden()
    panel.conditional.bars.chosen.emit(3)
    engine.serve()
    assert where(panel).image[0, 0, 0] == 3 and where(panel).step == 8


def test_a_breakpoint_stops_and_says_why(panel: PixelsPanel, engine: PixelEngine) -> None:
    points = panel.transport.breakpoints
    points.entropy.setValue(1.1)
    points.entropy_on.setChecked(True)
    panel.transport.finish.trigger()
    engine.serve()
    state = where(panel)
    assert not state.finished and panel.session.navigator.stop is not None
    words = f"Stopped: entropy {entropy_nats(state.conditional):.2f} > 1.10 nats at row "
    assert panel._reading.words.startswith(words) and panel._reading.property("role") == "warning"
    points.entropy_on.setChecked(False)
    panel.transport.finish.trigger()
    engine.serve()
    assert where(panel).finished and not panel._reading.words.startswith("Stopped")


def test_one_pixel_is_all_its_colours(qtbot: QtBot, free: PixelsPanel, free_engine: PixelEngine) -> None:
    steps = []
    for key, modifier in (
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier),
    ):
        qtbot.keyClick(free, key, modifier)
        free_engine.serve()
        steps.append(where(free).step)
    assert steps == [1, 3, 6, 5, 3]
    free.transport.step.trigger()
    free_engine.serve()
    free.canvas.hovered.emit(0, 1)
    assert free._reading.words.endswith("1 of 3 channels sampled")


def test_only_classes_that_were_trained_are_offered(qtbot: QtBot) -> None:
    gated = FAMILIES["gated_pixelcnn"]
    spec = ImageSpec(channels=1, height=3, width=3, levels=2)
    model = gated(gated.Config(num_layers=1, num_channels=2, num_head_channels=2, num_classes=9), spec)
    assert isinstance(model, AutoregressiveFamily)
    model.trained_labels = (3, 8)
    engine = PixelEngine(spec, model.eval())
    label = make_panel(qtbot, engine).header.label
    assert [label.itemData(index) for index in range(label.count())] == [-1, 3, 8]
    label.setCurrentIndex(2)
    engine.serve()
    assert label.currentText() == "Class 8"


def test_classes_are_named_after_the_data(qtbot: QtBot) -> None:
    gated = FAMILIES["gated_pixelcnn"]
    spec = ImageSpec(channels=1, height=3, width=3, levels=2)
    model = gated(gated.Config(num_layers=1, num_channels=2, num_head_channels=2, num_classes=10), spec)
    engine = PixelEngine(spec, model.eval())
    panel = make_panel(qtbot, engine)
    label = panel.header.label
    assert not label.isHidden() and label.count() == 11 and label.itemText(4) == "Class 3"
    label.setCurrentIndex(4)
    engine.serve()
    assert where(panel).label == 3 and panel.session.label == 3


def test_every_control_is_named_and_explained(panel: PixelsPanel) -> None:
    wanted = (
        "canvas play step row back finish reset scrub speed temperature seed bars heat context continuations.sample "
        "continuations run condition.images condition.preset condition.observed attribution.map "
        "order order.seed order.show order.paint mask.paint stop.entropy stop.probability edit pixel label"
    )
    names = {w.objectName() for w in panel.findChildren(QWidget)}
    assert {f"pixels.{name}" for name in wanted.split()} <= names
    for kind in (QToolButton, QSlider, QSpinBox, QDoubleSpinBox):
        for widget in panel.findChildren(kind):
            if widget.objectName().startswith("qt_") or widget.objectName() in (
                "ScrollLeftButton",
                "ScrollRightButton",
            ):
                continue
            if widget.window() is not panel.window():
                continue  # of a menu of pyqtgraph's that never opens
            assert widget.objectName().startswith("pixels."), widget
            assert widget.accessibleName() and widget.toolTip(), widget.objectName()


def test_no_two_actions_share_a_key(panel: PixelsPanel) -> None:
    keys = [a.shortcut().toString() for a in panel.findChildren(QAction) if not a.shortcut().isEmpty()]
    assert len(keys) == len(set(keys))


def test_a_run_that_is_chosen_elsewhere_is_chosen_in_the_list(panel: PixelsPanel, engine: PixelEngine) -> None:
    engine.list_runs(RUN, "/runs/other")
    panel.session.choose_run("/runs/other")
    engine.serve()
    assert panel.header.run.current() == "/runs/other" == panel.header.run.currentData()
    assert panel.session.run == "/runs/other"
