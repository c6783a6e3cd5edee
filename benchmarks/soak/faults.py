"""What a soak does to the program: kills, stops, full disks, lack of memory, failed devices, clocks, garbage."""

import os
import random
import signal
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from PySide6.QtCore import QTimer

from benchmarks.soak.actions import LONG_S
from benchmarks.soak.faulty_engine import give_cue
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.studio import Studio

STOPPED_MS = 1500
CUED_MS = 2500
"""Time for which a fault of the engine's lasts."""
LOCKED_MS = 1500
OVER_S = 4.0
"""Time after which a fault that lasts the longest is over, and what it did is reported."""
METRICS = "10,000 metrics a second"
CURVES = 160
"""Further curves of each step, at some sixty steps a second."""
DEADLY = ("engine killed", "engine restarted by the user", "accelerator fails", "garbage to the engine")
"""Faults that end the engine."""


class Faults:
    """Random faults, each over after some seconds.

    Args:
        window: the window.
        studio: its state.
        home: its home.
        cue: file that makes the engine fail.
        choose: source of all choices.

    Attributes:
        done: fault → how often it was injected.
        kills: engines that were ended on purpose.
    """

    def __init__(self, window: MainWindow, studio: Studio, home: Path, cue: Path, choose: random.Random) -> None:
        self._window, self._studio, self._home, self._cue, self._choose = window, studio, home, cue, choose
        self.done: dict[str, int] = {}
        self.kills = 0
        self._all: dict[str, Callable[[], bool]] = {
            "engine killed": self._kill,
            "engine stopped and continued": self._stop,
            "engine restarted by the user": self._restart,
            "disk full": lambda: self._cued("disk full", ""),
            "losses that are NaN": lambda: self._cued("nan", "loss"),
            "memory runs out in training": lambda: self._cued("out of memory", "loss"),
            "memory runs out at a slider": lambda: self._cued("out of memory", "decode"),
            "accelerator fails": self._lose_device,
            "clock jumps by an hour": lambda: self._cued("clock", "", above=self._choose.choice((-3600, 3600))),
            METRICS: self._measure_much,
            "garbage to the engine": self._garbage,
            "history locked": self._lock,
        }

    def inject(self, *, deadly: bool = True) -> str:
        """Inject one fault that is possible now; its name.

        Args:
            deadly: also those that end the engine.
        """
        while True:
            name = self._choose.choice([name for name in self._all if deadly or name not in DEADLY])
            if self._all[name]():
                self.done[name] = self.done.get(name, 0) + 1
                return name

    def inject_each(self) -> Iterator[tuple[str, float]]:
        """Inject each fault that the engine survives once, where it is possible.

        Yields:
            What was injected, and the seconds until it is over.
        """
        for name, inject in self._all.items():
            if name not in DEADLY and inject():
                yield name, LONG_S if name == METRICS else OVER_S

    @property
    def _pid(self) -> int:
        status = self._studio.client.state
        return status.pid if status.phase == "ready" else 0

    def _signal(self, number: signal.Signals) -> bool:
        pid = self._pid
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return bool(pid)

    def _kill(self) -> bool:
        self.kills += bool(self._pid)
        return self._signal(signal.SIGKILL)

    def _stop(self) -> bool:
        pid = self._pid

        def go_on() -> None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

        if self._signal(signal.SIGSTOP):
            QTimer.singleShot(STOPPED_MS, self._window, go_on)
        return bool(pid)

    def _restart(self) -> bool:
        ready = bool(self._pid)
        if ready:
            self._studio.engine.restart()
        return ready

    def _lose_device(self) -> bool:
        self.kills += bool(self._pid)
        return self._cued("device", "loss")

    def _garbage(self) -> bool:
        process = self._studio.client._process
        if process is None or not self._pid:
            return False
        self.kills += 1
        process.write(struct.pack("<I", 2**32 - 1) + b"garbage")
        return True

    def _measure_much(self) -> bool:
        return self._studio.library.live_status == "running" and self._cued("metrics", "", CURVES, round(1000 * LONG_S))

    def _cued(self, fault: str, place: str, above: int = 0, length_ms: int = CUED_MS) -> bool:
        if self._cue.exists():
            return False
        give_cue(self._cue, fault, place, above=above)
        QTimer.singleShot(length_ms, self._window, lambda: self._cue.unlink(missing_ok=True))
        return True

    def _lock(self) -> bool:
        """Have another program keep the history of the run in training."""
        live = self._studio.library.live
        path = self._home / "runs" / live / "history.sqlite"
        if not live or not path.exists():
            return False
        database = sqlite3.connect(path, isolation_level=None, timeout=0.01)
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:  # the engine is writing just now
            database.close()
            return False

        def release() -> None:
            with closing(database):
                database.execute("ROLLBACK")

        QTimer.singleShot(LOCKED_MS, self._window, release)
        return True
