"""Requests: replies reach the request that they answer, and each request ends once."""

from typing import Any

import numpy as np
import pytest
from fake_client import FakeClient
from shiboken6 import delete

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.chains import RunTrajectory, TrajectoryAppended
from gmstudio.protocol.engine import Cancel, CommandFailed, Done, Ping, Reason, Warned
from gmstudio.window.client.request import Request


class Heard:
    """Signals of a request, in order."""

    def __init__(self, request: Request) -> None:
        self.seen: list[Any] = []
        request.replied.connect(lambda event: self.seen.append(event))
        request.failed.connect(lambda event: self.seen.append(event.reason))
        request.dropped.connect(lambda: self.seen.append("dropped"))


@pytest.fixture
def client(qapp: Any) -> FakeClient:
    return FakeClient()


def grown(request: int, *, done: bool) -> TrajectoryAppended:
    images = Array.of(np.zeros((1, 1, 1, 2, 2), np.uint8))
    return TrajectoryAppended(
        request=request,
        run="r",
        start=0,
        labels=("start",),
        positions=(0,),
        images=images,
        metrics=(),
        steps=2,
        weights_step=1,
        done=done,
    )


def failed(request: int, reason: Reason) -> CommandFailed:
    return CommandFailed(request=request, command="Ping", message="No.", reason=reason)


def test_a_reply_ends_it(client: FakeClient) -> None:
    request = Request(client)
    heard = Heard(request)
    request.send(Ping())
    assert request.busy
    reply = Done(request=client.sent[-1].request)
    client.deliver(reply)
    client.deliver(reply)
    assert not request.busy and heard.seen == [reply]


def test_many_replies_come_before_the_last_ends_it(client: FakeClient) -> None:
    request = Request(client)
    heard = Heard(request)
    request.send(RunTrajectory(run="r"))
    number = client.sent[-1].request
    client.deliver(grown(number, done=False))
    assert request.busy
    client.deliver(grown(number, done=True))
    assert not request.busy and len(heard.seen) == 2


def test_a_newer_command_supersedes_the_older(client: FakeClient) -> None:
    request = Request(client)
    heard = Heard(request)
    request.send(Ping())
    request.send(Ping())
    older, newer = (command.request for command in client.sent)
    client.deliver(Done(request=older))
    assert heard.seen == [] and request.busy
    client.deliver(Done(request=newer))
    assert len(heard.seen) == 1 and not request.busy


@pytest.mark.parametrize("reason", list(Reason))
def test_a_failure_ends_it_with_its_reason(client: FakeClient, reason: Reason) -> None:
    request = Request(client)
    heard = Heard(request)
    request.send(Ping())
    client.deliver(failed(client.sent[-1].request, reason))
    quiet = reason in (Reason.SUPERSEDED, Reason.CANCELLED)
    assert heard.seen == ["dropped" if quiet else reason] and not request.busy


def test_cancelling_ends_the_work_and_drops_the_replies(client: FakeClient) -> None:
    request = Request(client)
    heard = Heard(request)
    request.send(RunTrajectory(run="r"))
    number = client.sent[-1].request
    request.cancel()
    request.cancel()
    assert [c.target for c in client.sent if isinstance(c, Cancel)] == [number]
    client.deliver(failed(number, Reason.CANCELLED))
    assert heard.seen == [] and not request.busy


def test_dropping_sends_nothing(client: FakeClient) -> None:
    request = Request(client)
    heard = Heard(request)
    request.send(Ping())
    request.drop()
    client.deliver(Done(request=client.sent[-1].request))
    assert heard.seen == [] and len(client.sent) == 1


def test_events_reach_the_subscribers_of_their_class_and_no_others(client: FakeClient) -> None:
    seen: list[Event] = []
    client.on(Warned).connect(seen.append)
    warned = Warned(message="Damaged.")
    client.deliver(Done())
    client.deliver(warned)
    assert seen == [warned]


def test_a_reply_to_a_request_that_was_deleted_with_its_owner_reaches_nobody(client: FakeClient) -> None:
    request = Request(client)
    request.send(Ping())
    number = client.sent[-1].request
    delete(request)
    client.deliver(Done(request=number))
    client.deliver(failed(number, Reason.ENGINE_GONE))
