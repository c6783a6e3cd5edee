"""Data of runs that are missing or have changed, in the window."""

import pytest
from fake_client import FakeClient

from gmstudio.protocol.data import LocateData
from gmstudio.protocol.engine import CommandFailed, Done, Reason
from gmstudio.window.state.data.run_data import RunData


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def data(client: FakeClient) -> RunData:
    return RunData(client)


def fail(client: FakeClient, reason: Reason, message: str, request: int = 4711, run: str = "/runs/a") -> None:
    client.deliver(CommandFailed(request=request, command="Encode", message=message, reason=reason, run=run))


def test_any_request_that_misses_its_data_is_noticed(client: FakeClient, data: RunData) -> None:
    fail(client, Reason.NOT_POSSIBLE, "It has no encoder.")
    assert data.run == ""
    fail(client, Reason.DATA_UNAVAILABLE, "There is no folder /data.")
    assert (data.run, data.problem, data.acceptable) == ("/runs/a", "There is no folder /data.", False)


def test_a_folder_is_named_and_changed_data_in_it_are_accepted(client: FakeClient, data: RunData) -> None:
    resolved: list[str] = []
    data.resolved.connect(resolved.append)
    fail(client, Reason.DATA_UNAVAILABLE, "There is no folder /data.")
    data.locate("/elsewhere")
    command = client.last(LocateData)
    assert (command.run, command.folder, command.accept_changed) == ("/runs/a", "/elsewhere", False)
    fail(client, Reason.DATA_CHANGED, "9 images instead of 10.", command.request)
    assert data.acceptable and data.problem == "9 images instead of 10."
    data.accept()
    command = client.last(LocateData)
    assert (command.folder, command.accept_changed) == ("/elsewhere", True)
    client.deliver(Done(request=command.request))
    assert resolved == ["/runs/a"] and data.run == ""


def test_a_request_that_is_refused_for_another_reason_says_so(client: FakeClient, data: RunData) -> None:
    fail(client, Reason.DATA_CHANGED, "9 images instead of 10.")
    data.accept()
    fail(client, Reason.RUN_UNUSABLE, "Another program writes the run.", client.last(LocateData).request)
    assert data.problem == "Another program writes the run." and data.acceptable
