"""The Pixels panel on an engine that answers when a test says so."""

from pixel_engine import PixelEngine
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.library import RunLibrary


def make_panel(qtbot: QtBot, engine: PixelEngine, *runs: str) -> PixelsPanel:
    """The panel at a usual size with the first of the runs open; the engine's own when none are named."""
    library = RunLibrary(engine)
    panel = PixelsPanel(PixelsState(engine, library), library)
    qtbot.addWidget(panel)
    engine.hello()
    engine.list_runs(*runs)
    panel.resize(1200, 720)
    panel.show()
    panel.setFocus()
    engine.serve()
    return panel
