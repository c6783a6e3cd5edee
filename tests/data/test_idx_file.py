"""One IDX file: read exactly, or refused in one sentence with its name."""

import gzip
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from idx_making import idx_bytes, some_images, write_idx

from gmstudio.data.dataset import DataError
from gmstudio.data.idx_file import read_images, read_labels


def gzip_bytes(content: bytes) -> bytes:
    """The same bytes at each call: a test's name is made of them."""
    return gzip.compress(content, mtime=0)


def header(*sizes: int, kind: int = 8, dims: int | None = None) -> bytes:
    return bytes([0, 0, kind, len(sizes) if dims is None else dims]) + struct.pack(f">{len(sizes)}I", *sizes)


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_images_and_labels_are_read_exactly(tmp_path: Path, name: str) -> None:
    images = some_images(7)
    np.testing.assert_array_equal(read_images(write_idx(tmp_path / name, images)), images)
    labels = read_labels(write_idx(tmp_path / name, np.arange(7)))
    assert labels.dtype == np.int64 and labels.tolist() == list(range(7))


def test_gzip_is_known_by_content_not_by_name(tmp_path: Path) -> None:
    images = some_images(2)
    (tmp_path / "plain.gz").write_bytes(idx_bytes(images))
    (tmp_path / "packed").write_bytes(gzip_bytes(idx_bytes(images)))
    for name in ("plain.gz", "packed"):
        np.testing.assert_array_equal(read_images(tmp_path / name), images)


IMAGES = idx_bytes(some_images(3))
PACKED = gzip_bytes(IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\0", "is no IDX file"),
        (b"<!DOCTYPE html>", "is no IDX file: it begins with b'<!DO'"),
        (b"version https://git-lfs", "is no IDX file"),
        (header(3), "holds labels, not grey images"),
        (header(3, 4, 5, 3) + bytes(180), "holds arrays of 4 dimensions, not grey images"),
        (header(3, 4, 5, kind=0x0D) + bytes(240), "holds 32-bit floats; only unsigned bytes"),
        (header(3, 4, 5, kind=0x07), "unknown value type 0x07"),
        (header(3, 4, dims=3), "cut short within its header"),
        (IMAGES[:-1], "is cut short: its header promises 3×6×5 bytes"),
        (IMAGES[:16], "is cut short"),
        (IMAGES + b"x", "continues after the 3×6×5 bytes"),
        (header(0, 28, 28), "holds no images"),
        (header(5, 0, 28), "has images of 0×28 pixels"),
        (header(1, 1, 5000) + bytes(5000), "at most 4096 per side"),
        (header(10**6, 1000, 1000), "promises 1000000×1000×1000 bytes, more than the 1024 MiB"),
        (header(2**32 - 1, 2**32 - 1, 2**32 - 1), "more than the 1024 MiB"),
        (header(60_000, 100, 100), "is cut short"),
        (PACKED[:-1], "damaged or incomplete gzip"),
        (PACKED[:-20], "damaged or incomplete gzip"),
        (PACKED[:5], "damaged or incomplete gzip"),
        (PACKED[:20] + bytes([PACKED[20] ^ 255]) + PACKED[21:], "damaged or incomplete gzip"),
        (PACKED[:-6] + bytes([PACKED[-6] ^ 1]) + PACKED[-5:], "damaged or incomplete gzip"),
        (PACKED + b"rubbish", "damaged or incomplete gzip"),
        (gzip_bytes(IMAGES[:-1]), "is cut short"),
        (gzip_bytes(IMAGES + b"x"), "continues after"),
        (gzip_bytes(header(60_000, 100, 100)), "is cut short"),
        (gzip_bytes(b""), "is empty"),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_images(path)
    assert str(caught.value).startswith(str(path)) and message in str(caught.value)


def test_images_where_labels_belong_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds grey images, not labels"):
        read_labels(write_idx(tmp_path / "labels", some_images(1)))


def test_a_bomb_is_stopped_at_what_its_header_promises(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip_bytes(header(1, 100, 100) + bytes(200_000_000)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="continues after"):
            read_images(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_promise_that_the_file_cannot_hold_takes_no_memory(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(gzip_bytes(header(1000, 1000, 1000) + bytes(100)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="cut short"):
            read_images(tmp_path / "small")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="could not be read"):
        read_images(tmp_path / "nothing")
    with pytest.raises(DataError, match="could not be read"):
        read_images(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = write_idx(tmp_path / "images", some_images(1))
    path.chmod(0)
    with pytest.raises(DataError, match="could not be read"):
        read_images(path)


@example(start=b"\x00\x00\x08\x03", sizes=[0, 3_036_988_439, 3_037_012_561], body=b"", packed=False, cut=0)
@given(
    start=st.one_of(st.just(b"\0\0\x08\x03"), st.binary(max_size=5)),
    sizes=st.lists(st.one_of(st.integers(0, 6), st.integers(0, 2**32 - 1)), max_size=4),
    body=st.binary(max_size=40),
    packed=st.booleans(),
    cut=st.integers(0, 60),
)
def test_no_header_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, start: bytes, sizes: list[int], body: bytes, packed: bool, cut: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed-idx3-ubyte"
    content = start + struct.pack(f">{len(sizes)}I", *sizes) + body
    path.write_bytes((gzip_bytes(content) if packed else content)[: 100 - cut])
    for read in (read_images, read_labels):
        try:
            assert idx_bytes(read(path)) == content
        except DataError as error:
            assert path.name in str(error) and str(error).endswith(".")


@given(place=st.integers(0, len(PACKED) - 1), value=st.integers(0, 255))
def test_no_flipped_byte_of_a_gzip_file_goes_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped-idx3-ubyte.gz"
    path.write_bytes(PACKED[:place] + bytes([value]) + PACKED[place + 1 :])
    try:
        assert idx_bytes(read_images(path)) == IMAGES
    except DataError as error:
        assert path.name in str(error)


def test_images_are_transformed_as_they_are_read(tmp_path: Path) -> None:
    images = np.random.RandomState(0).randint(0, 256, (50, 500, 500)).astype(np.uint8)
    path = write_idx(tmp_path / "large.gz", images)
    tracemalloc.start()
    try:
        small = read_images(path, lambda piece: piece[:, ::50, ::50])
        assert tracemalloc.get_traced_memory()[1] < 10_000_000, "the file's images take 12.5 MB"
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(small, images[:, ::50, ::50])
