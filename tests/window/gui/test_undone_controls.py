"""Every control of every panel that holds a value is undone, or is named with the reason why it is not."""

import gc
from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest
from every_panel import BUILDERS
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QComboBox,
    QLineEdit,
    QSlider,
    QTabWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from gmstudio.window.gui.control_edits import name_of_control
from gmstudio.window.gui.control_values import control_value
from gmstudio.window.gui.not_undone import BY_STATE, NOT_UNDONE, reason_not_undone
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.gui.widgets.number_input import IntegerField, NumberField
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
SEEN: set[str] = set()
"""Patterns of ``NOT_UNDONE`` that a control was found for."""


@pytest.fixture(params=[place.name for place in PLACES])
def panel(request: pytest.FixtureRequest, qtbot: QtBot) -> Iterator[Panel]:
    panel, close = BUILDERS[request.param](qtbot)
    panel.resize(1500, 1000)
    panel.show()
    panel.activateWindow()
    qtbot.waitExposed(panel)
    for tabs in panel.findChildren(LazyTabs):
        tabs.build_all()
    panel.controls.find()
    yield panel
    close()
    panel.hide()
    timers = [found for found in gc.get_objects() if issubclass(type(found), QTimer)]
    qtbot.waitUntil(lambda: not any(isValid(timer) and timer.isActive() for timer in timers))


def open_tabs_of(widget: QWidget) -> None:
    """Open the tabs on which a widget stands."""
    page, above = widget, widget.parentWidget()
    pages = {page}
    while above is not None:
        if isinstance(above, QTabWidget):
            above.setCurrentWidget(next(inner for inner in pages if above.indexOf(inner) >= 0))
        pages.add(above)
        above = above.parentWidget()


def set_as_a_user(control: QWidget) -> bool:
    """Set another value as a user does; False where there is none."""
    control.setFocus()
    before = control_value(control)
    match control:
        case QComboBox():
            index = next(
                (i for i in range(control.count()) if i != control.currentIndex() and is_choice(control, i)), -1
            )
            if index < 0:
                return False
            control.setCurrentIndex(index)
            control.activated.emit(index)
            return True
        case TypedSlider() | QSlider():
            slider = control.slider if isinstance(control, TypedSlider) else control
            for action in (QAbstractSlider.SliderAction.SliderToMaximum, QAbstractSlider.SliderAction.SliderToMinimum):
                slider.triggerAction(action)
                if control_value(control) != before:
                    return True
        case IntegerField() | NumberField():
            (control.stepUp if control.value() < control.maximum() else control.stepDown)()
        case QLineEdit():
            QTest.keyClicks(control, "1")
            control.editingFinished.emit()
        case QAbstractButton():
            control.click()
    return bool(control_value(control) != before)


def is_choice(box: QComboBox, index: int) -> bool:
    return bool(box.model().flags(box.model().index(index, 0)) & box.model().flags(box.model().index(0, 0)))


def test_what_a_control_sets_is_undone(panel: Panel, qtbot: QtBot) -> None:
    names = {name_of_control(w): w for w in panel.findChildren(QWidget)}
    named = {name: w for name, w in names.items() if name.startswith(f"{panel.name}.")}
    missing = [name for name in named if not reason_not_undone(name) and name not in panel.controls.names]
    assert missing == []
    failed = []
    for name in sorted(named):
        SEEN.update(pattern for pattern in NOT_UNDONE if fnmatchcase(name, pattern))
        if reason_not_undone(name) not in ("", BY_STATE):
            continue
        control = panel.findChild(QWidget, name)
        if control is None or (isinstance(control.parentWidget(), TypedSlider)):
            control = named[name]
        open_tabs_of(control)
        if not (control.isVisible() and control.isEnabled()):
            continue
        before = [(step, step.edit) for step in panel.undo.steps]
        value = control_value(control)
        if set_as_a_user(control):
            qtbot.waitUntil(lambda: not panel.controls.is_waiting)
            if control_value(control) == value:
                continue  # the panel does not take it at present
            if [(step, step.edit) for step in panel.undo.steps] == before:
                failed.append(name)
    assert failed == []


def test_what_an_action_switches_is_undone(panel: Panel, qtbot: QtBot) -> None:
    failed = []
    for action in panel.listed_actions():
        name = action.objectName()
        if not action.isCheckable() or not action.isEnabled() or reason_not_undone(name):
            continue
        was, before = action.isChecked(), panel.undo.index
        action.trigger()
        qtbot.waitUntil(lambda: not panel.controls.is_waiting)
        if action.isChecked() == was:
            continue
        if panel.undo.index == before:
            failed.append(name)
            continue
        panel.undo.undo()
        if action.isChecked() != was:
            failed.append(f"{name} is not undone")
    assert failed == []
