"""Larger type for the widgets that are on the screen, without restyling all others."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid


class Enlargement(QObject):
    """Type of a window's widgets, larger than the system's while it is on.

    A rule of the window's style sheet would restyle every widget of every panel, which takes half a second. So each
    visible widget gets a font of its own, at once, and others when they are shown. What the style sheet says of fonts
    stays. Widgets with a font of their own keep it.

    Args:
        window: whose widgets are enlarged; dialogs and menus are not.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._factor = 1.0
        self._enlarged: dict[QWidget, float] = {}
        """Widget → its size of type, points."""
        self._sized: set[QWidget] = set()
        """Widgets whose size of type is in a style sheet of their own."""
        self._setting: set[QWidget] = set()
        """Widgets whose font is being set: a style sheet may give them their own again meanwhile."""

    def set_factor(self, factor: float) -> None:
        """Enlarge to this multiple of the system's size, for example 1.5; 1: all as the system has it."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.removeEventFilter(self)
        self._restore()
        self._factor = factor
        if factor != 1:
            for widget in self._window.findChildren(QWidget):
                if widget.isVisible() and widget.window() is self._window:
                    self._enlarge(widget)
            app.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enlarge a widget that is shown, and one to which the style sheet gave another font."""
        if not isinstance(watched, QWidget):
            return False
        if event.type() == QEvent.Type.Show and watched.window() is self._window:
            self._enlarge(watched)
        elif event.type() == QEvent.Type.FontChange and watched.font().pointSizeF() < self._enlarged.get(watched, 0.0):
            self._set_font(watched)
        return False

    def _enlarge(self, widget: QWidget) -> None:
        if widget in self._enlarged or widget.testAttribute(Qt.WidgetAttribute.WA_SetFont):
            return
        size, parent = widget.font().pointSizeF(), widget.parentWidget()
        inherited = parent is not None and size == self._enlarged.get(parent)
        self._enlarged[widget] = size if inherited else self._factor * size
        self._set_font(widget)

    def _set_font(self, widget: QWidget) -> None:
        if widget in self._setting:  # else it would be given the two fonts in turns without end
            return
        self._setting.add(widget)
        size = self._enlarged[widget]
        font = QFont()
        font.setPointSizeF(size)
        widget.setFont(font)
        widget.style().polish(widget)  # the weight that the style sheet gives it
        if widget.font().pointSizeF() < size and not widget.styleSheet():
            self._sized.add(widget)  # the window's style sheet gives it a size; one of its own comes first
            widget.setStyleSheet(f"* {{ font-size: {size}pt; }}")
        self._setting.discard(widget)

    def _restore(self) -> None:
        """Give the enlarged widgets the font that system and style sheet say."""
        enlarged, self._enlarged = self._enlarged, {}
        sized, self._sized = self._sized, set()
        for widget in filter(isValid, sized):
            widget.setStyleSheet("")
        for widget in enlarged:
            if isValid(widget):
                widget.setFont(QFont())
                widget.style().polish(widget)
