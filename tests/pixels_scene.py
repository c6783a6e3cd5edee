"""The Pixels panel on an engine that answers when a test says so."""

from pixel_engine import PixelEngine
from pytestqt.qtbot import QtBot

from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.library import RunLibrary

OTHER = "/runs/other"


def nade_engine(side: int) -> PixelEngine:
    """Engine with two NADEs of any order on grey images of ``side`` pixels."""
    nade, grey = FAMILIES["nade"], ImageSpec(channels=1, height=side, width=side, levels=4)
    engine = PixelEngine(grey, nade(nade.Config(num_hidden=4, order_agnostic=True), grey))
    engine.others[OTHER] = nade(nade.Config(num_hidden=3, order_agnostic=True), grey)
    return engine


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
