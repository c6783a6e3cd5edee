"""Figures and pace of a run in training, with scripted replies of the engine."""

import msgspec
import numpy as np
import pytest
import training_scene
from fake_client import FakeClient
from pytestqt.qtbot import QtBot
from training_scene import GAME

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Done
from gmstudio.protocol.runs import HistoryAppended, RunOpened, Series
from gmstudio.protocol.training import DrawFigures, FigureDrawn, FiguresDrawn, PaceTraining, TrainingChanged
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.diagnostics import Diagnostics

RUN = "/runs/gan"


def opened(*, live: bool, capabilities: tuple[str, ...], phases: tuple[str, ...]) -> RunOpened:
    status = "running" if live else "finished"
    run = training_scene.opened(
        RUN, live, objective=GAME, status=status, step=10, capabilities=capabilities, checkpoint_steps=(10,)
    )
    return msgspec.structs.replace(run, phases=phases)


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def library(client: FakeClient, qtbot: QtBot) -> RunLibrary:
    return RunLibrary(client)


@pytest.fixture
def diagnostics(client: FakeClient, library: RunLibrary) -> Diagnostics:
    diagnostics = Diagnostics(client, library)
    library.run_opened.connect(diagnostics.show_run)
    return diagnostics


def bars(step: int, run: str = RUN, request: int = 0) -> FiguresDrawn:
    values = Array.of(np.full((1, 3), step, np.float32))
    figure = FigureDrawn(kind="bars", name="kl", title="KL, nats", help="Per dimension.", values=values)
    return FiguresDrawn(request=request, run=run, step=step, figures=(figure,))


def paces(client: FakeClient) -> list[PaceTraining]:
    return [command for command in client.sent if isinstance(command, PaceTraining)]


def draws(client: FakeClient) -> list[DrawFigures]:
    return [command for command in client.sent if isinstance(command, DrawFigures)]


def losses(step: int, **norms: float) -> HistoryAppended:
    values = {"loss": 1.0, **norms}
    series = (Series("train", name, Array.of(np.array([step])), Array.of(np.array([v]))) for name, v in values.items())
    return HistoryAppended(run=RUN, series=tuple(series))


def test_figures_are_requested_where_the_family_draws_some_and_they_are_active(
    client: FakeClient, diagnostics: Diagnostics
) -> None:
    diagnostics.set_active(True)
    client.deliver(opened(live=True, capabilities=("decode",), phases=("model",)))
    assert not draws(client)
    diagnostics.set_active(False)
    client.deliver(opened(live=True, capabilities=("figures",), phases=("model",)))
    client.deliver(losses(10))
    assert not draws(client), "not on the screen"
    diagnostics.set_active(True)
    assert [command.run for command in draws(client)] == [RUN]


def test_figures_are_drawn_anew_while_it_trains(client: FakeClient, diagnostics: Diagnostics, qtbot: QtBot) -> None:
    diagnostics.set_active(True)
    client.deliver(opened(live=True, capabilities=("figures",), phases=("model",)))
    client.deliver(losses(11))
    assert len(draws(client)) == 1, "one at a time"
    client.deliver(bars(10, request=draws(client)[-1].request))
    client.deliver(losses(12))
    assert len(draws(client)) == 1, "training has its share first"
    qtbot.waitUntil(lambda: len(draws(client)) == 2)
    client.deliver(bars(12, request=draws(client)[-1].request))
    qtbot.waitUntil(lambda: not diagnostics._pause.isActive())
    assert len(draws(client)) == 2, "no step was made"
    client.deliver(losses(13))
    assert len(draws(client)) == 3


def test_another_runs_figures_need_not_wait(client: FakeClient, diagnostics: Diagnostics) -> None:
    diagnostics.set_active(True)
    client.deliver(opened(live=False, capabilities=("figures",), phases=("model",)))
    other = opened(live=False, capabilities=("figures",), phases=("model",))
    client.deliver(msgspec.structs.replace(other, info=msgspec.structs.replace(other.info, run="/runs/other")))
    assert [command.run for command in draws(client)] == [RUN, "/runs/other"]


