"""State of the Latents panel: encoded images, other runs, training, and failures."""

import numpy as np
import torch
from latent_engine import DIMS, GAN, VAE, WIDE, LatentEngine
from latent_fixture import engine
from latents_state_fixture import settle, shown, state
from pytestqt.qtbot import QtBot

from gmstudio.protocol.engine import Cancel
from gmstudio.protocol.latents import ComputeDimensionStats, Encode, FindDirections, ProjectImage
from gmstudio.window.state.latents.direction import Direction
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.runs.library import RunLibrary

__all__ = ["engine", "state"]


def test_encoding_sets_the_code(state: LatentsState, engine: LatentEngine) -> None:
    state.gallery.choose(13)
    state.gallery.encode()
    engine.serve()
    encoding = state.gallery.encoding
    assert encoding is not None and encoding.deviation is not None
    np.testing.assert_array_equal(state.code.values, encoding.code)
    assert encoding.title == f"validation image 13, label {engine.dataset.valid.labels[13]}"
    assert encoding.image.max() == 255
    assert state.reconstructs
    state.code.set_value(0, 3.0)
    engine.serve()
    assert not state.reconstructs


def test_encoding_with_a_locked_dimension_is_no_reconstruction(state: LatentsState, engine: LatentEngine) -> None:
    state.code.set_value(0, 5.0)
    state.code.set_locked(0, True)
    state.gallery.encode()
    engine.serve()
    assert state.code.values[0] == 5.0
    assert not state.reconstructs


def test_pages_follow_the_chosen_image(state: LatentsState, engine: LatentEngine) -> None:
    state.gallery.choose(25)
    engine.serve()
    assert state.gallery.page is not None and state.gallery.page.start == 20
    state.gallery.turn_page(1)
    engine.serve()
    assert (state.gallery.index, state.gallery.page.start) == (30, 30)
    state.gallery.choose(10_000)
    engine.serve()
    assert state.gallery.index == 179
    state.gallery.choose_split("train")
    engine.serve()
    assert state.gallery.size == 1437 and state.gallery.page.split == "train"


def test_without_an_encoder_the_code_of_an_image_of_the_data_is_optimized(
    state: LatentsState, engine: LatentEngine
) -> None:
    state.choose_run(GAN)
    engine.serve()
    assert state.dimension_stats.kl is None and state.dimension_stats.pixel_change is not None
    assert state.dimension_stats.sorted_by == "pixel_change"
    assert state.dimension_stats.order()[0] == int(state.dimension_stats.pixel_change.argmax())
    assert not state.gallery.encodes and state.gallery.page is not None
    edits: list[str] = []
    state.edits.edited.connect(lambda edit: edits.append(edit.key))
    state.gallery.choose(3)
    state.gallery.encode()
    assert state.gallery.optimizing
    engine.serve()
    gallery, encoding = state.gallery, state.gallery.encoding
    assert not gallery.optimizing and gallery.step == 300 and 0 < gallery.error < 1
    assert encoding is not None and encoding.title.startswith("validation image 3, label")
    np.testing.assert_array_equal(encoding.image, engine.dataset.valid.images[3] * 85)
    np.testing.assert_array_equal(state.code.values, state.code.constrained(encoding.code))
    assert set(edits) == {edits[0]} and edits[0].startswith("optimization")  # one step of the history
    state.gallery.renew()
    assert not gallery.optimizing
    state.gallery.encode()
    state.gallery.stop()
    assert not gallery.optimizing


def test_another_run_starts_at_0_and_the_first_keeps_its_view(state: LatentsState, engine: LatentEngine) -> None:
    state.code.randomize(3)
    state.code.set_locked(1, True)
    state.interpolation.add(state.code.values)
    code = state.code.values
    state.choose_run(WIDE)
    assert state.code.num_dims == 0 and state.shown is None
    engine.serve()
    assert state.code.num_dims == 40 and not state.code.values.any()
    state.choose_run(VAE)
    engine.serve()
    np.testing.assert_array_equal(state.code.values, code)
    np.testing.assert_array_equal(state.interpolation.keyframes[2], code)
    assert state.code.locked.tolist() == [False, True, False, False, False]
    np.testing.assert_array_equal(shown(state).code, code)


