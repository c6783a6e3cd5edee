"""Work on files in a thread beside the engine's loop, with its progress: disks may be slow."""

import threading
from collections.abc import Callable, Generator, Iterator

from gmstudio.engine.runtime.inspection import in_background


def shares_in_thread(pieces: Callable[[], Generator[float, None, None]]) -> Iterator[float]:
    """Advance work that yields the share that is done in a thread; yields its newest share about every 5 ms.

    A generator that is closed early ends the work after its present piece, and waits until it has cleaned up.

    Args:
        pieces: starts the work, in the thread.

    Raises:
        Exception: the work's.
    """
    stop, ended = threading.Event(), threading.Event()
    newest = [0.0]

    def run() -> bool:
        work = pieces()
        try:
            for share in work:
                newest[0] = share
                if stop.is_set():
                    break
        finally:
            work.close()
            ended.set()
        return True

    try:
        for _ in in_background(run):
            yield newest[0]
    finally:
        stop.set()
        ended.wait()
