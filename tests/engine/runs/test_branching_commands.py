"""Commands that branch from a run, and change or prolong the run in training."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_process import EngineProcess

from gmstudio.protocol.engine import CommandFailed, Done, Reason
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import HistoryAppended, ListRuns, RunOpened, RunsListed
from gmstudio.protocol.runs_branching import BranchRun, FindFixedSettings, FixedSettingsFound
from gmstudio.protocol.training import (
    ChangeTraining,
    CheckpointSaved,
    KeepCheckpoint,
    PauseTraining,
    StartTraining,
    StopTraining,
    TrainingChanged,
)

TRAINING = {
    "steps": 5_000,
    "batch_size": 16,
    "schedule": "constant",
    "validate_every": 50,
    "sample_every": 50,
    "checkpoint_every": 20,
    "num_samples": 2,
}
SPEC = RunSpec(family="vae", data="digits", config={"num_hidden": 8, "num_latent": 2}, training=TRAINING)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with EngineProcess(tmp_path_factory.mktemp("branching")) as process:
        yield process


def start(engine: EngineProcess) -> str:
    run = engine.ask(StartTraining(spec=SPEC), RunOpened).info.run
    engine.wait(CheckpointSaved, lambda event: event.step >= 20)
    return run


def test_a_change_reaches_the_run_in_training_its_record_and_the_window(engine: EngineProcess) -> None:
    run = start(engine)
    request = engine.send(ChangeTraining(run=run, training={"learning_rate": 1e-4}, config={"beta": 3.0}))
    kept = engine.wait(CheckpointSaved, lambda event: event.kept)
    opened = engine.wait(RunOpened, lambda event: bool(event.changes))
    engine.wait(Done, lambda event: event.request == request)
    assert kept.step in kept.steps
    assert opened.live and opened.info.training.learning_rate == 1e-4 and opened.info.spec.config["beta"] == 3.0
    (change,) = opened.changes
    assert change.step == kept.step and change.text == "β 1 → 3; Learning rate 0.001 → 0.0001."
    assert kept.step in opened.info.kept_steps
    later = engine.wait(
        HistoryAppended,
        lambda event: any(one.name == "learning_rate" and one.steps.numpy()[-1] > kept.step for one in event.series),
    )
    (rates,) = [one.values.numpy() for one in later.series if one.name == "learning_rate"]
    assert rates[-1] == 1e-4
    refused = engine.ask(ChangeTraining(run=run, training={"seed": 5}), CommandFailed)
    assert refused.reason is Reason.BAD_SETTING and "Seed cannot be changed" in refused.message
    engine.ask(PauseTraining(), Done)
    engine.ask(ChangeTraining(run=run, training={"steps": 6_000}), Done)  # at once, and it stays paused
    engine.ask(StopTraining(), Done)
    stopped = engine.ask(ListRuns(), RunsListed).runs
    assert [info.training.steps for info in stopped if info.run == run] == [6_000]
    gone = engine.ask(ChangeTraining(run=run, training={"steps": 7_000}), CommandFailed)
    assert "Nothing is in training" in gone.message


def test_a_branch_waits_while_another_run_trains_and_else_trains_at_once(engine: EngineProcess) -> None:
    run = start(engine)
    waiting = engine.ask(BranchRun(run=run, step=0, config={"beta": 4.0}), RunOpened)
    assert not waiting.live and waiting.info.status == "stopped" and waiting.info.run != run
    assert waiting.info.origin is not None and waiting.info.origin.changed == ("β 1 → 4",)
    assert waiting.changes[0].step == 0 and "Branched from" in waiting.changes[0].text
    engine.ask(KeepCheckpoint(run=run), Done)
    engine.ask(StopTraining(), Done)
    (parent,) = [info for info in engine.ask(ListRuns(), RunsListed).runs if info.run == run]
    step = parent.kept_steps[-1]
    unfit = engine.ask(BranchRun(run=run, step=step, config={"num_hidden": 9}), CommandFailed)
    fixed = engine.ask(FindFixedSettings(run=run), FixedSettingsFound).fields
    assert set(fixed) == {f"config.{name}" for name in ("architecture", "num_hidden", "num_latent", "num_layers")}
    assert fixed["config.num_hidden"].startswith("Hidden units sets the parameters of the network")
    assert unfit.reason is Reason.NOT_POSSIBLE and "Hidden units 8 → 9: the checkpoint is" in unfit.message
    command = BranchRun(run=run, step=step, training={"steps": step + 5, "learning_rate": 1e-4})
    branch = engine.ask(command, RunOpened)
    assert branch.live and branch.info.step == step and branch.info.training.steps == step + 5
    ended = engine.wait(TrainingChanged, lambda event: event.status == "finished")
    assert ended.run == branch.info.run and ended.step == step + 5
    assert Path(branch.info.run).name != Path(run).name
