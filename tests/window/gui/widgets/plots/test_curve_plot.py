import re
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip
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
        return plot._lines["a"]._curve.smoothed

    plot.set_smoothing(0.9)
    show(100)
    grown = show(400).copy()
    other = CurvePlot("b")
    other.set_smoothing(0.9)
    other.set_traces([Trace("a", "a", steps, values, BLUE)])
    other.redraw()
    assert np.allclose(grown, other._lines["a"]._curve.smoothed)
    assert len(show(250, generation=1)) == 250
    other.deleteLater()


def test_curves_that_are_no_longer_shown_are_taken_off(plot: CurvePlot) -> None:
    plot.set_traces([_trace(10, "a"), _trace(10, "b", validation=True)])
    plot.redraw()
    with_both = len(plot._plot.items)
    plot.set_traces([_trace(10, "a")])
    plot.redraw()
    assert len(plot._plot.items) == with_both - 4


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
    assert plot._axes.bottom.tickStrings([0.0, 2.0], 1.0, 1.0) == ["0", "2"]
    plot.set_axis("t", [1000, 500, 0])
    assert plot._axes.bottom.labelText == "t"
    texts = plot._axes.bottom.tickStrings([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0], 1.0, 0.5)
    assert texts == ["", "1,000", "750", "500", "0", ""], "a frame beyond the ends has no number"
    plot.set_axis("training step")
    assert plot._axes.bottom.tickStrings([0.0, 2.0], 1.0, 1.0) == ["0", "2"]


def test_the_legend_names_the_splits(plot: CurvePlot) -> None:
    valid = Trace("valid", "loss", np.array([0, 50]), np.array([3.0, 2.0]), BLUE, split="validation", validation=True)
    plot.set_traces([_trace(100, split="train"), valid])
    plot.redraw()
    text = plot._legend.text()
    assert "Loss" in text and "(nats)" in text and "train" in text and "validation" in text and "●" not in text


def test_raw_and_smoothed_values_are_both_read(plot: CurvePlot) -> None:
    plot.set_traces([_trace(100), _trace(100, "validation", validation=True)])
    plot.set_smoothing(0.9)
    plot.redraw()
    train, validation = plot.readings()
    assert train.value == pytest.approx(99.01) and train.smoothed == pytest.approx(99.1, abs=0.02)
    assert np.isnan(validation.smoothed)
    plot.set_smoothing(0.0)
    plot.redraw()
    assert np.isnan(plot.readings()[0].smoothed)


def test_the_legend_says_which_value_is_which(plot: CurvePlot) -> None:
    valid = Trace("v", "loss", np.arange(100), np.full(100, 7.0), BLUE, split="validation", validation=True)
    plot.set_traces([_trace(100, split="train"), valid])
    plot.set_smoothing(0.9)
    plot.redraw()
    text = re.sub("<[^>]*>", "", plot._legend.text()).replace("&nbsp;", " ")
    assert "loss train 99.01 (smoothed 99.1)  validation 7" in text


def test_there_is_no_value_beyond_the_end_of_a_run(plot: CurvePlot) -> None:
    short, long = _trace(50, "a", owner="short"), _trace(100, "b", owner="long")
    sparse = Trace("v", "a", np.array([0, 40]), np.array([3.0, 2.0]), BLUE, validation=True, owner="short")
    plot.set_traces([short, sparse, long])
    plot.set_cursor(49)
    assert [np.isnan(r.value) for r in plot.readings()] == [False, False, False]
    plot.set_cursor(60)
    assert [np.isnan(r.value) for r in plot.readings()] == [True, True, False]


@pytest.mark.parametrize("values", [[-1.0, -2.0, -3.0], [0.0, 0.0], [float("nan")] * 3])
def test_an_axis_without_values_has_no_labels(plot: CurvePlot, values: list[float]) -> None:
    plot.set_log(True)
    plot.set_traces([Trace("kl", "KL", np.arange(len(values)), np.array(values), BLUE)])
    plot.redraw()
    assert not plot._plot.getAxis("left").style["showValues"]
    assert plot.note == ("" if np.isnan(values[0]) else "Values ≤ 0 have no place on a logarithmic axis: KL.")
    plot.set_traces([_trace(100)])
    plot.redraw()
    assert plot._plot.getAxis("left").style["showValues"] and plot.note == ""


def test_a_logarithmic_axis_has_labels_between_powers_of_ten(plot: CurvePlot) -> None:
    plot.set_log(True)
    plot.set_traces([Trace("a", "a", np.arange(50), np.linspace(1.58, 1.22, 50), BLUE)])
    plot.redraw()
    axis = plot._plot.getAxis("left")
    _, (low, high) = plot.view_range()
    [(spacing, ticks)] = axis.tickValues(low, high, 200)
    texts = axis.tickStrings(ticks, 1.0, spacing)
    assert "1.3" in texts and "1.5" in texts and all(1.2 <= float(text) <= 1.6 for text in texts)


@pytest.mark.parametrize("smoothing", [0.0, 0.9])
@pytest.mark.parametrize("count", [60, 1000])
def test_an_early_spike_does_not_flatten_the_curve_and_can_be_reached(
    plot: CurvePlot, qtbot: QtBot, smoothing: float, count: int
) -> None:
    values = 100.0 + np.random.default_rng(0).normal(size=count)
    values[1] = 1e6
    plot.set_smoothing(smoothing)
    plot.set_traces([Trace("a", "a", np.arange(count), values, BLUE)])
    plot.redraw()
    _, (low, high) = plot.view_range()
    assert 90 < low < 100 < high < 110
    assert "Outliers" in plot.note
    plot.follow()  # a double click while it follows
    plot.redraw()
    assert plot.view_range()[1][1] >= 1e6 and plot.note == ""
    plot.follow()
    plot.redraw()
    assert plot.view_range()[1][1] < 110


