"""Lines with bands, dashes, dots and chosen colours in a plot."""

import numpy as np
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.line_plot import LinePlot, PlotLine

X = np.array([1.0, 10.0, 100.0])
Y = np.array([0.5, 0.5, 0.5])


def coloured(plot: LinePlot, index: int) -> int:
    """Number of pixels of the area in about the colour of a series."""
    picture, area = plot.grab().toImage(), plot.area.toRect()
    ratio = picture.width() / plot.width()
    wished = theme().series(index)
    count = 0
    for x in range(int(area.left() * ratio) + 2, int(area.right() * ratio) - 2):
        for y in range(int(area.top() * ratio) + 2, int(area.bottom() * ratio) - 2):
            colour = picture.pixelColor(x, y)
            differs = abs(colour.red() - wished.red()) + abs(colour.green() - wished.green())
            count += differs + abs(colour.blue() - wished.blue()) < 12
    return count


def shown(qtbot: QtBot, *lines: PlotLine) -> LinePlot:
    plot = LinePlot("labels a class", "accuracy")
    qtbot.addWidget(plot)
    plot.resize(300, 200)
    plot.set_axes((0.0, 1.0), log_x=True)
    plot.set_lines(lines)
    plot.show()
    return plot


def test_dashes_leave_gaps(qtbot: QtBot) -> None:
    solid = coloured(shown(qtbot, PlotLine("a", X, Y)), 0)
    dashed = coloured(shown(qtbot, PlotLine("a", X, Y, dashed=True)), 0)
    assert 0 < dashed < 0.9 * solid


def test_dots_and_colours(qtbot: QtBot) -> None:
    plain = coloured(shown(qtbot, PlotLine("a", X, Y, colour=3)), 3)
    assert plain > 0 and coloured(shown(qtbot, PlotLine("a", X, Y, colour=3)), 0) == 0
    assert coloured(shown(qtbot, PlotLine("a", X, Y, colour=3, dots=True)), 3) > plain


def test_a_band_is_painted_between_its_ends(qtbot: QtBot) -> None:
    def paint(low: float | None) -> tuple[int, ...]:
        ends = {} if low is None else {"low": np.full(3, low), "high": np.full(3, 0.8)}
        plot = shown(qtbot, PlotLine("a", X, Y, **ends))
        picture, area = plot.grab().toImage(), plot.area
        ratio = picture.width() / plot.width()
        column = int((area.left() + 0.4 * area.width()) * ratio)
        heights = (0.7, 0.31, 0.12)
        return tuple(picture.pixel(column, int((area.bottom() - y * area.height()) * ratio)) for y in heights)

    plain, wide, narrow = paint(None), paint(0.2), paint(0.4)
    assert wide[0] == narrow[0] != plain[0]
    assert wide[1] != plain[1] == narrow[1]
    assert wide[2] == narrow[2] == plain[2]


def test_a_line_without_a_name_is_not_in_the_legend(qtbot: QtBot) -> None:
    plot = shown(qtbot, PlotLine("a", X, Y), PlotLine("", X, Y / 2), PlotLine("b", X, Y))
    places = plot._legend_places()
    assert places[0][0] < places[2][0] and places[2][1] == 0
