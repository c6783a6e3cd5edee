"""Latest wins: one in flight, one pending, the newest always arrives."""

from typing import Any

import pytest
from fake_client import FakeClient

from gmstudio.protocol.array import Array as WireArray
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.runs import FetchSamples, SamplesDrawn
from gmstudio.window.client.latest_wins import LatestWins


def fetch(step: int) -> FetchSamples:
    return FetchSamples(run="r", step=step)


def drawn(request: int) -> SamplesDrawn:
    empty = WireArray("uint8", (0, 1, 1, 1), b"")
    return SamplesDrawn(request=request, run="r", step=request, kind="samples", images=empty)


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def latest(client: FakeClient) -> LatestWins:
    return LatestWins(client)


def collect(signal: Any) -> list[Any]:
    got: list[Any] = []
    signal.connect(got.append)
    return got


def steps_sent(client: FakeClient) -> list[int]:
    return [c.step for c in client.sent if isinstance(c, FetchSamples)]


def test_only_the_newest_waits(client: FakeClient, latest: LatestWins) -> None:
    replies = collect(latest.replied)
    for step in range(5):
        latest.submit(fetch(step))
    assert steps_sent(client) == [0]
    client.deliver(drawn(client.sent[0].request))
    assert steps_sent(client) == [0, 4]
    client.deliver(drawn(client.sent[1].request))
    assert [r.request for r in replies] == [1, 2]
    assert not latest.busy


def test_the_next_is_sent_before_the_reply_is_worked_on(client: FakeClient, latest: LatestWins) -> None:
    latest.submit(fetch(0))
    latest.submit(fetch(1))
    in_flight_at_reply: list[int] = []
    latest.replied.connect(lambda _reply: in_flight_at_reply.append(len(client.sent)))
    client.deliver(drawn(1))
    assert in_flight_at_reply == [2]


def test_replies_of_others_are_not_its_own(client: FakeClient, latest: LatestWins) -> None:
    replies = collect(latest.replied)
    client.deliver(drawn(0))  # unasked
    latest.submit(fetch(0))
    client.deliver(drawn(99))
    assert replies == []
    assert latest.busy


def test_a_failure_lets_the_pending_go(client: FakeClient, latest: LatestWins) -> None:
    failures = collect(latest.failed)
    latest.submit(fetch(0))
    latest.submit(fetch(1))
    client.deliver(CommandFailed(request=1, command="FetchSamples", message="No grid was kept."))
    assert [f.message for f in failures] == ["No grid was kept."]
    assert steps_sent(client) == [0, 1]


def test_reset_ignores_the_late_reply(client: FakeClient, latest: LatestWins) -> None:
    replies = collect(latest.replied)
    latest.submit(fetch(0))
    latest.submit(fetch(1))
    latest.reset()
    client.deliver(drawn(1))
    assert replies == []
    assert steps_sent(client) == [0]
    latest.submit(fetch(2))
    assert steps_sent(client) == [0, 2]
