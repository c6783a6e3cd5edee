"""Requests for the image of a code that moves: previews, the image at rest, and nothing that is out of date."""

import numpy as np
import pytest
from fake_client import FakeClient
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import Cancel
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.window.state.latents import decoding
from gmstudio.window.state.latents.decoding import CodeDecoding


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


def sent(client: FakeClient) -> list[tuple[float, bool]]:
    return [(float(c.codes.numpy()[0, 0]), c.moving) for c in client.sent if isinstance(c, Decode)]


def show(requests: CodeDecoding, value: float, *, moving: bool = True) -> None:
    requests.show("r", np.full(2, value, np.float32), moving=moving)


def answer(client: FakeClient, preview: str = "") -> None:
    number = next(c.request for c in reversed(client.sent) if isinstance(c, Decode))
    images = Array.of(np.zeros((1, 1, 1, 1), np.uint8))
    client.deliver(Decoded(request=number, run="r", step=1, images=images, engine_ms=1.0, preview=preview))


def test_a_preview_is_followed_by_the_image_when_the_code_rests(
    qtbot: QtBot, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "REST_MS", 5)
    requests = CodeDecoding(client)
    for value in (1.0, 2.0, 3.0):
        show(requests, value)
    answer(client, "2 of 50 DDIM steps")
    assert sent(client) == [(1.0, True), (3.0, True)], "the newest of those that waited"
    answer(client, "2 of 50 DDIM steps")
    qtbot.waitUntil(lambda: len(sent(client)) == 3)
    assert sent(client)[-1] == (3.0, False)
    answer(client)
    assert not requests.busy


def test_an_image_that_is_no_preview_is_not_requested_twice(qtbot: QtBot, client: FakeClient) -> None:
    requests = CodeDecoding(client)
    show(requests, 1.0)
    answer(client)
    assert sent(client) == [(1.0, True)]
    assert not requests.findChildren(type(requests._rest))[0].isActive()


def test_a_move_does_not_wait_for_the_whole_image_of_an_older_code(client: FakeClient) -> None:
    requests = CodeDecoding(client)
    show(requests, 1.0, moving=False)
    show(requests, 2.0, moving=False)
    show(requests, 3.0)
    assert sent(client) == [(1.0, False), (3.0, True)]
    assert [c.target for c in client.sent if isinstance(c, Cancel)] == [client.sent[0].request]
    answer(client)
    assert sent(client) == [(1.0, False), (3.0, True)] and not requests.busy
