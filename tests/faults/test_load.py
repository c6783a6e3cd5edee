"""Faults 21 and 22: a slider at 1 kHz and 10,000 metrics a second, in the real window with a real engine."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from event_loop import slowness
from PySide6.QtCore import Qt, QTimer
from pytestqt.qtbot import QtBot

from benchmarks.soak import faulty_engine
from benchmarks.soak.faulty_engine import give_cue
from benchmarks.soak.monitor import Monitor
from gmstudio.protocol.latents import Decoded
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import PaceTraining, StartTraining
from gmstudio.runs.folder import RunFolder
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.studio import Studio
from gmstudio.window.state.training.state import TrainingState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
WAIT_MS = 120_000
MIB = 1 << 20
CURVES = 160
STEPS_PER_S = 65
"""With which a run has 10,000 metrics a second."""
METRICS_S, SLIDER_S = 4, 2


@pytest.fixture
def studio(qtbot: QtBot, home: Path) -> Iterator[Studio]:
    client = EngineClient(faulty_engine.command(home / "cue"))
    studio = Studio(client)
    client.start()
    yield studio
    client.close()
    qtbot.waitUntil(lambda: client.state.phase == "closed", timeout=WAIT_MS)


def passes(qtbot: QtBot, seconds: float) -> None:
    """Let the window's loop run for a time."""
    over: list[bool] = []
    QTimer.singleShot(round(seconds * 1000), lambda: over.append(True))
    qtbot.waitUntil(lambda: bool(over), timeout=WAIT_MS)


def test_ten_thousand_metrics_a_second_and_a_slider_at_1_khz(qtbot: QtBot, studio: Studio, home: Path) -> None:
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    window.resize(1366, 768)
    complete: list[bool] = []
    window.completed.connect(lambda: complete.append(True))
    window.show()
    qtbot.waitUntil(lambda: studio.library.catalog is not None and bool(complete), timeout=WAIT_MS)
    give_cue(home / "cue", "metrics", "", above=CURVES)
    training = {"steps": 1_000_000, "batch_size": 16, "num_samples": 1, "validate_every": 10_000}
    training |= {"sample_every": 10_000, "checkpoint_every": 10_000, "validation_images": 10}
    config = {"num_latent": 4, "num_hidden": 16}
    spec = RunSpec(family="vae", config=config, data="digits", data_config={"levels": 2}, training=training)
    studio.client.send(StartTraining(spec=spec))
    studio.client.send(PaceTraining(steps_per_s=STEPS_PER_S))
    curves = studio.state(TrainingState)
    qtbot.waitUntil(lambda: curves.history(curves.live).last_step() > 0, timeout=WAIT_MS)
    window.show_panel("train")
    passes(qtbot, 1.0)  # first paintings
    before = curves.history(curves.live).last_step()
    monitor = Monitor()
    passes(qtbot, METRICS_S)
    monitor.close()
    assert monitor.rate_hz() * slowness() > 20, "so often a second the window is free to paint, on an idle machine"
    run, made = curves.live, curves.history(curves.live).last_step() - before
    assert made * slowness() > METRICS_S * STEPS_PER_S / 4, (
        "it arrives in time, as far as a busy machine trains at this pace"
    )
    check_slider(qtbot, studio, window, run)
    curves.stop()
    qtbot.waitUntil(lambda: curves.status == "idle", timeout=WAIT_MS)
    with RunFolder.open(home / "runs" / run) as kept:
        stored = kept.history.read_scalars()
        last = kept.record.step
    for number in range(CURVES):
        steps, values = stored["train", f"m{number:03}"]
        curve = curves.history(run).curve("train", f"m{number:03}")
        assert curve is not None
        np.testing.assert_array_equal(steps, np.arange(1, last + 1), "nothing is lost on the disk")
        np.testing.assert_array_equal(curve.steps, steps, "nor in the window")
        np.testing.assert_array_equal(curve.values, values)


def check_slider(qtbot: QtBot, studio: Studio, window: MainWindow, run: str) -> None:
    window.show_panel("latents")
    latents = studio.state(LatentsState)
    latents.choose_run(run)
    qtbot.waitUntil(lambda: latents.shown is not None and latents.code.num_dims == 4, timeout=WAIT_MS)
    passes(qtbot, 1.0)
    pending: list[int] = []
    answers: list[Decoded] = []
    studio.client.on(Decoded).connect(answers.append)
    before = psutil.Process().memory_info().rss
    moves = 0

    def move() -> None:
        nonlocal moves
        moves += 1
        latents.code.set_value(moves % 4, float(np.sin(moves / 50)))
        pending.append(sum(name == "Decode" for name in studio.client._unanswered.values()))

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(move)
    timer.start(1)
    passes(qtbot, SLIDER_S)
    timer.stop()
    last = latents.code.values
    qtbot.waitUntil(lambda: latents.shown is not None and np.array_equal(latents.shown.code, last), timeout=WAIT_MS)
    assert moves > 10 and answers, f"{moves} moves, {len(answers)} images"
    assert max(pending) < 8, "one in flight for the image, and for each of the views beside it, however many moves"
    assert psutil.Process().memory_info().rss - before < 60 * MIB
