"""Any picture becomes a model's image."""

import numpy as np
import pytest

from gmstudio.media.fit import PLAIN, Fitting, fit_description, fit_picture
from gmstudio.media.ink import measure_ink
from gmstudio.media.resize import resize
from gmstudio.protocol.images import ImageSpec, InkStatistics

GREY = ImageSpec(channels=1, height=8, width=8, levels=16)
COLOUR = ImageSpec(channels=3, height=4, width=6, levels=256)


def test_a_picture_that_fits_is_left_as_it_is() -> None:
    levels = np.random.default_rng(0).integers(0, 16, (8, 8, 1))
    picture = np.linspace(0, 255, 16).round().astype(np.uint8)[levels]
    np.testing.assert_array_equal(fit_picture(picture, GREY), levels.transpose(2, 0, 1))
    assert fit_description(picture, GREY, PLAIN) == "needs no conversion"


def test_pixels_are_means_of_areas() -> None:
    picture = np.zeros((16, 16, 1), np.uint8)
    picture[::2] = 255
    np.testing.assert_array_equal(
        fit_picture(picture, ImageSpec(channels=1, height=8, width=8, levels=3)), np.ones((1, 8, 8))
    )


def test_the_aspect_ratio_is_kept_by_a_rim_or_by_cutting() -> None:
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[:, 20:60] = 255
    whole = fit_picture(picture, GREY)[0]
    assert not whole[:2].any() and not whole[6:].any() and (whole[2:6, 2:6] == 15).all() and not whole[:, :2].any()
    assert (fit_picture(picture, GREY, Fitting("crop")) == 15).all()
    assert not fit_picture(picture, GREY, Fitting("crop", invert=True)).any()
    assert fit_description(picture, GREY, Fitting(invert=True)) == (
        "was 80×40 RGB, converted to 8×8 grey with 16 levels, padded, inverted"
    )


def transparent(shade: int) -> np.ndarray:
    """A square of one shade on a transparent ground of the same shade."""
    picture = np.full((8, 8, 4), shade, np.uint8)
    picture[..., 3] = 0
    picture[2:6, 2:6, 3] = 255
    return picture


@pytest.mark.parametrize("ground", [0.0, 1.0])
@pytest.mark.parametrize("shade", [0, 255])
def test_transparent_parts_get_the_ground_of_the_data_and_ink_is_seen_on_it(ground: float, shade: int) -> None:
    ink = InkStatistics((ground,), plain=True, stroke=1.0, box=5.0)
    image = fit_picture(transparent(shade), GREY, PLAIN, ink)[0]
    assert (image[0] == 15 * ground).all()
    assert (image[2:6, 2:6] == 15 * (1 - ground)).all()
    assert "laid on the data's ground" in fit_description(transparent(shade), GREY, PLAIN)


def test_grey_becomes_rgb() -> None:
    picture = np.full((4, 6, 1), 7, np.uint8)
    assert (fit_picture(picture, COLOUR) == 7).all()


def test_no_picture_is_refused() -> None:
    for shape in ((0, 5, 1), (5, 5, 2), (5, 5)):
        with pytest.raises(ValueError, match="shape"):
            fit_picture(np.zeros(shape, np.uint8), GREY)


def test_a_picture_of_the_models_aspect_ratio_is_resized_like_data() -> None:
    images = np.random.RandomState(0).randint(0, 256, (3, 28, 21)).astype(np.uint8)
    spec = ImageSpec(channels=1, height=12, width=9, levels=256)
    fitted = np.stack([fit_picture(image[..., None], spec)[0] for image in images])
    assert np.abs(fitted.astype(int) - resize(images, 12, 9)).max() <= 1  # rounded after scaling to 0 … 1


def test_ink_on_paper_becomes_like_the_data() -> None:
    """An image of the data, photographed as grey ink on grey paper somewhere on a page, is found again."""
    spec = ImageSpec(channels=1, height=28, width=28, levels=256)
    image = np.zeros((28, 28))
    image[4:24, 12:16], image[20:24, 8:20] = 1.0, 1.0  # a box of 20, its centre of mass in the middle pixel
    rows, columns = np.nonzero(image)
    image = np.roll(image, (14 - int(rows.mean() + 0.5), 14 - int(columns.mean() + 0.5)), (0, 1))
    data = np.stack([image * 255] * 3)[:, None].astype(np.uint8)
    ink = measure_ink(data, 256)
    assert (ink.ground, ink.plain, ink.box) == ((0.0,), True, 20.0)
    page = np.full((300, 400), 0.8)
    page[40 : 40 + 168, 20 : 20 + 168] -= 0.5 * np.kron(image, np.ones((6, 6)))
    picture = np.repeat((page * 255).astype(np.uint8)[..., None], 3, axis=2)
    fitted = fit_picture(picture, spec, Fitting("ink", contrast=True), ink)
    assert np.abs(fitted[0] - image * 255).mean() < 2
    described = fit_description(picture, spec, Fitting("ink", contrast=True))
    assert described.endswith("cropped to the ink and centered by mass, contrast stretched")
    plain = fit_picture(picture, spec, PLAIN, ink)
    assert plain.min() > 0 and plain.max() < 255  # without: grey on grey


def test_contrast_without_a_plain_ground_keeps_dark_and_light() -> None:
    picture = np.linspace(100, 150, 64).reshape(8, 8, 1).round().astype(np.uint8)
    ink = InkStatistics((0.5,), plain=False, stroke=1.0, box=8.0)
    fitted = fit_picture(picture, GREY, Fitting(contrast=True), ink)
    assert fitted.min() == 0 and fitted.max() == 15 and (np.diff(fitted.reshape(-1).astype(int)) >= 0).all()


@pytest.mark.parametrize("width", [2, 3, 5])
def test_the_stroke_width_is_that_of_the_strokes(width: int) -> None:
    images = np.zeros((4, 1, 28, 28), np.uint8)
    images[:, :, 4:24, 10 : 10 + width] = 1
    found = measure_ink(images, 2).stroke
    assert found == pytest.approx(width, rel=0.25)


def test_photographs_have_no_plain_ground() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 3, 16, 16)).astype(np.uint8)
    assert not measure_ink(images, 256).plain and len(measure_ink(images, 256).ground) == 3
