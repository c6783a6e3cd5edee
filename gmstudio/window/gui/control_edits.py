"""Edits by the controls of a panel that its state does not record: settings, choices, switches, texts.

Every named control that holds a value is found when the panel, or another page of it, is shown. What its user sets is a
step of the history, by the control's name, unless the state records an edit in the same turn of the event loop, or the
control is among ``NOT_UNDONE``. What the program sets is none: user and program are told apart by signals that Qt emits
for users only, and by the focus in a number field.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QSlider,
    QToolButton,
    QWidget,
)

from gmstudio.window.gui.control_values import Valued, control_value, set_control_value
from gmstudio.window.gui.not_undone import reason_not_undone
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.gui.widgets.number_input import IntegerField, NumberField
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider
from gmstudio.window.state.edits import Burst, Content, EditRecorder

if TYPE_CHECKING:
    from gmstudio.window.gui.panel import Panel


@dataclass
class _Watched:
    """A control that is watched.

    Args:
        control: that holds the value.
        known: value before the user's change.
        touched: its user is changing it.
        by_state: the state recorded what was typed.
        burst: moves that are one step.
    """

    control: Valued
    known: Any
    touched: bool = False
    by_state: bool = False
    burst: Burst = field(default_factory=Burst)


class ControlEdits(EditRecorder):
    """Recorder of the controls of a panel.

    Args:
        panel: has the controls.
    """

    def __init__(self, panel: "Panel") -> None:
        super().__init__(panel)
        self.needs_run = False
        self._panel = panel
        self._watched: dict[str, _Watched] = {}
        self._recorders: list[EditRecorder] = []
        self._state_edited = False
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._commit)
        self._finding = QTimer(self, singleShot=True, interval=0)
        self._finding.timeout.connect(self.find)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus_changed)

    def beside(self, recorder: EditRecorder) -> None:
        """Record nothing that a recorder of the state records; the controls are of the same run."""
        self._recorders.append(recorder)
        self.subject = self.subject or recorder.subject
        recorder.edited.connect(self._on_state_edited)
        recorder.settled.connect(self.settled)

    # ---- finding controls ----------------------------------------------------------------------------------------

    @property
    def names(self) -> frozenset[str]:
        """Object names of the controls that are watched."""
        return frozenset(self._watched)

    @property
    def is_waiting(self) -> bool:
        """What was set is recorded as soon as nothing else is to be done."""
        return self._turn.isActive()

    def find_later(self) -> None:
        """Find controls that are new as soon as nothing else is to be done."""
        self._finding.start()

    def find(self) -> None:
        """Find controls that are new."""
        for tabs in self._panel.findChildren(LazyTabs):
            if not tabs.property("edits_found"):
                tabs.setProperty("edits_found", True)
                tabs.currentChanged.connect(self.find_later)
        for action in self._panel.listed_actions():
            if action.isCheckable():
                group = action.actionGroup()
                switch = group if group is not None and group.isExclusive() else action
                name = (group.actions()[0] if switch is group else action).objectName()
                if name not in self._watched and not reason_not_undone(name):
                    self._watch(name, switch)
        for widget in self._panel.findChildren(QWidget):
            name = name_of_control(widget)
            if name.startswith(f"{self._panel.name}.") and not reason_not_undone(name):
                known = self._watched.get(name)
                if known is None or known.control is not widget:
                    self._watch(name, widget)

    def _watch(self, name: str, control: Valued) -> None:
        watched = _Watched(control, control_value(control))
        self._watched[name] = watched
        control.destroyed.connect(lambda: self._forget(name, watched))
        match control:
            case QComboBox():
                control.activated.connect(lambda _index: self._touch(watched))
            case TypedSlider():
                control.slider.sliderPressed.connect(watched.burst.begin)
                control.slider.actionTriggered.connect(lambda _action: self._begin(watched))
                control.value_changed.connect(lambda _value: self._touch(watched))
            case QSlider():
                control.sliderPressed.connect(watched.burst.begin)
                control.actionTriggered.connect(lambda _action: self._touch(watched))
            case IntegerField() | NumberField():
                control.valueChanged.connect(lambda _value: self._on_number(watched))
            case QLineEdit():
                control.textEdited.connect(lambda _text: self._on_typing(watched))
                control.editingFinished.connect(lambda: self._touch(watched))
            case QActionGroup():
                for action in control.actions():
                    action.toggled.connect(lambda _on: self._turn.start())
                control.triggered.connect(lambda _action: self._touch(watched))
            case QAction():
                control.toggled.connect(lambda _on: self._turn.start())
                control.triggered.connect(lambda _on: self._touch(watched))
            case QAbstractButton():
                control.toggled.connect(lambda _on: self._turn.start())
                control.clicked.connect(lambda _on: self._touch(watched))

    def _forget(self, name: str, watched: _Watched) -> None:
        if self._watched.get(name) is watched:
            del self._watched[name]

    # ---- what its user does --------------------------------------------------------------------------------------

    def _on_focus_changed(self, _old: QWidget | None, new: QWidget | None) -> None:
        """Note the value of the control that gets the focus: it may have been set without a signal."""
        if new is None or not self._panel.isAncestorOf(new):
            return
        widget: QObject | None = new
        while widget is not None and widget is not self._panel:
            watched = self._watched.get(name_of_control(widget)) if isinstance(widget, QWidget) else None
            if watched is not None and watched.control is widget:
                self._begin(watched)
            widget = widget.parent()

    def _begin(self, watched: _Watched) -> None:
        if not watched.touched:
            watched.known = control_value(watched.control)

    def _touch(self, watched: _Watched) -> None:
        if not self.is_restoring:
            watched.touched = True
            self._turn.start()

    def _on_number(self, watched: _Watched) -> None:
        if isinstance(watched.control, QWidget) and watched.control.hasFocus():
            self._touch(watched)
        elif not watched.touched:
            watched.known = control_value(watched.control)

    def _on_typing(self, watched: _Watched) -> None:
        watched.by_state = watched.by_state or self._state_edited
        self._turn.start()

    def _on_state_edited(self) -> None:
        self._state_edited = True
        for watched in self._watched.values():
            if isinstance(watched.control, QLineEdit) and watched.control.hasFocus():
                watched.by_state = True
        self._turn.start()

    def _commit(self) -> None:
        """Record what was set in this turn of the event loop."""
        skips = self._state_edited or any(recorder.expecting for recorder in self._recorders)
        self._state_edited = False
        for name, watched in tuple(self._watched.items()):
            if watched.touched or _is_switch(watched.control):
                value, before = control_value(watched.control), watched.known
                records = watched.touched and value != before and not skips and not watched.by_state
                watched.known, watched.touched, watched.by_state = value, False, False
                if records:
                    self.record(_title(watched.control, value), self._key(name, watched), {name: before}, {name: value})

    def _key(self, name: str, watched: _Watched) -> str:
        """Key of an edit: the same one for moves of one drag, or in quick succession."""
        if isinstance(watched.control, QComboBox | QLineEdit) or _is_switch(watched.control):
            return ""
        return f"{name} {watched.burst.move(held=_is_down(watched.control))}"

    # ---- restoring -----------------------------------------------------------------------------------------------

    def restore(self, content: Content) -> None:
        """Set controls as their user did; those that are not there any more are left out."""
        self.find()
        with ExitStack() as stack:
            for recorder in (self, *self._recorders):
                stack.enter_context(recorder.unrecorded())
            for name, value in content.items():
                if (watched := self._watched.get(name)) is not None:
                    set_control_value(watched.control, value)
                    watched.known, watched.touched = control_value(watched.control), False


def name_of_control(widget: QWidget) -> str:
    """Return the object name of a control that has a value; "" for others, and for what is part of another control."""
    parent = widget.parentWidget()
    match widget:
        case TypedSlider():
            return widget.slider.objectName()
        case RunChooser():
            return ""  # which run is shown is no edit
        case QComboBox():
            return widget.objectName()
        case QSlider() | IntegerField() | NumberField():
            return "" if isinstance(parent, TypedSlider) else widget.objectName()
        case QLineEdit():
            inner = widget.isReadOnly() or isinstance(parent, QAbstractSpinBox | QComboBox)
            return "" if inner else widget.objectName()
        case QToolButton() if widget.defaultAction() is not None:
            return ""
        case QAbstractButton():
            return widget.objectName() if widget.isCheckable() else ""
    return ""


def _is_switch(control: Valued) -> bool:
    return isinstance(control, QAction | QActionGroup | QAbstractButton)


def _is_down(control: Valued) -> bool:
    """Test whether a slider is held."""
    slider = control.slider if isinstance(control, TypedSlider) else control
    return isinstance(slider, QSlider) and slider.isSliderDown()


def _title(control: Valued, value: Any) -> str:
    """Name of an edit: ``Set Speed to 30``, ``Switch Contours on``."""
    match control:
        case QActionGroup():
            checked = control.checkedAction()
            return f"Choose {checked.text() if checked is not None else 'none'}"
        case QAction():
            return f"Switch {control.text() or control.toolTip()} {'on' if value else 'off'}"
        case QAbstractButton():
            return f"Switch {control.accessibleName() or control.text()} {'on' if value else 'off'}"
        case QComboBox():
            return f"Set {control.accessibleName()} to {control.currentText()}"
        case TypedSlider():
            return f"Set {control.slider.accessibleName()} to {value:g}"
        case QLineEdit():
            return f"Type {control.accessibleName()}"
        case QWidget():
            return f"Set {control.accessibleName()} to {value:g}"
