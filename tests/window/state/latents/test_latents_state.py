"""The session behind the Latents panel: the code, what follows it, and an engine that dies."""

import math

import numpy as np
import pytest
import torch
from latent_engine import DIMS, GAN, VAE, WIDE, LatentEngine
from latent_fixture import engine, watched
from pytestqt.qtbot import QtBot

from gmstudio.protocol.base import Command
from gmstudio.protocol.data import BrowseData
from gmstudio.protocol.latents import ComputeDimensionStats, Decode, Encode
from gmstudio.protocol.runs import OpenRun
from gmstudio.window.state.latents.state import LatentsState, Shown
from gmstudio.window.state.runs.library import RunLibrary

__all__ = ["engine"]


@pytest.fixture
def session(qtbot: QtBot, engine: LatentEngine) -> LatentsState:
    session = watched(engine)
    session.told.halt()  # it has a test of its user_image, and would ask between others' questions
    yield session
    session.set_watching(False)


def shown(session: LatentsState) -> Shown:
    assert session.shown is not None
    return session.shown


def settle(qtbot: QtBot, engine: LatentEngine, session: LatentsState) -> None:
    """Answer everything, the strips that wait for their turn included."""
    strips = session.strips
    qtbot.waitUntil(lambda: (engine.serve(), strips.traversal.pace.idle and strips.path.pace.idle)[1])


def test_a_run_opens_at_the_priors_mean(session: LatentsState, engine: LatentEngine) -> None:
    assert session.num_dims == DIMS
    assert not session.code.any()
    assert np.array_equal(shown(session).image, engine.means(VAE, session.code))
    assert shown(session).step == 300
    assert session.measures.kl is not None and session.gallery.page is not None


def test_nothing_is_asked_of_the_engine_until_somebody_looks(qtbot: QtBot, engine: LatentEngine) -> None:
    session = LatentsState(engine, RunLibrary(engine))
    engine.hello()
    session.choose_run(VAE)
    engine.serve()
    assert not [c for c in engine.sent if isinstance(c, OpenRun | Decode | ComputeDimensionStats | BrowseData)]


def test_the_image_follows_the_code(session: LatentsState, engine: LatentEngine) -> None:
    session.set_value(3, 1.5)
    engine.serve()
    assert session.code.tolist() == [0, 0, 0, 1.5, 0]
    assert np.array_equal(shown(session).code, session.code)
    assert np.array_equal(shown(session).image, engine.means(VAE, session.code))


def test_a_fast_drag_keeps_one_request_in_flight_and_ends_at_the_newest(
    session: LatentsState, engine: LatentEngine
) -> None:
    for value in np.linspace(0.1, 2.0, 20):
        session.set_value(1, float(value))
    images = [c for c in engine.unanswered(Decode) if c.codes.shape[0] == 1]
    assert len(images) == 1
    engine.serve()
    images = [c for c in engine.sent if isinstance(c, Decode) and c.codes.shape[0] == 1]
    assert len(images) == 1 + 2  # at first, the first of the drag, the last of the drag
    assert shown(session).code[1] == pytest.approx(2.0)


def test_what_is_shown_names_its_request_and_its_own_code(session: LatentsState, engine: LatentEngine) -> None:
    session.set_value(0, 1.0)
    session.set_value(0, 2.0)
    waiting = engine.unanswered(Command)
    first = next(c for c in waiting if isinstance(c, Decode) and c.codes.shape[0] == 1)
    engine.serve(1 + waiting.index(first))
    assert shown(session).request == first.request
    assert shown(session).code[0] == 1.0
    engine.serve()
    assert shown(session).code[0] == 2.0


def test_values_are_cut_and_nonsense_is_refused(session: LatentsState) -> None:
    session.set_value(0, 9.0)
    assert session.code[0] == 6.0
    with pytest.raises(ValueError, match="Dimension 0 cannot be nan"):
        session.set_value(0, math.nan)
    with pytest.raises(ValueError, match="no latent dimension 5"):
        session.set_value(5, 0.0)
    with pytest.raises(ValueError, match="shape"):
        session.set_code(np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="finite"):
        session.set_code(np.full(DIMS, math.inf, np.float32))


