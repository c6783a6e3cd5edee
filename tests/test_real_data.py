"""The real window against the real engine: a folder of pictures dropped on the window is imported and trained on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from picture_folders import make_pictures
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.data.state import DataState
from gmstudio.window.state.studio import Studio
from gmstudio.window.state.training.state import TrainingState

WAIT_MS = 60_000
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def studio(qtbot: QtBot, home: Path) -> Iterator[Studio]:
    client = EngineClient()
    studio = Studio(client)
    client.start()
    yield studio
    client.close()
    qtbot.waitUntil(lambda: client.state.phase == "closed", timeout=WAIT_MS)


def test_a_dropped_folder_is_imported_and_trained_on(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: studio.library.catalog is not None, timeout=WAIT_MS)

    def click(name: str) -> None:
        button = window.findChild(QToolButton, name)
        assert button is not None and button.isVisible(), name
        qtbot.waitUntil(button.isEnabled, timeout=WAIT_MS)
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    folder = make_pictures(tmp_path / "my pictures", {"dark": 30, "light": 30}, size=(8, 8))
    drop(window, folder)
    data = studio.state(DataState)
    assert window.panel == "data" and data.view == "import"
    qtbot.waitUntil(lambda: data.assistant.can_import, timeout=WAIT_MS)
    click("data.import")
    qtbot.waitUntil(lambda: data.view == "set" and data.opened.page is not None, timeout=WAIT_MS)
    assert data.title == "my pictures" and data.info is not None and data.info.size == 60
    stats = lambda: data.opened.stats is not None and data.opened.stats.done == 60  # noqa: E731
    qtbot.waitUntil(stats, timeout=WAIT_MS)
    click("data.train")
    training = studio.state(TrainingState)
    assert window.panel == "train" and training.setup.data_set == data.info
    training.setup.choose_family("fvbn")
    training.setup.set_data_config({"levels": 4}, {})
    training.setup.set_training({**training.setup.training, "steps": 5, "num_samples": 4}, {})
    qtbot.waitUntil(lambda: training.can_start and training.setup.described is not None, timeout=WAIT_MS)
    click("train.start")
    finished = lambda: [info for info in studio.library.runs if info.status == "finished" and not info.example]  # noqa: E731
    qtbot.waitUntil(lambda: bool(finished()), timeout=WAIT_MS)
    (run,) = finished()
    assert run.spec.data_config["folder"] == data.info.folder and run.image is not None
    assert run.image.shape == (1, 8, 8) and data.num_runs(data.info.folder) == 1


def drop(window: QWidget, path: Path) -> None:
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(9, 9), copy, files, left, none))
    QApplication.sendEvent(window, QDropEvent(QPointF(9, 9), copy, files, left, none))
