"""Tooltips of every kind are wrapped."""

import pytest
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QApplication, QLabel, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.shell.tooltips import TooltipWrapper, tip_place, wrapped_tip

LONG = "The weight of the past in an exponential average of the training curves; the raw curve stays faintly behind it."


@pytest.mark.parametrize(
    ("text", "wrapped"),
    [
        ("short", "short"),
        ("", ""),
        ("two\nlines", "two\nlines"),
        ("<b>rich</b> " + "word " * 30, "<b>rich</b> " + "word " * 30),
        ("/a/very/long/path" * 6, "/a/very/long/path" * 6),
    ],
)
def test_texts_that_stay(text: str, wrapped: str) -> None:
    assert wrapped_tip(text) == wrapped


def test_long_lines_are_broken_between_words() -> None:
    wrapped = wrapped_tip(f"{LONG}\nsecond line")
    assert all(len(line) <= 60 for line in wrapped.splitlines())
    assert wrapped.split() == f"{LONG} second line".split()
    assert wrapped.endswith("\nsecond line")


@pytest.mark.parametrize("pointer", [QPoint(990, 790), QPoint(990, 10), QPoint(5, 795), QPoint(400, 400)])
def test_a_tooltip_never_lies_under_the_pointer(pointer: QPoint) -> None:
    screen = QRect(0, 0, 1000, 800)
    for size in (QSize(300, 60), QSize(500, 390)):
        for shift in (QPoint(2, 16), QPoint(-100, -20), QPoint(0, 0)):
            tip = QRect(pointer + shift, size)
            placed = QRect(tip_place(tip, screen, pointer), size)
            assert screen.contains(placed) and not placed.contains(pointer)
    apart = QRect(QPoint(10, 500), QSize(300, 60))
    assert tip_place(apart, screen, QPoint(990, 10)) == apart.topLeft()


def tips() -> list[str]:
    labels = [widget for widget in QApplication.topLevelWidgets() if widget.inherits("QTipLabel")]
    return [label.text() for label in labels if isinstance(label, QLabel) and label.isVisible()]


@pytest.mark.qt_log_ignore("does not support raise")
def test_a_shown_tooltip_is_wrapped_and_stays_on_the_screen(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    TooltipWrapper(widget)
    widget.show()
    for text in (LONG, LONG.upper()):  # the second one takes the label of the first
        QToolTip.showText(QPoint(widget.screen().availableGeometry().bottomRight()), text, widget)
        assert tips() == [wrapped_tip(text)]
        label = next(w for w in QApplication.topLevelWidgets() if w.inherits("QTipLabel") and w.isVisible())
        assert label.width() >= label.sizeHint().width()
        assert widget.screen().availableGeometry().adjusted(0, 0, 2, 2).contains(label.geometry())  # Qt's own margin
    QToolTip.hideText()
