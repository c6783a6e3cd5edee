"""Loadings of data in the window: whose progress is shown, and how they are cancelled."""

import msgspec
import pytest
from fake_client import FakeClient
from pytestqt.qtbot import QtBot

from gmstudio.protocol.base import Event
from gmstudio.protocol.data import BrowseData, DataLoading
from gmstudio.protocol.engine import Cancel, CommandFailed, Reason
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.client.request import Request
from gmstudio.window.state.data.loads import DataLoads

COMMAND = BrowseData(data="digits", data_config={})


@pytest.fixture
def client(qtbot: QtBot) -> FakeClient:
    return FakeClient()


def loading(request: int, load: int, done: int = 0, *, over: bool = False) -> DataLoading:
    return DataLoading(request=request, load=load, title=f"set {load}", done=done, total=9, over=over)


def targets(client: FakeClient) -> list[int]:
    return [command.target for command in client.sent if isinstance(command, Cancel)]


def test_the_loading_that_began_first_is_shown_until_nobody_waits_for_it(client: FakeClient) -> None:
    loads = DataLoads(client)
    assert loads.current is None
    client.deliver(loading(4, 1, 2))
    client.deliver(loading(5, 1, 3))
    client.deliver(loading(6, 2, 8))
    assert loads.current is not None and (loads.current.load, loads.current.done) == (1, 3)
    client.deliver(loading(4, 1, over=True))
    assert loads.current.load == 1
    client.deliver(loading(5, 1, over=True))
    assert loads.current.load == 2
    loads.clear()
    assert loads.current is None


def test_cancelling_ends_every_request_that_waits(client: FakeClient) -> None:
    loads = DataLoads(client)
    for event in (loading(4, 1), loading(5, 1), loading(6, 2)):
        client.deliver(event)
    loads.cancel()
    assert targets(client) == [4, 5]


def test_a_request_keeps_the_progress_apart_from_its_replies(client: FakeClient, qtbot: QtBot) -> None:
    request = Request(client)
    replies: list[Event] = []
    request.replied.connect(replies.append)
    request.send(COMMAND)
    with qtbot.waitSignal(request.loading_changed):
        client.deliver(loading(1, 1, 2))
    assert request.loading is not None and request.loading.done == 2 and request.busy and not replies
    client.deliver(loading(1, 1, over=True))
    assert request.loading is None and request.busy and not replies
    client.deliver(loading(1, 2))
    client.deliver(CommandFailed(request=1, command="BrowseData", message="", reason=Reason.CANCELLED))
    assert request.loading is None and not request.busy


def test_a_newer_command_replaces_one_that_waits_for_data(client: FakeClient) -> None:
    """It is sent before the older one is cancelled, so that a loading that both need goes on."""
    latest = LatestWins(client)
    latest.submit(COMMAND)
    latest.submit(msgspec.structs.replace(COMMAND, start=1))
    assert [type(command) for command in client.sent] == [BrowseData]  # waits for its turn
    client.deliver(loading(1, 1))
    latest.submit(msgspec.structs.replace(COMMAND, start=2))
    assert [type(command) for command in client.sent] == [BrowseData, BrowseData, Cancel]
    assert client.last(BrowseData).start == 2 and targets(client) == [1]
