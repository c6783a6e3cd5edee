"""The Pixels panel writes the state and shows it; asserted through the state."""

from itertools import pairwise
from typing import TypeVar

import numpy as np
import pytest
from pixel_engine import RUN, PixelEngine
from pixels_scene import make_panel
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QStandardItemModel
from PySide6.QtWidgets import QDoubleSpinBox, QLabel, QSlider, QSpinBox, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.families import FAMILIES
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.protocol.data import BrowseData
from gmstudio.protocol.engine import EngineReported
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.runs import RunsListed
from gmstudio.protocol.training import TrainingChanged
from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.gui.widgets.canvas.paint_canvas import PaintCanvas
from gmstudio.window.state.pixels.snapshot import PixelSnapshot, entropy_nats
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.library import RunLibrary

RGB = ImageSpec(channels=3, height=3, width=3, levels=4)


@pytest.fixture
def engine() -> PixelEngine:
    return PixelEngine()


@pytest.fixture
def panel(qtbot: QtBot, engine: PixelEngine) -> PixelsPanel:
    return make_panel(qtbot, engine)


def where(panel: PixelsPanel) -> PixelSnapshot:
    assert panel.session.state is not None
    return panel.session.state


WidgetT = TypeVar("WidgetT", bound=QWidget)


def find(panel: PixelsPanel, kind: type[WidgetT], name: str) -> WidgetT:
    found = panel.findChild(kind, f"pixels.{name}")
    assert isinstance(found, kind), f"there is no pixels.{name}"
    return found


def press(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine, key: Qt.Key) -> None:
    qtbot.keyClick(panel, key)
    engine.serve()


def test_the_first_run_opens_when_the_panel_is_shown(panel: PixelsPanel) -> None:
    assert where(panel).run == RUN and where(panel).step == 0
    assert panel.canvas.picture is not None and panel.canvas.picture.current == (0, 0)
    assert panel.conditional.bars.levels == 4


def test_keys(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine) -> None:
    steps = []
    for key in (
        Qt.Key.Key_Right,
        Qt.Key.Key_Right,
        Qt.Key.Key_Left,
        Qt.Key.Key_Down,
        Qt.Key.Key_Down,
        Qt.Key.Key_Up,
        Qt.Key.Key_End,
        Qt.Key.Key_Home,
        Qt.Key.Key_3,
    ):
        press(qtbot, panel, engine, key)
        steps.append(where(panel).step)
    assert steps == [1, 2, 1, 3, 6, 3, 12, 0, 1]
    assert where(panel).image[0, 0, 0] == 3 and where(panel).path == 1


def test_space_plays_and_pauses(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine) -> None:
    qtbot.keyClick(panel, Qt.Key.Key_Space)
    assert panel.session.navigator.playing and panel.transport.play.text() == "Pause"
    qtbot.keyClick(panel, Qt.Key.Key_Space)
    assert not panel.session.navigator.playing and panel.transport.play.text() == "Play"
    engine.serve()


def test_typing_in_a_field_moves_nothing_else(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine) -> None:
    seed = find(panel, QSpinBox, "seed")
    seed.setFocus()
    qtbot.waitUntil(seed.hasFocus)
    seed.selectAll()
    qtbot.keyClicks(seed, "12")
    qtbot.keyClick(seed, Qt.Key.Key_Return)
    engine.serve()
    assert panel.session.navigator.seed == 12
    assert where(panel).step == 0 and not panel.session.navigator.playing


def test_a_bar_chooses_the_value(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine) -> None:
    bars = panel.conditional.bars
    qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=bars.bar_rect(2).center().toPoint())
    engine.serve()
    assert where(panel).image[0, 0, 0] == 2 and panel.session.navigator.chosen == {0}
    assert panel.canvas.picture is not None and panel.canvas.picture.chosen == ((0, 0),)


def test_arrows_in_the_bars_move_the_candidate_not_the_image(
    qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine
) -> None:
    qtbot.keyClick(panel, Qt.Key.Key_B)
    bars = panel.conditional.bars
    qtbot.waitUntil(bars.hasFocus)
    qtbot.keyClick(bars, Qt.Key.Key_Home)
    qtbot.keyClick(bars, Qt.Key.Key_Right)
    engine.serve()
    assert bars.candidate == 1 and where(panel).step == 0
    qtbot.keyClick(bars, Qt.Key.Key_Return)
    engine.serve()
    assert where(panel).step == 1 and where(panel).image[0, 0, 0] == 1


