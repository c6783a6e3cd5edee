"""Engine and panel with a model of any order, for the modules that do not make their own."""

import pytest
from pixel_engine import RUN, PixelEngine
from pixels_scene import OTHER, make_panel, nade_engine
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.pixels.panel import PixelsPanel


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> PixelEngine:
    """Engine with a NADE of any order on grey images of the module's size ``SIDE``, and a second run of the same."""
    return nade_engine(request.module.SIDE)


@pytest.fixture
def panel(qtbot: QtBot, engine: PixelEngine) -> PixelsPanel:
    """The panel with both runs, the first of them open."""
    return make_panel(qtbot, engine, RUN, OTHER)
