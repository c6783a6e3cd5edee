"""What tests of latent spaces stand on: the engine's own functions as a fake client, a session and its panel."""

from collections.abc import Iterator

import pytest
from latent_engine import VAE, LatentEngine
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.runs.library import RunLibrary


@pytest.fixture
def engine() -> LatentEngine:
    return LatentEngine()


def watched(engine: LatentEngine) -> LatentsState:
    """A session that somebody looks at, with the VAE open."""
    session = LatentsState(engine, RunLibrary(engine))
    engine.hello()
    session.choose_run(VAE)
    session.set_watching(True)
    engine.serve()
    return session


@pytest.fixture
def session(qtbot: QtBot, engine: LatentEngine) -> Iterator[LatentsState]:
    session = watched(engine)
    yield session
    session.set_watching(False)


@pytest.fixture
def panel(qtbot: QtBot, engine: LatentEngine) -> Iterator[LatentsPanel]:
    """The panel with the VAE open."""
    library = RunLibrary(engine)
    panel = LatentsPanel(LatentsState(engine, library), library)
    qtbot.addWidget(panel)
    panel.resize(1200, 720)
    panel.show()
    panel.activateWindow()
    engine.hello()
    engine.serve()
    yield panel
    panel.hide()


def control(panel: LatentsPanel, name: str) -> QWidget:
    found = panel.findChild(QWidget, f"latents.{name}")
    assert found is not None, name
    return found


def click(qtbot: QtBot, panel: LatentsPanel, name: str) -> None:
    button = control(panel, name)
    assert isinstance(button, QAbstractButton) and button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def open_view(panel: LatentsPanel, name: str) -> None:
    """Open a view by its action."""
    action = panel.findChild(QAction, f"action.latents.view_{name}")
    assert action is not None
    action.trigger()
    assert panel.tabs.currentWidget() is panel.views[name] and panel.views[name].isVisible()
