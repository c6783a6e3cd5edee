"""Notice that the queue of the last session waits."""

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot
from studio_fixture import StartStudio, start_studio, wait_ready
from toy_panels import PLACES

from gmstudio.protocol.runs_queue import QueueListed, WorkQueue
from gmstudio.window.gui.shell.main_window import MainWindow
from tests.queue_scene import queue_entry

__all__ = ["start_studio"]
INTERRUPTED = "The queue was interrupted and waits."


def test_a_queue_that_waits_is_said_once_and_started_by_a_button(
    qtbot: QtBot, start_studio: StartStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = start_studio()
    wait_ready(qtbot, studio)
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    sent: list[object] = []
    monkeypatch.setattr(studio.client, "_write", sent.append)
    entries = (queue_entry("a"), queue_entry("b", status="finished"))
    studio.client.deliver(QueueListed(entries=entries, working=False, note=INTERRUPTED))
    notice = window.banner.notice
    assert notice is not None and notice.text == f"{INTERRUPTED} 1 run to train."
    (button,) = [one for one in window.banner.findChildren(QPushButton) if one.text() == "Start queue"]
    button.click()
    assert any(isinstance(command, WorkQueue) for command in sent)
    studio.client.deliver(QueueListed(entries=entries, working=True))
    assert window.banner.notice is None
    studio.client.deliver(QueueListed(entries=entries, working=False))  # it was paused
    assert window.banner.notice is None
