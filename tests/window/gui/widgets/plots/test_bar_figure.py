"""Bars and histograms, and their values under the pointer."""

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.plots.bar_figure import BarFigure


@pytest.fixture
def figure(qtbot: QtBot) -> BarFigure:
    figure = BarFigure()
    qtbot.addWidget(figure)
    figure.resize(300, 160)
    figure.show()
    return figure


def test_bars_are_read_by_their_number(figure: BarFigure) -> None:
    figure.set_bars(np.array([[1.0, 2.0, 4.0]]), ())
    assert figure.words_at(1.0) == "1: 2" and figure.words_at(9.0) == "2: 4"
    assert figure.top == pytest.approx(4.2)
    assert not figure.grab().isNull()


def test_a_histogram_is_read_by_its_bins_and_its_expectation(figure: BarFigure) -> None:
    counts = np.array([[3.0, 1.0], [0.0, 5.0]])
    figure.set_histogram(counts, np.array([-1.0, 0.0, 1.0]), ("real", "fake"), np.array([2.0, 6.0]))
    assert figure.words_at(0.5) == "0 to 1: real 1, fake 5, expected 6"
    assert figure.span == (-1.0, 1.0) and figure.top == pytest.approx(6.3)
    assert not figure.grab().isNull()


def test_nothing_and_what_is_not_finite_can_be_shown(figure: BarFigure) -> None:
    assert figure.words_at(0.0) == "" and not figure.grab().isNull()
    figure.set_bars(np.array([[np.nan, 0.0]]), ())
    assert figure.words_at(0.0) == "0: 0" and figure.top == 1.0
    assert not figure.grab().isNull()


def test_names_of_series_are_above_the_bars(figure: BarFigure) -> None:
    figure.set_bars(np.ones((1, 4)), ())
    bare = figure._frame().top()
    figure.set_bars(np.ones((1, 4)), ("validation images",))
    assert figure._frame().top() >= bare + figure.fontMetrics().height()


def test_labels_are_below_the_bars_that_they_name(figure: BarFigure) -> None:
    figure.set_bars(np.ones((1, 4)), ())
    assert figure.labelled() == (0, 1, 3) and figure.span == (-0.5, 3.5)
    figure.set_bars(np.ones((1, 1)), ())
    assert figure.labelled() == (0,) and not figure.grab().isNull()
    figure.set_histogram(np.ones((1, 2)), np.array([-1.0, 0.0, 1.0]), ())
    assert figure.labelled() == (-1.0, 0.0, 1.0)