def test_sliders_write_the_state(panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.transport.scrub.field.setValue(9)
    engine.serve()
    assert where(panel).step == 9
    panel.transport.scrub.slider.setValue(4)
    engine.serve()
    assert (where(panel).step, where(panel).path) == (4, 9)
    panel.transport.speed.field.setValue(250)
    panel.conditional.temperature.field.setValue(0.5)
    assert (panel.session.navigator.speed_hz, panel.session.navigator.temperature) == (250, 0.5)
    assert panel.conditional.bars.overlay is not None
    panel.conditional.temperature.field.setValue(1.0)
    assert panel.conditional.bars.overlay is None


def test_figures(panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.session.navigator.draw_to(5)
    engine.serve()
    state = where(panel)
    assert panel.figures.total.text() == f"{state.nats.sum():.2f} nats"
    assert panel.figures.bits.text() == f"{state.nats.sum() / 5 / np.log(2):.4f}"
    assert panel.figures.last.text().endswith(f"{state.nats[-1]:.3f} nats")


def test_clicking_and_hovering_the_image(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine) -> None:
    canvas = panel.canvas
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.pixel_rect(2, 0).center().toPoint())
    engine.serve()
    assert where(panel).step == 6
    canvas.hovered.emit(0, 1)
    reading = [label.text() for label in panel.findChildren(QLabel) if label.text().startswith("Row 0, column 1")]
    value = int(where(panel).image[0, 0, 1])
    assert reading and f"value {value}, p = " in reading[0] and "nats" in reading[0]
    canvas.hovered.emit(3, 0)
    assert any("not yet sampled, step 9" in label.text() for label in panel.findChildren(QLabel))


def test_heat_and_context_are_switched(panel: PixelsPanel) -> None:
    panel.heat.setChecked(True)
    assert panel.canvas.heat and not panel.surprisal.canvas.heat
    panel.heat.setChecked(False)
    assert not panel.canvas.heat and panel.surprisal.canvas.heat
    panel.context.setChecked(False)
    assert not panel.canvas.show_context


def test_completing_a_real_image(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine) -> None:
    qtbot.keyClick(panel, Qt.Key.Key_I)
    engine.serve()
    assert panel.tabs.currentWidget() is panel.conditioning
    assert len(panel.conditioning.images.images) == 20
    panel.conditioning.images.clicked.emit(3)
    engine.serve()
    assert where(panel).step == 6, "half of it is observed"
    panel.conditioning.settings.num_observed.field.setValue(8)
    engine.serve()
    assert where(panel).step == 8
    assert panel.canvas.picture is not None and int(panel.canvas.picture.observed.sum()) == 8
    find(panel, QToolButton, "condition.none").click()
    engine.serve()
    assert where(panel).step == 0 and panel.session.conditioning.image is None


def test_sampling_continuations_and_adopting_one(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.session.navigator.draw_to(4)
    engine.serve()
    press(qtbot, panel, engine, Qt.Key.Key_F)
    assert panel.tabs.currentWidget() is panel.continuations
    assert len(panel.continuations.images.images) == 16
    panel.continuations.images.clicked.emit(5)
    engine.serve()
    continuations = panel.session.continuations.sampled
    assert continuations is not None and where(panel).finished
    np.testing.assert_array_equal(where(panel).image, continuations.images.numpy()[5])


def test_a_finished_image_offers_what_can_still_be_done(panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.session.navigator.finish()
    engine.serve()
    actions = {a.objectName().removeprefix("action.pixels."): a for a in panel.listed_actions()}
    assert not any(actions[name].isEnabled() for name in ("step", "row", "finish", "continuations.sample"))
    assert all(actions[name].isEnabled() for name in ("play", "back", "row_back", "start", "reset"))
    assert panel.conditional.bars.levels == 0


def test_newer_weights_are_offered(panel: PixelsPanel, engine: PixelEngine) -> None:
    button = find(panel, QToolButton, "weights")
    assert button.isHidden()
    engine.deliver(TrainingChanged(run=RUN, status="running", step=400))
    engine.deliver(EngineReported(state="training", device="CPU", memory_bytes=1, step=470))
    assert not button.isHidden() and "470" in panel.header.weights.text()
    engine.weights_step = 470
    panel.header.weights.trigger()
    engine.serve()
    assert where(panel).weights_step == 470 and button.isHidden()


def test_a_dead_engine_is_reported_where_it_happened(panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.session.navigator.draw_to(7)
    engine.serve()
    engine.hello()
    reopen = find(panel, QToolButton, "reopen")
    assert not reopen.isHidden()
    assert any("engine ended" in label.text() for label in panel.findChildren(QLabel) if not label.isHidden())
    assert not panel.transport.step.isEnabled()
    reopen.click()
    engine.serve()
    assert reopen.isHidden() and where(panel).step == 7 and panel.transport.step.isEnabled()


def test_without_a_run_it_says_what_to_do(qtbot: QtBot) -> None:
    engine = PixelEngine()
    library = RunLibrary(engine)
    panel = PixelsPanel(PixelsState(engine, library), library)
    qtbot.addWidget(panel)
    engine.hello()
    engine.deliver(RunsListed(home="/runs", runs=(), problems=()))
    panel.show()
    assert panel.session.run == "" and panel.canvas.picture is None
    assert "Start a PixelCNN under Train" in panel.canvas._placeholder
    assert not panel.grab().isNull()


def test_it_fits_the_smallest_window(qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine) -> None:
    engine.deliver(TrainingChanged(run=RUN, status="running", step=400))
    engine.deliver(EngineReported(state="training", device="CPU", memory_bytes=1, step=470))
    panel.resize(880, 520)
    assert (panel.width(), panel.height()) == (880, 520)
    shown = [b for b in panel.transport.findChildren(QToolButton) if b.isVisible()]

    def apart() -> bool:
        sides = sorted((b.x(), b.x() + b.width()) for b in shown)
        return all(right <= left for (_, right), (left, _) in pairwise(sides))

    qtbot.waitUntil(apart)


def test_colours_are_stepped_through_within_a_pixel(qtbot: QtBot) -> None:
    engine = PixelEngine(RGB)
    panel = make_panel(qtbot, engine)
    panel.session.navigator.draw_to(4)
    engine.serve()
    assert where(panel).position == (1, 0, 1)
    assert panel.canvas.picture is not None and panel.canvas.picture.current == (0, 1)
    assert any(label.text().endswith("row 0, column 1, green") for label in panel.findChildren(QLabel))
    panel.canvas.hovered.emit(0, 1)
    assert any(
        "; green not yet sampled, step 4; blue not yet sampled" in label.text() for label in panel.findChildren(QLabel)
    )
    assert not panel.grab().isNull()


def test_hiding_the_panel_stops_playing(panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.session.navigator.play()
    panel.hide()
    assert not panel.session.navigator.playing


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
