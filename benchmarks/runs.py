"""The library of runs: ten thousand runs listed and scrolled, a long history drawn and panned, cost of checkpoints.

The window and its engine are the real ones; only their screen is not.
"""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from benchmarks.run_checkpoints import measure_checkpoints
from benchmarks.run_library import make_library, make_long_run
from benchmarks.window import environment, opened_on, run_events, wait_until
from gmstudio.protocol.runs import HistoryAppended, RunsListed
from gmstudio.runs.index import INDEX_NAME
from gmstudio.window.gui.panels.runs.library import LibraryPage
from gmstudio.window.gui.panels.train.curves import TrainCurves
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.studio import Studio

FRAMES = 120
LIST_TIMEOUT_S = 1800.0
SCROLLED_PX = 120
SETTLED_S = 5.0


def measure(count: int = 10_000, points: int = 1_000_000, seconds: float = 60.0) -> dict[str, Any]:
    """Measure all.

    Args:
        count: runs in the library.
        points: of the long history's curve.
        seconds: processor time of the training with checkpoints.

    Returns:
        ``listed_<count>_ms`` from the request to the last part of the list in the window, by a fresh engine with the
        index, and ``…_cold_ms`` without; ``first_rows_ms`` to its first part; ``listed_cpu_ms`` and ``cold_cpu_ms``,
        the processor time that window and engine took meanwhile, all else that they do at their start included;
        ``listed_stall_ms``, the longest time in which the window did nothing else; ``polled_ms`` for a look at what
        changed; ``scroll_fps``; ``history_<points>_drawn_ms`` from the arrival of the curve to the painted plot;
        ``history_panned_fps``; ``history_bytes_a_point``; the figures of ``measure_checkpoints``.
    """
    with TemporaryDirectory() as folder:
        home = Path(folder)
        make_library(home / "runs", count)
        found: dict[str, Any] = {"benchmark": "runs", "runs": count, "points": points}
        with environment(GMSTUDIO_HOME=str(home)):
            cold = _in_a_process(partial(_listed, home, index=False))
            found |= {f"listed_{count}_cold_ms": round(cold["listed"]), "cold_cpu_ms": round(cold["cpu"])}
            warm = _in_a_process(partial(_listed, home, index=True, then=_scroll_and_poll))
            found[f"listed_{count}_ms"] = round(warm["listed"])
            found |= {"first_rows_ms": round(warm["first"]), "listed_cpu_ms": round(warm["cpu"])}
            found |= {"listed_stall_ms": round(warm["stall"], 1), "polled_ms": round(warm["polled"], 1)}
            found["scroll_fps"] = round(warm["fps"], 1)
    with TemporaryDirectory() as folder, environment(GMSTUDIO_HOME=folder):
        run, size = make_long_run(Path(folder) / "runs", points)
        found["history_bytes_a_point"] = round(size / points, 1)
        with opened_on(Path(folder)) as (window, studio):
            drawn = _draw_history(window, studio, run, points)
        found[f"history_{points}_drawn_ms"] = round(drawn["drawn"], 1)
        found["history_panned_fps"] = round(drawn["fps"], 1)
    return found | measure_checkpoints(seconds)