def test_late_replies_of_another_run_are_ignored(state: LatentsState, engine: LatentEngine) -> None:
    state.code.set_value(0, 1.0)
    state.gallery.encode()
    state.dimension_stats.compute()
    state.choose_run(WIDE)
    engine.serve()
    assert state.code.num_dims == 40 and not state.code.values.any()
    assert shown(state).code.shape == (40,)
    assert state.dimension_stats.kl is not None and len(state.dimension_stats.kl) == 40


def test_an_interpolation_sets_the_code_and_another_code_ends_it(
    qtbot: QtBot, state: LatentsState, engine: LatentEngine
) -> None:
    state.sampling.sample_keyframes(3)
    interpolation = state.interpolation
    a, b = interpolation.keyframes
    np.testing.assert_array_equal(state.code.values, a)
    interpolation.go_to(0.25)
    np.testing.assert_allclose(state.code.values, 0.75 * a + 0.25 * b, rtol=1e-6)
    settle(qtbot, engine, state)
    assert state.strips.path.images is not None
    assert np.array_equal(state.strips.path.images[0], engine.means(VAE, a))
    assert np.array_equal(state.strips.path.images[-1], engine.means(VAE, b))
    interpolation.play()
    state.code.set_value(0, 3.0)
    assert not interpolation.playing and not interpolation.followed


def test_while_it_trains_the_image_follows_the_weights(qtbot: QtBot, state: LatentsState, engine: LatentEngine) -> None:
    engine.train(VAE)
    engine.serve()
    engine.weights_step = 301
    with torch.no_grad():
        for parameter in engine.models[VAE].decoder.parameters():
            parameter.add_(0.5)
    qtbot.waitUntil(lambda: (engine.serve(), shown(state).step == 301)[1])
    assert np.array_equal(shown(state).image, engine.means(VAE, state.code.values))
    traversal = state.strips.traversal.images
    qtbot.waitUntil(lambda: (engine.serve(), state.strips.traversal.images is not traversal)[1])
    engine.train(VAE, "finished")
    engine.weights_step = 302
    engine.serve()
    assert shown(state).step == 302
    assert state.dimension_stats.step == 302
    assert not state._live_timer.isActive()


def test_an_inactive_panel_decodes_nothing(qtbot: QtBot, state: LatentsState, engine: LatentEngine) -> None:
    engine.train(VAE)
    engine.serve()
    state.interpolation.play()
    state.set_active(False)
    assert not state.interpolation.playing
    assert not state._live_timer.isActive()


def test_a_run_that_starts_to_train_is_ready_before_the_panel_is_active(qtbot: QtBot, engine: LatentEngine) -> None:
    state = LatentsState(engine, RunLibrary(engine))
    engine.hello()
    state.choose_run(VAE)
    engine.train(VAE)
    engine.serve()
    assert state.code.num_dims == DIMS
    assert not [c for c in engine.sent if isinstance(c, ComputeDimensionStats)]


def test_it_survives_the_engines_death(state: LatentsState, engine: LatentEngine) -> None:
    state.code.randomize(7)
    state.code.set_locked(0, True)
    state.interpolation.play()
    state.dimension_stats.compute()
    state.gallery.encode()
    code, image = state.code.values, shown(state).image
    engine.die()
    state._library.lose_engine()
    assert state.space.opened is None
    assert state.problem == state.dimension_stats.problem == state.gallery.problem == ""
    assert not state.interpolation.playing
    assert shown(state).image is image
    state.code.set_value(3, 0.25)  # while there is no engine
    engine.weights_step = 200  # the last checkpoint
    engine.hello()
    engine.serve()
    assert state.space.opened is not None
    assert state.code.values[3] == 0.25 and np.array_equal(np.delete(state.code.values, 3), np.delete(code, 3))
    assert state.code.locked[0]
    assert shown(state).step == 200
    assert np.array_equal(shown(state).code, state.code.values)


