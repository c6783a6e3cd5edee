"""Files of coded images: read back whole, or refused with a sentence."""

import struct
import zlib
from typing import Any

import msgspec
import numpy as np
import pytest

from gmstudio.engine.density.coding import Coding, CodingError, coder_model, decode, encode
from gmstudio.engine.density.coding_file import (
    CodedHeader,
    check_decoded,
    coding_of,
    header_for,
    read_coded,
    write_coded,
)
from gmstudio.engine.density.subjects import weights_digest
from gmstudio.protocol.images import ImageSpec
from tests.autoregressive_cases import make

IMAGE = ImageSpec(1, 5, 6, 4)
IMAGES = np.random.default_rng(0).integers(0, 4, (5, 1, 5, 6)).astype(np.uint8)


def a_model(seed: int = 0) -> Any:
    return coder_model(make("made", {"num_hidden": 12, "num_layers": 1}, IMAGE, seed))


def a_file(model: Any) -> bytes:
    coding = Coding(model, group=3)
    *_, code = encode(coding, IMAGES)
    return write_coded(header_for(coding, IMAGES, "digits at night"), code.words)  # type: ignore[union-attr]


def with_header(data: bytes, **values: Any) -> bytes:
    """The same file with other fields in its header, and a checksum that fits."""
    coded = read_coded(data)
    return write_coded(msgspec.structs.replace(coded.header, **values), coded.words)


def test_a_file_decodes_to_the_images() -> None:
    model = a_model()
    data = a_file(model)
    coded = read_coded(data)
    assert coded.header.run == "digits at night"
    assert coded.header.spec == IMAGE
    assert coded.header.weights.hex() == weights_digest(a_model())
    coding = coding_of(coded.header, a_model())
    *_, images = decode(coding, coded.words, coded.header.count)
    assert np.array_equal(images, IMAGES)  # type: ignore[arg-type]
    check_decoded(coded.header, images)  # type: ignore[arg-type]
    assert len(data) * 8 - 32 * len(coded.words) < 8 * 200


def test_the_layout_is_the_documented_one() -> None:
    data = a_file(a_model())
    length = int.from_bytes(data[5:7], "little")
    fields = msgspec.msgpack.decode(data[7 : 7 + length])
    assert data[:5] == b"GMSZ\x01"
    assert fields[0] == "digits at night"
    assert fields[3] == [1, 5, 6, 4]
    assert int.from_bytes(data[-4:], "little") == zlib.crc32(data[:-4])
    assert (len(data) - 7 - length - 4) % 4 == 0


def test_every_damaged_byte_is_noticed() -> None:
    data = a_file(a_model())
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        with pytest.raises(CodingError):
            read_coded(bytes(damaged))


def test_every_cut_is_noticed() -> None:
    data = a_file(a_model())
    for length in range(len(data)):
        with pytest.raises(CodingError, match=r"cut short|holds no coded images"):
            read_coded(data[:length])


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GM"])
def test_another_file_is_refused(data: bytes) -> None:
    with pytest.raises(CodingError, match="holds no coded images"):
        read_coded(data)


def test_a_later_version_is_refused() -> None:
    data = a_file(a_model())
    with pytest.raises(CodingError, match="version 2 of the format; this gmstudio reads version 1"):
        read_coded(data[:4] + b"\x02" + data[5:])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"image": (2, 5, 6, 4)}, "1 channel"),
        ({"image": (1, 5, 600, 4)}, "must be 1 to 256"),
        ({"count": 10**9}, "1,000,000,000 images"),
        ({"count": 0}, "0 images"),
        ({"group": 0}, "groups of 0"),
        ({"group": 10**6}, "groups of 1,000,000"),
        ({"labels": (1, 2)}, "2 labels for 5 images"),
        ({"labels": (-2,) * 5}, "5 labels"),
        ({"labels": (1, 2, 3, 4, 2**63)}, "label 9223372036854775808"),
        ({"order_seed": -1}, "seed of its order is -1"),
        ({"order_seed": 2**64 - 1}, "seed of its order is 18446744073709551615"),
        ({"weights": b"short"}, "32 bytes"),
    ],
)
def test_a_forged_header_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(CodingError, match=words):
        read_coded(with_header(a_file(a_model()), **values))


def test_texts_of_a_forged_header_are_safe_to_show() -> None:
    header = read_coded(with_header(a_file(a_model()), run="a\nb\x1b[31m" + "c" * 9000, written_by="\u202e!")).header
    assert header.run.startswith("a b[31mcc") and len(header.run) == 80 and header.written_by == "!"


def test_a_header_that_is_no_array_is_refused() -> None:
    body = struct.pack("<4sBH", b"GMSZ", 1, 1) + b"\xc0"
    with pytest.raises(CodingError, match="header cannot be used"):
        read_coded(body + struct.pack("<I", zlib.crc32(body)))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"family": "nade"}, "coded with a nade .* run 'digits at night'"),
        ({"image": (1, 6, 5, 4)}, "6×5 grey, 4 levels"),
        ({"weights": bytes(32)}, "other weights .SHA-256 000000000000"),
        ({"order": "zigzag"}, "no order 'zigzag'"),
        ({"order": "spiral"}, "does not fit this model"),
        ({"labels": (1,) * 5}, "not trained with labels"),
    ],
)
def test_a_file_of_another_model_is_refused(values: dict[str, Any], words: str) -> None:
    header = read_coded(with_header(a_file(a_model()), **values)).header
    with pytest.raises(CodingError, match=words):
        coding_of(header, a_model())


def test_other_weights_are_refused() -> None:
    header = read_coded(a_file(a_model())).header
    with pytest.raises(CodingError, match="other weights"):
        coding_of(header, a_model(seed=1))


def test_images_that_differ_are_withheld() -> None:
    model = a_model()
    header = read_coded(a_file(model)).header
    other = IMAGES.copy()
    other[2, 0, 1, 1] ^= 1
    with pytest.raises(CodingError, match=r"not those that were coded.*withheld"):
        check_decoded(header, other)


def test_the_header_is_small() -> None:
    header = CodedHeader("run", "pixelcnn", bytes(32), (1, 28, 28, 2), 100, 64, bytes(32), written_by="torch 2, x86_64")
    assert len(write_coded(header, np.zeros(0, np.uint32))) < 140
