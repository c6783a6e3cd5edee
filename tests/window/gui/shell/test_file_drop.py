"""Files that are dropped on the window."""

from pathlib import Path

import numpy as np
import pytest
from latent_engine import VAE, LatentEngine
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from gmstudio.media import Provenance
from gmstudio.media.writing import write_png
from gmstudio.window.gui.shell.banner import Banner
from gmstudio.window.gui.shell.file_drop import FileDrop
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.runs.library import RunLibrary


class Window(QMainWindow):
    """What a drop needs of the main window."""

    def __init__(self) -> None:
        super().__init__()
        self.banner = Banner()
        self.setCentralWidget(self.banner)
        self.shown: list[str] = []

    def show_panel(self, name: str) -> None:
        self.shown.append(name)


class Training:
    def __init__(self) -> None:
        self.looked_at: list[str] = []

    def look_at(self, run: str) -> None:
        self.looked_at.append(run)


class Studio:
    """What a drop changes."""

    def __init__(self) -> None:
        self.client = LatentEngine()
        self.library = RunLibrary(self.client)
        self.latents = LatentsState(self.client, self.library)
        self.training = Training()
        self.client.hello()


@pytest.fixture
def window(qtbot: QtBot) -> Window:
    window = Window()
    qtbot.addWidget(window)
    return window


@pytest.fixture
def studio(window: Window) -> Studio:
    studio = Studio()
    window.drop = FileDrop(window, studio)
    return studio


def drop(window: Window, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(5, 5), copy, data, left, none)
    assert window.drop.eventFilter(window, event) and event.isAccepted()


def test_a_picture_of_ours_brings_its_code_back(qtbot: QtBot, window: Window, studio: Studio, tmp_path: Path) -> None:
    code = np.array([[1, -1, 0.5, 0, 2]], np.float32)
    info = studio.client.info(VAE)
    origin = Provenance(
        family="vae", run="vae", folder=VAE, created=info.created, step=300, shows="image", path="linear", codes=code
    )
    write_png(tmp_path / "a.png", np.zeros((1, 1, 8, 8), np.uint8), origin, 1, 1, lambda: False)
    drop(window, tmp_path / "a.png")
    qtbot.waitUntil(lambda: window.shown == ["latents"])
    studio.latents.set_watching(True)
    studio.client.serve()
    assert studio.latents.run == VAE
    np.testing.assert_array_equal(studio.latents.code, code[0])
    studio.latents.set_watching(False)


def test_a_runs_folder_is_opened(window: Window, studio: Studio, tmp_path: Path) -> None:
    drop(window, tmp_path)
    (tmp_path / "run.json").write_text("{}")
    drop(window, tmp_path / "run.json")
    assert studio.training.looked_at == [str(tmp_path)] * 2 and window.shown == ["train"] * 2


def test_a_foreign_picture_can_become_ones_own_image(
    qtbot: QtBot, window: Window, studio: Studio, tmp_path: Path
) -> None:
    Image.new("RGB", (20, 10), (255, 255, 255)).save(tmp_path / "a.png")
    studio.latents.choose_run(VAE)
    studio.latents.set_watching(True)
    studio.client.serve()
    told = []
    window.banner.tell = told.append
    drop(window, tmp_path / "a.png")
    qtbot.waitUntil(lambda: bool(told))
    assert "does not say that gmstudio made it" in told[0].text
    words, use = told[0].actions[0]
    assert words == "Find its code"
    with qtbot.waitSignal(studio.latents.user_image.taken):
        use()
    studio.client.serve()
    assert studio.latents.user_image.said.startswith("a.png was 20×10 RGB") and window.shown == ["latents"]
    studio.latents.set_watching(False)
