"""The Qt binding itself: what a release got wrong once and must not bring back unnoticed."""

import sys

from PySide6.QtCore import QObject, Signal

EMISSIONS = 50


class Emitter(QObject):
    happened = Signal()


def test_emitting_does_not_wear_out_true() -> None:
    """PySide6 6.12.0 gives back one reference to ``True`` per emission that it never took.

    On Python 3.11, where ``True`` is mortal, the window dies after some hundred emissions with "bool_dealloc:
    deallocating True or False". PySide6 6.11.3 is sound.
    """
    emitter = Emitter()
    before = sys.getrefcount(True)
    for _ in range(EMISSIONS):
        emitter.happened.emit()
    assert sys.getrefcount(True) > before - EMISSIONS // 2, "use PySide6-Essentials 6.11.3: this release drops True"
