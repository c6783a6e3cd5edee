"""Larger type of the widgets on the screen."""

import time
from collections.abc import Iterator

import pytest
from event_loop import slowness
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QLineEdit,
    QSpinBox,
    QStackedWidget,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.shell.enlargement import Enlargement

LONGEST_S = 0.05
WIDGETS = 2000


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[QWidget]:
    window = QWidget()
    qtbot.addWidget(window)
    QVBoxLayout(window)
    window.show()
    yield window


def label(window: QWidget, text: str = "Text") -> QLabel:
    label = QLabel(text)
    layout = window.layout()
    assert layout is not None
    layout.addWidget(label)
    label.show()
    return label


def size(widget: QWidget) -> float:
    return widget.font().pointSizeF()


def mark(label: QLabel, on: bool) -> None:
    """Mark a label as the form does that of a changed setting."""
    label.setProperty("changed", on)
    label.style().unpolish(label)
    label.style().polish(label)


def test_widgets_are_enlarged_now_or_when_they_are_shown(window: QWidget) -> None:
    shown, hidden = label(window), label(window)
    hidden.hide()
    before = size(shown)
    enlargement = Enlargement(window)
    enlargement.set_factor(1.5)
    assert size(shown) == 1.5 * before and size(hidden) == before
    hidden.show()
    added = label(window)
    assert size(hidden) == size(added) == 1.5 * before
    enlargement.set_factor(1)
    assert size(shown) == size(hidden) == size(added) == before
    label(window)
    assert all(size(widget) == before for widget in window.findChildren(QLabel))


def test_bold_by_the_style_sheet_stays_and_may_change_meanwhile(window: QWidget) -> None:
    text = label(window)
    mark(text, True)
    enlargement = Enlargement(window)
    enlargement.set_factor(1.5)
    assert text.font().bold()
    mark(text, False)
    assert not text.font().bold() and size(text) > 12
    mark(text, True)
    enlargement.set_factor(1)
    assert text.font().bold() and size(text) < 12
    mark(text, False)
    assert not text.font().bold()


def test_a_size_by_the_style_sheet_is_enlarged_and_comes_back(window: QWidget) -> None:
    title = label(window)
    title.setProperty("role", "title")
    title.style().unpolish(title)
    title.style().polish(title)
    before = size(title)
    assert before > size(window)
    enlargement = Enlargement(window)
    for _ in range(2):
        enlargement.set_factor(1.5)
        assert size(title) == 1.5 * before and title.font().bold()
        enlargement.set_factor(1)
        assert size(title) == before and title.font().bold() and not title.styleSheet()


def test_a_font_that_a_parent_passes_on_counts_once(window: QWidget) -> None:
    combo, field, table = QComboBox(), QSpinBox(), QTableWidget(2, 2)
    combo.setEditable(True)
    layout = window.layout()
    assert layout is not None
    for widget in (combo, field, table):
        layout.addWidget(widget)
        widget.show()
    parts = [widget for widget in window.findChildren(QWidget) if widget.isVisible()]
    before = size(window)
    enlargement = Enlargement(window)
    enlargement.set_factor(2)
    assert {size(part) for part in parts} == {2 * before} and len(parts) > 6
    enlargement.set_factor(1)
    assert {size(part) for part in parts} == {before}


def test_a_font_of_its_own_and_other_windows_stay(window: QWidget, qtbot: QtBot) -> None:
    own, other = label(window), QLineEdit()
    qtbot.addWidget(other)
    font = QFont()
    font.setPointSizeF(7)
    own.setFont(font)
    enlargement = Enlargement(window)
    before = size(other)
    enlargement.set_factor(2)
    other.show()
    assert size(own) == 7 and size(other) == before
    enlargement.set_factor(1)
    assert size(own) == 7


def test_thousands_of_widgets_on_other_pages_cost_nothing(window: QWidget) -> None:
    pages = QStackedWidget()
    layout = window.layout()
    assert layout is not None
    layout.addWidget(pages)
    for count in (100, WIDGETS):
        page = QWidget()
        column = QVBoxLayout(page)
        for _ in range(count):
            column.addWidget(QLabel("Text"))
        pages.addWidget(page)
    window.show()
    enlargement = Enlargement(window)
    for factor in (1.5, 1.0):
        began = time.thread_time()
        enlargement.set_factor(factor)
        assert time.thread_time() - began < slowness() * LONGEST_S


def test_a_table_with_a_style_sheet_of_its_own_is_shown(window: QWidget) -> None:
    table = QTableWidget(2, 2, window)
    table.hide()
    enlargement = Enlargement(window)
    enlargement.set_factor(1.5)
    table.setStyleSheet("QTableView::item:selected { color: red; }")
    table.show()  # its style sheet gives the viewport its font again, which once had no end
    assert table.viewport().font().pointSizeF() > 0
    enlargement.set_factor(1.0)
