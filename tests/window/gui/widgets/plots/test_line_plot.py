"""The plot of lines: scales, marks, values under the pointer."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.plots.line_plot import LinePlot, PlotLine, PlotMark
from gmstudio.window.gui.widgets.plots.plot_scale import PlotScale

X = np.linspace(0.0, 10.0, 11)


@pytest.fixture
def plot(qtbot: QtBot) -> LinePlot:
    made = LinePlot("step", "loss (nats)")
    qtbot.addWidget(made)
    made.resize(400, 220)
    made.set_lines((PlotLine("train", X, X + 1), PlotLine("validation", X, np.full(11, np.nan))))
    with qtbot.waitExposed(made):
        made.show()
    return made


def test_zero_belongs_to_a_linear_axis_and_not_to_a_logarithmic_one(plot: LinePlot) -> None:
    assert plot.ranges == (0.0, 10.0, 0.0, 11.0)
    plot.set_axes((2.0, 5.0))
    assert plot.ranges[2:] == (2.0, 5.0)
    plot.set_axes(log_x=True, log_y=True)
    assert plot.ranges == (1.0, 10.0, 2.0, 11.0) or plot.ranges == (1.0, 10.0, 1.0, 11.0)
    assert not plot.grab().isNull()


def test_scales_invert_their_positions() -> None:
    for scale in (PlotScale(-2.0, 6.0), PlotScale(0.01, 100.0, log=True)):
        for share in (0.0, 0.25, 1.0):
            assert float(scale.shares(np.array(scale.value(share)))) == pytest.approx(share)
    assert np.isnan(PlotScale(0.1, 1.0, log=True).shares(np.array([0.0, -1.0]))).all()
    assert [text for _, text in PlotScale(-1.0, 1.0).labels(4)] == ["−1", "−0.5", "0", "0.5", "1"]
    assert [text for _, text in PlotScale(1.0, 1000.0, log=True).labels(4)] == ["1", "10", "100", "1000"]


def test_a_scale_without_values_has_ends() -> None:
    assert PlotScale.of(np.zeros(0), None) == PlotScale(0.0, 1.0)
    assert PlotScale.of(np.array([-1.0]), None, log=True).low > 0


def test_a_mark_is_dragged_and_new_marks_do_not_move_it(qtbot: QtBot, plot: LinePlot) -> None:
    marks = [PlotMark(5.0, "rate", "rate"), PlotMark(8.0, "fixed")]
    plot.set_marks(marks)
    moved: list[tuple[str, float]] = []
    plot.mark_moved.connect(lambda name, x: moved.append((name, x)))
    area = plot.area
    at = {x: QPoint(round(area.left() + x / 10 * area.width()), round(area.center().y())) for x in (2.0, 5.0, 8.0)}
    qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=at[5.0])
    qtbot.mouseMove(plot, at[2.0])
    assert moved[-1] == ("rate", pytest.approx(2.0, abs=0.05))
    plot.set_marks([PlotMark(4.0, "rate", "rate")])
    assert plot.mark_place(PlotMark(4.0, "rate", "rate")) == moved[-1][1]
    qtbot.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=at[2.0])
    plot.set_marks([PlotMark(4.0, "rate", "rate")])
    assert plot.mark_place(PlotMark(4.0, "rate", "rate")) == 4.0


def test_a_mark_without_a_name_stays(qtbot: QtBot, plot: LinePlot) -> None:
    plot.set_marks([PlotMark(5.0, "fixed")])
    moved: list[float] = []
    plot.mark_moved.connect(lambda _name, x: moved.append(x))
    place = QPoint(round(plot.area.center().x()), round(plot.area.center().y()))
    qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseMove(plot, place + QPoint(40, 0))
    assert moved == []
    assert plot.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_values_under_the_pointer_are_written(qtbot: QtBot, plot: LinePlot) -> None:
    area = plot.area
    qtbot.mouseMove(plot, QPoint(round(area.left() + 0.3 * area.width()), round(area.center().y())))
    assert plot.readout.startswith("3")
    assert plot.readout.endswith("train 4")
