"""Page Queue: the table, its keys and actions, and the words on what is left."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot
from runs_pages import only_pages
from runs_scene import VAE, RunsScene

from gmstudio.protocol.runs_queue import WorkQueue
from gmstudio.window.gui.panels.runs.panel import RunsPanel
from gmstudio.window.gui.panels.runs.queue import QueuePage
from gmstudio.window.gui.panels.runs.queue_table import MESSAGE, PROGRESS, SHARE_ROLE, STATUS, TIME
from gmstudio.window.gui.shell.page import PanelPage
from tests.queue_scene import QueueEngine


class Stage:
    """The panel on the page Queue."""

    def __init__(self, qtbot: QtBot, size: QSize) -> None:
        self.scene = RunsScene()
        self.engine = QueueEngine(self.scene)
        self.scene.start()
        self.panel = RunsPanel(self.scene.state, self.scene.library)
        self.page = PanelPage(self.panel)
        qtbot.addWidget(self.page)
        self.page.resize(size)
        self.page.show()
        self.panel.tabs.show_page("queue")
        page = self.panel.tabs.page("queue")
        assert isinstance(page, QueuePage)
        self.queue = page
        self.settle()

    def settle(self) -> None:
        for _ in range(3):
            self.scene.serve()
            QGuiApplication.processEvents()

    def button(self, name: str) -> QToolButton:
        found = self.panel.findChild(QToolButton, f"runs.{name}")
        assert isinstance(found, QToolButton)
        return found

    def click(self, name: str) -> None:
        assert self.button(name).isEnabled(), self.button(name).toolTip()
        self.button(name).click()
        self.settle()

    def choose(self, *rows: int) -> None:
        view, table = self.queue.view, self.queue.table
        view.clearSelection()
        for row in rows:
            flags = view.selectionModel().SelectionFlag
            view.selectionModel().select(table.index(row, 0), flags.Select | flags.Rows)
        self.settle()

    def text(self, row: int, column: int) -> str:
        return str(self.queue.table.index(row, column).data())


@pytest.fixture
def stage(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    only_pages(monkeypatch, "queue", "library")
    made = Stage(qtbot, QSize(1290, 640))
    yield made
    made.page.hide()


def test_rows_say_where_each_entry_stands(stage: Stage) -> None:
    stage.engine.set("a", status="finished", step=12, seconds=24.0, run=VAE)
    stage.engine.set("b", status="failed", step=3, message="The loss is not finite.")
    stage.engine.note = "The queue was interrupted and waits."
    stage.engine.report()
    assert [stage.text(row, STATUS) for row in range(4)] == ["finished", "failed", "waiting", "waiting"]
    assert stage.text(0, TIME) == "24 s" and stage.text(2, TIME) == "24 s left"
    assert stage.text(1, MESSAGE) == "The loss is not finite."
    assert stage.queue.table.index(1, PROGRESS).data(SHARE_ROLE) == 0.25
    words = stage.queue.words.words
    assert words == "2 of 4 done · 1 failed · 48 s left · The queue was interrupted and waits."


def test_actions_follow_the_choice_and_say_why_not(stage: Stage) -> None:
    assert "No entry is chosen" in stage.button("queue_next").toolTip()
    stage.choose(2)
    stage.click("queue_next")
    assert stage.scene.client.last(WorkQueue).first == "c"
    assert stage.button("queue_start").text() == "Pause queue"
    stage.click("queue_start")
    assert stage.button("queue_start").text() == "Start queue"
    assert not stage.button("queue_now").isEnabled()
    stage.engine.set("a", current=True, status="running")
    stage.choose(0)
    assert not stage.button("queue_remove").isEnabled()
    stage.engine.set("a", status="finished", run=VAE)
    stage.choose(0)
    stage.click("queue_open")
    assert stage.scene.state.run == VAE


def test_keys_move_and_remove_and_undo_brings_back(stage: Stage) -> None:
    stage.choose(0)
    stage.queue.view.setFocus()
    QTest.keyClick(stage.queue.view, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    stage.settle()
    assert stage.engine.order == "bacd"
    assert [index.row() for index in stage.queue.view.selectionModel().selectedRows()] == [1]
    QTest.keyClick(stage.queue.view, Qt.Key.Key_Delete)
    stage.settle()
    assert stage.engine.order == "bcd"
    stage.panel.undo.undo()
    stage.settle()
    assert stage.engine.order == "bacd"


def test_rows_are_dropped_between_others(stage: Stage) -> None:
    table = stage.queue.table
    data = table.mimeData([table.index(3, 0), table.index(3, 1)])
    table.dropMimeData(data, Qt.DropAction.MoveAction, 1, 0, table.index(-1, -1))
    stage.settle()
    assert stage.engine.order == "adbc"


def test_an_empty_queue_says_how_it_is_filled(stage: Stage) -> None:
    stage.engine.entries = ()
    stage.engine.report()
    assert stage.queue.stack.currentWidget() is stage.queue.empty and "Add to queue" in stage.queue.empty.text()


def test_nothing_is_clipped_in_a_small_window(stage: Stage) -> None:
    stage.page.resize(888, 441)
    stage.settle()
    assert stage.queue.minimumSizeHint().width() <= 888 - 32
    assert stage.queue.view.height() > 150
