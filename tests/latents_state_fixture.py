"""Fixtures and short cuts of the tests of the state of the Latents panel."""

import pytest
from latent_engine import LatentEngine
from latent_fixture import active_state, engine
from pytestqt.qtbot import QtBot

from gmstudio.window.state.latents.state import LatentsState, Shown

__all__ = ["engine"]


@pytest.fixture
def state(qtbot: QtBot, engine: LatentEngine) -> LatentsState:
    state = active_state(engine)
    state.code_metrics.halt()  # it has a test of its own, and would send between other requests
    yield state
    state.set_active(False)


def shown(state: LatentsState) -> Shown:
    assert state.shown is not None
    return state.shown


def settle(qtbot: QtBot, engine: LatentEngine, state: LatentsState) -> None:
    """Answer everything, the strips that wait for their turn included."""
    strips = state.strips
    qtbot.waitUntil(lambda: (engine.serve(), strips.traversal.throttle.idle and strips.path.throttle.idle)[1])
