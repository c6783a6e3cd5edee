"""A real window process, with a real engine of its own, for tests that stop and kill processes.

Run as a script it is the window: ``gmstudio.app.run`` beside a timer that writes what the window shows to stdout, a
JSON object a line, and reads commands from stdin: ``train`` and ``close``. ``WindowProcess`` is the test's side of it.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

REPORT_MS = 50
STEPS_PER_S = 200
WAIT_S = 80.0
SETTINGS = {"steps": 1_000_000, "batch_size": 16, "num_samples": 4, "checkpoint_every": 200, "validate_every": 200}


class WindowProcess:
    """A window process.

    Args:
        home: its home.
        engine: Python code of the engine process; empty: the engine as it is.
        timeouts: of the engine's process, by their names in ``Timeouts``.
    """

    def __init__(self, home: Path, engine: str = "", **timeouts: float) -> None:
        environment = {**os.environ, "GMSTUDIO_HOME": str(home), "OMP_NUM_THREADS": "1"}
        environment["GMSTUDIO_EXAMPLES"] = str(home / "no examples")
        self.process = subprocess.Popen(
            [sys.executable, __file__, json.dumps({"engine": engine, "timeouts": timeouts})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        self.engines: set[int] = set()
        """Engine processes that there were."""
        self._reports: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._reports.put(json.loads(line))
        self._reports.put(None)

    def send(self, command: str) -> None:
        """Have the window do something."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()

    def wait(self, accept: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next report that is accepted."""
        deadline = time.monotonic() + WAIT_S
        last: dict[str, Any] = {}
        while True:
            try:
                report = self._reports.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"not within {WAIT_S} s; last: {last}") from None
            assert report is not None, f"the window ended: {self.stderr()}"
            last = report
            self.engines |= {report["pid"]} - {0}
            if accept(report):
                return report

    def stderr(self) -> str:
        """What the process wrote to stderr, once it has ended."""
        assert self.process.stderr is not None
        self.process.wait(WAIT_S)
        return self.process.stderr.read()

    def end(self) -> None:
        """End the process where it still runs, and forget it."""
        self.process.kill()
        self.process.wait(10)
        self._thread.join(10)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


def main() -> int:
    """Open the window, report and obey."""
    from PySide6.QtCore import QSocketNotifier, QTimer
    from PySide6.QtWidgets import QApplication

    from gmstudio import app
    from gmstudio.protocol.training import PaceTraining
    from gmstudio.window.client import engine_client
    from gmstudio.window.client.process_status import Timeouts
    from gmstudio.window.gui.shell.main_window import MainWindow
    from gmstudio.window.state.training.state import TrainingState

    options = json.loads(sys.argv[1])
    engine_client.Timeouts = lambda: Timeouts(**options["timeouts"])  # type: ignore[assignment,misc]
    application = QApplication(sys.argv[:1])

    def window() -> MainWindow | None:
        return next((w for w in application.topLevelWidgets() if isinstance(w, MainWindow)), None)

    def report() -> None:
        found = window()
        if found is None:
            return
        studio = found._studio
        training = studio.state(TrainingState)
        curve = training.history(training.live).curve("train", "loss") if training.live else None
        steps = curve.steps if curve is not None else ()
        notice = found.banner.notice
        shown = {
            "phase": studio.engine.state.phase,
            "pid": studio.engine.state.pid,
            "banner": notice.text if notice is not None else "",
            "buttons": [label for label, _ in notice.actions] if notice is not None else [],
            "live": training.live,
            "points": len(steps),
            "last": int(steps[-1]) if len(steps) else 0,
        }
        print(json.dumps(shown), flush=True)

    def obey() -> None:
        command = sys.stdin.readline().strip()
        found = window()
        assert found is not None
        if command == "close":
            found.close()
        elif command == "train":
            training = found._studio.state(TrainingState)
            training.setup.choose_family("vae")
            training.setup.choose_data("digits")
            training.setup.set_training({**training.setup.training, **SETTINGS}, {})
            when_ready(training)

    def when_ready(training: TrainingState) -> None:
        if training.can_start:
            training.start()
            found = window()
            assert found is not None
            found._studio.client.send(PaceTraining(steps_per_s=STEPS_PER_S))  # the machine is others', too
        else:
            QTimer.singleShot(REPORT_MS, lambda: when_ready(training))

    reporting = QTimer()
    reporting.timeout.connect(report)
    reporting.start(REPORT_MS)
    commands = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    commands.activated.connect(obey)
    engine = [sys.executable, "-c", options["engine"]] if options["engine"] else None
    return app.run(sys.argv[:1], engine_command=engine)


if __name__ == "__main__":
    sys.exit(main())
