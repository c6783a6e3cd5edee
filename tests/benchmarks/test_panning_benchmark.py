"""The benchmark of panning planes."""

import pytest
from pytestqt.qtbot import QtBot

from benchmarks import panning


@pytest.mark.parametrize("canvases", [1, 2])
def test_it_reports_frames_a_second(qtbot: QtBot, canvases: int) -> None:
    result = panning.measure(canvases, size=240, frames=20)
    assert result["canvases"] == canvases
    assert result["fps"] > 5
    assert 0 < result["new_layers_ms"] < 1000
