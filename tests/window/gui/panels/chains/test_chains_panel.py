"""The Chains panel: its controls write the state, and show it."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from chains_scene import ENERGY, FLOW, GAN, RBM, ChainsScene
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QLabel, QSpinBox, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.protocol.runs import RunsListed
from gmstudio.window.gui.panels.chains.curves import mixing_summary
from gmstudio.window.gui.panels.chains.panel import NO_RUN, STARTING, ChainsPanel
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
