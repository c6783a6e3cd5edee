"""Sub-pixels per second while a generation plays in the Pixels panel, in the real window with the real engine."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.window import opened_window, run_events, train, wait_until, write_random_idx
from gmstudio.engine.runtime.compiled_code import compiled_code, worker_environment
from gmstudio.nn.stepping.compiling import COMPILER_MODULE
from gmstudio.protocol.training import StopTraining
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.studio import Studio

GOAL_PER_S = 200.0
RARELY = {"validate_every": 1_000_000, "sample_every": 1_000_000, "checkpoint_every": 1_000_000}


def measure(family: str, size: int, speed_hz: float, seconds: float, while_training: bool) -> dict[str, Any]:
    """Play for some seconds, again and again from the start, and count the sub-pixels.

    Args:
        family: autoregressive; its default size is used.
        size: side of the images, binary.
        speed_hz: sub-pixels per second that are asked for.
        seconds: of playing.
        while_training: train the same model meanwhile.

    Returns:
        ``sub_pixels_per_s``, ``longest_pause_ms`` between two positions shown, ``steps_per_s`` of the training
        meanwhile, and ``goal_met``.
    """
    with tempfile.TemporaryDirectory() as data, opened_window() as (window, studio):
        compile_steps()
        write_random_idx(Path(data), size)
        run = train(studio, family, Path(data), {"steps": 10_000_000 if while_training else 5, **RARELY}, {})
        if not while_training:
            wait_until(lambda: not studio.library.live, "the end of training")
        window.show_panel("pixels")
        pixels = studio.state(PixelsState)
        pixels.choose_run(run)
        wait_until(lambda: pixels.state is not None and pixels.navigator.usable, "the open generation")
        played = _Played(pixels)
        pixels.navigator.set_speed(speed_hz)
        before = _trained(studio)
        began = time.perf_counter()
        while (left := seconds - (time.perf_counter() - began)) > 0:
            pixels.navigator.play()
            run_events(left, lambda: not pixels.navigator.playing)
        elapsed = time.perf_counter() - began
        pixels.navigator.pause()
        steps = _trained(studio) - before
        if while_training:
            studio.client.send(StopTraining())
            wait_until(lambda: not studio.library.live, "the end of training")
    per_s = played.count / elapsed
    return {
        "benchmark": "playing",
        "family": family,
        "size": size,
        "while_training": while_training,
        "asked_per_s": speed_hz,
        "sub_pixels_per_s": per_s,
        "longest_pause_ms": 1000 * played.longest_s,
        "steps_per_s": steps / elapsed,
        "goal_per_s": GOAL_PER_S,
        "goal_met": per_s >= GOAL_PER_S,
    }


def compile_steps() -> None:
    """Compile the steps of single images, as an earlier session of the program has done."""
    subprocess.run([sys.executable, "-m", COMPILER_MODULE, str(compiled_code())], env=worker_environment(), check=True)


class _Played:
    """Count of the sub-pixels that were played, and the longest time between two positions.

    Args:
        pixels: state that plays.
    """

    def __init__(self, pixels: PixelsState) -> None:
        self.count, self.longest_s = 0, 0.0
        self._pixels = pixels
        self._step = 0
        self._moved_at = time.perf_counter()
        pixels.navigator.moved.connect(self._on_moved)

    def _on_moved(self) -> None:
        state, now = self._pixels.state, time.perf_counter()
        if state is not None and self._pixels.navigator.playing:
            self.count += max(0, state.step - self._step)
            self.longest_s = max(self.longest_s, now - self._moved_at)
        self._step, self._moved_at = state.step if state is not None else 0, now


def _trained(studio: Studio) -> int:
    """Training steps of the engine's last report."""
    return studio.engine.report.step if studio.engine.report else 0
