"""Garbage collection of the window's process: in the thread of the window, between two turns of its event loop."""

import gc

from PySide6.QtCore import QObject, QTimer

from gmstudio.system.garbage import collect_when_due

INTERVAL_MS = 500


class GarbageCollection(QObject):
    """Collects what is due twice a second, instead of Python, which would collect in any thread; see ``garbage``.

    Objects that exist at the start are exempt for ever: passes over them would make the window stutter. They are not
    collected once before, since that takes a tenth of a second and finds next to nothing.

    Args:
        parent: owner; collection ends with it.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        gc.freeze()
        timer = QTimer(self)
        timer.setInterval(INTERVAL_MS)
        timer.timeout.connect(collect_when_due)
        timer.start()
