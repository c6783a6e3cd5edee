import time
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.curve_line import Trace
from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot

BLUE = QColor("#0072b2")


def _trace(count: int = 100, key: str = "loss", start: int = 0, **values: object) -> Trace:
    steps = np.arange(start, start + count)
    return Trace(key, key, steps, 100.0 - steps / count, BLUE, **values)  # type: ignore[arg-type]


@pytest.fixture
def plot(qtbot: QtBot) -> Iterator[CurvePlot]:
    plot = CurvePlot("Loss", "nats")
    qtbot.addWidget(plot)
    plot.resize(800, 300)
    plot.show()
    yield plot


def _drawn(plot: CurvePlot, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not plot._timer.isActive(), timeout=3000)


def test_it_is_redrawn_by_its_timer_not_by_the_data(plot: CurvePlot, qtbot: QtBot) -> None:
    _drawn(plot, qtbot)
    before = plot.view_range()
    for count in range(2, 200):
        plot.set_traces([_trace(count)])
    assert plot.view_range() == before
    _drawn(plot, qtbot)
    (low, high), _ = plot.view_range()
    assert low <= 0 and high >= 198


def test_it_follows_until_the_user_zooms_and_again_when_asked(plot: CurvePlot, qtbot: QtBot) -> None:
    plot.set_traces([_trace(100)])
    plot.redraw()
    with qtbot.waitSignal(plot.zoomed):
        qtbot.keyClick(plot, Qt.Key.Key_Plus)
    zoomed = plot.view_range()
    assert zoomed[0][1] - zoomed[0][0] < 95
    plot.set_traces([_trace(100_000)])
    plot.redraw()
    assert plot.view_range() == zoomed
    with qtbot.waitSignal(plot.follow_wanted):
        qtbot.keyClick(plot, Qt.Key.Key_Home)
    plot.follow()
    plot.redraw()
    assert plot.view_range()[0][1] >= 99_999


def test_the_wheel_zooms_and_stays(plot: CurvePlot, qtbot: QtBot) -> None:
    plot.set_traces([_trace(100)])
    plot.redraw()
    box = plot._plot.getViewBox()
    box.scaleBy((0.5, 0.5))
    box.sigRangeChangedManually.emit([True, True])
    zoomed = plot.view_range()
    plot.set_traces([_trace(5000)])
    plot.redraw()
    assert plot.view_range() == zoomed and not plot.following_x


def test_readings_are_the_newest_values_or_those_under_the_pointer(plot: CurvePlot) -> None:
    sparse = Trace("valid", "loss", np.array([0, 50]), np.array([3.0, 2.0]), BLUE, validation=True, factor=0.5)
    plot.set_traces([_trace(100), sparse])
    assert [r.value for r in plot.readings()] == [pytest.approx(99.01), 1.0]
    plot.set_cursor(49)
    assert [r.value for r in plot.readings()] == [pytest.approx(99.51), 1.5]
    plot.set_cursor(-5)
    assert all(np.isnan(r.value) for r in plot.readings())


def test_the_step_under_the_pointer_is_emitted(plot: CurvePlot, qtbot: QtBot) -> None:
    plot.set_traces([_trace(100)])
    plot.redraw()
    steps: list[object] = []
    plot.hovered.connect(steps.append)
    center = plot._plot.getViewBox().sceneBoundingRect().center()
    plot._on_mouse_moved(center)
    plot._on_mouse_moved(QPointF(-10, -10))
    assert steps[0] == pytest.approx(50, abs=2) and steps[1] is None


def test_a_logarithmic_axis_leaves_out_what_is_not_positive(plot: CurvePlot) -> None:
    steps = np.arange(4)
    plot.set_traces([Trace("a", "a", steps, np.array([-1.0, 0.0, 1.0, 1000.0]), BLUE)])
    plot.set_log(True)
    plot.redraw()
    _, (low, high) = plot.view_range()
    assert -0.5 < low <= 0 and 3 <= high < 3.5


