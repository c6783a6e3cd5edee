"""Keys of all panels: fields and popups keep theirs, pages own theirs, and Space is the panel's on every button."""

from collections.abc import Iterator
from functools import partial

import pytest
from every_panel import BUILDERS
from PySide6.QtCore import SIGNAL, QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QMenu,
    QTabWidget,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.atlas.node_button import NodeButton
from gmstudio.window.gui.panels.labs.panel import NARROW
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.widgets.panel_keys import BOXES, FIELDS

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

NOTHING_TO_PAUSE = {"data", "labs", "density", "features", "runs"}


class KeySpy(QObject):
    """Records the actions of a panel that fire, in place of what they do; swallows keys that arrive as such."""

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self._fired: list[str] = []
        self.swallows = True
        for action in panel.listed_actions():
            for signal in (action.toggled, action.triggered):
                if action.receivers(SIGNAL("toggled(bool)" if signal is action.toggled else "triggered(bool)")):
                    signal.disconnect()
            action.triggered.connect(partial(self._on_fired, action.objectName()))

    def _on_fired(self, name: str, _checked: bool = False) -> None:
        self._fired.append(name)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        return self.swallows and event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)

    def press(self, widget: QWidget, sequence: QKeySequence) -> list[str]:
        """Press a key in a widget; return the actions whose shortcuts fired."""
        self._fired.clear()
        combination = sequence[0]
        QTest.keyClick(widget, combination.key(), combination.keyboardModifiers())
        return list(self._fired)


@pytest.fixture(params=[place.name for place in PLACES])
def panel(request: pytest.FixtureRequest, qtbot: QtBot) -> Iterator[Panel]:
    panel, close = BUILDERS[request.param](qtbot)
    panel.resize(1500, 1000)
    panel.show()
    panel.activateWindow()
    qtbot.waitExposed(panel)
    for action in panel.listed_actions():
        action.setEnabled(True)
    yield panel
    close()


@pytest.fixture
def spy(panel: Panel, qapp: QApplication) -> Iterator[KeySpy]:
    spy = KeySpy(panel)
    qapp.installEventFilter(spy)
    yield spy
    qapp.removeEventFilter(spy)


def tab_widget(panel: Panel) -> QTabWidget | None:
    tabs = panel.findChild(QTabWidget)
    return tabs if isinstance(tabs, QTabWidget) else None


def each_page(panel: Panel) -> Iterator[QWidget | None]:
    """Open one page of the tabs after the other; once None where there are none."""
    tabs = tab_widget(panel)
    if tabs is None:
        yield None
        return
    for index in range(tabs.count()):
        tabs.setCurrentIndex(index)
        yield tabs.currentWidget()


def focusable(panel: Panel, kinds: tuple[type[QWidget], ...]) -> list[QWidget]:
    """Visible widgets of some kinds that take the focus."""
    found = [w for w in panel.findChildren(QWidget) if isinstance(w, kinds) and w.isVisibleTo(panel)]
    return [w for w in found if w.focusPolicy() != Qt.FocusPolicy.NoFocus and w.focusProxy() is None]


def shortcuts(panel: Panel) -> list[tuple[QAction, QKeySequence]]:
    """Keys of the panel; those of one list, which act only with the focus in it, are not among them."""
    panel_wide = [a for a in panel.listed_actions() if a.shortcutContext() != Qt.ShortcutContext.WidgetShortcut]
    return [(action, sequence) for action in panel_wide for sequence in action.shortcuts()]


def out_of_sight(panel: Panel, action: QAction) -> bool:
    """The buttons of an action stand in views that are not shown."""
    buttons = [button for button in panel.findChildren(QToolButton) if button.defaultAction() is action]
    return bool(buttons) and not any(button.isVisibleTo(panel) for button in buttons)


def focus(qtbot: QtBot, widget: QWidget) -> None:
    above: QWidget | None = widget
    while above is not None:
        above.setEnabled(True)
        above = above.parentWidget()
    widget.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is widget)


