"""Keys of a panel: which of its shortcuts act now, and which keys belong to the widget that has the focus.

Fields (texts, numbers, lists, trees, combo boxes) and open popups get every key; sliders get the keys that move them;
a check box gets Space. Other buttons are pressed by Return, so that Space is the panel's wherever the focus is. The
shortcut of an action whose buttons all stand on pages of tabs or stacks acts only while one of these pages is open.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QRadioButton,
    QStackedWidget,
    QTextEdit,
    QToolButton,
    QWidget,
)

FIELDS = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox, QAbstractItemView)
"""Widgets that get every key while they have the focus."""
BOXES = (QCheckBox, QRadioButton)
"""Buttons that Space switches."""
_SLIDER_KEYS = frozenset(
    {
        Qt.Key.Key_Left,
        Qt.Key.Key_Right,
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
    }
)
_RETURN = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})
_COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class PanelKeys(QObject):
    """Filter of the keys that are pressed in a panel.

    The panel passes each ``ShortcutOverride`` event that reaches it to ``override``. Popups are windows of their own,
    and buttons take Space and Return before the panel does: these are filtered while they have the focus.

    Args:
        panel: the panel.
        actions: returns its actions.
        buttons: returns the buttons of an action.
    """

    def __init__(
        self,
        panel: QWidget,
        actions: Callable[[], Sequence[QAction]],
        buttons: Callable[[QAction], Sequence[QWidget]],
    ) -> None:
        super().__init__(panel)
        self._panel, self._actions, self._buttons = panel, actions, buttons
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus_changed)

    def add(self, action: QAction) -> None:
        """Keep the shortcut of an action of the panel from acting behind a popup that has no focus, such as a menu."""
        action.installEventFilter(self)

    def override(self, event: QKeyEvent) -> bool:
        """Accept a ``ShortcutOverride`` event whose key must not trigger a shortcut; return whether it was accepted.

        Where one may be triggered, those of pages that are not open are switched off first.
        """
        if QApplication.activePopupWidget() is not None or self._belongs_to(QApplication.focusWidget(), event):
            event.accept()
            return True
        self.sync()
        return False

    def sync(self) -> None:
        """Switch the shortcuts of page actions on or off; ``QAction.setEnabled`` stays with the panel."""
        active = set(self._panel.actions())
        for action in self._actions():
            if is_reachable(self._panel, self._buttons(action)):
                if action not in active:
                    self._panel.addAction(action)
            elif action in active:
                self._panel.removeAction(action)

    def _belongs_to(self, widget: QWidget | None, event: QKeyEvent) -> bool:
        """Find out whether a key belongs to the widget that has the focus."""
        key, modifiers = Qt.Key(event.key()), event.modifiers()
        plain = not modifiers & _COMMANDS
        if isinstance(widget, FIELDS):
            return self._is_shortcut(event) or (plain and not Qt.Key.Key_F1 <= key <= Qt.Key.Key_F35)
        if isinstance(widget, QAbstractSlider):
            return plain and key in _SLIDER_KEYS
        if isinstance(widget, BOXES) and key == Qt.Key.Key_Space:
            return plain
        return isinstance(widget, QAbstractButton) and plain and key in _RETURN

    def _is_shortcut(self, event: QKeyEvent) -> bool:
        pressed = QKeySequence(event.keyCombination())
        return any(pressed in action.shortcuts() for action in self._actions())

    def _owns_space(self) -> bool:
        space = QKeySequence(Qt.Key.Key_Space)
        return any(space in action.shortcuts() for action in self._panel.actions())

    # ---- filter of the focus ------------------------------------------------------------------------------------

    def _on_focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is not None:
            old.removeEventFilter(self)
        filtered = new is not None and (isinstance(new, QAbstractButton) or new.window() is not self._panel.window())
        if new is not None and filtered and self._is_inside(new):
            new.installEventFilter(self)

    def _is_inside(self, widget: QWidget) -> bool:
        """Find out whether a widget, or the widget that its popup belongs to, is inside the panel."""
        ancestor: QWidget | None = widget
        while ancestor is not None and ancestor is not self._panel:
            popup = bool(ancestor.windowFlags() & Qt.WindowType.Popup == Qt.WindowType.Popup)
            ancestor = None if ancestor.isWindow() and not popup else ancestor.parentWidget()
        return ancestor is not None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep keys in popups; press buttons by Return, and by Space only where the panel has no use for it."""
        kind = event.type()
        if kind == QEvent.Type.Shortcut:
            return QApplication.activePopupWidget() is not None
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if QApplication.activePopupWidget() is not None:
                event.accept()  # and go on: a combo box takes Return and Esc for its list at this event
        elif (
            kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
            and isinstance(event, QKeyEvent)
            and isinstance(watched, QAbstractButton)
            and not event.modifiers() & _COMMANDS
        ):
            if event.key() in _RETURN:
                if kind == QEvent.Type.KeyPress and not event.isAutoRepeat():
                    press(watched)
                return True
            if event.key() == Qt.Key.Key_Space and not isinstance(watched, BOXES):
                return self._owns_space()
        return False


def is_reachable(panel: QWidget, buttons: Sequence[QWidget]) -> bool:
    """Find out whether a button stands outside of pages, or on an open one; True without buttons.

    Args:
        panel: that contains the buttons.
        buttons: of one action.
    """
    return not buttons or any(_is_on_open_page(panel, button) for button in buttons)


def _is_on_open_page(panel: QWidget, widget: QWidget) -> bool:
    page, parent = widget, widget.parentWidget()
    while parent is not None and page is not panel:
        if isinstance(parent, QStackedWidget) and parent.currentWidget() is not page:
            return False
        page, parent = parent, parent.parentWidget()
    return True


def press(button: QAbstractButton) -> None:
    """Press a button as a click does; one with a menu opens it."""
    if isinstance(button, QToolButton) and button.popupMode() == QToolButton.ToolButtonPopupMode.InstantPopup:
        button.showMenu()
    else:
        button.click()
