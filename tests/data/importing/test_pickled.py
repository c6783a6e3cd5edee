"""Pickled arrays are read without unpickling, as every Python and NumPy wrote them; long ones in pieces."""

import io
import pickle
import struct
from typing import Any

import numpy as np
import pytest

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.formats.pickled import read_pickle
from gmstudio.data.importing.formats.stored import PIECE_BYTES, Reading, finish

LONG = np.random.RandomState(0).randint(0, 256, (700, 3072)).astype(np.uint8)
SHORT = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def reading(content: bytes) -> Reading[Any]:
    return read_pickle(io.BytesIO(content), len(content), "a.pkl")


def of_python_2(array: np.ndarray) -> bytes:
    """A pickle of bytes as Python 2 wrote it: the values are a string."""
    body = array.tobytes()
    shape = b"(" + b"".join(b"J" + struct.pack("<i", size) for size in array.shape) + b"t"
    dtype = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
    return b"\x80\x02" + made + b"(K\x01" + shape + dtype + b"\x89T" + struct.pack("<i", len(body)) + body + b"tb."


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "array", [SHORT, SHORT.astype(">f4"), np.asfortranarray(SHORT), SHORT > 5, LONG, LONG[:0]], ids=str
)
def test_arrays_are_those_that_were_written(array: np.ndarray, protocol: int) -> None:
    if protocol < 2 and array is LONG:
        pytest.skip("text protocols write long arrays as one line")
    found = finish(reading(pickle.dumps({"x": array, "n": [1, -2, 2.5, None, True, "ä", b"b"]}, protocol)))
    assert np.array_equal(found["x"], array) and found["x"].dtype == array.dtype
    assert found["n"][:6] == [1, -2, 2.5, None, True, "ä"]
    assert not found["x"].flags.writeable


@pytest.mark.parametrize("array", [LONG[:3], LONG])
def test_strings_of_python_2_are_bytes(array: np.ndarray) -> None:
    assert np.array_equal(finish(reading(of_python_2(array))), array)


@pytest.mark.parametrize(
    "content", [of_python_2(LONG), pickle.dumps(LONG, 2), pickle.dumps(LONG, 4)], ids=["2", "3", "4"]
)
def test_long_arrays_are_read_in_pieces(content: bytes) -> None:
    assert len(list(reading(content))) >= LONG.nbytes // PIECE_BYTES


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps("€" * 2_000_000, 2),
        b"\x80\x02X" + struct.pack("<I", 5_000_000) + b"a" * 2_000_000,
        b"\x80\x02X" + struct.pack("<I", 2_000_000) + b"\xff" * 2_000_000 + b".",
        b"\x80\x02T" + struct.pack("<i", -5) + b"abc.",
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"abc.",
        b"\x80\x02K",
        b"\x80\x02K\x01",
    ],
)
def test_long_texts_of_other_letters_and_cut_ones_are_refused(content: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.pkl is no pickle of plain arrays"):
        finish(reading(content))
