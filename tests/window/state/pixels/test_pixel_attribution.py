"""Attribution of the next conditional: requested again whenever the generation moves, only while active."""

import numpy as np
import pytest
from pixel_engine import PixelEngine
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import AttributePixel, PixelAttributed
from gmstudio.window.state.pixels.attribution import FieldSize, PixelAttribution
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.library import RunLibrary

SPEC = ImageSpec(channels=1, height=4, width=3, levels=4)
MANY = ImageSpec(channels=1, height=3, width=3, levels=32)


def opened(engine: PixelEngine) -> PixelsState:
    session = PixelsState(engine, RunLibrary(engine))
    engine.hello()
    engine.list_runs()
    session.choose_run("/runs/tiny")
    session.set_active(True)
    engine.serve()
    return session


@pytest.fixture
def engine() -> PixelEngine:
    return PixelEngine(SPEC)


@pytest.fixture
def session(engine: PixelEngine) -> PixelsState:
    return opened(engine)


@pytest.fixture
def attribution(session: PixelsState, engine: PixelEngine) -> PixelAttribution:
    session.navigator.draw_to(5)
    engine.serve()
    return session.attribution


def asked(engine: PixelEngine) -> int:
    return sum(isinstance(command, AttributePixel) for command in engine.sent)


def test_it_sends_requests_only_while_active(
    attribution: PixelAttribution, session: PixelsState, engine: PixelEngine
) -> None:
    assert asked(engine) == 0
    attribution.set_active(True)
    engine.serve()
    assert attribution.attributed is not None and attribution.attributed.step == 5
    session.navigator.forward()
    engine.serve()
    assert attribution.attributed.step == 6
    attribution.set_active(False)
    session.navigator.forward()
    engine.serve()
    assert attribution.attributed.step == 6 and asked(engine) == 2


def test_going_back_attributes_the_earlier_sub_pixel(
    attribution: PixelAttribution, session: PixelsState, engine: PixelEngine
) -> None:
    attribution.set_active(True)
    session.navigator.go_to(2)
    engine.serve()
    assert attribution.attributed is not None and attribution.attributed.step == 2
    assert attribution.field_size() == FieldSize(earlier=2, inside=2, blind=0)


def test_the_value_that_is_attributed(attribution: PixelAttribution, session: PixelsState, engine: PixelEngine) -> None:
    attribution.set_active(True)
    engine.serve()
    assert session.state is not None and attribution.attributed is not None
    assert attribution.attributed.value == int(session.state.conditional.argmax())
    attribution.attribute("next")
    engine.serve()
    assert attribution.attributed.value == session.navigator.upcoming()
    attribution.attribute_value(3)
    session.navigator.go_to(1)
    engine.serve()
    assert (attribution.attributed.value, attribution.attributed.step) == (3, 1)
    attribution.attribute_value(200)
    engine.serve()
    assert attribution.attributed.value == 3, "the highest level there is"


def test_of_a_finished_image_the_last_one_is_attributed(
    attribution: PixelAttribution, session: PixelsState, engine: PixelEngine
) -> None:
    attribution.set_active(True)
    session.navigator.finish()
    engine.serve()
    assert attribution.attributed is not None and session.state is not None
    assert (attribution.attributed.step, attribution.attributed.value) == (11, int(session.state.image[0, 3, 2]))


def test_maps_hold_nothing_where_nothing_can_be_seen(attribution: PixelAttribution, engine: PixelEngine) -> None:
    attribution.set_active(True)
    engine.serve()
    summed = attribution.sensitivity()
    assert summed is not None and attribution.attributed is not None
    np.testing.assert_array_equal(np.isnan(summed), ~attribution.attributed.receptive_field.numpy()[0])
    np.testing.assert_array_equal(summed, attribution.sensitivity(0))
    outside = attribution.outside()
    assert outside is not None and not outside.any()


def test_a_blind_spot_is_told_apart_from_what_is_too_far_away(
    attribution: PixelAttribution, session: PixelsState, engine: PixelEngine
) -> None:
    session.navigator.go_to(7)  # row 2, column 1
    attribution.set_active(True)
    engine.serve()
    assert attribution.attributed is not None
    field = np.zeros(SPEC.shape, np.bool_)
    field[0, 1, :2] = field[0, 2, 0] = True  # not row 1, column 2; nothing of row 0
    event = PixelAttributed(
        session=attribution.attributed.session,
        step=7,
        value=0,
        sensitivity=Array.of(np.zeros(SPEC.shape, np.float32)),
        kind="gradient",
        receptive_field=Array.of(field),
    )
    attribution.attributed = event
    assert attribution.field_size() == FieldSize(earlier=7, inside=3, blind=1)
    outside = attribution.outside()
    assert outside is not None
    np.testing.assert_array_equal(np.argwhere(outside), [[0, 0], [0, 1], [0, 2], [1, 2]])


def test_while_it_plays_it_sends_few_requests_and_one_more_at_the_end(
    qtbot: QtBot, attribution: PixelAttribution, session: PixelsState, engine: PixelEngine
) -> None:
    attribution.set_active(True)
    engine.serve()
    before = asked(engine)
    session.navigator.set_speed(1000)
    session.navigator.play()

    def at_the_end() -> bool:
        engine.serve()
        return not session.navigator.playing

    qtbot.waitUntil(at_the_end)
    engine.serve()
    assert asked(engine) - before <= 2
    assert attribution.attributed is not None and attribution.attributed.step == 11


def test_components_are_requested_until_there_are_none(engine: PixelEngine) -> None:
    many = PixelEngine(MANY)
    session = opened(many)
    attribution = session.attribution
    attribution.set_components_active(True)
    many.serve()
    assert session.state is not None and attribution.components(session.state) is None
    session.navigator.forward()
    many.serve()
    assert asked(many) == 1, "this model has no mixtures"
    attribution.set_components_active(False)


def test_few_levels_need_no_components(attribution: PixelAttribution, engine: PixelEngine) -> None:
    attribution.set_components_active(True)
    engine.serve()
    assert asked(engine) == 0


def test_a_refusal_is_reported_until_an_answer_comes(
    attribution: PixelAttribution, session: PixelsState, engine: PixelEngine
) -> None:
    attribution.set_active(True)
    request = engine.sent[-1].request
    engine.answered = len(engine.sent)
    engine.deliver(CommandFailed(request=request, command="AttributePixel", message="Too large."))
    assert attribution.problem == "Too large."
    session.navigator.back()
    engine.serve()
    assert attribution.problem == "" and attribution.attributed is not None


def test_another_generation_is_attributed_anew(
    attribution: PixelAttribution, session: PixelsState, engine: PixelEngine
) -> None:
    attribution.set_active(True)
    engine.serve()
    first = attribution.attributed
    session.reset()
    engine.serve()
    assert first is not None and attribution.attributed is not None
    assert attribution.attributed.session != first.session and attribution.attributed.step == 0
    assert attribution.field_size() == FieldSize(0, 0, 0)
