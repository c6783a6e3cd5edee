"""Choosing a shade or a colour to paint with."""

import numpy as np
import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.canvas.brush_colour_button import COLOURS, SHADES, BrushColourButton


@pytest.fixture
def button(qtbot: QtBot) -> BrushColourButton:
    button = BrushColourButton()
    qtbot.addWidget(button)
    return button


def names(button: BrushColourButton) -> list[str]:
    return [action.text() for action in button.menu().actions() if action.text()]


def pick(button: BrushColourButton, name: str) -> None:
    next(action for action in button.menu().actions() if action.text() == name).trigger()


def test_grey_images_have_shades_and_others_colours(qtbot: QtBot, button: BrushColourButton) -> None:
    assert names(button) == [name for name, _ in SHADES] + ["Other …"]
    with qtbot.waitSignal(button.chosen) as chosen:
        pick(button, "50 %")
    np.testing.assert_allclose(chosen.args[0], 0.5, atol=0.01)
    button.set_channels(3)
    assert names(button) == [name for name, _ in COLOURS] + ["Other …"]
    pick(button, "red")
    assert button.brush_colour[0] > 0.8 > button.brush_colour[1]
    with qtbot.waitSignal(button.chosen):
        button.set_channels(1)
    assert button.brush_colour.tolist() == [1, 1, 1]


def test_what_is_chosen_is_marked_and_seen(button: BrushColourButton) -> None:
    before = button.icon().pixmap(16).toImage()
    pick(button, "black")
    assert [action.text() for action in button.menu().actions() if action.isChecked()] == ["black"]
    assert button.icon().pixmap(16).toImage() != before


def test_any_other_colour_is_taken_from_a_dialog_that_blocks_nothing(qtbot: QtBot, button: BrushColourButton) -> None:
    button.show()
    pick(button, "Other …")
    dialog = button.findChild(QColorDialog, "ink_dialog")
    assert dialog is not None and dialog.isVisible() and not dialog.isModal()
    with qtbot.waitSignal(button.chosen):
        dialog.setCurrentColor(QColor(10, 20, 30))
    np.testing.assert_allclose(button.brush_colour, np.array([10, 20, 30]) / 255, atol=1e-4)
    dialog.close()
    qtbot.waitUntil(lambda: button.findChild(QColorDialog, "ink_dialog") is None)
