"""Sizes of images as PNG and WebP files: the files hold the images, and are as small as another encoder's."""

import io

import numpy as np
import pytest
from PIL import Image

from gmstudio.data import load
from gmstudio.engine.density.coding_compare import compare_sizes, raw_bits, sheet_of, smallest_png, webp_file
from gmstudio.media.levels import to_display
from gmstudio.protocol.images import ImageSpec


def opened(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("levels", [2, 3, 4, 7, 16, 40, 256])
def test_a_grey_png_holds_the_levels(levels: int) -> None:
    image = np.random.default_rng(0).integers(0, levels, (1, 9, 13)).astype(np.uint8)
    data = smallest_png(image, levels)
    samples = opened(data)
    if levels <= 16:  # PIL spreads shallow samples over 0 … 255
        deep = {2: 2, 3: 4, 4: 4, 7: 16, 16: 16}[levels]
        assert np.array_equal(samples.astype(int), np.rint(image[0] * (255 / (deep - 1))) // (255 if deep == 2 else 1))
    else:
        with Image.open(io.BytesIO(data)) as picture:
            assert np.array_equal(np.asarray(picture.convert("L")), to_display(image[0], levels))


@pytest.mark.parametrize("levels", [2, 8, 256])
def test_a_coloured_png_holds_the_image(levels: int) -> None:
    image = np.random.default_rng(0).integers(0, levels, (3, 9, 13)).astype(np.uint8)
    with Image.open(io.BytesIO(smallest_png(image, levels))) as picture:
        assert np.array_equal(np.asarray(picture.convert("RGB")).transpose(2, 0, 1), to_display(image, levels))


@pytest.mark.parametrize("shape", [(1, 9, 13), (3, 9, 13)])
@pytest.mark.parametrize("levels", [2, 16, 256])
def test_a_webp_holds_the_image(shape: tuple[int, int, int], levels: int) -> None:
    image = np.random.default_rng(0).integers(0, levels, shape).astype(np.uint8)
    with Image.open(io.BytesIO(webp_file(image, levels))) as picture:
        assert picture.format == "WEBP"
        shown = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(shown, np.broadcast_to(to_display(image, levels), (3, 9, 13)))


def test_png_is_given_a_fair_chance() -> None:
    digits = load("digits", {"levels": 16}).view("test", range(20))
    for image in digits:
        file = io.BytesIO()
        Image.fromarray(to_display(image[0], 16)).save(file, "PNG", optimize=True)
        assert len(smallest_png(image, 16)) <= len(file.getvalue())


def test_sizes_of_several_images_include_sheets() -> None:
    spec = ImageSpec(1, 8, 8, 16)
    digits = load("digits", {"levels": 16}).view("test", range(10))
    *_, sizes = compare_sizes(digits, spec)
    assert sizes is not None
    bits = {size.name: size.bits for size in sizes}
    assert list(bits) == ["png", "png_sheet", "webp", "webp_sheet", "raw"]
    assert bits["png"] == 8 * sum(len(smallest_png(image, 16)) for image in digits)
    assert bits["raw"] == raw_bits(spec, 10) == 10 * 64 * 4
    *_, one = compare_sizes(digits[:1], spec)
    assert one is not None
    assert [size.name for size in one] == ["png", "webp", "raw"]


def test_a_sheet_holds_every_image() -> None:
    images = np.random.default_rng(0).integers(0, 4, (7, 3, 5, 9)).astype(np.uint8)
    sheet = sheet_of(images)
    columns = sheet.shape[2] // 9
    for index, image in enumerate(images):
        top, left = 5 * (index // columns), 9 * (index % columns)
        assert np.array_equal(sheet[:, top : top + 5, left : left + 9], image)
