"""The wheel changes a field only while it has the focus."""

from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QComboBox, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.wheel_guard import guard_wheel


def turn(widget: QWidget) -> bool:
    down, none = QPoint(0, -120), Qt.MouseButton.NoButton
    event = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(),
        down,
        none,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


@pytest.mark.parametrize("kind", [QComboBox, IntegerField])
def test_a_field_takes_the_wheel_with_the_focus_only(qtbot: QtBot, kind: Any) -> None:
    page = QWidget()
    field, other = kind(page), QWidget(page)
    other.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    layout = QVBoxLayout(page)
    layout.addWidget(field)
    layout.addWidget(other)
    if isinstance(field, QComboBox):
        field.addItems(["nats", "bits/dim"])
    else:
        field.setValue(5)
    guard_wheel(field)
    qtbot.addWidget(page)
    page.show()
    page.activateWindow()
    other.setFocus()
    qtbot.waitUntil(other.hasFocus)
    before = field.currentIndex() if isinstance(field, QComboBox) else field.value()
    assert not turn(field)
    assert (field.currentIndex() if isinstance(field, QComboBox) else field.value()) == before
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    turn(field)
    assert (field.currentIndex() if isinstance(field, QComboBox) else field.value()) != before
