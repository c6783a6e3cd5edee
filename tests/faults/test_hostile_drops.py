"""Faults 18 and 19: pictures of 100,000 pixels and malformed files, dropped on the real window."""

import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hostile_files import BAD_ENTRIES, GOOD, PICTURES, REFUSED, png_file, zeros
from picture_making import write
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.picture_source import KEPT_SIDE
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.data.state import DataState
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.studio import Studio

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
WAIT_MS = 120_000
MIB = 1 << 20
ROOM = 400 * MIB
"""Memory that either process may take in addition, whatever is dropped."""


class Desk:
    """A window on which files are dropped."""

    def __init__(self, qtbot: QtBot, window: MainWindow, studio: Studio) -> None:
        self.qtbot, self.window, self.studio = qtbot, window, studio
        self.said = ""
        window.banner.changed.connect(self._listen)

    def _listen(self) -> None:
        notice = self.window.banner.notice
        self.said = notice.text if notice is not None else self.said

    def drop(self, *paths: Path) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        action, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        entered = QDragEnterEvent(QPoint(300, 200), action, data, left, none)
        QApplication.sendEvent(self.window, entered)  # without it Qt delivers no drop
        QApplication.sendEvent(self.window, QDropEvent(QPointF(300, 200), action, data, left, none))

    def answer_to_data(self, path: Path) -> str:
        """Drop a data set, or choose it where a drop takes it for a picture; what its import says."""
        assistant = self.studio.state(DataState).assistant
        if path.suffix == ".7z":
            self.studio.state(DataState).import_files(str(path))
        else:
            self.drop(path)
        self.qtbot.waitUntil(lambda: assistant.path == str(path), timeout=WAIT_MS)
        self.qtbot.waitUntil(
            lambda: not assistant.previewing and (bool(assistant.problem) or assistant.previewed is not None),
            timeout=WAIT_MS,
        )
        shown = assistant.previewed.shown if assistant.previewed is not None else ()
        return " ".join((assistant.problem, *(f"{image.name}: {image.problem}" for image in shown if image.problem)))

    def answer_to_picture(self, path: Path) -> str:
        """Drop a picture; what the banner says."""
        self.said = ""
        self.drop(path)
        self.qtbot.waitUntil(lambda: path.name in self.said, timeout=WAIT_MS)
        return self.said

    def press(self, label: str) -> None:
        notice = self.window.banner._notices["dropped"]  # another one may be shown above it
        dict(notice.actions)[label]()

    def memory(self) -> tuple[int, int]:
        """Resident bytes of window and engine."""
        own = psutil.Process()
        return own.memory_info().rss, psutil.Process(self.studio.client.state.pid).memory_info().rss


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[Desk]:
    client = EngineClient()
    studio = Studio(client)
    client.start()
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    window.resize(1366, 768)
    window.show()
    window.show_panel("data")
    qtbot.waitUntil(lambda: studio.library.catalog is not None, timeout=WAIT_MS)
    yield Desk(qtbot, window, studio)
    client.close()
    qtbot.waitUntil(lambda: client.state.phase == "closed", timeout=WAIT_MS)
    assert client.state.process_exit is None, "the engine ended in order"


def test_malformed_and_enormous_files_cost_a_sentence_each(desk: Desk, tmp_path: Path) -> None:
    engine = desk.studio.client.state.pid
    before = desk.memory()
    for number, (name, (make, reason)) in enumerate([*REFUSED.items(), *BAD_ENTRIES.items()]):
        place = tmp_path / f"archive {number}"
        place.mkdir()
        answer = desk.answer_to_data(make(place))
        if name in REFUSED:
            assert re.search(reason, answer), (name, answer)
    for number, (name, (content, reason)) in enumerate(PICTURES.items()):
        folder = write(tmp_path / f"folder {number}", {**GOOD, "z.png": content})
        answer = desk.answer_to_data(folder)
        assert not answer or "z.png" in answer or re.search(reason, answer), (name, answer)
    for number, (name, (content, _)) in enumerate(PICTURES.items()):
        path = tmp_path / f"picture {number}.png"
        path.write_bytes(content)
        answer = desk.answer_to_picture(path)
        assert path.name in answer, (name, answer)
    check_wide(desk, tmp_path)
    after = desk.memory()
    assert desk.studio.client.state.pid == engine, "it was never restarted"
    assert after[0] - before[0] < ROOM and after[1] - before[1] < ROOM, (before, after)
    good = write(tmp_path / "good", GOOD)
    assert desk.answer_to_data(good) == "" and desk.studio.state(DataState).assistant.can_import


def check_wide(desk: Desk, place: Path) -> None:
    """Pictures of 100,000 pixels: as data refused or shown small, as a picture to encode read at a smaller size."""
    wide, tall = 100_000, 40
    sheet = write(place / "wide", {"wide.png": png_file(wide, tall, zeros(tall * (wide + 1)))})
    assert "at most 16,384" in desk.answer_to_data(sheet), desk.said
    picture = sheet / "wide.png"
    assert "wide.png has no gmstudio data" in desk.answer_to_picture(picture)
    taken: list[tuple[int, ...]] = []
    latents = desk.studio.state(LatentsState)
    latents.user_image.changed.connect(lambda: taken.append(()))
    desk.window._drop._pictures.taken.connect(lambda pixels, _name: taken.append(pixels.shape))
    desk.press("Encode this image")
    desk.qtbot.waitUntil(lambda: any(taken), timeout=WAIT_MS)
    (shape,) = [shape for shape in taken if shape]
    assert max(shape) <= KEPT_SIDE and shape[1] == KEPT_SIDE, "read at a smaller size"
    larger = place / "larger.png"
    larger.write_bytes(png_file(wide, 1000, zeros(1000 * (wide + 1))))
    assert "of a usual size" in desk.answer_to_picture(larger)
