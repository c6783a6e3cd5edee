"""Ticks of an axis over frames."""

import numpy as np
import pytest

from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot
from gmstudio.window.gui.widgets.plots.frame_axis import frame_ticks


def numbers(positions: list[int], low: float, high: float, most: int = 8) -> list[float]:
    ticks = frame_ticks(positions, low, high, most)
    return np.interp(ticks, range(len(positions)), positions).round(6).tolist()


def test_round_numbers_are_labelled_whichever_way_they_run() -> None:
    falling = np.linspace(1000, 0, 51).round().astype(int).tolist()
    assert numbers(falling, 0, 50) == [1000, 800, 600, 400, 200, 0]
    assert numbers(falling[::-1], 0, 50) == [0, 200, 400, 600, 800, 1000]
    assert numbers(falling, 10, 20) == [800, 750, 700, 650, 600]


def test_a_narrow_axis_has_few_labels_and_every_axis_some() -> None:
    falling = list(range(500, -1, -10))
    for most in range(2, 12):
        assert 1 <= len(numbers(falling, 0, 50, most)) <= most + 1
    assert numbers([5, 4, 3], 0, 2) == [5, 4, 3]


def test_uneven_frames_are_labelled_one_by_one() -> None:
    uneven = [0, 1, 10, 100, 1000, 10_000]
    assert numbers(uneven, 0, 5) == uneven
    assert numbers(uneven, 0, 5, most=3) == [0, 10, 1000]
    assert numbers([3, 3, 3], 0, 2) == [3, 3, 3]
    assert numbers(uneven, 7, 9) == []


@pytest.mark.parametrize("width", [260, 700])
def test_a_plot_over_a_falling_time_has_several_numbers(qtbot: object, width: int) -> None:
    plot = CurvePlot("Trajectory")
    plot.set_axis("t", list(range(1000, -1, -20)))
    axis = plot._axes.bottom
    [(spacing, ticks)] = axis.tickValues(-0.5, 52.0, width - 60)
    texts = [text for text in axis.tickStrings(ticks, 1.0, spacing or 1.0) if text]
    assert 3 <= len(texts) <= 12 and texts[0] == "1,000" and texts[-1] == "0"
    plot.deleteLater()
