"""A timer that waits for a pause in typing."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

QUIET_MS = 250
"""Pause in typing after which settings are sent to the engine."""


def quiet_timer(parent: QObject, slot: Callable[[], None]) -> QTimer:
    """Create a timer that calls a function once, ``QUIET_MS`` after it was started last."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(QUIET_MS)
    timer.timeout.connect(slot)
    return timer
