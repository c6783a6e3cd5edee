"""The dialog "Connect to…": what is written, tested and chosen."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import fake_engine
import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.client.engine_command import LOCAL
from gmstudio.window.gui.shell.banner import Banner
from gmstudio.window.gui.shell.connect_dialog import ConnectDialog
from gmstudio.window.gui.shell.machine import Machine
from gmstudio.window.gui.shell.settings import ENGINES, WindowSettings
from gmstudio.window.state.connection_test import ConnectionTest
from gmstudio.window.state.engine import EngineState

WAIT_MS = 20_000


@pytest.fixture
def dialog(qtbot: QtBot) -> Iterator[ConnectDialog]:
    test = ConnectionTest()
    found = ConnectDialog(["ssh box gmstudio engine", "other"], test, "box")
    found.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(found)
    found.show()
    yield found
    found.close()
    qtbot.waitUntil(lambda: not test.findChildren(EngineClient), timeout=WAIT_MS)


def press(dialog: ConnectDialog, name: str) -> None:
    button = dialog.findChild(QPushButton, f"connect.{name}")
    assert button is not None
    button.click()


def test_the_last_command_is_offered_and_chosen(dialog: ConnectDialog) -> None:
    chosen: list[tuple[object, str]] = []
    dialog.chosen.connect(lambda command, text: chosen.append((command, text)))
    assert dialog.command.currentText() == "ssh box gmstudio engine"
    press(dialog, "connect")
    assert chosen == [(["ssh", "box", "gmstudio", "engine"], "ssh box gmstudio engine")] and not dialog.isVisible()


def test_the_way_back_leads_to_this_computer(dialog: ConnectDialog) -> None:
    chosen: list[object] = []
    dialog.chosen.connect(lambda command, text: chosen.append((tuple(command), text)))
    press(dialog, "local")
    assert chosen == [(LOCAL, "")]


def test_a_test_says_what_is_found_and_what_is_wrong(dialog: ConnectDialog, qtbot: QtBot) -> None:
    height = dialog.result_text.height()
    dialog.command.setEditText(" ".join(["/usr/bin/env", *fake_engine.command()]))
    press(dialog, "test")
    assert "Connecting to env" in dialog.result_text.text()
    qtbot.waitUntil(lambda: not dialog.test.running, timeout=WAIT_MS)
    assert "Found gmstudio 0.0" in dialog.result_text.text() and dialog.result_text.height() == height
    dialog.command.setEditText("ssh 'box")
    assert dialog.result_text.text() == ""
    press(dialog, "test")
    assert "close the quotation mark" in dialog.result_text.text()


def test_used_commands_are_kept_and_the_title_says_the_machine(qtbot: QtBot, tmp_path: Path) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    client = EngineClient(["/usr/bin/env", *fake_engine.command()])
    settings = WindowSettings(tmp_path / "window.ini")
    machine = Machine(window, EngineState(client), settings)
    assert window.windowTitle() == "gmstudio — env"
    machine.ask()
    (dialog,) = window.findChildren(ConnectDialog)
    text = " ".join(["/usr/bin/env", "-i", *fake_engine.command()])
    dialog.command.setEditText(text)
    press(dialog, "connect")
    qtbot.waitUntil(lambda: client.state.phase == "ready", timeout=WAIT_MS)
    assert client.command[:2] == ["/usr/bin/env", "-i"] and settings.get(ENGINES) == [text]
    client.close()
    qtbot.waitUntil(lambda: client.state.phase == "closed", timeout=WAIT_MS)


class Engine(QObject):
    """State of an engine whose commands are recorded."""

    changed = Signal()

    def __init__(self, machine: str = "") -> None:
        super().__init__()
        self.machine = machine
        self.commands: list[list[str]] = []

    def connect_to(self, command: list[str]) -> None:
        self.commands.append(command)


def test_the_machine_of_the_last_session_is_offered_and_not_connected_to(qtbot: QtBot, tmp_path: Path) -> None:
    settings = WindowSettings(tmp_path / "window.ini")
    engine, banner = Engine(), Banner()
    state = cast(EngineState, engine)
    qtbot.addWidget(banner)
    window = QWidget()
    qtbot.addWidget(window)
    machine = Machine(window, state, settings)
    machine.offer(banner)
    assert banner.notice is None, "no other machine was used"
    machine._connect(["ssh", "gpu-box", "gmstudio", "engine"], "gpu-box")
    engine.commands.clear()
    Machine(window, cast(EngineState, Engine("gpu-box")), settings).offer(banner)
    assert banner.notice is None, "the window was started with that engine"
    again = Machine(window, state, settings)
    again.offer(banner)
    assert banner.notice is not None and "Last time the engine ran on gpu-box" in banner.notice.text
    assert not engine.commands
    ((label, connect),) = banner.notice.actions
    connect()
    assert label == "Connect to gpu-box" and engine.commands == [["ssh", "gpu-box", "gmstudio", "engine"]]
    assert banner.notice is None
    again.offer(banner)
    banner._on_close()
    again.offer(banner)
    assert banner.notice is None, "a notice that was closed does not come again"
    again._connect(["ssh", "gpu-box", "gmstudio", "engine"], "gpu-box")
    again._connect(["python"], "")  # back to this computer
    again.offer(banner)
    assert banner.notice is None


@pytest.mark.qt_log_ignore("does not support raise", extend=True)  # a tooltip, on a screen that is none
def test_a_path_of_another_machine_is_written_not_browsed_for(qtbot: QtBot, tmp_path: Path) -> None:
    from PySide6.QtWidgets import QFileDialog, QToolTip

    from gmstudio.window.gui.forms.path_edit import FolderEdit

    window, edit = QWidget(), FolderEdit()
    qtbot.addWidget(window)
    qtbot.addWidget(edit)
    edit.show()
    client = EngineClient(["ssh", "gpu-box", "gmstudio", "engine"])
    machine = Machine(window, EngineState(client), WindowSettings(tmp_path / "window.ini"))
    edit.browse.click()
    assert not edit.findChildren(QFileDialog) and "gpu-box" in QToolTip.text()
    client.is_local, client.machine = True, ""
    machine._show()
    edit.browse.click()
    (dialog,) = edit.findChildren(QFileDialog)
    dialog.close()
