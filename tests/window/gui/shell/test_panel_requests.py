"""What a panel asks of the window: a dimension of a code in Latents."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from latent_engine import VAE, LatentEngine
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.shell.panel_requests import PanelRequests
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.runs.library import RunLibrary


class AskingPanel(Panel):
    name: ClassVar[str] = "asking"


class Window(QObject):
    """Studio and opener of runs, and the panels that were shown."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = LatentEngine()
        self.latents = LatentsState(self.engine, RunLibrary(self.engine), self)
        self.shown: list[str] = []
        self.explored: list[str] = []

    def state(self, kind: Any) -> Any:
        assert kind is LatentsState
        return self.latents

    def explore(self, run: str) -> None:
        self.explored.append(run)

    def show_panel(self, name: str) -> None:
        self.shown.append(name)
        self.latents.set_active(True)


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[Window]:
    window = Window()
    window.engine.hello()
    yield window
    window.latents.set_active(False)


def test_a_dimension_is_shown_in_latents(window: Window, qtbot: QtBot) -> None:
    stand_in: Any = window
    requests = PanelRequests({}, stand_in, stand_in, lambda _name: None, window.show_panel, window)
    panel = AskingPanel()
    qtbot.addWidget(panel)
    requests.add_panel(panel)
    panel.dimension_wanted.emit(VAE, 3)
    window.engine.serve()
    assert window.shown == ["latents"] and not window.explored
    assert window.latents.run == VAE and window.latents.code.dim == 3
