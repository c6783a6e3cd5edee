"""What a conditional looks at: asked again wherever the generation goes, only while somebody looks."""

import numpy as np
import pytest
from pixel_engine import PixelEngine
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import ExplainPixel, PixelExplained
from gmstudio.window.state.pixels.attribution import PixelInsight, Seen, insight_of
from gmstudio.window.state.pixels.state import PixelsSession
from gmstudio.window.state.runs.library import RunLibrary

SPEC = ImageSpec(channels=1, height=4, width=3, levels=4)
MANY = ImageSpec(channels=1, height=3, width=3, levels=32)


def opened(engine: PixelEngine) -> PixelsSession:
    session = PixelsSession(engine, RunLibrary(engine))
    engine.hello()
    engine.list_runs()
    session.choose_run("/runs/tiny")
    session.activate()
    engine.serve()
    return session


@pytest.fixture
def engine() -> PixelEngine:
    return PixelEngine(SPEC)


@pytest.fixture
def session(engine: PixelEngine) -> PixelsSession:
    return opened(engine)


@pytest.fixture
def insight(session: PixelsSession, engine: PixelEngine) -> PixelInsight:
    session.walk.draw_to(5)
    engine.serve()
    return insight_of(session)


def asked(engine: PixelEngine) -> int:
    return sum(isinstance(command, ExplainPixel) for command in engine.sent)


def test_it_asks_only_while_somebody_looks(insight: PixelInsight, session: PixelsSession, engine: PixelEngine) -> None:
    assert asked(engine) == 0
    insight.set_looking(True)
    engine.serve()
    assert insight.explained is not None and insight.explained.step == 5
    session.walk.forward()
    engine.serve()
    assert insight.explained.step == 6
    insight.set_looking(False)
    session.walk.forward()
    engine.serve()
    assert insight.explained.step == 6 and asked(engine) == 2


def test_going_back_explains_the_earlier_sub_pixel(
    insight: PixelInsight, session: PixelsSession, engine: PixelEngine
) -> None:
    insight.set_looking(True)
    session.walk.go_to(2)
    engine.serve()
    assert insight.explained is not None and insight.explained.step == 2
    assert insight.seen() == Seen(earlier=2, inside=2, blind=0)


def test_the_value_that_is_explained(insight: PixelInsight, session: PixelsSession, engine: PixelEngine) -> None:
    insight.set_looking(True)
    engine.serve()
    assert session.state is not None and insight.explained is not None
    assert insight.explained.value == int(session.state.conditional.argmax())
    insight.explain("coming")
    engine.serve()
    assert insight.explained.value == session.walk.upcoming()
    insight.explain_value(3)
    session.walk.go_to(1)
    engine.serve()
    assert (insight.explained.value, insight.explained.step) == (3, 1)
    insight.explain_value(200)
    engine.serve()
    assert insight.explained.value == 3, "the highest level there is"


def test_of_a_finished_image_the_last_one_is_explained(
    insight: PixelInsight, session: PixelsSession, engine: PixelEngine
) -> None:
    insight.set_looking(True)
    session.walk.finish()
    engine.serve()
    assert insight.explained is not None and session.state is not None
    assert (insight.explained.step, insight.explained.value) == (11, int(session.state.image[0, 3, 2]))


def test_maps_hold_nothing_where_nothing_can_be_seen(insight: PixelInsight, engine: PixelEngine) -> None:
    insight.set_looking(True)
    engine.serve()
    summed = insight.sensitivity()
    assert summed is not None and insight.explained is not None
    np.testing.assert_array_equal(np.isnan(summed), ~insight.explained.reach.numpy()[0])
    np.testing.assert_array_equal(summed, insight.sensitivity(0))
    unseen = insight.unseen()
    assert unseen is not None and not unseen.any()


def test_a_blind_spot_is_told_from_what_is_too_far_away(
    insight: PixelInsight, session: PixelsSession, engine: PixelEngine
) -> None:
    session.walk.go_to(7)  # row 2, column 1
    insight.set_looking(True)
    engine.serve()
    assert insight.explained is not None
    reach = np.zeros(SPEC.shape, np.bool_)
    reach[0, 1, :2] = reach[0, 2, 0] = True  # not row 1, column 2; nothing of row 0
    event = PixelExplained(
        session=insight.explained.session,
        step=7,
        value=0,
        sensitivity=Array.of(np.zeros(SPEC.shape, np.float32)),
        kind="gradient",
        reach=Array.of(reach),
    )
    insight.explained = event
    assert insight.seen() == Seen(earlier=7, inside=3, blind=1)
    unseen = insight.unseen()
    assert unseen is not None
    np.testing.assert_array_equal(np.argwhere(unseen), [[0, 0], [0, 1], [0, 2], [1, 2]])


def test_while_it_plays_it_asks_seldom_and_once_more_at_the_end(
    qtbot: QtBot, insight: PixelInsight, session: PixelsSession, engine: PixelEngine
) -> None:
    insight.set_looking(True)
    engine.serve()
    before = asked(engine)
    session.walk.set_speed(1000)
    session.walk.play()

    def at_the_end() -> bool:
        engine.serve()
        return not session.walk.playing

    qtbot.waitUntil(at_the_end)
    engine.serve()
    assert asked(engine) - before <= 2
    assert insight.explained is not None and insight.explained.step == 11


def test_components_are_asked_for_until_there_are_none(engine: PixelEngine) -> None:
    many = PixelEngine(MANY)
    session = opened(many)
    insight = insight_of(session)
    insight.set_composing(True)
    many.serve()
    assert session.state is not None and insight.components(session.state) is None
    session.walk.forward()
    many.serve()
    assert asked(many) == 1, "this model has no mixtures"
    insight.set_composing(False)


def test_few_levels_need_no_components(insight: PixelInsight, engine: PixelEngine) -> None:
    insight.set_composing(True)
    engine.serve()
    assert asked(engine) == 0


def test_a_refusal_is_told_until_an_answer_comes(
    insight: PixelInsight, session: PixelsSession, engine: PixelEngine
) -> None:
    insight.set_looking(True)
    request = engine.sent[-1].request
    engine.answered = len(engine.sent)
    engine.deliver(CommandFailed(request=request, command="ExplainPixel", message="Too large."))
    assert insight.problem == "Too large."
    session.walk.back()
    engine.serve()
    assert insight.problem == "" and insight.explained is not None


def test_another_generation_is_explained_anew(
    insight: PixelInsight, session: PixelsSession, engine: PixelEngine
) -> None:
    insight.set_looking(True)
    engine.serve()
    first = insight.explained
    session.reset()
    engine.serve()
    assert first is not None and insight.explained is not None
    assert insight.explained.session != first.session and insight.explained.step == 0
    assert insight.seen() == Seen(0, 0, 0)


def test_there_is_one_for_each_session(session: PixelsSession) -> None:
    assert insight_of(session) is insight_of(session)