def test_locked_dimensions_stay(session: LatentsState) -> None:
    session.set_value(2, 1.25)
    session.set_locked(2, True)
    for change in (session.randomize, session.vary, session.reset, lambda: session.interpolation.go_to(0.5)):
        change()
        assert session.code[2] == 1.25
    session.set_locked(2, False)
    session.reset()
    assert not session.code.any()


def test_randomize_is_the_prior_and_repeats_with_a_seed(session: LatentsState) -> None:
    session.randomize(4)
    first = session.code
    session.randomize()
    assert not np.array_equal(session.code, first)
    session.randomize(4)
    assert np.array_equal(session.code, first)


def test_varying_keeps_the_prior_as_it_is(session: LatentsState, engine: LatentEngine) -> None:
    session.choose_run(WIDE)
    engine.serve()
    session.randomize(0)
    codes, steps = [], []
    for seed in range(1, 60):
        before = session.code
        session.vary(seed)
        codes.append(session.code)
        steps.append(np.corrcoef(before, session.code)[0, 1])
    assert np.mean(np.square(codes)) == pytest.approx(1.0, abs=0.1)
    assert np.mean(steps) == pytest.approx(math.sqrt(1 - 0.3**2), abs=0.03)


def test_the_traversal_runs_along_the_dimension_touched_last(
    qtbot: QtBot, session: LatentsState, engine: LatentEngine
) -> None:
    session.randomize(1)
    session.set_value(4, 0.5)
    settle(qtbot, engine, session)
    assert session.dim == 4
    assert session.strips.traversal.images is not None
    for value, image in zip(session.strips.traversed, session.strips.traversal.images, strict=True):
        code = session.code.copy()
        code[4] = value
        assert np.array_equal(image, engine.means(VAE, code))


def test_moving_along_the_traversal_asks_for_no_other(
    qtbot: QtBot, session: LatentsState, engine: LatentEngine
) -> None:
    session.choose_dim(4)
    settle(qtbot, engine, session)
    before = len(engine.sent)
    session.set_value(4, 2.0)
    settle(qtbot, engine, session)
    images = [c.codes.shape[0] for c in engine.sent[before:] if isinstance(c, Decode) and not c.measure]
    assert images == [1]


def test_dimensions_are_sorted_by_kl_and_collapsed_ones_are_known(session: LatentsState, engine: LatentEngine) -> None:
    model = engine.models[VAE]
    with torch.no_grad():  # the encoder's last layer gives (μ, log σ²): dimension 1 tells nothing, 3 the most
        last = [m for m in model.encoder.modules() if isinstance(m, torch.nn.Linear)][-1]
        last.weight[[1, DIMS + 1]] = 0
        last.bias[[1, DIMS + 1]] = 0
        last.bias[3] = 5.0
    session.measure()
    engine.serve()
    assert session.measures.collapsed is not None
    assert session.measures.collapsed.tolist().index(True) == 1
    order = session.measures.order(DIMS)
    assert order[0] == 3 and order[-1] == 1
    session.measures.set_sort("index")
    assert session.measures.order(DIMS) == [0, 1, 2, 3, 4]
    session.measures.set_sort("effect")
    effect = session.measures.effect
    assert effect is not None and session.measures.order(DIMS)[0] == int(np.argmax(effect))


def test_at_first_the_traversal_is_along_the_dimension_that_matters_most(session: LatentsState) -> None:
    assert session.dim == session.measures.order(DIMS)[0]
    session.choose_dim(session.measures.order(DIMS)[2])
    session.measures.changed.emit()
    assert session.dim == session.measures.order(DIMS)[2]


def test_the_next_dimension_is_the_one_below(session: LatentsState) -> None:
    order = session.measures.order(DIMS)
    session.choose_dim(order[0])
    session.move_dim(-1)
    assert session.dim == order[0]
    session.move_dim(2)
    assert session.dim == order[2]


def test_encoding_sets_the_code(session: LatentsState, engine: LatentEngine) -> None:
    session.gallery.choose(13)
    session.gallery.encode()
    engine.serve()
    encoding = session.gallery.encoding
    assert encoding is not None and encoding.deviation is not None
    np.testing.assert_array_equal(session.code, encoding.code)
    assert encoding.title == f"valid 13, label {engine.dataset.valid.labels[13]}"
    assert encoding.image.max() == 255
    assert session.reconstructs
    session.set_value(0, 3.0)
    engine.serve()
    assert not session.reconstructs