def test_norms_of_every_players_gradient(client: FakeClient, diagnostics: Diagnostics) -> None:
    client.deliver(losses(10, grad_norm_discriminator=0.5, grad_norm_generator=2.0))
    assert diagnostics.norms == {}
    client.deliver(opened(live=True, capabilities=(), phases=("discriminator", "generator")))
    client.deliver(losses(11, grad_norm_generator=3.0))
    assert diagnostics.norms == {"discriminator": 0.5, "generator": 3.0}


def test_the_figures_of_the_selected_run_are_shown(client: FakeClient, diagnostics: Diagnostics) -> None:
    diagnostics.set_active(True)
    client.deliver(opened(live=False, capabilities=("figures",), phases=("model",)))
    late = bars(99, request=draws(client)[-1].request)
    other = opened(live=False, capabilities=("figures",), phases=("model",))
    client.deliver(msgspec.structs.replace(other, info=msgspec.structs.replace(other.info, run="/other")))
    client.deliver(late)
    assert diagnostics.figures == (), "of a run that is no longer selected"
    client.deliver(bars(30, run="/other", request=draws(client)[-1].request))
    assert diagnostics.step == 30 and diagnostics.figures[0].title == "KL, nats"
    diagnostics._pause.stop()


def test_pace_and_phases_are_sent_together(client: FakeClient, diagnostics: Diagnostics) -> None:
    client.deliver(opened(live=True, capabilities=(), phases=("discriminator", "generator")))
    diagnostics.set_pace(2.0)
    assert not paces(client)
    diagnostics.set_slow(True)
    diagnostics.set_only("generator")
    assert (paces(client)[-1].steps_per_s, paces(client)[-1].phases) == (2.0, ("generator",))
    diagnostics.set_only("unknown")
    assert diagnostics.only == "generator"
    diagnostics.set_slow(False)
    diagnostics.set_only("")
    assert (paces(client)[-1].steps_per_s, paces(client)[-1].phases) == (0.0, ())


def test_nothing_is_sent_for_a_run_that_does_not_train(client: FakeClient, diagnostics: Diagnostics) -> None:
    client.deliver(opened(live=False, capabilities=(), phases=("model",)))
    diagnostics.set_slow(True)
    assert not paces(client)


def test_the_pace_ends_with_the_training(client: FakeClient, diagnostics: Diagnostics) -> None:
    client.deliver(opened(live=True, capabilities=(), phases=("a", "b")))
    diagnostics.set_slow(True)
    diagnostics.set_only("a")
    client.deliver(TrainingChanged(run=RUN, status="stopped", step=20))
    assert not diagnostics.slow and diagnostics.only == ""


def test_the_pace_is_that_of_the_run_in_training_whichever_run_is_selected(
    client: FakeClient, diagnostics: Diagnostics
) -> None:
    live = opened(live=True, capabilities=(), phases=("a", "b"))
    client.deliver(live)
    diagnostics.set_slow(True)
    other = opened(live=False, capabilities=(), phases=("model",))
    client.deliver(msgspec.structs.replace(other, info=msgspec.structs.replace(other.info, run="/other")))
    assert not diagnostics.live
    diagnostics.show_run(live)
    assert diagnostics.live and diagnostics.slow


def test_a_refused_pace_returns_to_the_one_that_the_engine_has(client: FakeClient, diagnostics: Diagnostics) -> None:
    client.deliver(opened(live=True, capabilities=(), phases=("a", "b")))
    diagnostics.set_slow(True)
    client.deliver(Done(request=paces(client)[-1].request))
    diagnostics.set_only("a")
    client.deliver(CommandFailed(request=paces(client)[-1].request, command="PaceTraining", message="No such phase."))
    assert (diagnostics.slow, diagnostics.only, diagnostics.pace_problem) == (True, "", "No such phase.")


def test_a_refusal_is_shown(client: FakeClient, diagnostics: Diagnostics, qtbot: QtBot) -> None:
    diagnostics.set_active(True)
    client.deliver(opened(live=True, capabilities=("figures",), phases=("model",)))
    client.deliver(CommandFailed(request=client.sent[-1].request, command="DrawFigures", message="The data is gone."))
    assert diagnostics.problem == "The data is gone."
    qtbot.waitUntil(lambda: not diagnostics._pause.isActive())
