"""Watch over a soak: how long events hold the window's loop, memory of both processes, warnings of Qt and Python."""

import gc
import sys
import threading
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import NamedTuple, TextIO

import numpy as np
import psutil
from PySide6.QtCore import QMessageLogContext, Qt, QTimer, QtMsgType, qInstallMessageHandler

BEAT_MS = 5
SAMPLE_S = 0.02
STALL_S = 0.1
"""No event may hold the loop for longer."""
DEPTH = 14
"""Calls that are noted of a stack, the innermost first."""
MIB = 1 << 20
HARMLESS = ("This plugin does not support propagateSizeHints",)


class Stall(NamedTuple):
    """An event, or several in a row, that held the loop.

    Args:
        held_s: seconds for which it did, without those in which the system did not let the thread run.
        cpu_s: seconds of the processor that the thread took of them.
        doing: action under way.
        place: innermost calls where it was found most often.
    """

    held_s: float
    cpu_s: float
    doing: str
    place: str

    def __str__(self) -> str:
        """Length, share of the processor, action and place."""
        return f"{1000 * self.held_s:.0f} ms ({1000 * self.cpu_s:.0f} on the processor), {self.doing}: {self.place}"


class Monitor:
    """Records stalls, memory and warnings from its construction to ``close``.

    Time in which the system did not let the window's thread run does not count, as far as Linux says how much it was.

    Attributes:
        stalls: those that held the loop for over ``STALL_S``.
        memory: name of a process → times in seconds and resident MiB.
        warnings: sentences of Qt and Python, and uncaught exceptions.
        beats: number of times that the loop was free.
        rates_hz: what was going on → times a second that the loop was free meanwhile, the least.
        growth: action → MiB by which the engine's memory has grown while it was under way, since ``begin_memory``.
        longest_collection_s: longest garbage collection of the window's process.
    """

    def __init__(self) -> None:
        self.stalls: list[Stall] = []
        self.memory: dict[str, list[tuple[float, float]]] = {"window": [], "engine": []}
        self.warnings: list[str] = []
        self.beats = 0
        self.rates_hz: dict[str, float] = {}
        self.growth: defaultdict[str, float] = defaultdict(float)
        self.longest_collection_s = 0.0
        self._collecting_since = 0.0
        self._engine_pid = 0
        self.doing = ""
        """Action under way, for the reports of stalls."""
        self._thread = threading.get_ident()
        self._schedstat = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._last, self._places = self._now(), Counter[str]()
        self._cpu_s = time.thread_time()
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
        gc.callbacks.append(self._on_collection)
        self._sampler.start()
        self._timer.start(BEAT_MS)

    def close(self) -> None:
        """End the watch."""
        self._timer.stop()
        self._stop.set()
        self._sampler.join()
        qInstallMessageHandler(self._qt_before)
        sys.excepthook, warnings.showwarning = self._hook_before, self._show_before
        gc.callbacks.remove(self._on_collection)

    def begin_memory(self) -> None:
        """Forget the memory noted so far: what follows is that of processes in which everything was used once."""
        self.growth.clear()
        for points in self.memory.values():
            points.clear()

    def note_memory(self, at_s: float, engine_pid: int) -> None:
        """Note the resident memory of the window and of the engine, where that runs; of a new engine from its start."""
        if engine_pid and engine_pid != self._engine_pid:
            self._engine_pid = engine_pid
            self.memory["engine"].clear()
        for name, pid in (("window", 0), ("engine", engine_pid)):
            try:
                resident = psutil.Process(pid or None).memory_info().rss
            except psutil.Error:  # it has just been killed
                continue
            if not (pid or name == "window"):
                continue
            points = self.memory[name]
            if name == "engine" and points:
                self.growth[self.doing] += resident / MIB - points[-1][1]
            points.append((at_s, resident / MIB))

    def rate_hz(self) -> float:
        """Times a second that the loop was free to paint, while the system let the window run."""
        return self._rate_since(0, self._began)

    @contextmanager
    def rated(self, name: str) -> Iterator[None]:
        """Context whose rate is kept in ``rates_hz``."""
        beats, began = self.beats, self._last
        yield
        rate = self._rate_since(beats, began)
        self.rates_hz[name] = min(rate, self.rates_hz.get(name, rate))

    def _rate_since(self, beats: int, began: tuple[float, float]) -> float:
        return (self.beats - beats) / ((self._last[0] - began[0]) - (self._last[1] - began[1]))

    def slope(self, name: str) -> float:
        """Growth of a process, MiB an hour, by least squares."""
        points = np.array(self.memory[name])
        if len(points) < 10:
            return 0.0
        return float(np.polyfit(points[:, 0], points[:, 1], 1)[0] * 3600)

    def _now(self) -> tuple[float, float]:
        try:
            waited = int(self._schedstat.read_text().split()[1]) / 1e9
        except (OSError, IndexError):
            waited = 0.0
        return time.monotonic(), waited

    def _beat(self) -> None:
        now = self._now()
        cpu_s, self._cpu_s = time.thread_time() - self._cpu_s, time.thread_time()
        held = (now[0] - self._last[0]) - (now[1] - self._last[1])
        if held > STALL_S:
            place = next((place for place, _count in self._places.most_common(1)), "")
            self.stalls.append(Stall(held, cpu_s, self.doing, place))
        self._last, self._places = now, Counter()
        self.beats += 1

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            if time.monotonic() - self._last[0] > STALL_S / 4:
                self._places[self._stack()] += 1

    def _stack(self) -> str:
        """Innermost calls of the window's thread."""
        frame: FrameType | None = sys._current_frames().get(self._thread)
        calls: list[str] = []
        while frame is not None and len(calls) < DEPTH:
            path = frame.f_code.co_filename.rpartition("/site-packages/")[2].rpartition("/lib/")[2]
            calls.append(f"{path}:{frame.f_lineno} {frame.f_code.co_name}")
            frame = frame.f_back
        return " < ".join(calls)

    def _on_collection(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since = time.perf_counter()
        else:
            self.longest_collection_s = max(self.longest_collection_s, time.perf_counter() - self._collecting_since)

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
