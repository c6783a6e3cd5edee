"""The Chains panel: its controls write the state, and show it."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from chains_scene import ENERGY, FLOW, GAN, RBM, ChainsScene
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QComboBox, QLabel, QSpinBox, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.protocol.runs import RunsListed
from gmstudio.window.gui.panels.chains.curves import mixing_summary
from gmstudio.window.gui.panels.chains.export import export_menu
from gmstudio.window.gui.panels.chains.panel import NO_FRAMES, NO_RUN, STARTING, ChainsPanel
from gmstudio.window.gui.panels.chains.setup import NO_IMAGE
from gmstudio.window.state.chains.mixing import Mixing


class Stage(ChainsScene):
    """The panel on a scene."""

    def __init__(self, qtbot: QtBot) -> None:
        super().__init__()
        self.panel = ChainsPanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1200, 740)
        self.panel.show()
        qtbot.waitExposed(self.panel)

    def find(self, name: str) -> QWidget:
        found = self.panel.findChild(QWidget, f"chains.{name}")
        assert found is not None, name
        return found


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    stage = Stage(qtbot)
    stage.arrive()
    yield stage
    stage.state.pause()


def words_shown(stage: Stage) -> str:
    return " | ".join(label.text() for label in stage.panel.findChildren(QLabel) if label.isVisible())


def test_before_the_engine_has_started_there_is_no_text_on_runs(qtbot: QtBot) -> None:
    stage = Stage(qtbot)
    assert stage.panel.images._placeholder == STARTING
    stage.client.deliver(RunsListed(home="/runs", runs=(), problems=()))
    assert stage.panel.images._placeholder == NO_RUN


def test_what_needs_frames_is_disabled_with_its_reason(qtbot: QtBot) -> None:
    stage = Stage(qtbot)
    stage.client.deliver(RunsListed(home="/runs", runs=(), problems=()))
    for action in (stage.panel.save, stage.panel.show_strip):
        assert not action.isEnabled() and NO_FRAMES in action.toolTip()
    stage.arrive()
    stage.answer(3, done=True)
    for action in (stage.panel.save, stage.panel.show_strip):
        assert action.isEnabled() and NO_FRAMES not in action.toolTip()


def test_keys_play_step_and_jump(stage: Stage, qtbot: QtBot) -> None:
    state = stage.state
    assert state.run == RBM and state.playing
    stage.answer(40, done=True)
    keys = (("Space", 0), ("Right", 1), ("Up", 11), ("Left", 10), ("Down", 0), ("End", 39), ("Home", 0))
    for key, position in keys:
        qtbot.keyClick(stage.panel, getattr(Qt.Key, f"Key_{key}"))
        assert state.position == position and not state.playing, key
    qtbot.keyClick(stage.panel, Qt.Key.Key_Space)
    assert state.playing
    button = stage.find("play")
    assert isinstance(button, QToolButton) and button.text() == "Pause"


def test_frames_are_scrubbed_and_typed(stage: Stage) -> None:
    stage.answer(40, done=True)
    stage.panel.scrub.field.setValue(12)
    assert stage.state.position == 12 and "Gibbs step 12" in words_shown(stage)
    stage.panel.scrub.slider.setValue(30)
    assert stage.state.position == 30 and not stage.state.playing
    assert "of 39" in words_shown(stage), "as many as there are, not as many as requested"
    assert stage.panel.images._captions == ["-30"] * 3


def test_a_click_on_the_curve_goes_there(stage: Stage, qtbot: QtBot) -> None:
    stage.answer(40, done=True)
    plot = stage.panel.curves.plot
    qtbot.waitUntil(lambda: plot.isVisible() and plot.view_range()[0][1] > 30)
    viewport = plot._view.viewport()
    box = plot._plot.getViewBox().sceneBoundingRect()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=QPoint(int(box.center().x()), int(box.center().y())))
    assert stage.state.position == pytest.approx(20, abs=2) and not stage.state.playing


def test_a_metric_of_frames_that_were_dropped_is_not_plotted(stage: Stage) -> None:
    combo, before = stage.panel.curves.metric_combo, stage.state.metric
    combo.addItem("of other frames")
    combo.activated.emit(combo.count() - 1)
    assert stage.state.metric is before


def test_labels_are_those_of_the_family(stage: Stage, qtbot: QtBot) -> None:
    stage.answer(40, done=True)
    assert "Gibbs steps" in words_shown(stage) and "Shown: E[x | h]." in words_shown(stage)
    stage.panel.run.choose(FLOW)
    stage.answer(3, steps=201, done=True)
    assert "Layers shown" in words_shown(stage) and "To their codes." not in words_shown(stage)
    stage.state.set_start("data", 4)
    assert "To their codes." in words_shown(stage)
    index = stage.find("index")
    assert isinstance(index, QSpinBox) and index.isVisible() and index.value() == 4
    qtbot.waitUntil(lambda: not stage.panel.curves._timer.isActive())
    assert not stage.panel.curves.mixing.isVisible(), "a flow does not mix"


def test_a_training_history_has_images_and_no_initial_states(stage: Stage, qtbot: QtBot) -> None:
    stage.panel.run.choose(GAN)
    stage.answer(4, steps=4, done=True)
    assert "Images" in words_shown(stage) and "Chains" not in words_shown(stage).split(" | ")
    for name in ("start_state", "seed", "continue", "canvas"):
        assert not stage.find(name).isVisible(), name
    restart = stage.find("restart")
    assert isinstance(restart, QToolButton) and restart.text() == "Reload"


def test_mixing_is_summarized(stage: Stage, qtbot: QtBot) -> None:
    noise = np.random.default_rng(0).integers(0, 100, (100, 3)).astype(np.float32)
    stage.answer(100, values=noise, done=True)
    qtbot.waitUntil(stage.panel.curves.mixing.isVisible)
    words = stage.panel.curves.summary.text()
    assert words.startswith(f"Autocorrelation time: τ in transitions: {ENERGY.name} 1.")
    assert "Converged (R̂ = 1." in words


def test_too_few_steps_give_no_estimate() -> None:
    short, rho = math.inf, np.ones(3)
    both = mixing_summary("free energy", Mixing(rho, short, 1.3), Mixing(rho, short, 1.3))
    assert both == "Autocorrelation time: too few steps to estimate τ. Not converged (R̂ = 1.30 > 1.1)."
    one = mixing_summary("free energy", Mixing(rho, 2.5, math.nan), Mixing(rho, short, math.nan))
    assert one.endswith("in transitions: free energy 2.5, pixels too few steps to estimate.")


def test_the_chooser_shows_the_selected_run(stage: Stage) -> None:
    stage.state.choose_run(FLOW)
    assert stage.panel.run.current() == FLOW


def test_a_drawn_image_begins_the_chains(stage: Stage, qtbot: QtBot) -> None:
    stage.answer(4, done=True)
    combo = stage.find("start_state")
    assert isinstance(combo, QComboBox)
    combo.setCurrentIndex(combo.findData("image"))
    combo.activated.emit(combo.currentIndex())
    canvas = stage.find("canvas")
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.rect().center())
    qtbot.mouseClick(stage.find("restart"), Qt.MouseButton.LeftButton)
    image = stage.requested[-1].image
    assert image is not None and image.numpy().any()


def test_strokes_and_clearing_of_the_drawn_image_are_undone(stage: Stage, qtbot: QtBot) -> None:
    stage.answer(4, done=True)
    combo = stage.find("start_state")
    assert isinstance(combo, QComboBox)
    combo.setCurrentIndex(combo.findData("image"))
    combo.activated.emit(combo.currentIndex())
    canvas, undo = stage.panel.setup.canvas, stage.panel.undo
    area = canvas.image_rect().toRect().adjusted(3, 3, -3, -3)
    for corner in (area.topLeft(), area.bottomRight()):
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=corner)
    both = canvas.image
    stage.panel.setup.clear.trigger()
    assert [step.edit.name for step in undo.steps] == ["Draw", "Draw", "Clear"]
    undo.undo()
    assert np.array_equal(canvas.image, both) and np.array_equal(stage.state.drawn, both)
    undo.undo()
    assert 0 < canvas.image.sum() < both.sum()
    undo.undo()
    assert not canvas.image.any() and stage.state.drawn is None
    undo.redo()
    assert canvas.image.any()


@pytest.mark.parametrize(("width", "height"), [(888, 540), (888, 640), (1500, 900)])
def test_nothing_is_cut_off(stage: Stage, qtbot: QtBot, width: int, height: int) -> None:
    stage.answer(40, done=True)
    stage.state.set_start("image")
    stage.panel.setMinimumSize(0, 0)
    stage.panel.resize(width, height)
    qtbot.waitUntil(lambda: stage.panel.minimumSizeHint().width() <= width)
    assert (stage.panel.width(), stage.panel.height()) == (width, height)
    assert stage.panel.minimumSizeHint().height() <= height
    canvas = stage.panel.setup.canvas
    assert stage.panel.rect().contains(canvas.mapTo(stage.panel, canvas.rect().bottomRight()))
    assert stage.panel.speed.slider.width() >= 40


def test_a_click_on_an_image_selects_its_curve_and_the_other_way_round(stage: Stage, qtbot: QtBot) -> None:
    values = np.tile(np.array([10.0, 100.0, 200.0], np.float32), (40, 1))
    stage.answer(40, values=values, done=True)
    plot, images = stage.panel.curves.plot, stage.panel.images
    qtbot.waitUntil(lambda: plot.isVisible() and plot.view_range()[0][1] > 30)
    qtbot.mouseClick(images, Qt.MouseButton.LeftButton, pos=images.image_rect(1).center().toPoint())
    assert stage.state.chain == 1
    assert [trace.label for trace in plot._traces if trace.width > 2] == ["chain 2"]
    assert images._selected == 1
    box = plot._plot.getViewBox()
    place = box.mapViewToScene(QPointF(20, 10.0)).toPoint()
    qtbot.mouseClick(plot._view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert stage.state.chain == 0 and images._selected == 0
    plot.trace_hovered.emit(("chain", 2))
    assert images._hover == 2
    images.hovered.emit(2)
    assert "chain 3" in [trace.label for trace in plot._traces]


def test_two_settings_are_shown_side_by_side(stage: Stage, qtbot: QtBot) -> None:
    stage.answer(40, done=True)
    assert not stage.panel.kept.isVisible()
    stage.panel.compare.trigger()
    stage.state.set_seed(3)
    stage.panel.setup.restart.trigger()
    stage.answer(20, done=True)
    stage.state.seek(19)
    assert stage.panel.kept.isVisible() and stage.panel.kept.heading.words == "200 steps · seed 0"
    assert stage.panel.present.heading.words == "200 steps · seed 3"
    assert (stage.panel.kept.images.images == 19).all() and (stage.panel.images.images == 19).all()
    stage.panel.compare.trigger()
    assert not stage.panel.kept.isVisible() and stage.state.kept is None


def test_a_strip_has_labelled_columns(stage: Stage) -> None:
    stage.answer(23, done=True)
    stage.panel.show_strip.trigger()
    strip = stage.panel.strip
    assert strip._column_labels == ["0", "2", "4", "6", "8", "10", "12", "14", "16", "18", "20", "22"]
    assert strip.image_rect(0).top() >= strip.fontMetrics().height()
    assert "Gibbs step" in words_shown(stage)
    strip.clicked.emit(12 + 3)
    assert stage.state.position == 6


def test_settings_that_are_not_applied_are_marked(stage: Stage, qtbot: QtBot) -> None:
    stage.answer(4, done=True)
    seed = stage.panel.setup.seed
    assert not seed.property("pending") and stage.panel.setup._pending.words == " "
    seed.lineEdit().setFocus()
    seed.lineEdit().selectAll()
    qtbot.keyClicks(seed.lineEdit(), "12")
    assert seed.property("pending"), "while it is being typed"
    qtbot.keyClick(seed, Qt.Key.Key_Return)
    assert seed.property("pending") and stage.panel.setup._pending.words == "Not applied yet: seed. Restart applies it."
    stage.panel.setup.restart.trigger()
    assert not seed.property("pending") and stage.requested[-1].seed == 12


def test_the_sampler_has_a_form_where_the_family_has_one(stage: Stage) -> None:
    assert not stage.panel.setup.sampler.isVisible()
    stage.panel.run.choose(FLOW)
    form = stage.panel.setup.sampler.form
    assert form is not None and list(form.fields) == ["way", "eta"] and stage.panel.setup.sampler.isVisible()
    assert not form.fields["eta"].editor.isEnabled()
    assert form.fields["eta"].editor.toolTip() == "η has an effect only with way B way."
    way = stage.find("sampler.way")
    assert isinstance(way, QComboBox)
    way.setCurrentIndex(1)
    assert form.fields["eta"].editor.isEnabled() and stage.state.sampler["way"] == "b"
    stage.panel.setup.restart.trigger()
    assert stage.requested[-1].sampler == {"way": "b", "eta": 0.5}


def test_the_slider_spans_the_whole_from_the_start(stage: Stage) -> None:
    stage.answer(5, steps=51)
    slider = stage.panel.scrub.slider
    assert slider.maximum() == 50
    slider.setValue(40)
    assert stage.state.position == 4 and slider.value() == 4, "as far as frames have arrived"


def test_starting_from_an_image_waits_for_it(stage: Stage) -> None:
    stage.panel.run.choose(FLOW)
    action = stage.panel.setup.continue_from
    stage.lay_layers(2, 1)
    assert action.text() == "Start from this image" and not action.isEnabled() and NO_IMAGE in action.toolTip()
    stage.panel.setup.restart.trigger()
    stage.lay_layers(2, 0)
    assert action.isEnabled() and "at layer 0" in action.toolTip()
    action.trigger()
    image = stage.requested[-1].image
    assert image is not None and (image.numpy() == 1).all() and stage.state.playing


def test_the_menu_of_exports_disables_what_cannot_be_written(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmstudio.media.writing.shutil.which", lambda _name: None)
    stage.answer(4, done=True)
    menu = export_menu(stage.panel, stage.panel.export)
    enabled = {action.text(): action.isEnabled() for action in menu.actions()}
    assert enabled == {
        "Film as GIF…": True,
        "Film as MP4…": False,
        "This frame as PNG…": True,
        "Strip as PNG…": True,
    }
    assert "ffmpeg" in menu.actions()[1].toolTip()
