"""Pictures and archives with changed bytes are decoded or refused in words; nothing else happens."""

import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_making import encoded, imported, picture_of, png, some_pixels
from PIL import Image

from gmstudio.data import DataError
from gmstudio.data.importing.decoding import decode, measure
from gmstudio.data.importing.raw import BadImageError

COLOUR, GREY = picture_of(some_pixels(0, 24, 20, 3)), picture_of(some_pixels(1, 24, 20))
PICTURES = (
    encoded(COLOUR),
    encoded(COLOUR, "JPEG", progressive=True),
    encoded(COLOUR, "WEBP"),
    encoded(COLOUR, "BMP"),
    encoded(GREY, "GIF"),
    encoded(COLOUR, "TIFF", compression="tiff_lzw"),
    encoded(Image.fromarray(np.random.RandomState(0).rand(24, 20).astype(np.float32)), "TIFF"),
    encoded(COLOUR.quantize(16)),
)
CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6)


def changed(content: bytes, changes: list[tuple[float, int]], end: float) -> bytes:
    found = bytearray(content)
    for place, value in changes:
        found[int(place * len(found))] = value
    return bytes(found[: max(1, int(end * len(found)))])


@given(which=st.integers(0, len(PICTURES) - 1), changes=CHANGES, end=st.sampled_from((1.0, 1.0, 0.9, 0.3)))
@settings(max_examples=400, deadline=None)
def test_pictures(which: int, changes: list[tuple[float, int]], end: float) -> None:
    content = changed(PICTURES[which], changes, end)
    for read in (decode, measure):
        try:
            read(content, "x.png")
        except BadImageError as error:
            assert error.name == "x.png" and error.reason.endswith(".")


@given(changes=CHANGES, end=st.sampled_from((1.0, 1.0, 0.99, 0.5)))
@settings(max_examples=60, deadline=None)
def test_archives(tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[float, int]], end: float) -> None:
    place = tmp_path_factory.mktemp("changed")
    path = place / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"class{number % 2}/{number}.png", png(number))
    path.write_bytes(changed(path.read_bytes(), changes, end))
    try:
        assert 1 <= len(imported(path, place / "home")) <= 3
    except DataError as error:
        assert str(error).endswith(".")
    assert {found.name for found in place.iterdir()} <= {"set.zip", "home"}
