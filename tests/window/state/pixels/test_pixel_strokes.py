"""Painting pixels by hand: the sequence counts, erasing and undo take it back."""

import numpy as np

from gmstudio.window.state.pixels.order import order_title, painted_ranks, pixel_path, pixel_ranks
from gmstudio.window.state.pixels.strokes import Strokes, brush_at


def test_a_brush_is_cut_off_at_the_border() -> None:
    assert brush_at(0, 0, 1, (4, 5)) == [0]
    assert brush_at(0, 0, 3, (4, 5)) == [0, 1, 5, 6]
    assert brush_at(3, 4, 2, (4, 5)) == [13, 14, 18, 19]


def test_pixels_are_remembered_in_the_sequence_of_painting() -> None:
    strokes = Strokes((2, 3))
    strokes.begin()
    strokes.extend([4, 1, 4])
    strokes.begin()
    strokes.extend([0])
    assert strokes.painted() == [4, 1, 0]
    assert strokes.ranks().tolist() == [[2, 1, 3], [3, 0, 3]]
    strokes.begin(erases=True)
    strokes.extend([4, 5])
    assert strokes.mask().tolist() == [[True, True, False], [False, False, False]]
    strokes.undo()
    strokes.undo()
    assert strokes.painted() == [4, 1] and len(strokes) == 1
    strokes.clear()
    assert not strokes.mask().any() and len(strokes) == 0


def test_what_is_not_painted_follows_row_by_row() -> None:
    ranks = np.array([[2, 1, 3], [3, 0, 3]], np.float32)
    assert painted_ranks(ranks).tolist() == [[2, 1, 3], [4, 0, 5]]


def test_ranks_and_path_of_an_order_count_pixels_not_colours() -> None:
    order = np.array([(0, 1, 0), (1, 1, 0), (0, 0, 0), (2, 1, 0), (1, 0, 0), (2, 0, 0)], np.int64)
    assert pixel_ranks(order, (2, 1)).tolist() == [[1], [0]]
    assert pixel_path(order).tolist() == [[1, 0], [0, 0]]


def test_orders_have_titles_in_words() -> None:
    assert order_title("spiral") == "Spiral inwards along the border"
    assert order_title("z_curve") == "Z curve" and order_title("") == "The model's own"