def test_encoding_with_a_locked_dimension_is_no_reconstruction(session: LatentsState, engine: LatentEngine) -> None:
    session.set_value(0, 5.0)
    session.set_locked(0, True)
    session.gallery.encode()
    engine.serve()
    assert session.code[0] == 5.0
    assert not session.reconstructs


def test_pages_follow_the_chosen_image(session: LatentsState, engine: LatentEngine) -> None:
    session.gallery.choose(25)
    engine.serve()
    assert session.gallery.page is not None and session.gallery.page.start == 20
    session.gallery.turn_page(1)
    engine.serve()
    assert (session.gallery.index, session.gallery.page.start) == (30, 30)
    session.gallery.choose(10_000)
    engine.serve()
    assert session.gallery.index == 179
    session.gallery.choose_split("train")
    engine.serve()
    assert session.gallery.size == 1437 and session.gallery.page.split == "train"


def test_a_gan_has_no_data_to_encode(session: LatentsState, engine: LatentEngine) -> None:
    session.choose_run(GAN)
    engine.serve()
    assert session.measures.kl is None and session.measures.effect is not None
    assert session.measures.sorted_by == "effect"
    assert session.measures.order(DIMS)[0] == int(session.measures.effect.argmax())
    assert not session.gallery.usable
    before = len(engine.sent)
    session.gallery.encode()
    assert len(engine.sent) == before


def test_another_run_begins_anew_and_coming_back_finds_the_old_code(
    session: LatentsState, engine: LatentEngine
) -> None:
    session.randomize(3)
    session.set_locked(1, True)
    session.interpolation.add(session.code)
    code = session.code
    session.choose_run(WIDE)
    assert session.num_dims == 0 and session.shown is None
    engine.serve()
    assert session.num_dims == 40 and not session.code.any()
    session.choose_run(VAE)
    engine.serve()
    np.testing.assert_array_equal(session.code, code)
    np.testing.assert_array_equal(session.interpolation.keyframes[2], code)
    assert session.locked.tolist() == [False, True, False, False, False]
    np.testing.assert_array_equal(shown(session).code, code)


def test_late_replies_of_another_run_are_ignored(session: LatentsState, engine: LatentEngine) -> None:
    session.set_value(0, 1.0)
    session.gallery.encode()
    session.measure()
    session.choose_run(WIDE)
    engine.serve()
    assert session.num_dims == 40 and not session.code.any()
    assert shown(session).code.shape == (40,)
    assert session.measures.kl is not None and len(session.measures.kl) == 40


def test_a_journey_sets_the_code_and_another_code_ends_it(
    qtbot: QtBot, session: LatentsState, engine: LatentEngine
) -> None:
    session.draw_keyframes(3)
    way = session.interpolation
    a, b = way.keyframes
    np.testing.assert_array_equal(session.code, a)
    way.go_to(0.25)
    np.testing.assert_allclose(session.code, 0.75 * a + 0.25 * b, rtol=1e-6)
    settle(qtbot, engine, session)
    assert session.strips.path.images is not None
    assert np.array_equal(session.strips.path.images[0], engine.means(VAE, a))
    assert np.array_equal(session.strips.path.images[-1], engine.means(VAE, b))
    way.play()
    session.set_value(0, 3.0)
    assert not way.playing and not way.followed


def test_while_it_trains_the_image_follows_the_weights(
    qtbot: QtBot, session: LatentsState, engine: LatentEngine
) -> None:
    engine.train(VAE)
    engine.serve()
    engine.weights_step = 301
    with torch.no_grad():
        for parameter in engine.models[VAE].decoder.parameters():
            parameter.add_(0.5)
    qtbot.waitUntil(lambda: (engine.serve(), shown(session).step == 301)[1])
    assert np.array_equal(shown(session).image, engine.means(VAE, session.code))
    traversal = session.strips.traversal.images
    qtbot.waitUntil(lambda: (engine.serve(), session.strips.traversal.images is not traversal)[1])
    engine.train(VAE, "finished")
    engine.weights_step = 302
    engine.serve()
    assert shown(session).step == 302
    assert session.measures.step == 302
    assert not session._live_timer.isActive()


