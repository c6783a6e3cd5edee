"""Tints of an image's pixels by their state."""

import numpy as np

from gmstudio.media.tints import CHANGED, SETTLED, SIDE, WRONG, round_tints, tinted

YES, NO = np.ones((1, 1), np.bool_), np.zeros((1, 1), np.bool_)


def cell(settled: np.ndarray, changed: np.ndarray, wrong: np.ndarray, level: int) -> np.ndarray:
    """(3, 3, 3) RGB of one grey pixel."""
    return tinted(np.full((1, 1, 1), level, np.uint8), round_tints(settled, changed, wrong, coloured=False)).transpose(
        1, 2, 0
    )


def test_a_changed_pixel_has_a_dot_and_the_others_one_colour() -> None:
    dotted = cell(NO, YES, NO, 0)
    assert dotted.shape == (SIDE, SIDE, 3) and tuple(dotted[1, 1]) == CHANGED
    assert not np.delete(dotted.reshape(9, 3), 4, axis=0).any(), "beside the dot it keeps its value"
    for mask, colour in (((YES, NO, NO), SETTLED), ((NO, NO, YES), WRONG)):
        for level in (0, 255):
            mixed = cell(*mask, level)
            assert (mixed == mixed[0, 0]).all()
            assert (np.abs(mixed[0, 0].astype(int) - level) > 0).all(), "it differs from an untinted one"
            assert (np.abs(mixed[0, 0].astype(int) - colour) < np.abs(level - np.array(colour))).all()


def test_colours_stay_where_nothing_is_said() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    nothing = np.zeros((2, 2), np.bool_)
    np.testing.assert_array_equal(
        tinted(image, round_tints(nothing, nothing, nothing, coloured=True))[:, ::SIDE, ::SIDE], image
    )


def test_a_coloured_pixel_keeps_its_colour_but_for_a_corner() -> None:
    image = np.array([10, 20, 30], np.uint8).reshape(3, 1, 1)
    mixed = tinted(image, round_tints(NO, NO, YES, coloured=True)).transpose(1, 2, 0)
    assert tuple(mixed[2, 0]) == WRONG and (np.delete(mixed.reshape(9, 3), 6, axis=0) == [10, 20, 30]).all()
