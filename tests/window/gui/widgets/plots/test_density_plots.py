"""Overlaid histograms and curves of rates, with a threshold and a point that are dragged."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.plots.overlaid_histograms import Histogram, OverlaidHistograms, common_bins
from gmstudio.window.gui.widgets.plots.rate_curve import RateCurve, Rates

RED, BLUE = QColor("red"), QColor("blue")
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def figure(qtbot: QtBot) -> OverlaidHistograms:
    figure = OverlaidHistograms("nats")
    qtbot.addWidget(figure)
    figure.resize(500, 240)
    return figure


@pytest.fixture
def curve(qtbot: QtBot) -> RateCurve:
    curve = RateCurve("ROC", "False-positive rate", "True-positive rate", diagonal=True)
    qtbot.addWidget(curve)
    curve.resize(300, 280)
    x = np.linspace(0, 1, 101)
    curve.set_rates(Rates(x, np.sqrt(x), RED))
    return curve


def test_bins_hold_every_number() -> None:
    values = np.random.default_rng(0).normal(0, 1, 5000)
    edges = common_bins([values, values + 3])
    assert edges[0] <= values.min() and edges[-1] >= values.max() + 3 and len(edges) == 61


def test_far_tails_are_counted_in_the_end_bins(figure: OverlaidHistograms) -> None:
    values = np.append(np.random.default_rng(0).normal(0, 1, 5000), [-1e4])
    figure.set_histograms([Histogram("a", values, RED)])
    assert figure.edges[0] > -20
    assert figure.words_at(0).startswith("below −")
    assert f"a {np.sum(values < figure.edges[1])} (" in figure.words_at(0)


def test_shares_compare_sets_of_different_sizes(figure: OverlaidHistograms) -> None:
    figure.set_histograms(
        [Histogram("a", np.zeros(10), RED), Histogram("b", np.append(np.zeros(500), np.ones(500)), BLUE, dashed=True)]
    )
    assert "a 10 (100.0%), b 500 (50.0%)" in figure.words_at(0)
    assert "a 0 (0.0%), b 500 (50.0%)" in figure.words_at(59)


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, -math.inf], [3.0], [3.0, 3.0]])
def test_few_or_no_numbers_are_no_problem(figure: OverlaidHistograms, values: list[float]) -> None:
    figure.set_placeholder("Nothing yet.")
    figure.set_histograms([Histogram("a", np.array(values, np.float64), RED)])
    figure.set_log(True)
    assert not figure.grab().isNull()
    assert bool(len(figure.edges)) == bool(np.isfinite(values).any())


def test_the_threshold_is_dragged_and_moved_by_keys(qtbot: QtBot, figure: OverlaidHistograms) -> None:
    figure.set_histograms([Histogram("a", np.linspace(-10, 10, 200), RED)])
    moved: list[float] = []
    figure.threshold_moved.connect(moved.append)
    place = QPointF(figure.x_of(5.0), 120).toPoint()
    QTest.mousePress(figure, LEFT, pos=place)
    assert not moved  # there is no threshold
    QTest.mouseRelease(figure, LEFT, pos=place)
    figure.set_threshold(0.0)
    QTest.mousePress(figure, LEFT, pos=place)
    QTest.mouseMove(figure, QPointF(figure.x_of(-5.0), 120).toPoint())
    QTest.mouseRelease(figure, LEFT, pos=QPointF(figure.x_of(-5.0), 120).toPoint())
    assert moved[0] == pytest.approx(5.0, abs=0.1) and figure.threshold == moved[-1]
    before = figure.threshold
    QTest.keyClick(figure, Qt.Key.Key_Right)
    assert figure.threshold == pytest.approx(before + 0.1)
    QTest.keyClick(figure, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert figure.threshold == pytest.approx(max(before + 0.1 - 1.0, -10.0))


def test_the_point_follows_the_pointer_along_the_curve(curve: RateCurve) -> None:
    moved: list[int] = []
    curve.moved.connect(moved.append)
    assert curve.number_at(curve.place_of(25)) == 25
    QTest.mousePress(curve, LEFT, pos=curve.place_of(25).toPoint())
    QTest.mouseRelease(curve, LEFT, pos=curve.place_of(25).toPoint())
    assert abs(curve.point - 25) <= 1 and moved == [curve.point]
    QTest.keyClick(curve, Qt.Key.Key_Right)
    assert moved[-1] == moved[0] + 1
    curve.set_point(0)
    QTest.keyClick(curve, Qt.Key.Key_Left)
    assert curve.point == 0
    assert not curve.grab().isNull()


def test_a_long_curve_is_thinned_and_none_is_fine(curve: RateCurve) -> None:
    x = np.linspace(0, 1, 50_000)
    curve.set_rates(Rates(x, x, BLUE, steps=True))
    assert len(curve._points(curve.area)) <= 2000
    curve.set_rates(None)
    assert curve.number_at(QPointF(10, 10)) == -1 and not curve.grab().isNull()
    QTest.keyClick(curve, Qt.Key.Key_Right)
    assert curve.point == -1
