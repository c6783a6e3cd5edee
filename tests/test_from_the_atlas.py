"""From the first start: the Atlas, a click on the VAE, a click on Explore, and a slider that moves an image."""

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from gmstudio.runs.examples import EXAMPLES_VARIABLE, examples_home
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.panels.atlas.panel import AtlasPanel
from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.gui.panels.train.panel import TrainPanel
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.gui.widgets.images.live_image import LiveImage
from gmstudio.window.gui.widgets.sliders.row import SliderRow
from gmstudio.window.state.studio import Studio
from gmstudio.window.state.training.state import TrainingState

WAIT_MS = 60_000


@pytest.fixture
def window(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """The window of a bare machine, with the ready models, on a real engine."""
    monkeypatch.delenv(EXAMPLES_VARIABLE)
    studio = Studio(EngineClient())
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    studio.engine.start()
    window.show()
    yield window
    studio.engine.close()
    qtbot.waitUntil(lambda: studio.engine.state.phase == "closed", timeout=WAIT_MS)


@pytest.mark.slow
def test_three_clicks_lead_to_a_slider_that_moves_an_image_and_two_to_a_setup(qtbot: QtBot, window: MainWindow) -> None:
    assert (examples_home() / "vae" / "run.json").is_file(), "the ready VAE comes with the program"
    assert window.panel == "atlas", "the program opens on it"
    atlas = window.findChild(AtlasPanel)
    assert atlas is not None
    qtbot.waitUntil(lambda: atlas.tree.button("vae") is not None, timeout=WAIT_MS)
    qtbot.mouseClick(atlas.tree.button("vae"), Qt.MouseButton.LeftButton)
    explore = atlas.findChild(QToolButton, "atlas.explore")
    assert explore is not None
    qtbot.waitUntil(explore.isEnabled, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: len(atlas.family.samples.images) > 0, timeout=WAIT_MS)
    qtbot.mouseClick(explore, Qt.MouseButton.LeftButton)
    assert window.panel == "latents"
    latents = window.findChild(LatentsPanel)
    assert latents is not None
    live = [image for image in latents.findChildren(LiveImage) if image.isVisible()]
    shown = lambda: next((i.image for i in live if i.image is not None), None)  # noqa: E731
    qtbot.waitUntil(lambda: shown() is not None, timeout=WAIT_MS)
    before = np.array(shown())
    row = next(row for row in latents.findChildren(SliderRow) if row.isVisible() and row.dim >= 0)
    row.slider.setValue(row.slider.maximum())
    qtbot.waitUntil(lambda: not np.array_equal(shown(), before), timeout=WAIT_MS)
    assert not window._ready_note.isHidden()
    assert "A ready VAE, trained on " in window._ready_note.text.words

    window.show_panel("atlas")
    qtbot.mouseClick(atlas.tree.button("gan"), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(atlas.findChild(QToolButton, "atlas.train"), Qt.MouseButton.LeftButton)
    assert window.panel == "train" and window.findChild(TrainPanel) is not None
    setup = window._studio.state(TrainingState).setup
    assert setup.family == "gan" and setup.entry is not None and setup.entry.start is not None
    assert (setup.data, setup.config) == (setup.entry.start.data, setup.entry.start.config)