def the_keys_act_with_the_focus_in_the_panel(panel: Panel, spy: KeySpy, qtbot: QtBot) -> None:
    """The measure of the other tests: what they find silent does act here."""
    focus(qtbot, panel)
    acted: set[str] = set()
    for _page in each_page(panel):
        for action, sequence in shortcuts(panel):
            action.setEnabled(True)
            acted |= set(spy.press(panel, sequence)) & {action.objectName()}
    silent = {action.objectName() for action, _ in shortcuts(panel) if not out_of_sight(panel, action)} - acted
    assert acted and silent <= {"action.pixels.mask.paint"}, silent


def no_shortcut_acts_while_a_field_has_the_focus(panel: Panel, spy: KeySpy, qtbot: QtBot) -> None:
    tried = 0
    for _page in each_page(panel):
        for field in focusable(panel, FIELDS):
            focus(qtbot, field)
            for action, sequence in shortcuts(panel):
                action.setEnabled(True)
                assert spy.press(field, sequence) == [], (field, sequence.toString())
                tried += 1
    assert tried >= len(shortcuts(panel)) > 3


def list_of_choices(panel: Panel) -> QComboBox:
    found = focusable(panel, (QComboBox,))
    if panel.name == "atlas":
        assert not found
        pytest.skip("no list of choices")
    if panel.name == "labs":  # where it is wide, its contents are a list
        panel.resize(NARROW - 100, 900)
        QApplication.processEvents()
        found = focusable(panel, (QComboBox,))
    box = found[0]
    assert isinstance(box, QComboBox)
    return box


def test_no_shortcut_acts_while_a_list_of_choices_is_open(panel: Panel, spy: KeySpy, qtbot: QtBot) -> None:
    combo = list_of_choices(panel)
    combo.addItems(["one", "two"])
    focus(qtbot, combo)
    combo.showPopup()
    qtbot.waitUntil(combo.view().isVisible)
    receivers = [combo, combo.view(), QApplication.focusWidget(), QApplication.activePopupWidget()]
    for action, sequence in shortcuts(panel):
        action.setEnabled(True)
        for receiver in receivers:
            assert receiver is not None
            if not combo.view().isVisible():  # Return has closed it
                combo.showPopup()
            assert spy.press(receiver, sequence) == [], (receiver, sequence.toString())
    combo.hidePopup()


def no_shortcut_acts_while_a_menu_is_open(panel: Panel, spy: KeySpy, qtbot: QtBot) -> None:
    focus(qtbot, panel)
    menu = QMenu(panel)
    menu.addAction("Entry")
    menu.popup(QPoint(10, 10))
    qtbot.waitUntil(menu.isVisible)
    for action, sequence in shortcuts(panel):
        action.setEnabled(True)
        assert spy.press(panel, sequence) == [] and spy.press(menu, sequence) == [], sequence.toString()
    menu.close()


def test_return_chooses_in_an_open_list(panel: Panel, qtbot: QtBot) -> None:
    box = list_of_choices(panel)
    box.clear()
    box.addItems(["one", "two"])
    chosen: list[int] = []
    box.activated.connect(chosen.append)
    focus(qtbot, box)
    box.showPopup()
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is not None)
    box.view().setCurrentIndex(box.model().index(1, 0))
    QTest.keyClick(box.view(), Qt.Key.Key_Return)
    assert chosen == [1] and QApplication.activePopupWidget() is None


def the_keys_of_a_page_act_on_that_page_only(panel: Panel, spy: KeySpy, qtbot: QtBot) -> None:
    tabs = tab_widget(panel)
    if tabs is None:
        return
    focus(qtbot, panel)
    pages = [tabs.widget(index) for index in range(tabs.count())]
    tried = 0
    for shown in range(len(pages)):
        tabs.setCurrentIndex(shown)
        for action, sequence in shortcuts(panel):
            buttons = [b for b in panel.findChildren(QToolButton) if b.defaultAction() is action]
            homes = {i for i, page in enumerate(pages) for b in buttons if page is not None and page.isAncestorOf(b)}
            outside = [b for b in buttons if not tabs.isAncestorOf(b)]
            if not homes or outside or shown in homes or action.objectName() in EVERYWHERE:
                continue
            action.setEnabled(True)
            fired = spy.press(panel, sequence)  # of the open page, where it has the same key
            assert action.objectName() not in fired, (tabs.tabText(shown), action.text())
            tried += 1
    assert tried or panel.name in ("data", "train", "runs")


