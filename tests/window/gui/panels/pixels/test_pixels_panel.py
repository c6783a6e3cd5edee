"""The Pixels panel writes the state and shows it; asserted through the state."""

from itertools import pairwise

import numpy as np
from pixel_engine import RUN, PixelEngine
from pixels_panel_fixture import RGB, engine, find, panel, press, where
from pixels_scene import make_panel
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSpinBox, QToolButton
from pytestqt.qtbot import QtBot

from gmstudio.protocol.engine import EngineReported
from gmstudio.protocol.runs import RunsListed
from gmstudio.protocol.training import TrainingChanged
from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.library import RunLibrary

__all__ = ["engine", "panel"]


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
