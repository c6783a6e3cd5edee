"""Garbage collection at chosen moments, in the thread that asks for it.

Python collects in whichever thread happens to allocate the object that exceeds a threshold. In a process with a window
that must be the thread of the window: a reference cycle with a widget in it would else be destroyed by another thread,
whose destructor holds a mutex of Qt's connections and waits for the interpreter, while the thread of the window has the
interpreter and waits for that mutex. The window would stand still for ever.
"""

import gc


def collect_when_due() -> None:
    """Collect the oldest generation whose threshold is exceeded, as Python does by itself where it may."""
    counts, thresholds = gc.get_count(), gc.get_threshold()
    for generation in (2, 1, 0):
        if counts[generation] > thresholds[generation]:
            gc.collect(generation)
            return
