"""The banner: newest first, replaced in place, dismissed one by one."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QPushButton, QToolButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.shell.banner import MOST_NOTICES, Banner, Notice


@pytest.fixture
def banner(qtbot: QtBot) -> Banner:
    banner = Banner()
    qtbot.addWidget(banner)
    return banner


def text(banner: Banner) -> str:
    label = banner.findChild(QLabel, "banner.text")
    assert isinstance(label, QLabel)
    return label.text()


def test_an_empty_banner_is_hidden(banner: Banner) -> None:
    assert banner.isHidden()


def test_a_first_notice_takes_no_room_for_details_that_are_hidden(qtbot: QtBot) -> None:
    page, banner = QWidget(), Banner()
    qtbot.addWidget(page)
    column = QVBoxLayout(page)
    column.addWidget(banner)
    column.addWidget(QWidget(), 1)
    page.resize(1000, 600)
    page.show()
    qtbot.waitExposed(page)
    QApplication.processEvents()
    banner.show_notice(Notice("a", "The engine was ended.", "warning", detail="line 1\nline 2"))
    QApplication.processEvents()
    assert banner.isVisible() and banner.height() < 60


def test_the_newest_is_shown_and_closing_it_shows_the_one_before(qtbot: QtBot, banner: Banner) -> None:
    banner.show_notice(Notice("a", "First."))
    banner.show_notice(Notice("b", "Second.", "error"))
    assert text(banner) == "Second."
    close = banner.findChild(QToolButton, "banner.dismiss")
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert text(banner) == "First."
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert banner.isHidden()


def test_same_key_replaces(banner: Banner) -> None:
    banner.show_notice(Notice("a", "Dead."))
    banner.show_notice(Notice("a", "Alive."))
    banner.withdraw("a")
    assert banner.notice is None


def test_actions_and_dismissal_are_carried_out(qtbot: QtBot, banner: Banner) -> None:
    done: list[str] = []
    notice = Notice(
        "a", "Sentence.", actions=(("Resume", lambda: done.append("resume")),), dismissed=lambda: done.append("closed")
    )
    banner.show_notice(notice)
    banner.show()
    qtbot.mouseClick(banner.findChild(QPushButton, "banner.action.0"), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(banner.findChild(QToolButton, "banner.dismiss"), Qt.MouseButton.LeftButton)
    assert done == ["resume", "closed"]


def test_details_on_demand(qtbot: QtBot, banner: Banner) -> None:
    banner.show_notice(Notice("a", "It failed.", detail="line 1\nline 2"))
    detail = banner.findChild(QPlainTextEdit, "banner.detail")
    more = banner.findChild(QPushButton, "banner.details")
    assert isinstance(detail, QPlainTextEdit) and isinstance(more, QPushButton)
    assert detail.isHidden()
    more.click()
    assert not detail.isHidden()
    assert detail.toPlainText() == "line 1\nline 2"
    banner.show_notice(Notice("b", "No details."))
    assert detail.isHidden()
    assert more.isHidden()


def test_a_flood_of_notices_is_bounded(banner: Banner) -> None:
    for number in range(MOST_NOTICES + 5):
        banner.show_notice(Notice(str(number), f"Notice {number}."))
    shown = 0
    while banner.notice is not None:
        banner.withdraw(banner.notice.key)
        shown += 1
    assert shown == MOST_NOTICES
