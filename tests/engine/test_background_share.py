"""Jobs beside a training: background ones have a share of its time, and a piece per step at least; long ones half."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gmstudio.engine import server as server_module
from gmstudio.engine.server import BACKGROUND_SHARE, FOREGROUND_S, Server
from gmstudio.engine.wire import Wire
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import BrowseData
from gmstudio.protocol.data_import import ImportData


class Clock:
    """Time that passes only where something works."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Training:
    """A run whose steps take a second."""

    running, over, paused, path = True, False, False, "/runs/a"

    def __init__(self, clock: Clock) -> None:
        self.clock, self.steps = clock, 0
        self.model = SimpleNamespace(device=SimpleNamespace(type="cpu", index=None))

    def wait_s(self) -> float:
        return 0.0

    def advance(self) -> None:
        self.clock.now += 1.0
        self.steps += 1


@pytest.mark.parametrize(
    ("command", "piece_s", "steps", "pieces"),
    [
        (ImportData(path="/x"), 0.01, 4, 1 + 3 * round(BACKGROUND_SHARE / 0.01)),
        (ImportData(path="/x"), 10.0, 4, 4),
        (BrowseData(data="digits", data_config={}), 0.01, 0, 40),
        (BrowseData(data="digits", data_config={}), 1 / 128, 4, round(128 * (FOREGROUND_S + 3.0))),  # exact sums
    ],
    ids=["short pieces", "long pieces", "in the foreground", "long in the foreground"],
)
def test_a_background_job_takes_a_share_of_the_time_of_training(
    monkeypatch: pytest.MonkeyPatch, command: Command, piece_s: float, steps: int, pieces: int
) -> None:
    clock, done = Clock(), 0
    monkeypatch.setattr(server_module.time, "perf_counter", clock)
    monkeypatch.setattr(Server, "_report", lambda _self: None)
    server = Server(cast(Wire, SimpleNamespace(send=lambda _event: None)))
    training = Training(clock)
    server.context.training = cast(Any, training)

    def job() -> Iterator[Event | None]:
        nonlocal done
        while True:
            clock.now += piece_s
            done += 1
            yield None

    server._jobs.add(command, job())
    while training.steps < steps or (not steps and done < pieces):
        server._advance()
    assert abs(done - pieces) <= 3 and training.steps == steps  # rounding of the last piece of each share
