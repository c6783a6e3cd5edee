"""Fixtures and short cuts of the tests of the state of the Pixels panel."""

import numpy as np
import pytest
from pixel_engine import RUN, SPEC, PixelEngine
from pytestqt.qtbot import QtBot

from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.library import RunLibrary

END = SPEC.num_dims


@pytest.fixture
def engine() -> PixelEngine:
    return PixelEngine()


@pytest.fixture
def session(qtbot: QtBot, engine: PixelEngine) -> PixelsState:
    session = PixelsState(engine, RunLibrary(engine))
    engine.hello()
    engine.list_runs()
    session.choose_run(RUN)
    session.set_active(True)
    engine.serve()
    return session


def where(session: PixelsState) -> PixelSnapshot:
    assert session.state is not None
    return session.state


def begins_with(session: PixelsState, levels: np.ndarray, first: int) -> bool:
    channel, row, column = where(session).order[:first].T
    return bool((where(session).image[channel, row, column] == levels[channel, row, column]).all())