EVERYWHERE = {
    "action.latents.interpolate",  # Space plays and pauses on every page
    "action.latents.previous_dim",  # the sliders stand beside every page
    "action.latents.next_dim",
    "action.pixels.continuations.sample",  # opens its page, as does the next
    "action.pixels.guess",
}
"""Actions whose buttons stand on one page and whose keys act on all."""


def space_is_the_panels_on_every_button(panel: Panel, spy: KeySpy, qtbot: QtBot) -> None:
    space = QKeySequence(Qt.Key.Key_Space)
    spaces = [action for action, sequence in shortcuts(panel) if sequence == space]
    if panel.name in NOTHING_TO_PAUSE:
        assert not spaces, "Space presses the button that has the focus"
        return
    assert spaces
    tried = 0
    for _page in each_page(panel):
        for button in focusable(panel, (QAbstractButton,)):
            if isinstance(button, (*BOXES, NodeButton)):  # a node is chosen by Space, as an entry of a list
                continue
            focus(qtbot, button)
            for action in spaces:
                for other in spaces:
                    other.setEnabled(other is action)
                assert spy.press(button, space) == [action.objectName()], button
            tried += 1
    assert tried > 3


def space_presses_no_button_where_there_is_nothing_to_pause(panel: Panel, spy: KeySpy, qtbot: QtBot) -> None:
    if panel.name in NOTHING_TO_PAUSE:
        return
    spy.swallows = False
    clicked: list[str] = []
    for button in focusable(panel, (QAbstractButton,)):
        assert isinstance(button, QAbstractButton)
        if isinstance(button, (*BOXES, NodeButton)) or not button.isEnabled():
            continue
        focus(qtbot, button)
        for action, sequence in shortcuts(panel):
            if sequence == QKeySequence(Qt.Key.Key_Space):
                action.setEnabled(False)
        if QApplication.focusWidget() is not button:
            continue  # the button of the action itself
        button.clicked.connect(lambda _checked=False, button=button: clicked.append(button.objectName()))
        assert spy.press(button, QKeySequence(Qt.Key.Key_Space)) == [] and clicked == []


def return_presses_a_button_and_space_switches_a_box(panel: Panel, spy: KeySpy, qtbot: QtBot) -> None:
    spy.swallows = False
    boxes = focusable(panel, (QCheckBox,))
    for box in boxes[:1]:
        assert isinstance(box, QCheckBox)
        focus(qtbot, box)
        before = box.isChecked()
        assert spy.press(box, QKeySequence(Qt.Key.Key_Space)) == [] and box.isChecked() != before
    button = QToolButton(panel)
    button.show()
    focus(qtbot, button)
    with qtbot.waitSignal(button.clicked):
        assert spy.press(button, QKeySequence(Qt.Key.Key_Return)) == []


def test_keys(panel: Panel, spy: KeySpy, qtbot: QtBot) -> None:
    """All of them in one panel, since building it is what takes long; those that click come last."""
    the_keys_act_with_the_focus_in_the_panel(panel, spy, qtbot)
    no_shortcut_acts_while_a_field_has_the_focus(panel, spy, qtbot)
    the_keys_of_a_page_act_on_that_page_only(panel, spy, qtbot)
    space_is_the_panels_on_every_button(panel, spy, qtbot)
    no_shortcut_acts_while_a_menu_is_open(panel, spy, qtbot)
    space_presses_no_button_where_there_is_nothing_to_pause(panel, spy, qtbot)
    return_presses_a_button_and_space_switches_a_box(panel, spy, qtbot)
