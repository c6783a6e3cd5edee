"""Outlines around controls, which follow them while panels scroll, fold and are resized."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from gmstudio.window.gui.theme import theme

WIDTH, RADIUS, GAP = 3, 5, 3
_MOVES = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.ParentChange)


class ControlOutlines(QWidget):
    """Layer in front of a window that lets the pointer through.

    Args:
        window: its parent, whose size it follows.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("lesson.outlines")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._controls: list[QWidget] = []
        self._watched: list[QObject] = []
        self._later = QTimer(self, singleShot=True, interval=0)  # several moves in one turn of the loop: one placing
        self._later.timeout.connect(self._place)
        theme().changed.connect(self.update)
        self.hide()

    def set_controls(self, controls: Sequence[QWidget]) -> None:
        """Outline these controls and no others."""
        for watched in self._watched:
            if isValid(watched):
                watched.removeEventFilter(self)
        self._controls, self._watched = list(controls), []
        for control in controls:
            above: QWidget | None = control
            while above is not None:
                if above not in self._watched:
                    self._watched.append(above)
                    above.installEventFilter(self)
                above = None if above.isWindow() else above.parentWidget()
        self._place()

    def rects(self) -> list[QRect]:
        """Visible parts of the controls, in this layer."""
        rects = [self._visible(control) for control in self._controls if isValid(control)]
        return [rect for rect in rects if not rect.isEmpty()]

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Follow the controls and all that they stand on."""
        if event.type() in _MOVES and isValid(self) and isValid(self._later):
            self._later.start()
        return False

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the outlines."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for rect in self.rects():
                around = (
                    QRectF(rect).adjusted(-GAP, -GAP, GAP, GAP).intersected(QRectF(self.rect()).adjusted(2, 2, -2, -2))
                )
                for pen in (QPen(theme().color("window"), WIDTH + 2), QPen(theme().color("accent"), WIDTH)):
                    painter.setPen(pen)
                    painter.drawRoundedRect(around, RADIUS, RADIUS)

    def _place(self) -> None:
        window = self.parentWidget()
        assert window is not None
        self.setGeometry(window.rect())
        shown = bool(self.rects())
        self.setVisible(shown)
        if shown:
            self.raise_()
            self.update()

    def _visible(self, control: QWidget) -> QRect:
        """Part of a control that no scroll area cuts off, in the window; empty where it is hidden."""
        window = self.parentWidget()
        if window is None or not control.isVisible() or control.window() is not window:
            return QRect()
        rect = QRect(control.mapTo(window, QPoint(0, 0)), control.size())
        above = control.parentWidget()
        while above is not None and above is not window:
            rect &= QRect(above.mapTo(window, QPoint(0, 0)), above.size())
            above = above.parentWidget()
        return rect
