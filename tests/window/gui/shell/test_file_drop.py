"""Files that are dropped on the window."""

from pathlib import Path

import numpy as np
import pytest
from archive_making import packed
from files_scene import FilesEngine
from latent_engine import VAE, LatentEngine
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.media import Provenance
from gmstudio.media.writing import write_png
from gmstudio.protocol.runs import TrashRun
from gmstudio.window.gui.dropped_data import data_in, drop_sentence
from gmstudio.window.gui.shell.banner import Notice
from gmstudio.window.gui.shell.drop_overlay import DropOverlay
from gmstudio.window.gui.shell.file_drop import FileDrop
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.runs.imports import RunImports
from gmstudio.window.state.runs.library import RunLibrary


class Window(QWidget):
    """A drop target that records the results of drops."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.runs: list[str] = []
        self.data: list[str] = []
        self.notices: list[Notice] = []

    def watch(self, drop: FileDrop) -> None:
        self.drop = drop
        drop.panel_wanted.connect(self.shown.append)
        drop.run_found.connect(lambda run, _origin: self.runs.append(run))
        drop.data_found.connect(self.data.append)
        drop.noticed.connect(self.notices.append)


class Studio:
    """The state that a drop changes."""

    def __init__(self) -> None:
        self.client = LatentEngine()
        self.library = RunLibrary(self.client)
        self._latents = LatentsState(self.client, self.library)
        self.client.hello()

    def state(self, kind: type[LatentsState]) -> LatentsState:
        assert kind is LatentsState
        return self._latents


@pytest.fixture
def window(qtbot: QtBot) -> Window:
    window = Window()
    qtbot.addWidget(window)
    return window


@pytest.fixture
def studio(window: Window) -> Studio:
    studio = Studio()
    window.watch(FileDrop(window, studio))
    return studio


def drop(window: Window, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(5, 5), copy, data, left, none)
    assert window.drop.eventFilter(window, event) and event.isAccepted()


def test_an_exported_picture_restores_its_code(qtbot: QtBot, window: Window, studio: Studio, tmp_path: Path) -> None:
    code = np.array([[1, -1, 0.5, 0, 2]], np.float32)
    info = studio.client.info(VAE)
    origin = Provenance(
        family="vae", run="vae", folder=VAE, created=info.created, step=300, shows="image", path="linear", codes=code
    )
    write_png(tmp_path / "a.png", np.zeros((1, 1, 8, 8), np.uint8), origin, 1, 1, lambda: False)
    drop(window, tmp_path / "a.png")
    qtbot.waitUntil(lambda: window.shown == ["latents"])
    studio.state(LatentsState).set_active(True)
    studio.client.serve()
    assert studio.state(LatentsState).run == VAE
    np.testing.assert_array_equal(studio.state(LatentsState).code.values, code[0])
    studio.state(LatentsState).set_active(False)


def test_a_run_folder_of_the_library_is_to_be_opened(window: Window, studio: Studio, tmp_path: Path) -> None:
    studio.library.home = str(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run.json").write_text("{}")
    drop(window, tmp_path / "a")
    drop(window, tmp_path / "a" / "run.json")
    assert window.runs == [str(tmp_path / "a")] * 2 and not window.data
    assert drop_sentence(dropped(tmp_path / "a"), str(tmp_path)) == "Open the run a"


def test_a_run_from_elsewhere_is_imported_with_progress_and_undo(qtbot: QtBot, window: Window, tmp_path: Path) -> None:
    studio = FilesStudio()
    window.watch(FileDrop(window, studio))

    def imported(count: int) -> bool:
        studio.client.serve()
        return len(window.runs) == count

    drop(window, packed(tmp_path))
    qtbot.waitUntil(lambda: imported(1))
    drop(window, tmp_path / "made")
    qtbot.waitUntil(lambda: imported(2))
    assert not window.data
    texts = [notice.text for notice in window.notices]
    assert "Packing made for the import…" in texts
    assert any(text.startswith("Importing made.gmrun: ") for text in texts)
    assert "has this run already" in texts[-1]
    label, undo = window.notices[-1].actions[0]
    assert label == "Undo import"
    undo()
    assert studio.client.last(TrashRun).run == window.runs[-1]


def test_sentences_on_runs_that_are_dragged(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run.json").write_text("{}")
    assert drop_sentence(dropped(tmp_path / "a")) == "Import the run a into the library"
    assert drop_sentence(dropped(tmp_path / "b.gmrun")) == "Import the run b.gmrun into the library"
    assert drop_sentence(dropped(tmp_path / "a", tmp_path / "b.gmrun")) == "Import 2 runs into the library"
    assert data_in(dropped(tmp_path / "a", tmp_path / "b.png")) == str(tmp_path)


def dropped(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


class FilesStudio:
    """The state that dropped runs change."""

    def __init__(self) -> None:
        self.client = FilesEngine()
        self.library = RunLibrary(self.client)
        self._imports = RunImports(self.client, self.library)

    def state(self, kind: type[RunImports]) -> RunImports:
        assert kind is RunImports
        return self._imports


@pytest.mark.parametrize(
    ("names", "found", "sentence"),
    [
        (["birds/"], "birds", "Import birds as a data set"),
        (["birds.zip"], "birds.zip", "Import birds.zip as a data set"),
        (["train-images-idx3-ubyte"], "train-images-idx3-ubyte", "Import train-images-idx3-ubyte as a data set"),
        (["a.png", "b.png"], "", "Import the folder {folder} as a data set: it holds these 2 files"),
    ],
)
def test_data_sets_are_imported_and_the_frame_says_so(
    window: Window, studio: Studio, tmp_path: Path, names: list[str], found: str, sentence: str
) -> None:
    for name in names:
        if name.endswith("/"):
            (tmp_path / name).mkdir()
    paths = [tmp_path / name for name in names]
    overlay = window.findChild(DropOverlay)
    assert overlay is not None and overlay.isHidden()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(1, 1), Qt.DropAction.CopyAction, data, buttons, keys))
    assert overlay.text() == sentence.format(folder=tmp_path.name) and not overlay.isHidden()
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert overlay.isHidden() and not window.data
    drop(window, *paths)
    assert window.data == [str(tmp_path / found) if found else str(tmp_path)] and not window.runs
    assert overlay.isHidden()


def test_weights_are_to_be_imported_and_the_frame_says_so(window: Window, studio: Studio, tmp_path: Path) -> None:
    found: list[str] = []
    window.drop.weights_found.connect(found.append)
    for name in ("theirs.safetensors", "theirs.PT"):
        window.drop.take(str(tmp_path / name))
    assert found == [str(tmp_path / "theirs.safetensors"), str(tmp_path / "theirs.PT")]
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(found[0])])
    assert drop_sentence(data) == "Import the weights in theirs.safetensors as a run"


def test_one_picture_is_no_data_set(tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.png"))])
    assert data_in(data) == "" and "encode" in drop_sentence(data)
    assert data_in(data, anything=True) == str(tmp_path / "a.png")


def test_a_foreign_picture_can_be_encoded(qtbot: QtBot, window: Window, studio: Studio, tmp_path: Path) -> None:
    Image.new("RGB", (20, 10), (255, 255, 255)).save(tmp_path / "a.png")
    studio.state(LatentsState).choose_run(VAE)
    studio.state(LatentsState).set_active(True)
    studio.client.serve()
    drop(window, tmp_path / "a.png")
    qtbot.waitUntil(lambda: bool(window.notices))
    assert window.notices[0].text == "a.png has no gmstudio data."
    label, encode = window.notices[0].actions[0]
    assert label == "Encode this image"
    with qtbot.waitSignal(studio.state(LatentsState).user_image.taken):
        encode()
    studio.client.serve()
    assert studio.state(LatentsState).user_image.description.startswith("a.png was 20×10 RGB") and window.shown == [
        "latents"
    ]
    studio.state(LatentsState).set_active(False)
