"""Fault 25: a window without a console, and one that is closed at any moment of a run's life."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from hypothesis.strategies import integers, sampled_from
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from benchmarks.window import run_events, wait_until
from gmstudio.runs.folder import RunFolder
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.studio import Studio
from gmstudio.window.state.training.state import TrainingState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
WITHOUT = """
import os, sys
sys.stdout = sys.stderr = sys.stdin = sys.__stdout__ = sys.__stderr__ = sys.__stdin__ = None
for number in (0, 1, 2):
    os.close(number)
from PySide6.QtCore import QTimer
from gmstudio import app
def break_something():
    print("nobody reads this")
    raise RuntimeError("a slot went wrong")
plain = app._exceptions_reported
def reported(window):
    QTimer.singleShot(0, break_something)
    return plain(window)
app._exceptions_reported = reported
code = app.run(sys.argv[:1], smoke=True)
os._exit(40 + code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="pythonw is used there; the same code closes nothing")
def test_without_a_console_the_window_opens_reports_and_closes(home: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], timeout=120, check=False)
    assert done.returncode == 40, "as pythonw starts it: sys.stdout is None"
    assert (home / "window.ini").exists()


SMALL = {"steps": 100_000, "batch_size": 8, "num_samples": 1, "validation_images": 10, "checkpoint_every": 20}


class QuitAtAnyMoment(RuleBasedStateMachine):
    """A run that is started, paused, stepped, resumed, stopped and explored, and a window that closes meanwhile."""

    home: Path

    @initialize(family=sampled_from(["vae", "nade"]))
    def open(self, family: str) -> None:
        self.client = EngineClient()
        self.studio = Studio(self.client)
        self.training = self.studio.state(TrainingState)
        self.latents = self.studio.state(LatentsState)
        self.client.start()
        self.family = family
        wait_until(lambda: self.studio.library.catalog is not None, "the catalog")
        self.training.setup.choose_family(family)
        self.training.setup.choose_data("digits")
        self.training.setup.set_training({**self.training.setup.training, **SMALL}, {})

    @rule()
    def start(self) -> None:
        wait_until(lambda: self.training.can_start or self.training.status != "idle", "the verdict")
        self.training.start()

    @rule()
    def pause(self) -> None:
        self.training.pause()

    @rule()
    def resume(self) -> None:
        self.training.resume()

    @rule(count=integers(1, 30))
    def step(self, count: int) -> None:
        self.training.step(count)

    @rule()
    def stop(self) -> None:
        self.training.stop()

    @rule()
    def keep(self) -> None:
        self.training.keep_checkpoint()

    @precondition(lambda self: self.family == "vae")
    @rule(dim=integers(0, 1))
    def drag(self, dim: int) -> None:
        if self.studio.library.live:
            self.latents.choose_run(self.studio.library.live)
        for value in range(5):
            if dim < self.latents.code.num_dims:
                self.latents.code.set_value(dim, value / 5)

    @rule(hundredths=integers(0, 40))
    def wait(self, hundredths: int) -> None:
        run_events(hundredths / 100)

    def teardown(self) -> None:
        if not hasattr(self, "client"):
            return
        self.client.close()
        wait_until(lambda: self.client.state.phase == "closed", "the end of the engine")
        assert self.client.state.process_exit is None, self.client.state.process_exit
        said = self.client.stderr_tail
        assert not any(word in said for word in ("Traceback", "Warning", "Error", "Exception")), said
        for folder in (self.home / "runs").glob("*/"):
            with RunFolder.open(folder) as run:
                assert run.record.status in ("stopped", "finished"), "a run is whole whenever the window closes"
                assert run.checkpoints.load().step == run.record.step
        self.studio.deleteLater()
        QCoreApplication.sendPostedEvents()


def test_a_window_that_closes_at_any_moment_ends_in_order(qtbot: QtBot, home: Path) -> None:
    QuitAtAnyMoment.home = home
    examples = int(os.environ.get("GMSTUDIO_QUITS", "4"))
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        QuitAtAnyMoment,
        settings=settings(
            max_examples=examples, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