def test_nobody_looks_nothing_is_decoded(qtbot: QtBot, session: LatentsState, engine: LatentEngine) -> None:
    engine.train(VAE)
    engine.serve()
    session.interpolation.play()
    session.set_watching(False)
    assert not session.interpolation.playing
    assert not session._live_timer.isActive()


def test_a_run_that_starts_to_train_is_ready_before_somebody_looks(qtbot: QtBot, engine: LatentEngine) -> None:
    session = LatentsState(engine, RunLibrary(engine))
    engine.hello()
    session.choose_run(VAE)
    engine.train(VAE)
    engine.serve()
    assert session.num_dims == DIMS
    assert not [c for c in engine.sent if isinstance(c, ComputeDimensionStats)]


def test_it_survives_the_engines_death(session: LatentsState, engine: LatentEngine) -> None:
    session.randomize(7)
    session.set_locked(0, True)
    session.interpolation.play()
    session.measure()
    session.gallery.encode()
    code, image = session.code, shown(session).image
    engine.die()
    session._library.lose_engine()
    assert session.opened is None
    assert session.problem == session.measures.problem == session.gallery.problem == ""
    assert not session.interpolation.playing
    assert shown(session).image is image
    session.set_value(3, 0.25)  # while there is no engine
    engine.weights_step = 200  # the last checkpoint
    engine.hello()
    engine.serve()
    assert session.opened is not None
    assert session.code[3] == 0.25 and np.array_equal(np.delete(session.code, 3), np.delete(code, 3))
    assert session.locked[0]
    assert shown(session).step == 200
    assert np.array_equal(shown(session).code, session.code)


def test_why_there_is_no_image_is_told(session: LatentsState, engine: LatentEngine) -> None:
    engine.refusal = "The weights of step 300 have diverged."
    session.set_value(0, 1.0)
    engine.serve()
    assert session.problem == engine.refusal
    engine.refusal = ""
    session.set_value(0, 1.1)
    engine.serve()
    assert session.problem == ""


def test_an_encoding_that_fails_is_told_beside_the_data(session: LatentsState, engine: LatentEngine) -> None:
    engine.refusal = "The data are gone."
    session.gallery.encode()
    engine.serve()
    assert session.gallery.problem == engine.refusal
    assert session.gallery.encoding is None


def train_the_encoder(engine: LatentEngine) -> None:
    engine.train(VAE)
    with torch.no_grad():
        for parameter in engine.models[VAE].encoder.parameters():
            parameter.add_(0.1)


def test_while_it_trains_the_code_follows_the_encoded_image_until_it_is_moved(
    qtbot: QtBot, session: LatentsState, engine: LatentEngine
) -> None:
    session.gallery.encode()
    engine.serve()
    first = session.gallery.encoding
    train_the_encoder(engine)
    qtbot.waitUntil(lambda: (engine.serve(), session.gallery.encoding is not first)[1])
    second = session.gallery.encoding
    assert first is not None and second is not None and not np.array_equal(second.code, first.code)
    np.testing.assert_array_equal(session.code, session.range.clip(second.code))
    assert engine.last(Encode).index == first.index and session.reconstructs
    session.set_value(0, 1.5)
    code = session.code
    qtbot.waitUntil(lambda: (engine.serve(), session.gallery.encoding is not second)[1])
    np.testing.assert_array_equal(session.code, code)


def test_while_it_trains_the_code_follows_ones_own_image_too(
    qtbot: QtBot, session: LatentsState, engine: LatentEngine
) -> None:
    image = engine.dataset.split("test").images[3]
    session.user_image.draw(image)
    engine.serve()
    first = session.gallery.encoding
    train_the_encoder(engine)
    qtbot.waitUntil(lambda: (engine.serve(), session.gallery.encoding is not first)[1])
    second = session.gallery.encoding
    assert first is not None and second is not None and (second.split, second.title) == ("", "your image")
    assert np.array_equal(second.image, first.image) and not np.array_equal(second.code, first.code)
    np.testing.assert_array_equal(session.code, session.range.clip(second.code))
    session.gallery.encode()
    session.user_image.encode_again()  # its answer comes when another image is looked at
    engine.serve()
    assert session.gallery.encoding is not None and session.gallery.encoding.split == "valid"
