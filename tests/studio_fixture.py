"""A studio on a fake engine, closed after the test."""

from collections.abc import Callable, Iterator

import fake_engine
import pytest
from pytestqt.qtbot import QtBot

from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import StartTraining
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.client.process_status import Timeouts
from gmstudio.window.state.studio import Studio

WAIT_MS = 20_000
QUICK = Timeouts(ping=0.1, silence=0.4, startup=30.0, restart=0.01, close=5.0, kill=0.3)
StartStudio = Callable[..., Studio]


@pytest.fixture
def start_studio(qtbot: QtBot) -> Iterator[StartStudio]:
    """Start a studio whose fake engine has these options."""
    studios: list[Studio] = []

    def start(*options: str, timeouts: Timeouts = QUICK) -> Studio:
        studio = Studio(EngineClient(fake_engine.command(*options), timeouts=timeouts))
        studios.append(studio)
        studio.engine.start()
        return studio

    yield start
    for studio in studios:
        studio.engine.close()
        studio.engine.close()
        qtbot.waitUntil(lambda studio=studio: studio.engine.state.phase == "closed", timeout=WAIT_MS)


def wait_ready(qtbot: QtBot, studio: Studio) -> None:
    qtbot.waitUntil(lambda: studio.engine.state.phase == "ready", timeout=WAIT_MS)


def train(qtbot: QtBot, studio: Studio) -> None:
    """Start a run and wait for its first checkpoint."""
    wait_ready(qtbot, studio)
    studio.client.send(StartTraining(spec=RunSpec(family="toy", data="digits")))

    def has_checkpoint() -> bool:
        info = studio.library.info(studio.library.live)
        return info is not None and bool(info.checkpoint_steps)

    qtbot.waitUntil(has_checkpoint, timeout=WAIT_MS)
