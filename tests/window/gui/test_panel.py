"""The base of the panels: names, keys and tooltips."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QToolButton
from pytestqt.qtbot import QtBot
from toy_panels import FirstPanel

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs, Tab


@pytest.fixture
def panel(qtbot: QtBot) -> FirstPanel:
    panel = FirstPanel(None, None)  # type: ignore[arg-type]
    qtbot.addWidget(panel)
    panel.show()
    panel.activateWindow()
    panel.setFocus()
    return panel


def test_names(panel: FirstPanel) -> None:
    button = panel.findChild(QToolButton, "first.play")
    assert isinstance(button, QToolButton)
    assert button.accessibleName() == "Play"
    assert button.toolTip() == "Generate on (Space)"
    assert panel.line.objectName() == "first.line"
    assert panel.line.accessibleName() == "A line"
    assert [a.text() for a in panel.listed_actions()] == ["Play", "Follow"]


def test_keys_work_in_the_panel_but_not_while_typing(qtbot: QtBot, panel: FirstPanel) -> None:
    QTest.keyClick(panel, Qt.Key.Key_Space)
    assert panel.played == ["play"]
    panel.line.setFocus()
    QTest.keyClick(panel.line, Qt.Key.Key_Space)
    assert panel.played == ["play"]
    assert panel.line.text() == " "


def test_a_checkable_action_passes_its_state(panel: FirstPanel) -> None:
    panel.follow.trigger()
    panel.follow.trigger()
    assert panel.played == [True, False]


def test_icon_and_words_may_change(panel: FirstPanel) -> None:
    before = panel.play.icon().cacheKey()
    panel.set_action_icon(panel.play, "pause")
    panel.play.setText("Pause")
    panel.set_action_tip(panel.play, "Stand still")
    button = panel.findChild(QToolButton, "first.play")
    assert isinstance(button, QToolButton)
    assert panel.play.icon().cacheKey() != before
    assert (button.text(), button.accessibleName(), button.toolTip()) == ("Pause", "Pause", "Stand still (Space)")


def test_tabs_with_a_key_are_opened_by_actions(qtbot: QtBot, panel: FirstPanel) -> None:
    tabs = LazyTabs((Tab("data", "Data", "Images", QLabel, key="1"), Tab("map", "Map", "A plane", QLabel, key="2")))
    panel.layout().addWidget(tabs)
    panel.add_tab_actions(tabs)
    panel.setFocus()
    QTest.keyClick(panel, Qt.Key.Key_2)
    assert tabs.open_page == "map"
    action = panel.listed_actions()[-1]
    assert (action.text(), action.toolTip()) == ("View: Map", "A plane (2)")


def test_icons_follow_the_theme(panel: FirstPanel) -> None:
    before = panel.play.icon().cacheKey()
    theme().set_mode("light" if theme().dark else "dark")
    assert panel.play.icon().cacheKey() != before
    theme().set_mode("system")


def test_the_icon_of_a_primary_button_is_visible_on_the_accent(panel: FirstPanel) -> None:
    button = panel.findChild(QToolButton, "first.play")
    assert isinstance(button, QToolButton)
    button.setProperty("primary", True)  # of a page, after the panel was shown
    assert panel.play.icon().cacheKey() == theme().icon("play", "accent_text").cacheKey()
    panel.set_action_icon(panel.play, "pause")
    assert panel.play.icon().cacheKey() == theme().icon("pause", "accent_text").cacheKey()


def test_a_button_has_the_focus_again_once_its_action_is_enabled_unless_it_was_moved(panel: FirstPanel) -> None:
    button = panel.findChild(QToolButton, "first.play")
    assert isinstance(button, QToolButton)
    button.setFocus()
    panel.play.setEnabled(False)
    assert panel.hasFocus()
    panel.play.setText("Play on")
    assert panel.hasFocus()
    panel.play.setEnabled(True)
    assert button.hasFocus()
    panel.play.setEnabled(False)
    panel.line.setFocus()
    panel.play.setEnabled(True)
    assert panel.line.hasFocus()
