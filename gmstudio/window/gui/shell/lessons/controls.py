"""Controls that a lesson names: found, given a value, pressed, and brought into view."""

from PySide6.QtWidgets import QAbstractButton, QScrollArea, QTabWidget, QWidget

from gmstudio.window.gui.control_values import set_control_value
from gmstudio.window.gui.forms.editors import ChoiceEdit, FlagEdit, ListEdit, NumberEdit, TextEdit
from gmstudio.window.gui.widgets.sections import Sections
from gmstudio.window.state.lessons.lesson_text import Value


def find_control(window: QWidget, name: str) -> QWidget | None:
    """Control of an object name in a window. None: there is none now.

    Of several, the visible one; else the newest one, as a form that was replaced is there until the event loop deletes
    it, and its successor not shown before.
    """
    found = window.findChildren(QWidget, name)
    return next((control for control in found if control.isVisible()), found[-1] if found else None)


def set_control(control: QWidget, value: Value) -> None:
    """Give a control a value as its user would."""
    match control:
        case ChoiceEdit():
            if str(value) != str(control.value):
                control.set_value(value)
                if control.currentIndex() < 0:  # a choice among digits, which read as a number
                    control.set_value(str(value))
        case FlagEdit() | ListEdit() | NumberEdit() | TextEdit():
            if value != control.value:
                control.set_value(value)  # type: ignore[arg-type]
        case QAbstractButton() if control.isCheckable() and isinstance(value, bool):
            if control.isChecked() != value:
                control.click()
        case _:
            set_control_value(control, value)


def press_control(control: QWidget) -> str:
    """Press a button as a click does.

    Returns:
        Why it could not be pressed, one sentence; empty: it was.
    """
    if not isinstance(control, QAbstractButton):
        return f"{control.accessibleName() or control.objectName()} is no button."
    if not control.isEnabled():
        tip = " ".join(control.toolTip().split())
        return f"“{control.text() or control.accessibleName()}” is disabled now. {tip}".strip()
    control.click()
    return ""


def reveal_control(control: QWidget) -> None:
    """Open the tabs on which a control stands, and scroll to it; of one that scrolls itself, show the beginning."""
    chain: list[QWidget] = [control]
    while (above := chain[-1].parentWidget()) is not None:
        chain.append(above)
    for above in reversed(chain):
        if isinstance(above, QTabWidget):
            page = next((page for page in chain if above.indexOf(page) >= 0), None)
            if page is not None:
                above.setCurrentWidget(page)
        elif isinstance(above, Sections):
            above.open_for(control)
    if isinstance(control, QScrollArea):
        control.verticalScrollBar().setValue(0)
    for above in reversed(chain[1:]):
        if isinstance(above, QScrollArea) and control.height() <= above.viewport().height():
            above.ensureWidgetVisible(control, 8, 8)
