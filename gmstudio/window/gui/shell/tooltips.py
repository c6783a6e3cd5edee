"""Tooltips of the application in lines of at most 60 characters."""

import textwrap

from PySide6.QtCore import QEvent, QObject, QPoint, QRect
from PySide6.QtGui import QCursor, Qt
from PySide6.QtWidgets import QApplication, QLabel

LINE_LENGTH = 60
POINTER_PX = 4
"""Smallest distance of a tooltip from the pointer."""
_SHOWN = (QEvent.Type.Show, QEvent.Type.Resize)


class TooltipWrapper(QObject):
    """Event filter of the application that wraps the text of every tooltip when it is shown.

    Qt wraps rich text only. Tooltips of widgets, tabs, menus and lists all use the same label.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        app = QApplication.instance()
        assert app is not None
        app.installEventFilter(self)
        app.aboutToQuit.connect(self._remove)

    def _remove(self) -> None:
        """Receive no events of objects that are being destroyed with the application."""
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Wrap a tooltip that is shown or gets another text."""
        if event.type() in _SHOWN and isinstance(watched, QLabel) and watched.inherits("QTipLabel"):
            wrapped = wrapped_tip(watched.text())
            if wrapped != watched.text():
                watched.setText(wrapped)
                watched.resize(watched.sizeHint())
                _keep_on_screen(watched)
        return False


def wrapped_tip(text: str) -> str:
    """Break the lines of a plain text after at most 60 characters, between words; rich text stays as it is."""
    if Qt.mightBeRichText(text):
        return text
    lines = (
        textwrap.wrap(line, LINE_LENGTH, break_long_words=False, break_on_hyphens=False) or [""]
        for line in text.split("\n")
    )
    return "\n".join(part for line in lines for part in line)


def _keep_on_screen(tip: QLabel) -> None:
    """Move a tooltip that became higher up or left, as far as it would leave the screen."""
    tip.move(tip_place(tip.geometry(), tip.screen().availableGeometry(), QCursor.pos()))


def tip_place(tip: QRect, screen: QRect, pointer: QPoint) -> QPoint:
    """Corner of a tooltip inside the screen and beside the pointer, whose click it would take otherwise.

    Args:
        tip: where it is now.
        screen: its room.
        pointer: place of the pointer.
    """
    corner = screen.bottomRight() - QPoint(tip.width(), tip.height())
    x = max(screen.left(), min(tip.x(), corner.x()))
    y = max(screen.top(), min(tip.y(), corner.y()))
    if QRect(QPoint(x, y), tip.size()).adjusted(-POINTER_PX, -POINTER_PX, POINTER_PX, POINTER_PX).contains(pointer):
        above = pointer.y() - tip.height() - POINTER_PX
        y = above if above >= screen.top() else pointer.y() + POINTER_PX
    return QPoint(x, y)
