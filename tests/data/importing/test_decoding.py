"""Pictures of every mode become grey, colour and alpha of 8 bits, upright."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from picture_making import encoded, imported, picture_of, png, some_pixels, write
from PIL import Image

from gmstudio.data.importing.decoding import decode, measure
from gmstudio.data.importing.raw import BadImageError
from gmstudio.data.importing.settings import ValueRange

Pixels = NDArray[np.uint8]
GREY = some_pixels(0)
RGB = some_pixels(1, channels=3)
RGBA = some_pixels(2, channels=4)
LA = some_pixels(3, channels=2)


def palette(transparent: bool) -> bytes:
    picture = Image.new("P", (5, 6))
    picture.putpalette([value for index in range(256) for value in (index, 255 - index, index // 2)])
    picture.putdata(GREY.reshape(-1).tolist())
    return encoded(picture, transparency=bytes(range(256))) if transparent else encoded(picture)


def palette_colours(transparent: bool) -> Pixels:
    index = GREY[..., 0]
    channels = (index, 255 - index, index // 2, index)
    return np.stack(channels if transparent else channels[:3], axis=-1)


WIDE = np.arange(30, dtype=np.uint16).reshape(6, 5) * 2000
MODES: dict[str, tuple[bytes, Pixels]] = {
    "L": (encoded(picture_of(GREY)), GREY),
    "LA": (encoded(Image.fromarray(LA, "LA")), LA),
    "RGB": (encoded(picture_of(RGB)), RGB),
    "RGBA": (encoded(picture_of(RGBA)), RGBA),
    "1 bit": (encoded(picture_of(GREY).point(lambda v: 255 * (v > 99), "1")), np.where(GREY > 99, 255, 0)),
    "P": (palette(False), palette_colours(False)),
    "P with transparency": (palette(True), palette_colours(True)),
    "16 bits": (encoded(Image.fromarray(WIDE)), np.rint(WIDE / 257)[..., None]),
    "16 bits, TIFF": (encoded(Image.fromarray(WIDE), "TIFF"), np.rint(WIDE / 257)[..., None]),
    "32 bits": (encoded(Image.fromarray(WIDE.astype(np.int32)), "TIFF"), np.rint(WIDE / 257)[..., None]),
    "floats to 1": (encoded(Image.fromarray((GREY[..., 0] / 255).astype(np.float32)), "TIFF"), GREY),
    "floats to 255": (encoded(Image.fromarray(GREY[..., 0].astype(np.float32)), "TIFF"), GREY),
    "CMYK": (encoded(picture_of(RGB).convert("CMYK"), "TIFF"), RGB),
    "one transparent colour": (
        encoded(picture_of(GREY), transparency=int(GREY[0, 0, 0])),
        np.concatenate([GREY, np.where(GREY[0, 0, 0] == GREY, 0, 255)], axis=-1),
    ),
    "GIF, the first image": (
        encoded(picture_of(GREY), "GIF", save_all=True, append_images=[picture_of(some_pixels(9))]),
        np.repeat(GREY, 3, axis=2),
    ),
}


@pytest.mark.parametrize(("content", "expected"), MODES.values(), ids=MODES)
def test_modes(content: bytes, expected: Pixels) -> None:
    found = decode(content, "x")
    assert found.dtype == np.uint8
    if found.shape[2] == 1 and expected.shape[2] == 3:  # the same in another form
        found = np.repeat(found, 3, axis=2)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_exif_orientation(orientation: int, form: str) -> None:
    """A picture is stored turned, in each of the eight ways, so that it is upright when it is turned back."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = {
        1: RGB,
        2: RGB[:, ::-1],
        3: RGB[::-1, ::-1],
        4: RGB[::-1],
        5: RGB.transpose(1, 0, 2),
        6: np.rot90(RGB, 1),
        7: RGB.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(RGB, -1),
    }[orientation]
    options = {"lossless": True} if form == "WEBP" else {}
    content = encoded(picture_of(np.ascontiguousarray(stored)), form, exif=exif.tobytes(), **options)
    np.testing.assert_array_equal(decode(content, "x"), RGB)
    assert measure(content, "x") == RGB.shape[:2]
    np.testing.assert_array_equal(decode(content, "x", orientation="keep"), stored)
    np.testing.assert_array_equal(decode(content, "x", orientation="transpose"), stored.transpose(1, 0, 2))


