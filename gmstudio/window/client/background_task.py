"""Work in a thread beside the window's event loop, such as reading pictures and writing movies."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

from gmstudio.media.writing import StoppedError

TIMEOUT_MS = 5000


class Background(QObject):
    """Runs one function at a time in a thread of its own.

    The function shares no objects with the window. Its argument is a function ``stopped``, which it calls regularly; it
    raises ``StoppedError`` when ``stopped()`` is true.

    Signals:
        done: result of the function.
        failed: sentence on the error.
    """

    done = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: _Worker | None = None

    @property
    def busy(self) -> bool:
        """A function is being run."""
        return self._thread is not None

    def start(self, work: Callable[[Callable[[], bool]], Any]) -> None:
        """Run a function; the one under way is stopped, and its result dropped."""
        self.stop()
        self._thread = worker = _Worker(work)
        worker.finished.connect(self._on_finished)
        worker.start()

    def stop(self) -> None:
        """Stop the function under way and wait for its end; no signal is emitted."""
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
    """Thread with the result of the function."""

    def __init__(self, work: Callable[[Callable[[], bool]], Any]) -> None:
        super().__init__()
        self._work = work
        self.result: Any = None
        self.problem = ""

    def run(self) -> None:
        """Call the function."""
        try:
            self.result = self._work(self.isInterruptionRequested)
        except StoppedError:
            self.problem = "Stopped."
        except OSError as error:
            self.problem = f"{error.filename or 'The file'}: {error.strerror or error}."
        except (ValueError, RuntimeError) as error:
            self.problem = str(error)
        except Exception as error:  # a fault of the program, which must not end the window
            self.problem = f"Something went wrong: {type(error).__name__}: {error}"
