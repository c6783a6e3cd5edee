"""Watch over a soak: how long events hold the window's loop, memory of both processes, warnings of Qt and Python."""

import faulthandler
import re
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from types import TracebackType
from typing import TextIO

import numpy as np
import psutil
from PySide6.QtCore import QMessageLogContext, Qt, QTimer, QtMsgType, qInstallMessageHandler

BEAT_MS = 5
SAMPLE_S = 0.02
STALL_S = 0.1
"""No event may hold the loop for longer."""
DEPTH = 12
MIB = 1 << 20
HARMLESS = ("This plugin does not support propagateSizeHints",)


class Monitor:
    """Records stalls, memory and warnings from its construction to ``close``.

    Time in which the system did not let the window's thread run does not count, as far as Linux says how much it was.

    Attributes:
        stalls: seconds for which the loop was held, and what held it, of all over ``STALL_S``.
        memory: name of a process → times in seconds and resident MiB.
        warnings: sentences of Qt and Python, and uncaught exceptions.
        beats: number of times that the loop was free.
    """

    def __init__(self) -> None:
        self.stalls: list[tuple[float, str]] = []
        self.memory: dict[str, list[tuple[float, float]]] = {"window": [], "engine": []}
        self.warnings: list[str] = []
        self.beats = 0
        self.doing = ""
        """Action under way, for the reports of stalls."""
        self._thread = threading.get_ident()
        self._schedstat = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._last, self._sampled = self._now(), ""
        self._began = self._last
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="soak-monitor", daemon=True)
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._qt_before = qInstallMessageHandler(self._on_message)
        self._hook_before, self._show_before = sys.excepthook, warnings.showwarning
        sys.excepthook = self._on_exception
        warnings.showwarning = self._on_warning
        self._sampler.start()
        self._timer.start(BEAT_MS)

    def close(self) -> None:
        """End the watch."""
        self._timer.stop()
        self._stop.set()
        self._sampler.join()
        qInstallMessageHandler(self._qt_before)
        sys.excepthook, warnings.showwarning = self._hook_before, self._show_before

    def note_memory(self, at_s: float, engine_pid: int) -> None:
        """Note the resident memory of the window and of the engine, where that runs."""
        for name, pid in (("window", 0), ("engine", engine_pid)):
            try:
                resident = psutil.Process(pid or None).memory_info().rss
            except psutil.Error:  # it has just been killed
                continue
            if pid or name == "window":
                self.memory[name].append((at_s, resident / MIB))

    def rate_hz(self) -> float:
        """Times a second that the loop was free to paint, while the system let the window run."""
        return self.beats / ((self._last[0] - self._began[0]) - (self._last[1] - self._began[1]))

    def slope(self, name: str) -> float:
        """Growth of a process, MiB an hour, by least squares over the second half of the soak."""
        points = np.array(self.memory[name])
        if len(points) < 10:
            return 0.0
        half = points[len(points) // 2 :]
        return float(np.polyfit(half[:, 0], half[:, 1], 1)[0] * 3600)

    def _now(self) -> tuple[float, float]:
        try:
            waited = int(self._schedstat.read_text().split()[1]) / 1e9
        except (OSError, IndexError):
            waited = 0.0
        return time.monotonic(), waited

    def _beat(self) -> None:
        now = self._now()
        held = (now[0] - self._last[0]) - (now[1] - self._last[1])
        if held > STALL_S:
            self.stalls.append((held, f"{self.doing}: {self._sampled}"))
        self._last, self._sampled = now, ""
        self.beats += 1

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            if not self._sampled and time.monotonic() - self._last[0] > STALL_S / 2:
                self._sampled = self._stack()

    def _stack(self) -> str:
        """Innermost calls of the window's thread."""
        with tempfile.TemporaryFile() as file:
            faulthandler.dump_traceback(file=file, all_threads=True)
            file.seek(0)
            threads = file.read().decode(errors="replace").split("\n\n")
        own = next((text for text in threads if f"0x{self._thread:016x}" in text), "")
        lines = (re.sub(r'"/[^"]*/(site-packages|lib)/', '"', line) for line in own.splitlines()[1 : DEPTH + 1])
        return " < ".join(line.strip().removeprefix("File ") for line in lines)

    def _on_message(self, kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
        if kind is not QtMsgType.QtInfoMsg and text not in HARMLESS:
            self.warnings.append(f"Qt: {text} (during {self.doing})")

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        at = trace
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        place = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at is not None else "?"
        self.warnings.append(f"{kind.__name__}: {error} at {place} (during {self.doing})")

    def _on_warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        self.warnings.append(f"{category.__name__}: {message} (during {self.doing})")
