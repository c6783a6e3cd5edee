"""Any picture becomes a model's image."""

import numpy as np
import pytest

from gmstudio.media.fit import fit_description, fit_picture
from gmstudio.media.resize import resize
from gmstudio.protocol.images import ImageSpec

GREY = ImageSpec(channels=1, height=8, width=8, levels=16)
COLOUR = ImageSpec(channels=3, height=4, width=6, levels=256)


def test_a_picture_that_fits_is_left_as_it_is() -> None:
    levels = np.random.default_rng(0).integers(0, 16, (8, 8, 1))
    picture = np.linspace(0, 255, 16).round().astype(np.uint8)[levels]
    np.testing.assert_array_equal(fit_picture(picture, GREY), levels.transpose(2, 0, 1))
    assert fit_description(picture, GREY, "whole", invert=False) == "needs no conversion"


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
    assert (fit_picture(picture, GREY, "crop") == 15).all()
    assert not fit_picture(picture, GREY, "crop", invert=True).any()
    assert fit_description(picture, GREY, "whole", invert=True) == (
        "was 80×40 RGB, converted to 8×8 grey with 16 levels, padded, inverted"
    )


def test_transparent_is_white_and_grey_becomes_rgb() -> None:
    assert (fit_picture(np.zeros((5, 5, 4), np.uint8), GREY) == 15).all()
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
