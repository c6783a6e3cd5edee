"""A panel with one question to the engine is five files: message, answer, state, panel, and an entry among the places.

The toy feature lies outside the package and is served by a real engine, behind a command of its own.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from toy_feature.panel import ToyPanel
from toy_feature.places import PLACES

from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import StartTraining, TrainingChanged
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.studio import Studio

WAIT_MS = 60_000
FEATURE = Path(__file__).parent / "toy_feature"


def test_it_has_five_files() -> None:
    files = {path.name for path in FEATURE.iterdir() if path.suffix == ".py"}
    assert files == {"protocol.py", "engine.py", "state.py", "panel.py", "places.py"}


@pytest.fixture
def window(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """The window with the toy panel, on an engine that has the toy feature."""
    monkeypatch.setenv("PYTHONPATH", str(FEATURE.parent))
    studio = Studio(EngineClient([sys.executable, "-m", "toy_feature.engine"]))
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    studio.engine.start()
    yield window
    studio.engine.close()
    qtbot.waitUntil(lambda: studio.engine.state.phase == "closed", timeout=WAIT_MS)


@pytest.mark.slow
def test_the_panel_asks_the_engine_and_shows_the_answer(qtbot: QtBot, window: MainWindow) -> None:
    window.show()
    studio = window._studio
    qtbot.waitUntil(lambda: studio.engine.state.phase == "ready", timeout=WAIT_MS)
    with qtbot.waitSignal(
        studio.client.on(TrainingChanged), timeout=WAIT_MS, check_params_cb=lambda event: event.status == "finished"
    ):
        spec = RunSpec(
            family="nade", config={"num_hidden": 3}, data="digits", data_config={"levels": 2}, training={"steps": 2}
        )
        studio.client.send(StartTraining(spec=spec))
    window.show_panel("toy")
    panel = window.findChild(ToyPanel)
    assert panel is not None
    panel.count.trigger()
    qtbot.waitUntil(lambda: "parameters are positive" in panel.words.text(), timeout=WAIT_MS)
    count, total = (int(word.replace(",", "")) for word in panel.words.text().split()[:3:2])
    assert 0 < count < total
