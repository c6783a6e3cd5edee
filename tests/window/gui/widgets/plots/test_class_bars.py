"""Bars of the classes of a data set."""

import pytest
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.plots.class_bars import ClassBars, ClassRow


@pytest.mark.parametrize("points", [9.0, 9.75, 10.5, 11.25, 13.0])
def test_names_that_fit_are_written_out(qtbot: QtBot, points: float) -> None:
    names = ("birnen", "butterfly", "Äpfel", "illicit", "wvw")
    bars = ClassBars()
    qtbot.addWidget(bars)
    font = bars.font()
    font.setPointSizeF(points)
    bars.setFont(font)
    bars.resize(400, 200)
    for longest in names:
        row = ClassRow(0, longest, (3, 1, 1))
        bars.set_rows([row], ["training", "validation", "test"])
        assert bars.shown_name(row) == longest


def test_longer_names_leave_room_for_the_bars(qtbot: QtBot) -> None:
    bars = ClassBars()
    qtbot.addWidget(bars)
    bars.resize(200, 50)
    row = ClassRow(0, "a name that is far too long for this column", (3, 1, 1))
    bars.set_rows([row], ["training", "validation", "test"])
    assert "…" in bars.shown_name(row) and bars.name_width() <= 80
