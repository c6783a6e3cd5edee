"""A monitor of the event loop: for how long events hold it while a test waits in it.

A timer beats every few milliseconds while a loop of Qt runs; a gap between two beats is the time for which something
held the loop. Time in which the system did not let the thread run is taken off, as far as Linux counts it, and so are
the pauses of Python's collector, which grow with the heap of the whole test session; the limit grows with the slowness
of a busy machine. What a test does outside the loop does not count.
"""

import faulthandler
import gc
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

BEAT_MS = 5
SAMPLE_S = 0.01
LIMIT_S = 0.05
ONCE_S = 0.3
"""Longest time for which the loop may be held once in a test, by the first painting."""
DEPTH = 8
"""Calls of a stack that are shown."""
REFERENCE_S = 0.004
"""Duration of the reference work on an idle machine."""


class LoopMonitor:
    """Records for how long the loop was held, and by what.

    Args:
        monkeypatch: wraps the entrance to Qt's loops for the length of the test.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._holds: list[tuple[float, str]] = []
        self._depth = 0
        self._last = (0.0, 0.0)
        self._sampled = ""
        self._collecting_since = self._collected = 0.0
        gc.callbacks.append(self._on_collection)
        self._thread = threading.get_ident()
        self._schedstat = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="loop-monitor", daemon=True)
        core = sys.modules["PySide6.QtCore"]
        self._timer = core.QTimer()
        self._timer.setInterval(BEAT_MS)
        self._timer.setTimerType(core.Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._wrap(monkeypatch, core.QEventLoop)
        self._sampler.start()

    def close(self) -> str:
        """End the monitor; a sentence where the loop was held for too long."""
        self._stop.set()
        self._sampler.join()
        gc.callbacks.remove(self._on_collection)
        self._timer.stop()
        self._timer.deleteLater()
        if not self._holds:
            return ""
        ratio = slowness()
        long = [(held, place) for held, place in self._holds if held > ratio * LIMIT_S]
        if len(long) < 2 and not any(held > ratio * ONCE_S for held, _ in long):
            return ""
        times = ", ".join(f"{1000 * held:.0f}" for held, _ in long)
        return f"Events held the loop for {times} ms, among other places here:\n{max(long)[1]}"

    def _wrap(self, monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
        original = kind.exec

        def watched(loop: Any, *flags: Any) -> Any:
            self._depth += 1
            if self._depth == 1:
                self._last = self._now()
                self._sampled = ""
                self._timer.start()
            try:
                return original(loop, *flags)
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._beat()
                    self._timer.stop()

        monkeypatch.setattr(kind, "exec", watched)

    def _now(self) -> tuple[float, float]:
        """Seconds of the clock, and seconds for which the thread was ready but did not run, or collected garbage."""
        try:
            delay = int(self._schedstat.read_text().split()[1]) / 1e9
        except (OSError, IndexError):
            delay = 0.0
        return time.monotonic(), delay + self._collected

    def _on_collection(self, phase: str, _info: dict[str, int]) -> None:
        if threading.get_ident() != self._thread:
            return
        if phase == "start":
            self._collecting_since = time.monotonic()
        else:
            self._collected += time.monotonic() - self._collecting_since

    def _beat(self) -> None:
        now = self._now()
        held = (now[0] - self._last[0]) - (now[1] - self._last[1])
        if held > LIMIT_S:
            self._holds.append((held, self._sampled))
        self._last = now
        self._sampled = ""

    def _sample(self) -> None:
        """Remember where the thread is while it holds the loop for long."""
        while not self._stop.wait(SAMPLE_S):
            if self._depth and not self._sampled and time.monotonic() - self._last[0] > LIMIT_S / 2:
                self._sampled = self._stack()

    def _stack(self) -> str:
        """Innermost calls of the watched thread; no frame is held, which would keep its painters alive."""
        with tempfile.TemporaryFile() as file:
            faulthandler.dump_traceback(file=file, all_threads=True)
            file.seek(0)
            threads = file.read().decode(errors="replace").split("\n\n")
        own = next((text for text in threads if f"0x{self._thread:016x}" in text), "")
        return "\n".join(own.splitlines()[: DEPTH + 1])


def slowness() -> float:
    """How many times longer than on an idle machine the same work takes now; at least 1."""
    durations = []
    for _ in range(5):
        began = time.perf_counter()
        sum(number * number for number in range(60_000))
        durations.append(time.perf_counter() - began)
    return max(1.0, sorted(durations)[2] / REFERENCE_S)
