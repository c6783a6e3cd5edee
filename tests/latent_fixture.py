"""Fixtures of the tests of latent spaces: the engine's own functions as a fake client, the state and its panel."""

from collections.abc import Iterator

import pytest
from latent_engine import VAE, LatentEngine
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.runs.library import RunLibrary


@pytest.fixture
def engine() -> LatentEngine:
    return LatentEngine()


def active_state(engine: LatentEngine) -> LatentsState:
    """An active state, with the VAE open."""
    state = LatentsState(engine, RunLibrary(engine))
    engine.hello()
    state.choose_run(VAE)
    state.set_active(True)
    engine.serve()
    return state


@pytest.fixture
def state(qtbot: QtBot, engine: LatentEngine) -> Iterator[LatentsState]:
    state = active_state(engine)
    yield state
    state.set_active(False)


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
    assert panel.tabs.open_page == name and panel.views[name].isVisible()


def place(widget: QWidget, panel: LatentsPanel) -> QRect:
    return QRect(widget.mapTo(panel, QPoint(0, 0)), widget.size())
