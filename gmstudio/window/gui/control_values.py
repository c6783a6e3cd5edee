"""Values of controls as JSON: read, and set as a user would."""

from typing import Any

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLineEdit,
    QSlider,
    QSplitter,
    QWidget,
)

from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.gui.widgets.number_input import IntegerField, NumberField
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider

Control = QWidget | QAction
MOVED = "moved"
"""Property of a splitter that its user moved."""
Valued = Control | QActionGroup
"""Control or exclusive group of actions; the value of a group is the object name of its checked action."""


def control_value(control: Valued) -> Any:
    """Value of a control as JSON: the choice, the number, the state, the text, the open tab, or sizes of a splitter.

    Raises:
        TypeError: for a kind of control that has no value.
    """
    match control:
        case QComboBox():
            data = control.currentData()
            return control.currentText() if data is None else data
        case IntegerField() | NumberField() | QSlider():
            return control.value()
        case TypedSlider():
            return control.value
        case QAction() | QAbstractButton():
            return control.isChecked()
        case QActionGroup():
            checked = control.checkedAction()
            return checked.objectName() if checked is not None else ""
        case QLineEdit():
            return control.text()
        case LazyTabs():
            return control.open_page
        case QSplitter():
            return control.sizes()
    raise TypeError(f"{type(control).__name__} has no value that can be remembered.")


def is_set(control: Control) -> bool:
    """Return whether a control has a value to keep: a splitter does once it was moved, with all of its parts shown."""
    if not isinstance(control, QSplitter):
        return True
    sizes = control.sizes()
    shown = all(sizes) or (control.childrenCollapsible() and any(sizes))
    return control.property(MOVED) is True and shown


def note_moves(control: Control) -> None:
    """Note on a splitter when it is moved, see ``is_set``."""
    if isinstance(control, QSplitter):
        control.splitterMoved.connect(lambda _place, _index: control.setProperty(MOVED, True))


def set_control_value(control: Valued, value: Any) -> None:
    """Give a control a value as its user would; one that does not fit is ignored."""
    match control, value:
        case QComboBox(), _:
            _choose(control, value)
        case ((IntegerField() | QSlider()), int()) if not isinstance(value, bool):
            control.setValue(value)
        case NumberField(), int() | float():
            control.setValue(float(value))
        case TypedSlider(), int() | float():
            control.field.setValue(float(value))
        case QAction(), bool():
            control.setChecked(value)
        case QAbstractButton(), bool() if value != control.isChecked():
            control.setChecked(value)
            control.clicked.emit()  # also where it is disabled until a run is open
        case QActionGroup(), str():
            for action in control.actions():
                if action.objectName() == value:
                    action.setChecked(True)
        case QLineEdit(), str() if value != control.text():
            control.setText(value)
            control.textEdited.emit(value)
            control.editingFinished.emit()
        case LazyTabs(), str() if value in (tab.name for tab in control.tabs):
            control.show_page(value)
        case QSplitter(), list() if len(value) == control.count() and all(isinstance(size, int) for size in value):
            control.setSizes(value)
            control.splitterMoved.emit(value[0], 1)


def _choose(control: QComboBox, value: Any) -> None:
    """Choose the entry that has a value or a text."""
    entries = range(control.count())
    index = next((i for i in entries if value in (control.itemData(i), control.itemText(i))), -1)
    if index >= 0 and index != control.currentIndex():
        control.setCurrentIndex(index)
        control.activated.emit(index)