def test_smoothing_continues_over_new_points_and_restarts_after_a_resume(plot: CurvePlot) -> None:
    values = np.random.default_rng(0).normal(10, 1, 400)
    steps = np.arange(400)

    def show(count: int, generation: int = 0) -> np.ndarray:
        plot.set_traces([Trace("a", "a", steps[:count], values[:count], BLUE, generation=generation)])
        plot.redraw()
        return plot._lines["a"]._smoothed

    plot.set_smoothing(0.9)
    show(100)
    grown = show(400).copy()
    other = CurvePlot("b")
    other.set_smoothing(0.9)
    other.set_traces([Trace("a", "a", steps, values, BLUE)])
    other.redraw()
    assert np.allclose(grown, other._lines["a"]._smoothed)
    assert len(show(250, generation=1)) == 250
    other.deleteLater()


def test_curves_that_are_no_longer_shown_are_taken_off(plot: CurvePlot) -> None:
    plot.set_traces([_trace(10, "a"), _trace(10, "b", validation=True)])
    plot.redraw()
    with_both = len(plot._plot.items)
    plot.set_traces([_trace(10, "a")])
    plot.redraw()
    assert len(plot._plot.items) == with_both - 3


def test_empty_and_odd_data(plot: CurvePlot) -> None:
    nan = float("nan")
    for values in ([], [5.0], [nan, nan], [1e300, -1e300], [float("inf"), 1.0]):
        plot.set_traces([Trace("a", "a", np.arange(len(values)), np.array(values, float), BLUE)])
        plot.redraw()
        assert not plot.grab().isNull()


def test_linked_plots_show_the_same_steps(plot: CurvePlot, qtbot: QtBot) -> None:
    other = CurvePlot("Other")
    qtbot.addWidget(other)
    other.resize(800, 300)
    other.show()
    other.link_x(plot)
    plot.set_traces([_trace(1000)])
    plot.redraw()
    assert other.view_range()[0][1] == pytest.approx(plot.view_range()[0][1], rel=0.05)


def test_it_follows_the_theme(plot: CurvePlot) -> None:
    before = theme().mode
    for mode in ("dark", "light"):
        theme().set_mode(mode)
        plot.redraw()
        corner = plot.grab().toImage().pixelColor(plot.width() - 2, 150)
        assert corner == theme().color("base")
    theme().set_mode(before)


def test_two_hundred_thousand_points_do_not_hold_up_the_window(plot: CurvePlot) -> None:
    count = 200_000
    steps = np.arange(count)
    values = np.random.default_rng(0).normal(100, 5, count)
    plot.set_smoothing(0.98)
    plot.set_traces([Trace("a", "a", steps[:-500], values[:-500], BLUE)])
    plot.redraw()
    spent = []
    for end in range(count - 400, count, 100):
        plot.set_traces([Trace("a", "a", steps[:end], values[:end], BLUE)])
        start = time.thread_time()  # of this thread: what else runs on the machine does not count
        plot.redraw()
        plot._view.viewport().repaint()
        spent.append(time.thread_time() - start)
    assert min(spent) < 0.016


def test_ticks_of_frames_are_their_positions(plot: CurvePlot) -> None:
    assert plot._axis.tickStrings([0.0, 2.0], 1.0, 1.0) == ["0", "2"]
    plot.set_axis("t", [1000, 500, 0])
    assert plot._axis.labelText == "t"
    assert plot._axis.tickStrings([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0], 1.0, 0.5) == ["", "1,000", "", "500", "0", ""]
    plot.set_axis("training step")
    assert plot._axis.tickStrings([0.0, 2.0], 1.0, 1.0) == ["0", "2"]


def test_the_legend_names_the_splits(plot: CurvePlot) -> None:
    valid = Trace("valid", "loss", np.array([0, 50]), np.array([3.0, 2.0]), BLUE, split="validation", validation=True)
    plot.set_traces([_trace(100, split="train"), valid])
    plot.redraw()
    text = plot._legend.text()
    assert "Loss" in text and "(nats)" in text and "train" in text and "validation" in text and "●" not in text