@pytest.mark.parametrize(
    ("value_range", "expected"), [("unit", [0, 26, 51]), ("byte", [0, 0, 0]), ("stretch", [0, 128, 255])]
)
def test_the_value_range_of_floats_can_be_chosen(value_range: ValueRange, expected: list[int]) -> None:
    content = encoded(Image.fromarray(np.array([[0, 0.1, 0.2]], np.float32)), "TIFF")
    assert decode(content, "x", value_range=value_range).reshape(-1).tolist() == expected


@pytest.mark.parametrize("values", [[0, np.nan], [0, np.inf], [-3, 1], [0, 1e9]])
def test_floats_of_no_known_range_are_refused(values: list[float]) -> None:
    content = encoded(Image.fromarray(np.array([values], np.float32)), "TIFF")
    with pytest.raises(BadImageError, match="values"):
        decode(content, "x")


def test_a_large_photograph_is_reduced_while_it_is_decoded() -> None:
    smooth = np.linspace(0, 255, 1600, dtype=np.float32)
    picture = Image.fromarray(np.add.outer(smooth[:1200] / 2, smooth / 2).astype(np.uint8))
    content = encoded(picture, "JPEG", quality=95)
    assert decode(content, "x").shape == (1200, 1600, 1)
    reduced = decode(content, "x", least=(64, 64))
    assert reduced.shape == (150, 200, 1)
    exact = np.asarray(picture, np.float32).reshape(150, 8, 200, 8).mean((1, 3))
    assert np.abs(reduced[..., 0] - exact).max() < 3


def test_a_folder_of_every_mode_and_size(tmp_path: Path) -> None:
    """Images of several sizes and modes, on a ground, at the most common size."""
    half = np.full((8, 8, 2), (200, 128), np.uint8)
    files = {
        "a.png": encoded(picture_of(some_pixels(0, 8, 8))),
        "b.png": encoded(picture_of(some_pixels(1, 8, 8))),
        "c.png": encoded(Image.fromarray(half, "LA")),
        "d.png": encoded(Image.new("RGB", (16, 16), (10, 20, 30))),
        "e.png": encoded(Image.new("RGBA", (9, 7), (255, 255, 255, 0))),
        "f.png": palette(False),
        "g.png": encoded(Image.new("1", (3, 40), 1)),
        "h.jpg": encoded(Image.new("CMYK", (8, 8), (0, 0, 0, 255)), "JPEG"),
    }
    found = imported(write(tmp_path / "mixed", files), tmp_path / "home", colour="grey", ground="white")
    assert found.record.shape == (8, 1, 8, 8) and not found.record.num_bad
    a, _, c, d, e, _, g, h = found.images[:, 0]
    np.testing.assert_array_equal(a, some_pixels(0, 8, 8)[..., 0])
    assert (c == round(200 * 128 / 255 + 255 * 127 / 255)).all()
    assert (d == round(0.299 * 10 + 0.587 * 20 + 0.114 * 30)).all()
    assert (e == 255).all() and (g == 255).all() and (h <= 5).all()
    rgb = imported(tmp_path / "mixed", tmp_path / "home")
    assert rgb.record.shape == (8, 3, 8, 8)
    assert rgb.images[3, :, 4, 4].tolist() == [10, 20, 30]
    assert {guess.setting for guess in rgb.record.guesses} >= {"size", "colour", "ground"}


def test_grey_stored_in_colour_is_grey(tmp_path: Path) -> None:
    files = {f"{n:02}.png": encoded(picture_of(np.repeat(some_pixels(n), 3, axis=2))) for n in range(12)}
    found = imported(write(tmp_path / "pics", files), tmp_path / "home")
    assert found.record.shape == (12, 1, 6, 5)
    np.testing.assert_array_equal(found.images[3, 0], some_pixels(3)[..., 0])


@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (255, 0)])
def test_the_ground_shows_the_ink(tmp_path: Path, ink: int, ground: int) -> None:
    drawn = np.zeros((8, 8, 2), np.uint8)
    drawn[3:5, 3:5] = (ink, 255)
    drawn[..., 0] = ink
    files = {f"{n}.png": encoded(Image.fromarray(drawn, "LA")) for n in range(4)}
    found = imported(write(tmp_path / "pics", files), tmp_path / "home")
    assert found.images[0, 0, 0, 0] == ground and found.images[0, 0, 3, 3] == ink


def test_an_animation_is_its_first_image(tmp_path: Path) -> None:
    content = io.BytesIO()
    picture_of(GREY).save(content, "PNG", save_all=True, append_images=[picture_of(some_pixels(8))])
    np.testing.assert_array_equal(decode(content.getvalue(), "x"), GREY)
    assert measure(png(0), "x") == (6, 5)
