"""The wire's words: they survive the journey in any pieces, and nothing else is let in."""

import inspect
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.messages import page_with_tables
from gmstudio.protocol import frames
from gmstudio.protocol.array import Array, ProtocolError
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import Ping
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.frames import FrameReader, commands, decode_command, decode_event, events, frame
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.latents import Decode


def messages() -> list[type[Command] | type[Event]]:
    """The classes that gmstudio itself defines."""
    return [kind for kind in (*commands(), *events()) if kind.__module__.startswith("gmstudio.")]


PROTOCOL = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"


class Wave(Command, frozen=True, kw_only=True):
    """A command that no module of the protocol defines."""


def test_every_message_is_decoded_also_one_that_another_package_defines() -> None:
    assert {"Ping", "Decode", "OpenRun", "Wave"} <= {kind.__name__ for kind in commands()}
    (body,) = FrameReader().feed(frame(Wave(request=3)))
    assert decode_command(body) == Wave(request=3)


def test_the_protocol_page_has_every_message_as_it_is() -> None:
    page = PROTOCOL.read_text(encoding="utf-8")
    assert page == page_with_tables(page), "docs/protocol.md is out of date; write its tables anew with: make protocol"
    assert f"Protocol version {frames.PROTOCOL_VERSION}." in page
    named = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert named == {kind.__name__ for kind in messages()}


def test_every_message_says_what_it_is() -> None:
    for kind in messages():
        assert inspect.getdoc(kind), kind


@given(
    st.lists(st.integers(0, 2**31), max_size=8),
    st.lists(st.integers(1, 40), min_size=1, max_size=30),
)
def test_frames_arrive_whole_in_whatever_pieces(requests: list[int], pieces: list[int]) -> None:
    stream = b"".join(frame(Ping(request=number)) for number in requests)
    reader = FrameReader()
    found, position, turn = [], 0, 0
    while position < len(stream):
        size = pieces[turn % len(pieces)]
        found += [decode_command(body).request for body in reader.feed(stream[position : position + size])]
        position, turn = position + size, turn + 1
    assert found == requests


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused_in_words(body: bytes) -> None:
    for decode in (decode_command, decode_event):
        try:
            decode(body)
        except ProtocolError as error:
            assert str(error).startswith("Not a")


@pytest.mark.parametrize(
    "body",
    [
        b"\x82\xa4type\xaaBrowseData\xabdata_config" + b"\x81\xa1a" * 100_000 + b"\x01",
        b"\x83\xa4type\xacChooseDevice\xa7request\x01\xa6device\xa3\xff\xfe\xfa",
        b"\x91" * 100_000,
    ],
    ids=["nested without end", "no UTF-8", "lists"],
)
def test_a_hostile_body_is_refused_in_words(body: bytes) -> None:
    for decode in (decode_command, decode_event):
        with pytest.raises(ProtocolError, match="Not a"):
            decode(body)


def test_an_absurd_length_is_refused() -> None:
    with pytest.raises(ProtocolError, match="at most 268,435,456"):
        list(FrameReader().feed(b"\xff\xff\xff\xff"))


@pytest.mark.parametrize("dtype", ["uint8", "int64", "int32", "float32", "float64", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3, 4, 5)])
def test_arrays_survive(dtype: str, shape: tuple[int, ...]) -> None:
    array = (np.random.default_rng(0).random(shape) * 100).astype(dtype)
    (body,) = FrameReader().feed(frame(Decode(run="r", codes=Array.of(array))))
    command = decode_command(body)
    assert isinstance(command, Decode)
    found = command.codes.numpy()
    assert found.dtype == array.dtype and found.shape == array.shape
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (-1, 4), (10**12,)])
def test_an_array_whose_bytes_do_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ProtocolError, match="8 bytes"):
        Array("float32", shape, b"12345678").numpy()


def test_a_wrong_dtype_is_refused() -> None:
    body = msgspec.msgpack.encode(
        {"type": "Decode", "request": 1, "run": "r", "codes": {"dtype": "object", "shape": [1], "data": b"x"}}
    )
    with pytest.raises(ProtocolError):
        decode_command(body)


def test_an_image_spec_out_of_range_is_refused_on_arrival() -> None:
    bad = {"channels": 1, "height": 0, "width": 4, "levels": 2}
    with pytest.raises(msgspec.ValidationError, match="height is 0"):
        msgspec.convert(bad, ImageSpec)
    assert FamilyEntry.__struct_fields__[0] == "card"


def test_a_message_that_the_other_side_would_refuse_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmstudio.protocol.frames.MAX_FRAME_BYTES", 1000)
    with pytest.raises(ProtocolError, match="Decode takes"):
        frame(Decode(run="r", codes=Array.of(np.zeros((8, 64), np.float32))))
