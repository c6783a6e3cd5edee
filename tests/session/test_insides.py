"""Figures and pace of a run in training, with an engine that answers as it is told."""

import numpy as np
import pytest
from fake_client import FakeClient
from pytestqt.qtbot import QtBot
from training_scene import GAME, SPEC

from gmstudio.cards import Training
from gmstudio.messages import (
    Array,
    CommandFailed,
    DrawFigures,
    FigureDrawn,
    FiguresDrawn,
    PaceTraining,
    RunInfo,
    RunOpened,
)
from gmstudio.session.insides import Insides

RUN = "/runs/gan"


def opened(*, live: bool, capabilities: tuple[str, ...], phases: tuple[str, ...]) -> RunOpened:
    info = RunInfo(
        run=RUN,
        title="gan",
        family="gan",
        family_title="GAN",
        config={},
        data="digits",
        data_config={},
        image=SPEC,
        training=Training(),
        status="running" if live else "finished",
        step=10,
        created="2026-01-01T00:00:00",
        capabilities=capabilities,
        checkpoint_steps=(10,),
    )
    return RunOpened(
        info=info, live=live, objective=GAME, latent=None, num_parameters=1, sample_steps=(), phases=phases
    )


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def insides(client: FakeClient, qtbot: QtBot) -> Insides:
    return Insides(client)


def bars(step: int, run: str = RUN) -> FiguresDrawn:
    values = Array.of(np.full((1, 3), step, np.float32))
    figure = FigureDrawn(kind="bars", name="kl", title="KL, nats", help="Per dimension.", values=values)
    return FiguresDrawn(run=run, step=step, figures=(figure,))


def paces(client: FakeClient) -> list[PaceTraining]:
    return [command for command in client.sent if isinstance(command, PaceTraining)]


def test_figures_are_asked_for_where_the_family_draws_some(client: FakeClient, insides: Insides) -> None:
    insides.show_run(opened(live=True, capabilities=("decode",), phases=("model",)))
    assert not [c for c in client.sent if isinstance(c, DrawFigures)]
    insides.show_run(opened(live=True, capabilities=("figures",), phases=("model",)))
    assert [c.run for c in client.sent if isinstance(c, DrawFigures)] == [RUN]


def test_the_newest_figures_are_shown(client: FakeClient, insides: Insides) -> None:
    insides.show_run(opened(live=True, capabilities=("figures",), phases=("model",)))
    client.deliver(bars(10))
    client.deliver(bars(30))
    client.deliver(bars(20))
    client.deliver(bars(99, run="/other"))
    assert insides.step == 30 and insides.figures[0].title == "KL, nats"


def test_pace_and_phases_are_sent_together(client: FakeClient, insides: Insides) -> None:
    insides.show_run(opened(live=True, capabilities=(), phases=("discriminator", "generator")))
    insides.set_pace(2.0)
    assert not paces(client)
    insides.set_slow(True)
    insides.set_only("generator")
    assert (paces(client)[-1].steps_per_s, paces(client)[-1].phases) == (2.0, ("generator",))
    insides.set_only("nobody")
    assert insides.only == "generator"
    insides.set_slow(False)
    insides.set_only("")
    assert (paces(client)[-1].steps_per_s, paces(client)[-1].phases) == (0.0, ())


def test_nothing_is_sent_for_a_run_that_does_not_train(client: FakeClient, insides: Insides) -> None:
    insides.show_run(opened(live=False, capabilities=(), phases=("model",)))
    insides.set_slow(True)
    assert not paces(client)


def test_the_pace_ends_with_the_training(client: FakeClient, insides: Insides) -> None:
    insides.show_run(opened(live=True, capabilities=(), phases=("a", "b")))
    insides.set_slow(True)
    insides.set_only("a")
    insides.set_live(False)
    assert not insides.slow and insides.only == ""


def test_a_refusal_is_said(client: FakeClient, insides: Insides) -> None:
    insides.show_run(opened(live=True, capabilities=("figures",), phases=("model",)))
    client.deliver(CommandFailed(request=client.sent[-1].request, command="DrawFigures", message="The data is gone."))
    assert insides.problem == "The data is gone."
