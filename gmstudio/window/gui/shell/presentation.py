"""Presentation mode: the panel alone on the whole screen, in large type."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtWidgets import QMainWindow, QWidget

from gmstudio.window.gui.shell.enlargement import Enlargement

ENLARGEMENT = 1.5


class Presentation(QObject):
    """Switches the presentation mode of a window.

    Args:
        window: shown on the whole screen meanwhile.
        chrome: widgets that have no height and no width meanwhile, whether they show and hide themselves or not.

    Signals:
        changed: the mode was switched on or off, the new state; the panels leave out, or show again, what does not
            belong to it.
    """

    changed = Signal(bool)

    def __init__(self, window: QMainWindow, chrome: Sequence[QWidget]) -> None:
        super().__init__(window)
        self._window = window
        self._chrome = chrome
        self._limits: list[tuple[QSize, QSize]] = []
        self._type = Enlargement(window)
        self.on = False

    def set_on(self, on: bool) -> None:
        """Enter or leave the mode."""
        if on == self.on:
            return
        self.on = on
        if not on:
            self._type.set_factor(1)  # first, so that what the panels show again has the size that it has left with
        else:
            self._limits = [(widget.minimumSize(), widget.maximumSize()) for widget in self._chrome]
        for widget, (least, most) in zip(self._chrome, self._limits, strict=True):
            widget.setMinimumSize(QSize(0, 0) if on else least)
            widget.setMaximumSize(QSize(0, 0) if on else most)
        self.changed.emit(on)
        if on:
            self._type.set_factor(ENLARGEMENT)  # last, as only what is still visible needs it
        state = self._window.windowState()
        full = Qt.WindowState.WindowFullScreen
        self._window.setWindowState(state | full if on else state & ~full)
