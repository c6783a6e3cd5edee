"""The Atlas on a real engine: samples, costs and demonstrations of runs on disk, cancelled and beside training."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_process import EngineProcess

from gmstudio.protocol.atlas import (
    DrawLiveSamples,
    LiveSamplesDrawn,
    MeasureSampling,
    RunDemonstration,
    SamplingMeasured,
    SceneShown,
)
from gmstudio.protocol.engine import Cancel, CommandFailed, Ping, Pong, Reason
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import StartTraining, TrainingChanged

pytestmark = pytest.mark.slow
DIGITS = {"levels": 2}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with EngineProcess(tmp_path_factory.mktemp("home")) as engine:
        yield engine


@pytest.fixture(scope="module")
def run(engine: EngineProcess) -> str:
    """A small NADE, trained for a moment."""
    spec = RunSpec(family="nade", config={"num_hidden": 8}, data="digits", data_config=DIGITS, training={"steps": 3})
    engine.send(StartTraining(spec=spec))
    return engine.wait(TrainingChanged, lambda event: event.status == "finished").run


def test_the_catalog_offers_the_demonstrations(engine: EngineProcess) -> None:
    names = [card.name for card in engine.catalog.demonstrations]
    assert names[0] == "blind_spot" and len(names) == len(set(names)) == 7


def test_samples_of_a_run_arrive_complete(engine: EngineProcess, run: str) -> None:
    request = engine.send(DrawLiveSamples(run=run, count=4, seed=1))
    event = engine.wait(LiveSamplesDrawn, lambda event: event.request == request and event.done)
    assert event.images.numpy().shape == (4, 1, 8, 8) and (event.run, event.weights_step) == (run, 3)


def test_the_cost_of_a_sample_is_counted(engine: EngineProcess, run: str) -> None:
    event = engine.ask(MeasureSampling(run=run), SamplingMeasured)
    assert (event.passes, event.by_pixel) == (64, True)


def test_a_missing_run_is_a_sentence(engine: EngineProcess, tmp_path: Path) -> None:
    failure = engine.ask(DrawLiveSamples(run=str(tmp_path / "none")), CommandFailed)
    assert failure.reason is Reason.RUN_MISSING and "none" in failure.message


def test_a_demonstration_answers_other_commands_meanwhile_and_can_be_cancelled(engine: EngineProcess) -> None:
    request = engine.send(RunDemonstration(name="mode_collapse"))
    engine.wait(SceneShown, lambda event: event.request == request)
    engine.ask(Ping(), Pong)
    engine.send(Cancel(target=request))
    failure = engine.wait(CommandFailed, lambda event: event.request == request)
    assert failure.reason is Reason.CANCELLED


def test_a_newer_demonstration_ends_the_older_one(engine: EngineProcess) -> None:
    first = engine.send(RunDemonstration(name="mode_collapse"))
    second = engine.send(RunDemonstration(name="order_matters"))
    failure = engine.wait(CommandFailed, lambda event: event.request == first)
    assert failure.reason is Reason.SUPERSEDED
    assert engine.wait(SceneShown, lambda event: event.request == second).name == "order_matters"
    engine.send(Cancel(target=second))
    engine.wait(CommandFailed, lambda event: event.request == second)


def test_training_goes_on_while_samples_are_drawn(engine: EngineProcess, run: str) -> None:
    """Samples take turns with the training instead of holding it."""
    spec = RunSpec(family="nade", config={"num_hidden": 8}, data="digits", data_config=DIGITS, training={"steps": 40})
    engine.send(StartTraining(spec=spec))
    request = engine.send(RunDemonstration(name="mode_collapse"))
    finished = engine.wait(TrainingChanged, lambda event: event.status == "finished" and event.step == 40)
    assert finished.run != run
    ended = [e for e in engine.seen if isinstance(e, SceneShown) and e.request == request and e.done]
    assert not ended, "the training of forty steps did not wait for the end of a long demonstration"
    engine.send(Cancel(target=request))
    engine.wait(CommandFailed, lambda event: event.request == request)
