"""Fixtures and short cuts of the tests of the Pixels panel."""

from typing import TypeVar

import pytest
from pixel_engine import PixelEngine
from pixels_scene import make_panel
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gmstudio.protocol.images import ImageSpec
from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.state.pixels.snapshot import PixelSnapshot

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
