"""A soak: random actions on the real window with a real engine, with faults injected, and what came of it.

In the first part every fault is injected. Then everything is used once, as much of the memory is that of libraries and
caches that are loaded at their first use, and from there on no fault ends the engine, so that the memory of one process
is followed for long.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication

from benchmarks.soak import faulty_engine
from benchmarks.soak.actions import LONG_S, SLIDER, Actions
from benchmarks.soak.everything import Everything
from benchmarks.soak.faults import METRICS, Faults
from benchmarks.soak.monitor import STALL_S, Monitor
from benchmarks.soak.points import lost_points
from benchmarks.window import environment, run_events, wait_until
from gmstudio.app import SWITCH_S
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.garbage_collection import GarbageCollection
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.studio import Studio
from gmstudio.window.state.training.state import TrainingState

PAUSES_S = (0.02, 0.1, 0.3)
FAULT_EVERY_S = 9.0
MEMORY_EVERY_S = 2.0
DEADLY_SHARE = 0.4
"""Share of a soak in which faults end the engine, too."""
END_S = 60.0
MOST_NAMED = 10
WORST = 10
"""Stalls that are described in full."""


@dataclass
class Soaked:
    """A window that is soaked.

    Args:
        window: the window.
        studio: its state.
        home: its home.
        cue: file that makes its engine fail.
    """

    window: MainWindow
    studio: Studio
    home: Path
    cue: Path


@contextmanager
def soaked_window() -> Iterator[Soaked]:
    """Context with the whole window, every panel built, on an empty library and an engine that fails on cue."""
    application = QApplication.instance() or QApplication(["gmstudio"])
    with tempfile.TemporaryDirectory() as folder, environment(GMSTUDIO_HOME=folder):
        cue = Path(folder) / "cue"
        sys.setswitchinterval(SWITCH_S)
        client = EngineClient(faulty_engine.command(cue))
        client.start()
        studio = Studio(client)
        window = MainWindow(studio, PLACES)
        complete: list[bool] = []
        window.completed.connect(lambda: complete.append(True))
        window.completed.connect(lambda: GarbageCollection(window))
        window.resize(1366, 768)
        window.show()
        wait_until(lambda: studio.library.catalog is not None and bool(complete), "the engine and all panels")
        yield Soaked(window, studio, Path(folder), cue)
        cue.unlink(missing_ok=True)
        window.close()
        wait_until(lambda: client.state.phase == "closed", "the engine's end")
        QCoreApplication.sendPostedEvents()
    assert application is not None


def measure(minutes: float, seed: int) -> dict[str, Any]:
    """Soak the window.

    Args:
        minutes: length.
        seed: of all random choices; the order in which events arrive differs all the same.

    Returns:
        Actions and faults by number, stalls, memory, warnings, and the points of curves that were lost.
    """
    choose = random.Random(seed)
    with soaked_window() as soaked:
        place = soaked.home / "exports"
        place.mkdir()
        monitor = Monitor()
        actions = Actions(soaked.window, soaked.studio, place, choose)
        faults = Faults(soaked.window, soaked.studio, soaked.home, soaked.cue, choose)
        _act(soaked, minutes * 60, choose, (monitor, actions, faults))
        monitor.doing = "end"
        soaked.cue.unlink(missing_ok=True)
        points = _compare(soaked)
        monitor.close()
        client = soaked.studio.client
    return {
        "benchmark": "soak",
        "minutes": minutes,
        "seed": seed,
        "actions": sum(actions.done.values()),
        "faults": sum(faults.done.values()),
        "actions_by_kind": dict(sorted(actions.done.items())),
        "forms_exported": sorted(actions.forms_exported),
        "faults_by_kind": dict(sorted(faults.done.items())),
        **_stalls(monitor),
        "rates_hz": {name: round(rate, 1) for name, rate in monitor.rates_hz.items()},
        **_memory(monitor),
        "longest_collection_ms": round(1000 * monitor.longest_collection_s),
        **points,
        "warnings": monitor.warnings,
        "load_average": round(os.getloadavg()[1], 1),
        "ended_in_order": client.state.process_exit is None,
    }


def _act(soaked: Soaked, length_s: float, choose: random.Random, parts: tuple[Monitor, Actions, Faults]) -> None:
    monitor, actions, faults = parts
    began = time.monotonic()
    fault_at, memory_at, noted, deadly = FAULT_EVERY_S, 0.0, 0, True
    while (now := time.monotonic() - began) < length_s:
        if now > memory_at:
            memory_at = now + MEMORY_EVERY_S
            monitor.note_memory(now, soaked.studio.client.state.pid)
        if deadly and now > DEADLY_SHARE * length_s:
            deadly = False
            _use_everything(soaked, parts)
            continue
        if now > fault_at:
            fault_at = now + choose.uniform(0.5, 1.5) * FAULT_EVERY_S
            monitor.doing = faults.inject(deadly=deadly)
        else:
            monitor.doing = actions.act()
        if monitor.doing in (SLIDER, METRICS):
            with monitor.rated(monitor.doing):
                run_events(LONG_S)
        else:
            run_events(choose.choice(PAUSES_S))
        if now // 60 > noted:
            noted = int(now // 60)
            print(f"{noted} minutes: {sum(actions.done.values())} actions, {monitor.memory['window'][-1][1]:.0f} MiB,"
                  f" {len(monitor.stalls)} stalls, {len(monitor.warnings)} warnings", file=sys.stderr)  # fmt: skip


def _use_everything(soaked: Soaked, parts: tuple[Monitor, Actions, Faults]) -> None:
    """Use everything once, in one engine, also what follows a fault; then begin to follow the memory."""
    monitor, actions, faults = parts
    everything = Everything(soaked.window, soaked.studio, actions)
    soaked.cue.unlink(missing_ok=True)
    _wait_for_engine(soaked.studio)
    for doing, pause_s in chain(everything.use(), faults.inject_each()):
        monitor.doing = doing
        run_events(pause_s)
    monitor.begin_memory()


def _wait_for_engine(studio: Studio) -> None:
    if studio.client.state.phase in ("given up", "dead"):
        studio.engine.restart()
    wait_until(lambda: studio.client.state.phase == "ready" and studio.library.catalog is not None, "an engine", END_S)


def _compare(soaked: Soaked) -> dict[str, Any]:
    """End the training, and compare the curves of all runs on the disk with those of the window."""
    studio = soaked.studio
    training = studio.state(TrainingState)
    _wait_for_engine(studio)
    run_events(3.0)
    if training.can_stop:
        training.stop()
    wait_until(lambda: training.status == "idle", "the end of the training", END_S)
    studio.library.refresh()
    run_events(2.0)
    return lost_points(studio, soaked.home)


def _stalls(monitor: Monitor) -> dict[str, Any]:
    worst = sorted(monitor.stalls, reverse=True)
    return {
        "stalls_over_100_ms": len(worst),
        "stalls_on_the_processor": sum(stall.cpu_s > STALL_S for stall in worst),
        "longest_stall_ms": round(1000 * worst[0].held_s) if worst else 0,
        "worst_stalls": [str(stall) for stall in worst[:WORST]],
    }


def _memory(monitor: Monitor) -> dict[str, Any]:
    """Memory since everything had been used once: means of the first and the last minute, the most, the growth."""
    growth = sorted(monitor.growth.items(), key=lambda item: -item[1])[:MOST_NAMED]
    found: dict[str, Any] = {"engine_growth_mib": {doing: round(mib) for doing, mib in growth}}
    minute = round(60 / MEMORY_EVERY_S)
    for name, points in monitor.memory.items():
        values = [value for _, value in points] or [0.0]
        found |= {
            f"{name}_mib_first": round(fmean(values[:minute])),
            f"{name}_mib_last": round(fmean(values[-minute:])),
            f"{name}_mib_most": round(max(values)),
            f"{name}_mib_per_hour": round(monitor.slope(name)),
        }
    return found
