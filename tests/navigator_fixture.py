"""Fixtures and short cuts of the tests of the navigator."""

import pytest
from pixel_engine import RUN, SPEC, PixelEngine
from pytestqt.qtbot import QtBot

from gmstudio.protocol.pixels import (
    ClosePixels,
    OpenPixels,
)
from gmstudio.window.state.pixels.generation_link import NewGeneration
from gmstudio.window.state.pixels.navigator import PixelNavigator
from gmstudio.window.state.pixels.snapshot import PixelSnapshot

END = SPEC.num_dims


@pytest.fixture
def engine() -> PixelEngine:
    return PixelEngine()


@pytest.fixture
def navigator(qtbot: QtBot, engine: PixelEngine) -> PixelNavigator:
    navigator = PixelNavigator(engine)
    navigator.open(NewGeneration(OpenPixels(run=RUN)))
    engine.serve()
    return navigator


def where(navigator: PixelNavigator) -> PixelSnapshot:
    assert navigator.state is not None
    return navigator.state


def in_flight(engine: PixelEngine) -> int:
    return len([c for c in engine.sent[engine.answered :] if not isinstance(c, ClosePixels)])
