"""The map of a latent space: which codes its images are of, that rows come one by one, and the data on it."""

import numpy as np
import pytest
from latent_engine import GAN, RBM, VAE, LatentEngine
from latent_fixture import engine, state
from pytestqt.qtbot import QtBot

from gmstudio.protocol.data import BrowseData
from gmstudio.protocol.latents import Decode, EncodeSplit
from gmstudio.window.state.latents.map import LatentMap
from gmstudio.window.state.latents.plane import Plane, axis
from gmstudio.window.state.latents.state import LatentsState

__all__ = ["engine", "state"]


@pytest.fixture
def shown(state: LatentsState, engine: LatentEngine) -> LatentMap:
    state.map.set_active(True)
    engine.serve()
    return state.map


def test_nothing_is_decoded_for_an_inactive_map(state: LatentsState, engine: LatentEngine) -> None:
    state.code.randomize(1)
    engine.serve()
    assert state.map.images is None and not engine.unanswered(EncodeSplit)
    assert not [c for c in engine.sent if isinstance(c, EncodeSplit)]


def test_its_axes_are_the_dimensions_that_matter_most_until_others_are_chosen(
    shown: LatentMap, state: LatentsState
) -> None:
    assert list(shown.axes) == state.dimension_stats.order()[:2]
    shown.set_axes(4, 0)
    state.dimension_stats.changed.emit()
    assert shown.axes == (4, 0)


def test_every_image_is_of_its_code(shown: LatentMap, state: LatentsState, engine: LatentEngine) -> None:
    state.code.randomize(3)
    shown.set_axes(1, 3)
    shown.set_side(5)
    engine.serve()
    assert shown.images is not None and len(shown.images) == 25
    for row, column in ((0, 0), (2, 4), (4, 1)):
        code = state.code.values.copy()
        code[1], code[3] = -3 + 1.5 * column, 3 - 1.5 * row
        assert np.array_equal(shown.images[5 * row + column], engine.means(VAE, code))


def test_rows_come_one_at_a_time_and_a_drag_within_the_plane_requests_none(
    shown: LatentMap, state: LatentsState, engine: LatentEngine
) -> None:
    shown.set_side(7)
    engine.serve()
    other = next(dim for dim in range(5) if dim not in shown.axes)
    state.code.set_value(other, 2.0)
    rows = [c for c in engine.unanswered(Decode) if c.codes.shape[0] == shown.side]
    assert len(rows) == 1
    engine.serve()
    before = len(engine.sent)
    shown.go_to(1.0, -2.0)
    engine.serve()
    assert not [c for c in engine.sent[before:] if isinstance(c, Decode) and c.codes.shape[0] == shown.side]
    assert shown.position == pytest.approx((1.0, -2.0), abs=1e-5)
    assert state.code.values[other] == 2.0


def test_the_data_are_where_their_codes_are_and_lead_there(
    shown: LatentMap, state: LatentsState, engine: LatentEngine
) -> None:
    assert shown.scatter is not None and len(shown.scatter.codes) == 180
    x, y = shown.axes
    np.testing.assert_allclose(shown.scattered(), shown.scatter.codes[:, [x, y]], atol=1e-5)
    assert shown.scatter.title(7) == f"validation image 7, label {engine.dataset.valid.labels[7]}"
    state.gallery.encode_image(shown.scatter.split, 7)
    engine.serve()
    np.testing.assert_allclose(state.code.values, shown.scatter.codes[7], atol=1e-5)


def test_labels_are_hidden_one_by_one_or_all_but_one(shown: LatentMap) -> None:
    assert shown.scatter is not None and shown.scatter.labels is not None
    labels = shown.scatter.labels
    shown.show_label(3)
    shown.show_label(5)
    assert shown.hidden == {3, 5}
    np.testing.assert_array_equal(shown.seen(labels), (labels != 3) & (labels != 5))
    shown.show_label(3)
    assert shown.hidden == {5}
    shown.show_label(7, alone=True)
    assert shown.hidden == set(range(10)) - {7}
    shown.show_label(7, alone=True)
    assert shown.hidden == set()


def test_the_original_of_a_dot_is_shown_while_it_is_pointed_at(shown: LatentMap, engine: LatentEngine) -> None:
    shown.show_original(4)
    assert shown.original is None
    engine.serve()
    assert shown.original is not None and shown.original[0] == 4
    np.testing.assert_array_equal(shown.original[1], engine.dataset.valid.images[4] * 85)
    shown.show_original(4)
    assert not engine.unanswered(BrowseData)
    shown.show_original(-1)
    assert shown.original is None


def test_a_family_without_an_encoder_has_a_map_without_data(
    shown: LatentMap, state: LatentsState, engine: LatentEngine
) -> None:
    state.choose_run(GAN)
    engine.serve()
    assert shown.images is not None and shown.scatter is None and shown.problem == ""


def test_units_that_are_off_or_on_go_from_0_to_1(shown: LatentMap, state: LatentsState, engine: LatentEngine) -> None:
    state.choose_run(RBM)
    engine.serve()
    assert (shown.low, shown.high) == (0.0, 1.0)
    assert all(c.codes.numpy().min() >= 0 and c.codes.numpy().max() <= 1 for c in engine.sent if is_of(c, RBM))
    state.sampling.randomize()
    engine.serve()
    assert state.code.values.min() >= 0 and 0.0 < state.code.values.max() <= 1.0
    state.code.set_value(3, 5.0)
    assert state.code.values[3] == 1.0


def is_of(command: object, run: str) -> bool:
    return isinstance(command, Decode) and command.run == run


def test_two_axes_along_one_line_span_no_plane(shown: LatentMap, state: LatentsState) -> None:
    shown.set_axes(2, 2)
    assert shown.plane is None
    shown.go_to(1.0, 1.0)
    assert not state.code.values.any()


def test_it_follows_the_weights_and_survives_the_engines_death(
    qtbot: QtBot, shown: LatentMap, state: LatentsState, engine: LatentEngine
) -> None:
    engine.train(VAE)
    before = len(engine.sent)
    qtbot.waitUntil(
        lambda: (engine.serve(), [c for c in engine.sent[before:] if is_row(c, shown)])[1] != [], timeout=10_000
    )
    engine.die()
    state._library.lose_engine()
    state.code.set_value(next(dim for dim in range(5) if dim not in shown.axes), 1.5)
    engine.hello()
    engine.serve()
    corner = state.code.values.copy()
    corner[list(shown.axes)] = (-3.0, 3.0)
    assert shown.images is not None and np.array_equal(shown.images[0], engine.means(VAE, corner))


def is_row(command: object, shown: LatentMap) -> bool:
    return isinstance(command, Decode) and command.codes.shape[0] == shown.side


def test_a_plane_of_slanted_directions_keeps_what_is_across() -> None:
    plane = Plane(np.array([1, 1, 0], np.float32), np.array([0, 2, 0], np.float32))
    assert plane.possible and not Plane(axis(3, 0), 2 * axis(3, 0)).possible
    code = np.array([1.0, 2.0, 3.0], np.float32)
    moved = plane.codes(code, np.array([[2.0, -1.0]]))
    np.testing.assert_allclose(moved, [[2.0, 0.0, 3.0]], atol=1e-6)
    np.testing.assert_allclose(plane.coordinates(moved), [[2.0, -1.0]], atol=1e-6)
