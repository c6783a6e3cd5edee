"""The composition root: client, state and window, and the process around them (signals, uncaught exceptions)."""

import gc
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from gmstudio.system.display import display_problem

if TYPE_CHECKING:
    from gmstudio.window.gui.places import Place
    from gmstudio.window.gui.shell.main_window import MainWindow
    from gmstudio.window.state.studio import Studio

SMOKE_TIMEOUT_MS = 60_000
SWITCH_S = 0.0002
"""After this time the event loop asks a thread for the interpreter's lock. Python's own 5 ms would make long pauses:
each call into Qt gives the lock away, and many make up a turn of the loop."""
ENDING_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def run(
    argv: list[str],
    *,
    smoke: bool = False,
    engine_command: list[str] | None = None,
    lab: str = "",
    places: "Sequence[Place] | None" = None,
    on_built: "Callable[[MainWindow, Studio], None] | None" = None,
) -> int:
    """Open the window and stay until it is closed.

    Args:
        argv: the command line, for Qt.
        smoke: close as soon as the engine has sent its catalog.
        engine_command: program and arguments of the engine; by default this Python's.
        lab: laboratory or exercise that is shown; empty: what was shown last.
        places: the panels; by default those of ``gmstudio.window.gui.places``.
        on_built: called with the window and its state before the window is shown.

    Returns:
        The exit code: 0; 1 when no window can open here or the smoke test failed (the sentence is on stderr).
    """
    problem = display_problem()
    if problem is not None:
        print(problem, file=sys.stderr)
        return 1
    gc.disable()  # for good: see GarbageCollection, which begins when the window is complete
    sys.setswitchinterval(SWITCH_S)
    # Only now: where Qt's libraries are missing, importing it would end in a traceback.
    from PySide6.QtWidgets import QApplication

    from gmstudio.window.client.engine_client import EngineClient

    app = QApplication.instance() or QApplication(argv)
    app.setApplicationName("gmstudio")
    client = EngineClient(engine_command)
    client.start()  # first: it loads torch while the window's modules are imported and the window is built
    from gmstudio.window.gui.places import PLACES
    from gmstudio.window.gui.shell.garbage_collection import GarbageCollection
    from gmstudio.window.gui.shell.main_window import MainWindow
    from gmstudio.window.state.studio import Studio

    studio = Studio(client)
    window = MainWindow(studio, PLACES if places is None else places)
    window.completed.connect(lambda: GarbageCollection(window))
    if lab:
        _show_lab(window, studio, lab)
    if on_built is not None:
        on_built(window, studio)
    failures: list[str] = []
    with _exceptions_reported(window), _signals_close(window):
        window.show()
        if smoke:
            _watch_smoke(window, studio, failures)
        code = app.exec()
    process_exit = client.state.process_exit
    if process_exit is not None:
        failures.append(f"While closing: {process_exit.sentence} {process_exit.stderr}".strip())
    for sentence in failures:
        print(sentence, file=sys.stderr)
    return 1 if failures else int(code)


def _show_lab(window: "MainWindow", studio: "Studio", name: str) -> None:
    """Show a laboratory or an exercise; a name that there is not is a sentence in the panel."""
    from gmstudio.window.state.labs.state import PANEL, LabsState

    window.show_panel(PANEL)
    studio.state(LabsState).select(name)


def _watch_smoke(window: "MainWindow", studio: "Studio", failures: list[str]) -> None:
    """Close the window when the catalog arrives; record a failure when none does."""
    from PySide6.QtCore import QTimer

    def fail(sentence: str) -> None:
        failures.append(sentence)
        window.close()

    def on_engine_changed() -> None:
        process_exit = studio.engine.state.process_exit
        if studio.engine.state.phase == "given up" and process_exit is not None and not failures:
            fail(f"{process_exit.sentence}\n{process_exit.stderr}")

    timer = QTimer(window)
    timer.setSingleShot(True)
    timer.timeout.connect(lambda: fail(f"The engine sent no catalog within {SMOKE_TIMEOUT_MS // 1000} seconds."))
    timer.start(SMOKE_TIMEOUT_MS)
    studio.engine.changed.connect(on_engine_changed)
    studio.library.catalog_arrived.connect(timer.stop)
    studio.library.catalog_arrived.connect(window.close)


@contextmanager
def _exceptions_reported(window: "MainWindow") -> Iterator[None]:
    """Context in which uncaught exceptions are reported in the window and on stderr, and the window stays open."""
    before = sys.excepthook

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        before(kind, error, trace)
        lines = "".join(traceback.format_exception(kind, error, trace))
        window.report_exception(f"{kind.__name__}: {error}.", lines)

    sys.excepthook = report
    try:
        yield
    finally:
        sys.excepthook = before


@contextmanager
def _signals_close(window: "MainWindow") -> Iterator[None]:
    """Context in which SIGINT, SIGTERM and SIGHUP close the window as its user would."""
    from PySide6.QtCore import QTimer

    def close(_number: int, _frame: Any) -> None:
        QTimer.singleShot(0, window, window.close)

    before: dict[signal.Signals, Callable[..., Any] | int | None] = {}
    for name in ENDING_SIGNALS:
        number = getattr(signal, name, None)
        if number is not None:
            before[number] = signal.signal(number, close)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