def test_a_failed_decoding_is_reported(state: LatentsState, engine: LatentEngine) -> None:
    engine.refusal = "The weights of step 300 have diverged."
    state.code.set_value(0, 1.0)
    engine.serve()
    assert state.problem == engine.refusal
    engine.refusal = ""
    state.code.set_value(0, 1.1)
    engine.serve()
    assert state.problem == ""


def test_a_failed_encoding_is_reported_beside_the_data(state: LatentsState, engine: LatentEngine) -> None:
    engine.refusal = "The data are gone."
    state.gallery.encode()
    engine.serve()
    assert state.gallery.problem == engine.refusal
    assert state.gallery.encoding is None


def train_the_encoder(engine: LatentEngine) -> None:
    engine.train(VAE)
    with torch.no_grad():
        for parameter in engine.models[VAE].encoder.parameters():
            parameter.add_(0.1)


def test_while_it_trains_the_code_follows_the_encoded_image_until_it_is_moved(
    qtbot: QtBot, state: LatentsState, engine: LatentEngine
) -> None:
    state.gallery.encode()
    engine.serve()
    first = state.gallery.encoding
    train_the_encoder(engine)
    qtbot.waitUntil(lambda: (engine.serve(), state.gallery.encoding is not first)[1])
    second = state.gallery.encoding
    assert first is not None and second is not None and not np.array_equal(second.code, first.code)
    np.testing.assert_array_equal(state.code.values, state.code.range.clip(second.code))
    assert engine.last(Encode).index == first.index and state.reconstructs
    state.code.set_value(0, 1.5)
    code = state.code.values
    qtbot.waitUntil(lambda: (engine.serve(), state.gallery.encoding is not second)[1])
    np.testing.assert_array_equal(state.code.values, code)


def test_while_it_trains_the_code_follows_the_users_image_too(
    qtbot: QtBot, state: LatentsState, engine: LatentEngine
) -> None:
    image = engine.dataset.split("test").images[3]
    state.user_image.draw(image)
    engine.serve()
    first = state.gallery.encoding
    train_the_encoder(engine)
    qtbot.waitUntil(lambda: (engine.serve(), state.gallery.encoding is not first)[1])
    second = state.gallery.encoding
    assert first is not None and second is not None and (second.split, second.title) == ("", "your image")
    assert np.array_equal(second.image, first.image) and not np.array_equal(second.code, first.code)
    np.testing.assert_array_equal(state.code.values, state.code.range.clip(second.code))
    state.gallery.encode()
    state.user_image.renew()  # its reply comes when another image is shown
    engine.serve()
    assert state.gallery.encoding is not None and state.gallery.encoding.split == "valid"


def test_stopping_cancels_the_optimization_in_the_engine(state: LatentsState, engine: LatentEngine) -> None:
    state.user_image.set_method("optimization")
    state.user_image.draw(engine.dataset.split("test").images[3])
    assert state.user_image.optimizing
    state.user_image.stop()
    assert not state.user_image.optimizing
    assert engine.last(Cancel).target == engine.last(ProjectImage).request
    engine.serve()
    assert state.gallery.encoding is None and not state.code.values.any()


def test_another_run_cancels_the_work_for_the_former(state: LatentsState, engine: LatentEngine) -> None:
    state.directions.find()
    state.dimension_stats.compute()
    state.choose_run(WIDE)
    cancelled = {command.target for command in engine.sent if isinstance(command, Cancel)}
    assert cancelled == {engine.last(FindDirections).request, engine.last(ComputeDimensionStats).request}


def test_a_lock_or_a_direction_while_playing(state: LatentsState, engine: LatentEngine) -> None:
    interpolation = state.interpolation
    interpolation.go_to(0.5)
    state.code.set_locked(0, True)
    interpolation.go_to(0.75)
    assert interpolation.followed, "a locked dimension is no part of the interpolation"
    state.directions.add(Direction("slant", np.ones(DIMS, np.float32), "difference"))
    state.code.set_amount(state.directions.found[0], 1.0)
    assert not interpolation.followed
