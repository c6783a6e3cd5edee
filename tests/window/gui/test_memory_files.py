"""Files in memory: Qt reads them by their path, and the theme needs no folder for temporary files."""

import os
import subprocess
import sys

from PySide6.QtCore import QFile, QIODevice
from PySide6.QtGui import QIcon
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.memory_files import MemoryFiles

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>'


def read(path: str) -> bytes | None:
    file = QFile(path)
    return bytes(file.readAll().data()) if file.open(QIODevice.OpenModeFlag.ReadOnly) else None


def test_every_file_is_read_by_its_path_until_it_is_removed() -> None:
    contents = {f"{name}.svg": name.encode() * 3 for name in ("up", "down", "left", "right", "check", "ä")}
    first, second = MemoryFiles(contents), MemoryFiles({"up.svg": b"other"})
    assert {name: read(first.path(name)) for name in contents} == contents
    assert read(second.path("up.svg")) == b"other" and read(first.path("none.svg")) is None
    first.remove()
    assert read(first.path("up.svg")) is None
    second.remove()


def test_a_drawing_in_memory_is_drawn(qtbot: QtBot) -> None:
    files = MemoryFiles({"square.svg": SVG})
    image = QIcon(files.path("square.svg")).pixmap(8, 8).toImage()
    assert image.pixelColor(4, 4).alpha() == 255
    files.remove()


def test_the_theme_needs_no_folder_for_temporary_files() -> None:
    code = (
        "from PySide6.QtWidgets import QApplication, QSpinBox\n"
        "from gmstudio.window.gui.theme import theme\n"
        "app = QApplication([]); box = QSpinBox(); theme().style_window(box); box.show(); box.grab()\n"
        "print(':/memory' in box.styleSheet())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "TMPDIR": "/proc", "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.stdout == "True\n" and done.returncode == 0, done.stderr
