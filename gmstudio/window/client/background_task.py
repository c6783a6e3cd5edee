"""Work in a thread beside the window's event loop, such as reading pictures and writing movies."""

import atexit
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from gmstudio.media.writing import StoppedError
from gmstudio.system.os_errors import os_error_sentence

END_SECONDS = 0.5
"""Longest wait at the end of the process, after the event loop, for work that was stopped to remove its files."""


class Background(QObject):
    """Runs one function at a time in a thread of its own.

    The function shares no objects with the window. Its argument is a function ``stopped``, which it calls regularly; it
    raises ``StoppedError`` when ``stopped()`` is true. The event loop never waits for the thread: one that hangs in the
    operating system (a network drive that does not answer) is left alone and ends with the process.

    Signals:
        done: result of the function.
        failed: sentence on the error.
    """

    done = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: _Worker | None = None

    @property
    def busy(self) -> bool:
        """A function is being run."""
        return self._worker is not None

    def start(self, work: Callable[[Callable[[], bool]], Any]) -> None:
        """Run a function; the one under way is stopped, and its result dropped."""
        self.stop()
        self._worker = worker = _Worker(work)
        worker.ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)
        worker.start()

    def stop(self) -> None:
        """Request the end of the function under way, without waiting for it; no signal is emitted."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop.set()

    def _on_ended(self, worker: "_Worker") -> None:
        if worker is not self._worker:
            return
        self._worker = None
        if worker.problem:
            self.failed.emit(worker.problem)
        else:
            self.done.emit(worker.result)


class _Worker(QObject):
    """Daemon thread with the result of the function; it has no parent, so it outlives the window if it must.

    Signals:
        ended: emitted in the thread, with this object.
    """

    ended = Signal(object)

    def __init__(self, work: Callable[[Callable[[], bool]], Any]) -> None:
        super().__init__()
        self._work = work
        self.stop = threading.Event()
        self.result: Any = None
        self.problem = ""
        self.python_thread = threading.Thread(target=self._run, name="background", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        _workers.add(self)
        self.python_thread.start()

    def _run(self) -> None:
        try:
            self.result = self._work(self.stop.is_set)
        except StoppedError:
            self.problem = "Stopped."
        except OSError as error:
            self.problem = os_error_sentence(error)
        except (ValueError, RuntimeError) as error:
            self.problem = str(error)
        except Exception as error:  # a fault of the program, which must not end the window
            self.problem = f"Something went wrong: {type(error).__name__}: {error}"
        if not self.stop.is_set():
            self.ended.emit(self)


_workers: weakref.WeakSet[_Worker] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """Stop what is under way at the end of the process, and give it time to remove unfinished files."""
    workers = list(_workers)
    for worker in workers:
        worker.stop.set()
    deadline = time.monotonic() + END_SECONDS
    for worker in workers:
        worker.python_thread.join(max(0.0, deadline - time.monotonic()))