def test_a_loss_that_falls_is_shown_whole(plot: CurvePlot) -> None:
    plot.set_traces([Trace("a", "a", np.arange(200), 100 + 450 * np.exp(-np.arange(200) / 40), BLUE)])
    plot.redraw()
    assert plot.view_range()[1][1] >= 549 and plot.note == ""


def test_a_single_point_is_drawn(plot: CurvePlot) -> None:
    plot.redraw()
    before = plot.grab().toImage()
    for values in ([5.0], [float("nan"), 5.0, float("nan"), float("nan")]):
        plot.set_traces([Trace("a", "a", np.arange(len(values)), np.array(values), BLUE)])
        plot.redraw()
        assert len(plot._lines["a"]._markers.points()) == 1
        image = plot.grab().toImage()
        found = [p for p in np.ndindex(image.width(), image.height()) if image.pixelColor(*p) == BLUE]
        assert len(found) > 10 and before != image


def test_the_wheel_over_an_axis_zooms_that_axis_only(plot: CurvePlot) -> None:
    plot.set_traces([_trace(100)])
    plot.redraw()
    plot._plot.getViewBox().sigRangeChangedManually.emit([False, True])
    assert (plot.following_x, plot.following_y) == (True, False)


def test_the_tooltip_does_not_cover_the_curves(plot: CurvePlot) -> None:
    plot.setToolTip("Wheel: zoom.")
    plot.redraw()
    viewport = plot._view.viewport()
    event = QHelpEvent(QEvent.Type.ToolTip, viewport.rect().center(), viewport.mapToGlobal(viewport.rect().center()))
    QApplication.sendEvent(viewport, event)
    assert not QToolTip.isVisible()
    assert "Wheel: zoom." in plot._legend.toolTip()


def _screen(plot: CurvePlot, step: float, value: float) -> QPoint:
    """Point of the viewport at a step and a value."""
    scene = plot._plot.getViewBox().mapViewToScene(QPointF(step, value))
    point: QPoint = plot._view.mapFromScene(scene)
    return point


def test_shift_and_drag_zooms_into_a_box_and_a_double_click_leaves_it(plot: CurvePlot, qtbot: QtBot) -> None:
    plot.follow_wanted.connect(plot.follow)
    plot.set_traces([_trace(100)])
    plot.redraw()
    QApplication.processEvents()
    port, shift = plot._view.viewport(), Qt.KeyboardModifier.ShiftModifier
    start, end = _screen(plot, 20, 99.8), _screen(plot, 60, 99.4)
    QTest.mousePress(port, Qt.MouseButton.LeftButton, shift, start)
    for share in (0.3, 0.6, 1.0):
        place = start + (end - start) * share
        move = QMouseEvent(
            QEvent.Type.MouseMove, QPointF(place), QPointF(port.mapToGlobal(place)), Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton, shift,
        )  # fmt: skip
        QApplication.sendEvent(port, move)
    QTest.mouseRelease(port, Qt.MouseButton.LeftButton, shift, end)
    (low, high), (bottom, top) = plot.view_range()
    assert (low, high) == (pytest.approx(20, abs=3), pytest.approx(60, abs=3))
    assert (bottom, top) == (pytest.approx(99.4, abs=0.03), pytest.approx(99.8, abs=0.03))
    assert not plot.following_x and not plot.following_y
    QTest.mouseDClick(port, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, _screen(plot, 40, 99.6))
    plot.redraw()
    assert plot.view_range()[0][1] >= 99


def test_legend_names_runs_splits_the_gap_and_the_best_step(plot: CurvePlot) -> None:
    steps, owner = np.arange(4), "PixelCNN · lr 0.01 · MNIST 28×28 · seed 12345"
    train = Trace("a", "−log p", steps, np.array([4.0, 3.0, 2.0, 1.0]), BLUE, split="train", owner=owner)
    values = np.array([4.0, 2.5, 3.0, 3.5])
    valid = Trace("b", "−log p", steps, values, BLUE, split="validation", validation=True, owner=owner)
    valid = replace(valid, best=1, best_label="step 1")
    plot.set_traces([train, valid])
    plot.redraw()
    words = _plain(plot._legend.text())
    assert "train 1" in words and "validation 3.5 (best 2.5 at step 1 ★)" in words
    assert "gap +1" in words, "3.5 less the mean of 4, 3, 2 and 1"
    plot.set_cursor(1)
    assert "gap -1" in _plain(plot._legend.text()), "2.5 less 3.5"
    plot.set_cursor(None)
    assert "PixelCNN" not in words, "a single run needs no name"
    star = plot._lines["b"]._star
    assert star.isVisible() and [point.pos() for point in star.points()] == [QPointF(1, 2.5)]
    assert not plot._lines["a"]._star.isVisible()
    plot.set_traces([train, valid, Trace("c", "−log p", steps, values, BLUE, split="train", owner="VAE")])
    plot.redraw()
    words = _plain(plot._legend.text())
    assert "PixelCNN · lr " in words and "… · seed 12345".removeprefix("… ") in words and "VAE train 3.5" in words
    assert len(max(re.findall(r"<i>(.*?)</i>", plot._legend.text()), key=len).replace("&nbsp;", " ")) < 30


def _plain(html: str) -> str:
    return re.sub("<[^>]*>", "", html).replace("&nbsp;", " ")


def test_a_plot_that_was_large_can_become_small_again(qtbot: QtBot, plot: CurvePlot) -> None:
    plot.resize(400, 200)
    plot.show()
    qtbot.waitExposed(plot)
    before = plot.sizeHint()
    plot.resize(1200, 900)
    qtbot.wait(50)
    assert plot.sizeHint() == before
