"""The Chains panel's state, with an engine that answers as it is told."""

import msgspec
import numpy as np
import pytest
from fake_client import FakeClient
from pytestqt.qtbot import QtBot

from gmstudio.cards import ImageSpec, Training
from gmstudio.messages import Array, CommandFailed, RunInfo, RunsListed, RunTimeline, TimelineAppended
from gmstudio.session.chains import ChainsSession
from gmstudio.session.library import RunLibrary

SPEC = ImageSpec(1, 2, 2, 4)


def info(run: str, *capabilities: str) -> RunInfo:
    return RunInfo(
        run=run,
        title=run,
        family="rbm",
        family_title="RBM",
        config={},
        data="digits",
        data_config={},
        image=SPEC,
        training=Training(),
        status="finished",
        step=10,
        created="2026-01-01T00:00:00",
        capabilities=capabilities,
        checkpoint_steps=(10,),
    )


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def session(client: FakeClient, qtbot: QtBot) -> ChainsSession:
    library = RunLibrary(client)
    session = ChainsSession(client, library)
    session.setProperty("library", library)
    client.deliver(
        RunsListed(home="/runs", runs=(info("/rbm", "sample", "timeline"), info("/gan", "sample")), problems=())
    )
    session.choose_run("/rbm")
    return session


def asked(client: FakeClient) -> list[RunTimeline]:
    return [command for command in client.sent if isinstance(command, RunTimeline)]


def answer(client: FakeClient, moments: int, start: int = 0, *, done: bool = False) -> None:
    request = asked(client)[-1].request
    values = np.arange(start, start + moments, dtype=np.float32)
    client.deliver(
        TimelineAppended(
            request=request,
            run="/rbm",
            start=start,
            labels=tuple(f"step {start + i}" for i in range(moments)),
            images=Array.of(np.tile(values.astype(np.uint8)[:, None, None, None, None], (1, 3, 1, 2, 2))),
            measures={"free energy, nats": Array.of(np.tile(-values[:, None], (1, 3)))},
            steps=101,
            weights_step=10,
            done=done,
        )
    )


def test_it_begins_when_somebody_looks(client: FakeClient, session: ChainsSession) -> None:
    assert not asked(client)
    session.activate()
    (command,) = asked(client)
    assert command.run == "/rbm" and command.kind == "generation" and command.count == session.count
    assert session.running and session.playing
    session.deactivate()
    assert not session.playing


def test_moments_add_up_and_the_cursor_stays_among_them(client: FakeClient, session: ChainsSession) -> None:
    session.begin()
    answer(client, 3)
    answer(client, 2, start=3, done=True)
    assert session.length == 5 and not session.running
    assert session.images.shape == (5, 3, 1, 2, 2) and session.images[4, 0, 0, 0, 0] == 4
    assert session.measure == "free energy, nats" and session.curve()[4, 1] == -4
    session.seek(99)
    assert session.position == 4 and session.labels[session.position] == "step 4"
    session.step(-2)
    assert (session.shown() == 2).all()
    session.step(-99)
    assert session.position == 0


def test_the_strip_covers_the_whole_timeline(client: FakeClient, session: ChainsSession) -> None:
    session.begin()
    answer(client, 11, done=True)
    images, chosen = session.strip(3)
    assert chosen == [0, 5, 10] and images.shape == (3, 3, 1, 2, 2) and (images[0, 1] == 5).all()


def test_playing_goes_to_the_end_and_stops(client: FakeClient, session: ChainsSession, qtbot: QtBot) -> None:
    session.set_speed(240)
    session.begin()
    answer(client, 30, done=True)
    session.play()
    qtbot.waitUntil(lambda: not session.playing, timeout=5000)
    assert session.position == 29
    session.play()
    assert session.position == 0
    session.pause()


def test_answers_to_an_older_request_are_not_mixed_in(client: FakeClient, session: ChainsSession) -> None:
    session.begin()
    older = asked(client)[-1]
    answer(client, 4)
    session.begin()
    client.deliver(
        TimelineAppended(
            request=older.request,
            run="/rbm",
            start=4,
            labels=("late",),
            images=Array.of(np.zeros((1, 3, 1, 2, 2), np.uint8)),
            measures={},
            steps=9,
            weights_step=10,
            done=True,
        )
    )
    assert session.length == 0 and session.running


def test_stopping_tells_the_engine_and_keeps_what_came(client: FakeClient, session: ChainsSession) -> None:
    session.begin()
    answer(client, 4)
    session.stop()
    assert asked(client)[-1].count == 0 and session.length == 4 and not session.running


def test_a_drawn_image_is_where_it_begins(client: FakeClient, session: ChainsSession) -> None:
    session.set_start("image")
    session.begin()
    assert "Draw the image" in session.problem and not asked(client)
    drawn = np.full(SPEC.shape, 3, np.uint8)
    session.set_drawn(drawn)
    session.begin()
    command = asked(client)[-1]
    assert command.start == "image" and command.image is not None and (command.image.numpy() == drawn).all()


def test_of_any_run_the_training_can_be_played(client: FakeClient, session: ChainsSession) -> None:
    assert session.kinds == ("generation", "training")
    session.choose_run("/gan")
    assert session.kinds == ("training",)
    session.begin()
    assert asked(client)[-1].kind == "training"


def test_what_the_engine_refuses_is_said(client: FakeClient, session: ChainsSession) -> None:
    session.begin()
    client.deliver(CommandFailed(request=asked(client)[-1].request, command="RunTimeline", message="No grids yet."))
    assert session.problem == "No grids yet." and not session.running
    session.begin()
    assert session.problem == ""


def test_settings_stay_within_their_limits(session: ChainsSession) -> None:
    session.set_size(0, 10**9)
    assert (session.count, session.steps) == (1, 10_000)
    session.set_seed(-5)
    assert session.seed == 0


def test_autocorrelation_needs_a_curve(client: FakeClient, session: ChainsSession) -> None:
    assert len(session.autocorrelation()) == 0
    session.begin()
    answer(client, 40, done=True)
    assert session.autocorrelation()[0] == pytest.approx(1.0)
    assert msgspec.structs.asdict(asked(client)[-1])["seed"] == 0