def _in_a_process(measured: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Measure in a process of its own: what an earlier window has left would be searched for garbage, too."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measured).result()


def _listed(
    home: Path, *, index: bool, then: Callable[[MainWindow, Studio], dict[str, float]] | None = None
) -> dict[str, float]:
    """List the library once in a fresh window with a fresh engine; milliseconds."""
    if not index:
        (home / INDEX_NAME).unlink(missing_ok=True)
    with opened_on(home, panel="runs") as (window, studio):
        gaps: list[float] = []
        last = [time.perf_counter()]

        def beat() -> None:
            now = time.perf_counter()
            gaps.append(now - last[0])
            last[0] = now

        timer = QTimer(interval=0)
        timer.timeout.connect(beat)
        timer.start()
        catalog = studio.library.catalog
        assert catalog is not None
        engine = psutil.Process(catalog.pid)

        def taken() -> float:
            return time.process_time() + sum(engine.cpu_times()[:2])

        began, cpu = time.perf_counter(), taken()
        first: list[float] = []
        studio.client.on(RunsListed).connect(lambda _event: first.append(time.perf_counter()))
        listed: list[float] = []
        studio.library.changed.connect(lambda: listed.append(time.perf_counter()) if studio.library.home else None)
        wait_until(lambda: bool(listed), "the list of runs", LIST_TIMEOUT_S)
        timer.stop()
        found = {"listed": 1000 * (listed[0] - began), "first": 1000 * (first[0] - began)}
        found |= {"stall": 1000 * max(gaps), "cpu": 1000 * (taken() - cpu)}
        return found | (then(window, studio) if then is not None else {})


def _scroll_and_poll(window: MainWindow, studio: Studio) -> dict[str, float]:
    """Turn the wheel over the table; frames a second. Then look for changes; milliseconds."""
    page = window.findChild(LibraryPage)
    assert page is not None
    wait_until(lambda: len(page.table.runs) > 0, "the table")
    viewport = page.view.viewport()
    times = []
    for number in range(FRAMES):
        began = time.perf_counter()
        _turn_wheel(viewport, -1 if number < FRAMES // 2 else 1)
        viewport.repaint()
        QApplication.processEvents()
        times.append(time.perf_counter() - began)
    polled: list[float] = []
    studio.library.polled.connect(lambda: polled.append(time.perf_counter()))
    wait_until(lambda: not studio.library.polling, "the end of a look")
    polled.clear()
    began = time.perf_counter()
    studio.library.poll()
    wait_until(lambda: bool(polled), "a look at what changed")
    return {"fps": 1 / statistics.fmean(times), "polled": 1000 * (polled[0] - began)}


def _draw_history(window: MainWindow, studio: Studio, run: str, points: int) -> dict[str, float]:
    """Show the curve of a run in Train, in which it arrives in pieces.

    Returns:
        Milliseconds from the arrival of the first piece to the plot of all, painted, and frames while panned.
    """
    window.show_panel("train")
    curves = window.findChild(TrainCurves)
    assert curves is not None
    arrived: list[float] = []
    counted: list[int] = []
    shown: list[float] = []

    def on_history(event: HistoryAppended) -> None:
        if event.run != run or shown:
            return
        arrived.append(time.perf_counter())
        counted.append(sum(len(series.steps.numpy()) for series in event.series))
        if sum(counted) < points:
            return
        curves.refresh()
        for plot in curves.plots.values():
            plot.redraw()
        curves.repaint()
        shown.append(time.perf_counter())

    studio.client.on(HistoryAppended).connect(on_history)
    wait_until(lambda: bool(studio.library.home), "the list of runs")
    run_events(SETTLED_S)  # the panels are built
    studio.library.open(run, again=True)
    wait_until(lambda: bool(shown), "the curve")
    return {"drawn": 1000 * (shown[0] - arrived[0]), "fps": _panned(curves)}


def _panned(curves: TrainCurves) -> float:
    plot = next(iter(curves.plots.values()))
    (low, high), _ = plot.view_range()
    view, times = plot._plot.getViewBox(), []
    for number in range(FRAMES):
        began = time.perf_counter()
        start = low + (high - low) * (0.2 + 0.004 * number)
        view.setXRange(start, start + (high - low) / 4, padding=0)
        plot.redraw()
        plot.repaint()
        QApplication.processEvents()
        times.append(time.perf_counter() - began)
    return float(1 / np.mean(times))


def _turn_wheel(widget: QWidget, steps: int) -> None:
    place = QPointF(widget.rect().center())
    none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    QApplication.sendEvent(
        widget, QWheelEvent(place, widget.mapToGlobal(place), QPoint(), QPoint(0, SCROLLED_PX * steps), *none, False)
    )
