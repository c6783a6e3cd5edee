"""Decoding that may wait: the newest, at its share of the engine's time, and slow answers only for codes that rest."""

from typing import Any

import numpy as np
import pytest
from fake_client import FakeClient
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.window.client import throttle as throttle
from gmstudio.window.client.throttle import FRAME_MS, Throttle

GAP_MS = 20


def command(number: int) -> Decode:
    return Decode(run=str(number), codes=Array.of(np.zeros((1, 2), np.float32)))


def sent(client: FakeClient) -> list[int]:
    return [int(c.run) for c in client.sent if isinstance(c, Decode)]


def answer(client: FakeClient, engine_ms: float) -> None:
    images = Array.of(np.zeros((1, 1, 1, 1), np.uint8))
    client.deliver(Decoded(request=client.sent[-1].request, run="r", step=1, images=images, engine_ms=engine_ms))


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def pace(client: FakeClient) -> Throttle:
    return Throttle(client, lead_ms=0, gap_ms=GAP_MS, share=0.5)


def test_the_first_goes_at_once_and_then_the_newest_after_the_gap(
    qtbot: QtBot, client: FakeClient, pace: Throttle
) -> None:
    replies: list[Any] = []
    pace.replied.connect(replies.append)
    for number in range(4):
        pace.submit(command(number))
    assert sent(client) == [0]
    answer(client, 1.0)
    assert sent(client) == [0] and len(replies) == 1
    assert pace.answered is not None and pace.answered.run == "0"
    qtbot.waitUntil(lambda: len(sent(client)) == 2)
    assert sent(client) == [0, 3] and not pace.idle
    answer(client, 1.0)
    qtbot.waitUntil(lambda: pace.idle)


def test_a_lead_lets_others_go_first(qtbot: QtBot, client: FakeClient) -> None:
    pace = Throttle(client, lead_ms=GAP_MS, gap_ms=GAP_MS, share=0.5)
    pace.submit(command(0))
    pace.submit(command(1))
    assert sent(client) == [] and not pace.idle
    qtbot.waitUntil(lambda: sent(client) == [1])


def test_slow_answers_are_requested_after_a_pause_in_the_codes(
    qtbot: QtBot, client: FakeClient, pace: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "SLOW_PAUSE_MS", 60)
    pace.submit(command(0))
    answer(client, FRAME_MS + 1.0)
    for number in range(1, 9):  # dragged for longer than rest and gap together
        pace.submit(command(number))
        qtbot.wait(15)
        assert sent(client) == [0]
    qtbot.waitUntil(lambda: sent(client) == [0, 8])
    answer(client, 1.0)
    pace.submit(command(9))
    pace.submit(command(10))
    qtbot.waitUntil(lambda: sent(client) == [0, 8, 10])


def test_only_the_answer_itself_makes_the_next_wait_by_its_share(client: FakeClient) -> None:
    pace = Throttle(client, lead_ms=0, gap_ms=GAP_MS, share=0.25)
    pace.submit(command(0))
    answer(client, 400.0)
    assert pace._gap.interval() == 3 * 400
    pace.halt()
    pace.submit(command(1))
    assert sent(client) == [0, 1], "another model may be quick"


def test_a_failure_is_reported_and_the_next_is_sent(qtbot: QtBot, client: FakeClient, pace: Throttle) -> None:
    failures: list[Any] = []
    pace.failed.connect(failures.append)
    pace.submit(command(0))
    pace.submit(command(1))
    client.deliver(CommandFailed(request=client.sent[-1].request, command="Decode", message="no"))
    assert [f.message for f in failures] == ["no"]
    qtbot.waitUntil(lambda: sent(client) == [0, 1])


def test_after_a_halt_nothing_is_sent(qtbot: QtBot, client: FakeClient, pace: Throttle) -> None:
    pace.submit(command(0))
    pace.submit(command(1))
    pace.halt()
    assert pace.idle
    answer(client, 1.0)
    qtbot.wait(2 * GAP_MS)
    assert sent(client) == [0] and pace.answered is None
