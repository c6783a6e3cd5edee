"""Watch of the library for runs that other programs make or train."""

import time

from PySide6.QtCore import QObject, QTimer

from gmstudio.window.state.runs.library import RunLibrary

POLL_MS = 2000
SHARE = 0.05
"""Largest part of the time in which the engine looks for changes."""


class RunWatch(QObject):
    """Polls the library: about every two seconds, less often where the engine takes long to look.

    Args:
        library: library of runs.
    """

    def __init__(self, library: RunLibrary, parent: QObject) -> None:
        super().__init__(parent)
        self._library = library
        self._asked_s: float | None = None
        self._due_s = 0.0
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self.poll)
        library.polled.connect(self._on_polled)

    def set_active(self, active: bool) -> None:
        """Watch while the engine is ready, or no longer."""
        if active and not self._timer.isActive():
            self._timer.start()
        elif not active:
            self._timer.stop()

    def poll(self) -> None:
        """Look for changes, unless that was done a short while ago for what it takes."""
        if not self._library.polling and time.monotonic() >= self._due_s:
            self._asked_s = time.monotonic()
            self._library.poll()

    def _on_polled(self) -> None:
        if self._asked_s is not None:
            now = time.monotonic()
            self._due_s, self._asked_s = now + (now - self._asked_s) / SHARE, None
