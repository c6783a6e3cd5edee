"""Work that takes longer than a frame, beside the window's event loop: reading pictures, writing movies."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

from gmstudio.media.writing import StoppedError

TIMEOUT_MS = 5000


class Background(QObject):
    """Runs one piece of work at a time in a thread of its own.

    The work is a function that shares nothing with the window: it gets arrays and words and returns the like. It is
    given a function ``stopped`` that it asks now and then, and raises ``StoppedError`` when that is true.

    Signals:
        done: what the work returned.
        failed: why it could not be done, a sentence.
    """

    done = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: _Worker | None = None

    @property
    def busy(self) -> bool:
        """Whether it works."""
        return self._thread is not None

    def start(self, work: Callable[[Callable[[], bool]], Any]) -> None:
        """Begin; work that is under way is stopped and its result never told."""
        self.stop()
        self._thread = worker = _Worker(work)
        worker.finished.connect(self._on_finished)
        worker.start()

    def stop(self) -> None:
        """Stop what is under way and wait until it has; nothing is told."""
        worker, self._thread = self._thread, None
        if worker is not None:
            worker.finished.disconnect(self._on_finished)
            worker.requestInterruption()
            worker.wait(TIMEOUT_MS)

    def _on_finished(self) -> None:
        worker, self._thread = self._thread, None
        if worker is None:
            return
        worker.wait(TIMEOUT_MS)
        if worker.problem:
            self.failed.emit(worker.problem)
        else:
            self.done.emit(worker.result)


class _Worker(QThread):
    """The thread, and what came of its work."""

    def __init__(self, work: Callable[[Callable[[], bool]], Any]) -> None:
        super().__init__()
        self._work = work
        self.result: Any = None
        self.problem = ""

    def run(self) -> None:
        """Do the work."""
        try:
            self.result = self._work(self.isInterruptionRequested)
        except StoppedError:
            self.problem = "It was stopped."
        except OSError as error:
            self.problem = f"{error.filename or 'The file'}: {error.strerror or error}."
        except (ValueError, RuntimeError) as error:
            self.problem = str(error)
        except Exception as error:  # a fault of ours; the thread must not take the window down
            self.problem = f"Something went wrong: {type(error).__name__}: {error}"
