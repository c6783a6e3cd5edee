"""From a latent slider's signal to the painted image, in the real window with the real engine."""

import os
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtWidgets import QAbstractSlider

from benchmarks.window import opened_window, run_events, train, wait_until, write_random_idx
from gmstudio.protocol.engine import ChooseDevice
from gmstudio.protocol.training import StopTraining
from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.studio import Studio

MOVE_EVERY_MS = 16
DRAGS = 10
"""Drags while the model trains: each begins during some step of training."""
REST_S = 1.3
"""Longest time from a step to the next drag."""
GOLDEN = 0.618
"""Its multiples divide that time evenly."""
SETTLE_S = 2.0
"""Time for measuring and ordering the dimensions, and for drawing the map where it is open."""
ROWS = re.compile(r"latents\.slider\.\d+")


def measure(
    family: str, moves: int, while_training: bool, with_map: bool = False, device: str = "auto"
) -> dict[str, Any]:
    """Drag a slider at 60 moves a second and time each move until an image at its code, or a newer one, is painted.

    Args:
        family: with a latent space; its default size is used.
        moves: number of slider moves.
        while_training: train the same model meanwhile, and divide the moves among ``DRAGS`` drags with rests between.
        with_map: open the map of the latent space, which follows the code.
        device: on which the engine computes.

    Returns:
        ``p50_ms``, ``p95_ms``, ``p99_ms``, ``first_worst_ms`` (of the drags' first moves), ``window_stall_p99_ms``
        (delay of a timer in the window with an interval of one millisecond), ``window_processor_ms`` and
        ``engine_processor_ms`` (time of the processor for each image that was painted, with all else that the process
        did meanwhile; 0 where the system does not report it), and what was measured.
    """
    with tempfile.TemporaryDirectory() as data, opened_window() as (window, studio):
        write_random_idx(Path(data))
        studio.client.send(ChooseDevice(device=device))
        steps = 10_000_000 if while_training else 20
        rarely = {"validate_every": 1000, "sample_every": 1000, "checkpoint_every": 1000}
        run = train(studio, family, Path(data), {"steps": steps, **rarely}, {})
        if not while_training:
            wait_until(lambda: not studio.library.live, "the end of training")
        panel = _latents_panel(window)
        latents = studio.state(LatentsState)
        wait_until(lambda: latents.shown is not None and latents.run == run, "the decoded image")
        if with_map:
            panel.tabs.show_page("map")
        run_events(SETTLE_S)
        drag = _Drag(panel, latents)
        before = _processor_s(os.getpid()), _processor_s(studio.engine.state.pid)
        for number in range(DRAGS if while_training else 1):
            if while_training:
                _train_on(studio, number)
            drag.run(moves // DRAGS if while_training else moves)
        after = _processor_s(os.getpid()), _processor_s(studio.engine.state.pid)
        result = {
            "benchmark": "slider",
            "family": family,
            "while_training": while_training,
            "with_map": with_map,
            "num_latent": latents.code.num_dims,
            **drag.result(),
            "window_processor_ms": 1000 * (after[0] - before[0]) / drag.num_images,
            "engine_processor_ms": 1000 * (after[1] - before[1]) / drag.num_images,
            "images_per_s_meanwhile": studio.engine.report.rate if studio.engine.report else 0.0,
        }
        if while_training:
            studio.client.send(StopTraining())
            wait_until(lambda: not studio.library.live, "the end of training")
    return result


def _train_on(studio: Studio, number: int) -> None:
    """Let the model train for a step at least, and for another part of the next ones before each drag."""

    def step() -> int:
        return studio.engine.report.step if studio.engine.report is not None else 0

    before = step()
    wait_until(lambda: step() > before, "a step of training")
    run_events(REST_S * (number * GOLDEN % 1))


def _processor_s(pid: int) -> float:
    """Time that a process has spent on processors; 0 where /proc does not say."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _latents_panel(window: MainWindow) -> LatentsPanel:
    window.show_panel("latents")
    panel = window.findChild(LatentsPanel)
    assert isinstance(panel, LatentsPanel)
    return panel


def _first_slider(panel: LatentsPanel) -> QAbstractSlider:
    """Topmost visible slider of a coordinate."""
    sliders = [s for s in panel.findChildren(QAbstractSlider) if ROWS.fullmatch(s.objectName()) and s.isVisible()]
    return min(sliders, key=lambda slider: slider.mapTo(panel, QPoint()).y())


class _Drag:
    """Timer-driven moves of a slider, and the latencies of their images.

    Args:
        panel: visible.
        state: state that maps images to codes.

    Attributes:
        num_images: images that were painted.
        num_previews: of these, the previews.
    """

    def __init__(self, panel: LatentsPanel, state: LatentsState) -> None:
        self._slider, self._state, self._moves = _first_slider(panel), state, 0
        self._first: list[int] = []
        self._codes: list[bytes] = []
        self._moved_at: list[float] = []
        self._waiting: list[int] = []
        self._latencies_ms: dict[int, float] = {}
        self._stalls_ms: list[float] = []
        self._engine_ms: list[float] = []
        self._beat_at = 0.0
        self.num_images = self.num_previews = 0
        self._loop = QEventLoop()
        panel.image.painted.connect(self._on_painted)

    def run(self, moves: int) -> None:
        """Drag on from one end to the other and back, until every move has an image."""
        self._first.append(self._moves)
        self._moves += moves
        move = QTimer(interval=MOVE_EVERY_MS)
        move.setTimerType(Qt.TimerType.PreciseTimer)
        beat = QTimer(interval=1)
        beat.setTimerType(Qt.TimerType.PreciseTimer)
        move.timeout.connect(self._move)
        beat.timeout.connect(self._beat)
        move.start()
        beat.start()
        self._beat_at = time.perf_counter()
        give_up = QTimer(interval=moves * MOVE_EVERY_MS * 10, singleShot=True)
        give_up.timeout.connect(self._loop.quit)
        give_up.start()
        self._loop.exec()
        for timer in (move, beat, give_up):
            timer.stop()

    def result(self) -> dict[str, Any]:
        """Return the latencies in milliseconds.

        Raises:
            TimeoutError: when a move has no image.
        """
        if self._waiting or len(self._latencies_ms) < self._moves:
            raise TimeoutError(f"Only {len(self._latencies_ms)} of {self._moves} moves were followed by an image.")
        percent = statistics.quantiles(self._latencies_ms.values(), n=100)
        return {
            "p50_ms": percent[49],
            "p95_ms": percent[94],
            "p99_ms": percent[98],
            "worst_ms": max(self._latencies_ms.values()),
            "first_worst_ms": max(self._latencies_ms[move] for move in self._first),
            "engine_p95_ms": statistics.quantiles(self._engine_ms, n=20)[-1],
            "window_stall_p99_ms": statistics.quantiles(self._stalls_ms, n=100)[-1],
            "window_stall_worst_ms": max(self._stalls_ms),
            "moves": self._moves,
            "images": self.num_images,
            "previews": self.num_previews,
            "moves_per_s": 1000 / MOVE_EVERY_MS,
        }

    def _value(self, move: int) -> int:
        """Value of the slider: up to the end and down again; successive values always differ."""
        low, high = self._slider.minimum(), self._slider.maximum()
        span = high - low
        place = (move + 1) * 7 % (2 * span)
        return low + (place if place <= span else 2 * span - place)

    def _move(self) -> None:
        move = len(self._moved_at)
        if move < self._moves:
            self._moved_at.append(time.perf_counter())
            self._slider.setValue(self._value(move))
            self._codes.append(self._state.code.values.tobytes())
            self._waiting.append(move)
        elif not self._waiting:
            self._loop.quit()

    def _on_painted(self, number: int) -> None:
        shown = self._state.shown
        if shown is None or shown.request != number:
            return
        code = shown.code.tobytes()
        matching = [move for move in self._waiting if self._codes[move] == code]
        if not matching:
            return
        now = time.perf_counter()
        self.num_images += 1
        self.num_previews += shown.preview != ""
        self._engine_ms.append(shown.engine_ms)
        for move in [m for m in self._waiting if m <= matching[-1]]:
            self._waiting.remove(move)
            self._latencies_ms[move] = (now - self._moved_at[move]) * 1000

    def _beat(self) -> None:
        now = time.perf_counter()
        self._stalls_ms.append(max(0.0, (now - self._beat_at) * 1000 - 1.0))
        self._beat_at = now
