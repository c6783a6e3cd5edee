"""Sizes that are measured once are measured again when the style sheet comes."""

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.when_styled import when_styled


def test_a_size_is_measured_now_and_when_the_widget_gets_into_its_window(qtbot: QtBot) -> None:
    window, button = QWidget(), QPushButton("Measured")
    qtbot.addWidget(window)
    theme().style_window(window)
    when_styled(button, lambda: button.setFixedWidth(button.sizeHint().width()))
    before = button.minimumWidth()
    assert before > 0
    QHBoxLayout(window).addWidget(button)
    assert button.minimumWidth() == button.sizeHint().width() > before
