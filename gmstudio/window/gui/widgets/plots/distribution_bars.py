"""Bar chart of a discrete distribution over 2 to 256 values, of which one can be chosen by mouse or keys."""

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.widgets.plots.distribution_view import DistributionView

ZOOM_STEP = 1.3
WHEEL_STEP = 120.0
_OWN_KEYS = (
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_Return,
    Qt.Key.Key_Enter,
    Qt.Key.Key_Escape,
)
_ZOOM_KEYS = {Qt.Key.Key_Plus: ZOOM_STEP, Qt.Key.Key_Equal: ZOOM_STEP, Qt.Key.Key_Minus: 1 / ZOOM_STEP}
_PAN_KEYS = {Qt.Key.Key_PageUp: -0.5, Qt.Key.Key_PageDown: 0.5}


class DistributionBars(DistributionView):
    """Distribution in which a value can be chosen or selected for attribution.

    A click chooses a value, a click with Ctrl selects it for attribution. With the focus, the arrow keys move a
    candidate, Return chooses it and Ctrl+Return attributes it; digits type the value, which is chosen as soon as no
    further digit could follow. The wheel, + and −, and Page Up and Down change the visible range of many values.

    Signals:
        chosen: the chosen value.
        attribution_wanted: value selected for attribution.
        hovered: value under the pointer; −1 when it leaves.
    """

    chosen = Signal(int)
    attribution_wanted = Signal(int)
    hovered = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    # ---- choosing ----------------------------------------------------------------------------------------------

    def type_digit(self, digit: int) -> None:
        """Append a typed digit to the value; it is chosen as soon as no further digit could follow."""
        if not self.levels:
            return
        typed = int(self._typed + str(digit))
        if typed >= self.levels:
            typed = digit
        if typed >= self.levels:
            self._typed = ""
            return
        self._typed = str(typed)
        self._move_candidate(typed)
        if typed == 0 or typed * 10 >= self.levels:
            self.choose(typed)
        self.update()

    @property
    def typing(self) -> bool:
        """Digits were typed that are not chosen yet."""
        return bool(self._typed)

    def choose_candidate(self) -> None:
        """Choose the candidate of the keyboard."""
        self.choose(self.candidate)

    def choose(self, value: int) -> None:
        """Choose a value as the user would."""
        self._typed = ""
        if 0 <= value < self.levels:
            self.chosen.emit(value)

    def want_attribution(self, value: int) -> None:
        """Select a value for attribution, as the user would."""
        if 0 <= value < self.levels:
            self.attribution_wanted.emit(value)

    def _move_candidate(self, value: int) -> None:
        self.candidate = max(0, min(self.levels - 1, value))
        if self.zoomable:
            self.show_values(self.values.showing(self.candidate))

    # ---- mouse and keys ------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Emit the value under the pointer."""
        self._set_hover(self.value_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Emit that no value is under the pointer."""
        self._set_hover(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the value under the pointer, or select it for attribution."""
        if event.button() == Qt.MouseButton.LeftButton:
            value = self.value_at(event.position())
            self.candidate = value
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.want_attribution(value)
            else:
                self.choose(value)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer; with Shift, or by horizontal scrolling, move along the values."""
        if not self.zoomable:
            super().wheelEvent(event)
            return
        delta = event.angleDelta()
        plot = self.plot_rect()
        if delta.x() or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            turned = (delta.x() or delta.y()) / WHEEL_STEP
            self.show_values(self.values.panned(-turned * self.values.span / 8))
        else:
            share = min(1.0, max(0.0, (event.position().x() - plot.left()) / plot.width()))
            at = self.values.low + share * self.values.span
            self.show_values(self.values.zoomed(ZOOM_STEP ** (delta.y() / WHEEL_STEP), at))
        self._set_hover(self.value_at(event.position()))
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Start the candidate at the marked value."""
        if self.candidate < 0 and self.levels:
            self._move_candidate(self.marked if self.marked is not None else int(np.argmax(self.probabilities)))
        super().focusInEvent(event)

    def event(self, event: QEvent) -> bool:
        """Take the keys that move and choose before the panel's shortcuts do."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            key = Qt.Key(event.key())
            zoom = self.zoomable and (key in _ZOOM_KEYS or key in _PAN_KEYS)
            if self.levels and (event.text().isdigit() or key in _OWN_KEYS or zoom):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the candidate, choose, attribute, zoom, or type a value."""
        key = Qt.Key(event.key())
        if event.text().isdigit():
            self.type_digit(int(event.text()))
        elif key == Qt.Key.Key_Escape and self._typed:
            self._typed = ""
        elif not self.levels or not self._take_key(key, event.modifiers()):
            super().keyPressEvent(event)
            return
        self.update()

    def _take_key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        """Handle a key; return False for a key without a function here."""
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            attributes = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
            (self.want_attribution if attributes else self.choose)(self.candidate)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._move_candidate(self.candidate + (1 if key == Qt.Key.Key_Right else -1))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._move_candidate(0 if key == Qt.Key.Key_Home else self.levels - 1)
        elif self.zoomable and key in _ZOOM_KEYS:
            middle = self.candidate + 0.5 if self.candidate >= 0 else self.values.low + self.values.span / 2
            self.show_values(self.values.zoomed(_ZOOM_KEYS[key], middle))
        elif self.zoomable and key in _PAN_KEYS:
            self.show_values(self.values.panned(_PAN_KEYS[key] * self.values.span))
        else:
            return False
        return True

    def _set_hover(self, value: int) -> None:
        if value != self._hover:
            self._hover = value
            self.setCursor(Qt.CursorShape.PointingHandCursor if value >= 0 else Qt.CursorShape.ArrowCursor)
            self.hovered.emit(value)
            self.update()
