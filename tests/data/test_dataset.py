"""Levels, intensities and fixed draws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmstudio.data.dataset import DataError, Dataset, Split, permutation
from gmstudio.media.levels import draw_binary, quantize, to_display, to_intensities
from gmstudio.protocol.images import ImageSpec


def all_values(max_value: int) -> np.ndarray:
    return np.arange(max_value + 1, dtype=np.uint8)


@given(max_value=st.integers(1, 255), data=st.data())
def test_quantizing_is_even_and_uses_every_level(max_value: int, data: st.DataObject) -> None:
    levels = data.draw(st.integers(2, max_value + 1))
    found = quantize(all_values(max_value), max_value, levels)
    assert found.dtype == np.uint8
    assert (np.diff(found.astype(int)) >= 0).all()
    counts = np.bincount(found, minlength=levels)
    assert len(counts) == levels and counts.min() >= 1 and counts.max() - counts.min() <= 1


def test_all_levels_keep_the_values_and_two_are_a_threshold_at_half() -> None:
    np.testing.assert_array_equal(quantize(all_values(255), 255, 256), all_values(255))
    np.testing.assert_array_equal(quantize(all_values(255), 255, 2), all_values(255) >= 128)
    np.testing.assert_array_equal(quantize(all_values(16), 16, 2), all_values(16) > 8)


@given(levels=st.integers(2, 256))
def test_showing_spreads_levels_evenly(levels: int) -> None:
    shown = to_display(all_values(levels - 1), levels)
    assert shown[0] == 0 and shown[-1] == 255
    assert np.ptp(np.diff(shown.astype(int))) <= 1


@pytest.mark.parametrize("levels", [2, 4, 16, 256])
def test_what_is_shown_quantizes_back_to_itself(levels: int) -> None:
    shown = to_display(all_values(levels - 1), levels)
    np.testing.assert_array_equal(quantize(shown, 255, levels), all_values(levels - 1))


def test_intensities_stretch_to_255() -> None:
    assert to_intensities(np.array([0, 4, 8, 16], np.uint8), 16).tolist() == [0, 64, 128, 255]


def test_a_draw_repeats_and_has_the_right_frequency() -> None:
    grey = np.repeat(np.array([0, 1, 51, 204, 255], np.uint8)[:, None], 200_000, axis=1)
    drawn = draw_binary(grey)
    np.testing.assert_array_equal(drawn, draw_binary(grey))
    assert drawn.dtype == np.uint8 and set(np.unique(drawn)) == {0, 1}
    np.testing.assert_allclose(drawn.mean(axis=1), np.array([0, 1, 51, 204, 255]) / 255, atol=0.005)
    assert drawn[0].sum() == 0 and drawn[-1].all()
    assert (drawn[2] != draw_binary(grey, seed=1)[2]).any()


def test_the_fixed_permutation_never_changes() -> None:
    assert permutation(10, 1797).tolist() == np.random.RandomState(1797).permutation(10).tolist()
    assert sorted(permutation(100, 0)) == list(range(100))


@pytest.fixture
def grey() -> Dataset:
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (50, 1, 4, 4)).astype(np.uint8)
    levels = Split(quantize(images, 255, 2), np.arange(50, dtype=np.int64) % 10)
    return Dataset("made", {}, ImageSpec(1, 4, 4, 2), Split(images), levels, levels, resample=True)


def test_a_view_shows_levels_and_the_same_ones_each_time(grey: Dataset) -> None:
    shown = grey.view("train", [7, 3, 7])
    assert shown.shape == (3, 1, 4, 4) and shown.dtype == np.uint8 and shown.max() == 1
    np.testing.assert_array_equal(shown[0], shown[2])
    np.testing.assert_array_equal(shown[1:2], grey.view("train", np.array([3])))
    np.testing.assert_array_equal(grey.view("valid", [4]), grey.valid.images[4:5])
    assert grey.view("test", []).shape == (0, 1, 4, 4)
    assert grey.train.images.max() > 1  # looking changes nothing


def test_what_is_not_there_cannot_be_viewed(grey: Dataset) -> None:
    assert grey.sizes == {"train": 50, "valid": 50, "test": 50}
    with pytest.raises(DataError, match="no train image 50; they go from 0 to 49"):
        grey.view("train", [0, 50])
    with pytest.raises(DataError, match="no train image -1"):
        grey.view("train", [-1])
    with pytest.raises(DataError, match="no split 'all'; there are train, valid, test"):
        grey.view("all", [0])
