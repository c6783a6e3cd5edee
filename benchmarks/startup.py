"""Start-up time: until the window is visible, the engine has sent its catalog, and a slider has moved an image."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 120


def measure(repeats: int) -> dict[str, Any]:
    """Open and close the window several times, each in a fresh process, and take medians.

    Returns:
        ``window_visible_ms`` (from just before the process starts to the end of the first painting),
        ``engine_ready_ms`` (to the catalog's arrival in the window), ``first_drag_ms`` (to the end of the painting of
        the first image that a slider of the ready VAE moved; goal at most 3,000; see ``first_drag``),
        ``torch_in_window_process``.
    """
    runs = [_once("startup") for _ in range(repeats)]
    drags = [_once("first_drag")["drag_ms"] for _ in range(repeats)]
    return {
        "benchmark": "startup",
        "window_visible_ms": statistics.median(run["visible_ms"] for run in runs),
        "window_visible_worst_ms": max(run["visible_ms"] for run in runs),
        "engine_ready_ms": statistics.median(run["ready_ms"] for run in runs),
        "first_drag_ms": statistics.median(drags),
        "first_drag_worst_ms": max(drags),
        "torch_in_window_process": any(run["torch"] for run in runs),
        "repeats": repeats,
    }


def _once(module: str) -> dict[str, Any]:
    """Start the window in a process of its own, which prints its times."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "GMSTUDIO_HOME": home}
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{module}", repr(time.time())],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            timeout=TIMEOUT_S,
            check=True,
            text=True,
        )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _child(started: float) -> int:
    """Open the window like ``gmstudio --smoke``; record the times of the first painting and of the catalog.

    Nothing of the window is imported beforehand, for the engine starts before that.
    """
    from gmstudio import app

    times: dict[str, float] = {}

    def on_built(window: Any, studio: Any) -> None:
        from PySide6.QtCore import QEvent, QObject, QTimer

        class FirstPainting(QObject):
            """Records the time after all events queued behind the first painting."""

            def eventFilter(self, watched: QObject, event: QEvent) -> bool:
                if event.type() == QEvent.Type.Paint and "visible_ms" not in times:
                    QTimer.singleShot(0, lambda: times.setdefault("visible_ms", _since(started)))
                return super().eventFilter(watched, event)

        window.installEventFilter(FirstPainting(window))
        studio.library.catalog_arrived.connect(lambda: times.setdefault("ready_ms", _since(started)))

    code = app.run(["gmstudio"], smoke=True, on_built=on_built)
    print(json.dumps({**times, "torch": "torch" in sys.modules}))
    return code


def _since(started: float) -> float:
    return (time.time() - started) * 1000


if __name__ == "__main__":
    sys.exit(_child(float(sys.argv[1])))
