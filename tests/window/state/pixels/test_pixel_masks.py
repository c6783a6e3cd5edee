"""Masks of observed sub-pixels, noise, and reconstruction error."""

import math

import numpy as np
import pytest

from gmstudio.protocol.images import ImageSpec
from gmstudio.window.state.pixels.masks import (
    ReconstructionError,
    channel_mask,
    outside_mask,
    salt_and_pepper,
    spaced_mask,
    unlikely,
)

RGB = ImageSpec(channels=3, height=4, width=5, levels=16)


def test_super_resolution_observes_the_top_left_pixel_of_each_block() -> None:
    mask = spaced_mask(RGB, 2)
    assert [tuple(p) for p in np.argwhere(mask[0])] == [(r, c) for r in (0, 2) for c in (0, 2, 4)]
    assert (mask == mask[0]).all(), "all colours of a pixel"
    assert spaced_mask(RGB, 8).sum() == 3


def test_colourization_observes_one_channel_and_inpainting_all_but_the_mask() -> None:
    assert channel_mask(RGB, 1).sum(axis=(1, 2)).tolist() == [0, 20, 0]
    missing = np.zeros((4, 5), np.bool_)
    missing[1:3, 1:3] = True
    assert (~outside_mask(RGB, missing)).sum() == 3 * 4


def test_unlikely_pixels_are_those_of_high_surprisal_and_unscored_ones_are_not() -> None:
    surprisal = np.array([[0.5, 2.0, np.nan], [2.1, 9.0, 1.9]])
    assert unlikely(surprisal, 2.0).tolist() == [[False, False, False], [True, True, False]]


def test_salt_and_pepper_hits_whole_pixels_with_its_probability_and_repeats() -> None:
    levels = np.full((3, 60, 60), 7, np.uint8)
    noisy = salt_and_pepper(levels, 16, 0.25, seed=3)
    hit = noisy != 7
    assert (hit == hit[0]).all() and set(np.unique(noisy).tolist()) == {0, 7, 15}
    assert hit[0].mean() == pytest.approx(0.25, abs=0.03)
    np.testing.assert_array_equal(noisy, salt_and_pepper(levels, 16, 0.25, seed=3))
    assert (noisy != salt_and_pepper(levels, 16, 0.25, seed=4)).any()
    np.testing.assert_array_equal(salt_and_pepper(levels, 16, 0.0, seed=3), levels)


def test_the_reconstruction_error_counts_only_what_was_generated() -> None:
    original = np.zeros((1, 2, 2), np.uint8)
    image = np.array([[[3, 0], [3, 3]]], np.uint8)
    where = np.array([[[False, True], [True, False]]])
    near = ReconstructionError.of(image, original, where, num_levels=4)
    assert (near.count, near.differing) == (2, 1)
    assert near.rmse == pytest.approx(math.sqrt(0.5)) and near.psnr_db == pytest.approx(3.0103, abs=1e-3)
    assert math.isinf(ReconstructionError.of(original, original, where, 4).psnr_db)
