"""Resizing by area: means are kept, whole factors are exact."""

import numpy as np
import pytest

from gmstudio.media.resize import resize, resized_shape


def test_halving_is_the_mean_of_four() -> None:
    images = np.random.RandomState(0).randint(0, 256, (3, 8, 6)).astype(np.uint8)
    means = images.reshape(3, 4, 2, 3, 2).mean(axis=(2, 4))
    np.testing.assert_array_equal(resize(images, 4, 3), np.rint(means))


def test_doubling_repeats() -> None:
    images = np.random.RandomState(0).randint(0, 256, (3, 4, 5)).astype(np.uint8)
    np.testing.assert_array_equal(resize(images, 8, 10), images.repeat(2, axis=1).repeat(2, axis=2))


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (28, 28), (32, 32), (13, 256)])
def test_brightness_is_kept(size: tuple[int, int]) -> None:
    images = np.random.RandomState(0).randint(0, 256, (2, 28, 28)).astype(np.uint8)
    resized = resize(images, *size)
    assert resized.shape == (2, *size)
    np.testing.assert_allclose(resized.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=0.51)
    assert (resize(np.full((1, 28, 28), 255, np.uint8), *size) == 255).all()


def test_a_part_pixel_counts_by_its_area() -> None:
    assert resize(np.array([[[0, 90, 180]]], np.uint8), 1, 2).tolist() == [[[30, 150]]]


def test_more_images_than_fit_in_one_piece() -> None:
    images = np.arange(5000, dtype=np.uint16).astype(np.uint8)[:, None, None].repeat(2, axis=1)
    np.testing.assert_array_equal(resize(images, 1, 1)[:, 0, 0], np.arange(5000) % 256)


def test_columns_follow_in_proportion() -> None:
    assert resized_shape(28, 20, 14) == (14, 10)
    assert resized_shape(200, 1, 2) == (2, 1)
