"""The window fits its screen, whatever its panels need."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.shell.page import PanelPage, fitted

ROOT = Path(__file__).resolve().parents[4]
MEASURE = """
import os
from PySide6.QtWidgets import QApplication
app = QApplication([])
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.studio import Studio
window = MainWindow(Studio(EngineClient(["never-started"])), PLACES)
window.show()
screen = window.screen().availableGeometry()
sizes = [(screen.width(), screen.height())]
for place in PLACES:
    window.show_panel(place.name)
    app.processEvents()
    sizes.append((window.width(), window.height()))
sizes.append((window.minimumSizeHint().width(), window.minimumSizeHint().height()))
print(sizes, flush=True)
os._exit(0)  # in the middle of preloading, without an engine to wait for
"""


@pytest.mark.parametrize(
    ("width", "height", "scale"), [(1920, 1080, 2), (1440, 900, 2), (1366, 768, 1), (1920, 1080, 1)]
)
def test_the_window_is_not_larger_than_the_screen(tmp_path: Path, width: int, height: int, scale: int) -> None:
    screen = {"name": "one", "x": 0, "y": 0, "width": width, "height": height, "logicalDpi": 96, "dpr": 1}
    (tmp_path / "screens.json").write_text(json.dumps({"screens": [screen]}))
    environ = os.environ | {
        "QT_QPA_PLATFORM": f"offscreen:configfile={tmp_path / 'screens.json'}",
        "QT_SCALE_FACTOR": str(scale),
        "GMSTUDIO_HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run([sys.executable, "-c", MEASURE], env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    available, *sizes = eval(done.stdout)
    assert available == (width // scale, height // scale)
    assert all(w <= available[0] and h <= available[1] for w, h in sizes), sizes


def test_a_page_scrolls_where_its_panel_does_not_fit(qtbot: QtBot) -> None:
    panel = QWidget()
    panel.setMinimumSize(900, 500)
    QVBoxLayout(panel).addWidget(QLabel("wide"))
    page = PanelPage(panel)
    qtbot.addWidget(page)
    page.resize(400, 600)
    page.show()
    assert page.horizontalScrollBar().maximum() == 900 - page.viewport().width()
    page.resize(1000, 600)
    assert panel.size() == QSize(1000, 600)


class Sparing(QWidget):
    """Shows a tall widget only where there is room for it."""

    def __init__(self) -> None:
        super().__init__()
        self.tall = QWidget()
        self.tall.setMinimumHeight(500)
        QVBoxLayout(self).addWidget(self.tall)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.tall.setVisible(self.height() >= 600)


def test_a_page_that_becomes_smaller_lets_its_panel_leave_out_what_does_not_fit(qtbot: QtBot) -> None:
    panel = Sparing()
    page = PanelPage(panel)
    qtbot.addWidget(page)
    page.resize(800, 700)  # as in presentation mode
    page.show()
    assert not panel.tall.isHidden()
    page.resize(800, 400)
    qtbot.waitUntil(lambda: page.verticalScrollBar().maximum() == 0)
    assert panel.tall.isHidden() and panel.height() == 400


def test_sizes_are_fitted_with_the_frame() -> None:
    frame = QSize(16, 40)
    assert fitted(QSize(1280, 800), QSize(960, 540), frame) == QSize(944, 500)
    assert fitted(QSize(800, 450), QSize(960, 540), frame) == QSize(800, 450)
