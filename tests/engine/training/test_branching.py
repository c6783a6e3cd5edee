"""Branches and changed settings: a branch without changes is its parent, and a resumed run has what was changed."""

from pathlib import Path
from typing import Any

import pytest
import torch

from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.errors import ScheduleOpenError
from gmstudio.engine.runtime.weights import UnfitWeightsError
from gmstudio.engine.training.branch import plan_branch
from gmstudio.engine.training.changes import check_change, described_changes
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.optimizers import WEIGHTS_ONLY
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunOrigin
from gmstudio.protocol.training import ChangeTraining
from gmstudio.runs.batch_sizes import read_batch_sizes
from gmstudio.runs.folder import RunFolder

CPU = torch.device("cpu")
CONFIGS: dict[str, dict[str, Any]] = {
    "vae": {"num_hidden": 8, "num_latent": 2, "kl_warmup": 15},
    "gan": {"num_hidden": 8, "num_latent": 2, "ema": 0.9, "discriminator_steps": 2},
    "rbm": {"num_hidden": 8, "num_chains": 8},
    "markov": {"num_parents": 2, "estimator": "counting"},
    "autoencoder": {"num_hidden": 8, "num_latent": 2},
}
QUICK = {"batch_size": 32, "validate_every": 8, "sample_every": 8, "checkpoint_every": 8, "num_samples": 2}


def start(path: Path, family: str = "vae", **training: Any) -> TrainingJob:
    settings = {**QUICK, "steps": 24, "validation_images": 40, "seed": 3, "schedule": "constant", **training}
    spec = RunSpec(family=family, config=CONFIGS[family], data="digits", data_config={"levels": 2}, training=settings)
    return start_training(plan_run(DatasetCache(), spec, CPU), str(path), CPU, lambda _: None)


def advance(job: TrainingJob, step: int = 10**9) -> TrainingJob:
    """Train to the boundary of a step, or to the end."""
    while job.running and not (job.step >= step and job.at_boundary):
        job.advance()
    return job


def branch(path: Path, folder: Path, step: int, **changes: Any) -> TrainingJob:
    """Branch from a run, and train the branch to its end."""
    with RunFolder.open(path) as run:
        plan = plan_branch(run, step, changes.get("training", {}), changes.get("config", {}))
    plan.write(str(folder))
    return advance(resume(folder))


def resume(path: Path) -> TrainingJob:
    return resume_run(str(path), Continuation(), DatasetCache(), CPU, lambda _: None)


def change(job: TrainingJob, schedule: Any = "", **changes: Any) -> None:
    """Do what the command ``ChangeTraining`` does, at a step boundary."""
    command = ChangeTraining(run=job.name, schedule=schedule, **changes)
    record = check_change(job.record, job.step, command)
    job.change(record, "; ".join(described_changes(job.record, record)))


def curves(path: Path) -> dict[tuple[str, str], tuple[list[int], list[float]]]:
    with RunFolder.open(path) as run:
        found = run.history.read_scalars().items()
    return {key: (steps.tolist(), values.tolist()) for key, (steps, values) in found if key[1] != "images_per_s"}


def events(path: Path, kind: str) -> list[tuple[int, str]]:
    with RunFolder.open(path) as run:
        return [(event.step, event.text) for event in run.history.read_events() if event.kind == kind]


def assert_same_weights(a: TrainingJob, b: TrainingJob) -> None:
    first, second = a.trainer.model.state_dict(), b.trainer.model.state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained to step 24; its checkpoints of steps 0 and 8 are thin, those of steps 16 and 24 whole."""
    path = tmp_path_factory.mktemp("branching") / "parent"
    advance(start(path))
    return path


@pytest.mark.parametrize("family", CONFIGS)
def test_a_branch_without_changes_continues_exactly_like_its_parent(tmp_path: Path, family: str) -> None:
    whole = advance(start(tmp_path / "parent", family))
    job = branch(tmp_path / "parent", tmp_path / "branch", 16)
    assert curves(tmp_path / "branch") == curves(tmp_path / "parent")
    assert_same_weights(whole, job)
    assert events(tmp_path / "branch", "optimizer") == []


def test_a_branch_says_where_it_comes_from_and_what_was_changed(tmp_path: Path, parent: Path) -> None:
    training = {"learning_rate": 5e-4, "batch_size": 16, "steps": 32}
    job = branch(parent, tmp_path / "branch", 16, training=training, config={"beta": 4.0})
    lines = ("β 1 → 4", "Steps 24 → 32", "Batch size 32 → 16", "Learning rate 0.001 → 0.0005")
    with RunFolder.open(parent) as run:
        origin = RunOrigin(run=run.name, created=run.record.created, step=16, changed=lines)
        settings = run.record
    assert job.record.origin == origin
    assert job.record.config["beta"] == 4.0 and job.record.training.steps == 32
    assert job.record.created > settings.created and settings.training.steps == 24
    ((step, text),) = events(tmp_path / "branch", "branch")
    assert step == 16 and text.endswith(f"at step 16. Changed: {'; '.join(lines)}.")
    found, before = curves(tmp_path / "branch"), curves(parent)
    steps, losses = found["train", "loss"]
    assert steps == list(range(1, 33)) and losses[:16] == before["train", "loss"][1][:16]
    assert losses[16:24] != before["train", "loss"][1][16:24]
    assert found["valid", "loss"][0] == [8, 16, 24, 32]


def test_a_branch_of_weights_alone_begins_with_new_optimizer_state_and_says_so(tmp_path: Path, parent: Path) -> None:
    branch(parent, tmp_path / "branch", 8)
    assert events(tmp_path / "branch", "optimizer") == [(8, WEIGHTS_ONLY)]
    assert curves(tmp_path / "branch")["train", "loss"][0] == list(range(1, 25))


def test_a_branch_needs_its_parent_no_more(tmp_path: Path, parent: Path) -> None:
    with RunFolder.open(parent) as run:
        folder = plan_branch(run, 16, {}, {}).write(str(tmp_path / "branch"))
    with RunFolder.open(folder) as run:
        assert (run.record.status, run.record.step) == ("stopped", 16)
        assert [info.step for info in run.checkpoints.list()] == [16]
        assert run.history.image_steps("means") == [0, 8, 16]
    advance(resume(folder), 20).stop()
    job = advance(resume(folder))
    assert curves(folder) == curves(parent)
    assert job.record.status == "finished"


def test_what_does_not_fit_is_refused_with_the_arrays_that_differ(parent: Path) -> None:
    with RunFolder.open(parent) as run:
        with pytest.raises(
            UnfitWeightsError, match=r"Latent dimensions 2 → 3: the checkpoint is .*encoder.*instead of"
        ):
            plan_branch(run, 16, {}, {"num_latent": 3})
        with pytest.raises(ConfigError, match="Steps is 16, but 16 are made; enter more"):
            plan_branch(run, 16, {"steps": 16}, {})
        with pytest.raises(ConfigError, match="Learning rate is -1"):
            plan_branch(run, 16, {"learning_rate": -1}, {})
        with pytest.raises(ValueError, match="no checkpoint of step 17"):
            plan_branch(run, 17, {}, {})


def test_a_failed_branch_leaves_nothing(tmp_path: Path, parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_source: Path, _target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("gmstudio.runs.branching._copy_history", fail)
    with RunFolder.open(parent) as run, pytest.raises(OSError, match="disk full"):
        plan_branch(run, 16, {}, {}).write(str(tmp_path / "branch"))
    assert not (tmp_path / "branch").exists()


CHANGES: dict[str, dict[str, Any]] = {
    "vae": {"training": {"learning_rate": 5e-4, "batch_size": 16, "grad_clip": 1.0}, "config": {"beta": 4.0}},
    "autoencoder": {"training": {"optimizer": "soap", "average": 0.9, "penalty": 1e-4}, "config": {}},
    "gan": {"training": {"weight_decay": 0.01, "schedule": "cosine"}, "config": {"instance_noise": 0.3}},
    "rbm": {"training": {"warmup": 20}, "config": {"sparsity_cost": 0.1, "num_gibbs": 2}},
}


@pytest.mark.parametrize("family", CHANGES)
def test_a_run_that_was_changed_while_it_trained_resumes_bit_for_bit(tmp_path: Path, family: str) -> None:
    unchanged = advance(start(tmp_path / "unchanged", family))
    whole = advance(start(tmp_path / "whole", family), 11)
    change(whole, **CHANGES[family])
    advance(whole)
    parts = advance(start(tmp_path / "parts", family), 11)
    change(parts, **CHANGES[family])
    advance(parts, 13).stop()
    parts = advance(resume(tmp_path / "parts"))
    assert curves(tmp_path / "parts") == curves(tmp_path / "whole")
    assert_same_weights(whole, parts)
    ours, theirs = (curves(tmp_path / name)["train", "learning_rate"][1] for name in ("whole", "unchanged"))
    assert ours[:2] == theirs[:2], "the steps before the change are as they were"
    assert not torch.equal(next(whole.model.parameters()), next(unchanged.model.parameters()))
    for part in ("training", "config"):
        for name, value in CHANGES[family][part].items():
            settings = whole.record.config if part == "config" else {name: getattr(whole.record.training, name)}
            assert settings[name] == value


def test_a_change_is_kept_and_logged(tmp_path: Path) -> None:
    job = advance(start(tmp_path / "run"), 11)
    change(job, training={"learning_rate": 5e-4}, config={"beta": 4.0})
    with RunFolder.open(tmp_path / "run") as run:
        assert [info.step for info in run.checkpoints.list() if info.marked] == [11]
        assert run.record.training.learning_rate == 5e-4 and run.record.config["beta"] == 4.0
    assert events(tmp_path / "run", "changed") == [(11, "β 1 → 4; Learning rate 0.001 → 0.0005")]
    advance(job)
    steps, rates = curves(tmp_path / "run")["train", "learning_rate"]
    assert dict(zip(steps, rates, strict=True)) == {1: 1e-3, 10: 1e-3, 20: 5e-4}


def test_what_cannot_change_is_refused(tmp_path: Path) -> None:
    job = advance(start(tmp_path / "run"), 11)
    for changes, words in (
        ({"training": {"seed": 4}}, "Seed cannot be changed while the run trains; branch from one"),
        ({"config": {"num_hidden": 16}}, "Hidden units cannot be changed"),
        ({"training": {"batch_size": 0}}, "Batch size is 0"),
        ({"training": {"steps": 5}}, "Steps is 5, but 11 are made"),
        ({"config": {"num_importance": 5, "free_bits": 0.5}}, "Set free bits to 0 or importance samples to 1"),
        ({"config": {"depth": 5}}, "There is no setting 'depth'"),
    ):
        with pytest.raises(ValueError, match=words):
            change(job, **changes)
    assert job.record.training.seed == 3 and events(tmp_path / "run", "changed") == []
    job.stop()
    counting = advance(start(tmp_path / "counting", "markov"), 11)
    with pytest.raises(ConfigError, match="counts each training image once, by batches of 32"):
        change(counting, training={"batch_size": 16})
    counting.stop()


def test_a_run_is_prolonged_while_it_trains(tmp_path: Path) -> None:
    whole = advance(start(tmp_path / "whole", steps=40))
    job = advance(start(tmp_path / "run"), 11)
    change(job, training={"steps": 40})
    advance(job)
    assert_same_weights(whole, job)
    assert curves(tmp_path / "run")["train", "loss"] == curves(tmp_path / "whole")["train", "loss"]


def test_a_decay_is_asked_about_when_a_run_is_prolonged(tmp_path: Path) -> None:
    job = advance(start(tmp_path / "run", schedule="cosine"), 20)
    with pytest.raises(ScheduleOpenError, match=r"stretch.*restart.*hold"):
        change(job, training={"steps": 48})
    change(job, schedule="hold", training={"steps": 48})
    assert job.trainer.training.schedule == "constant"
    advance(job)
    assert job.step == 48


def test_a_change_at_the_last_step_goes_on(tmp_path: Path) -> None:
    job = start(tmp_path / "run")
    while job.step < 24 or not job.at_boundary:
        job.advance()
    change(job, training={"steps": 30})
    advance(job)
    assert job.step == 30 and job.record.status == "finished"


def test_batch_sizes_are_kept_with_their_steps_over_a_resume_and_into_a_branch(tmp_path: Path) -> None:
    job = advance(start(tmp_path / "run"), 8)
    change(job, training={"batch_size": 16})
    advance(job, 16).stop()
    assert sizes(tmp_path / "run") == ((0, 32), (8, 16))
    job = advance(resume(tmp_path / "run"), 20)
    change(job, training={"batch_size": 16, "learning_rate": 1e-4})  # the same size
    job.stop()
    assert sizes(tmp_path / "run") == ((0, 32), (8, 16))
    branch(tmp_path / "run", tmp_path / "later", 20, training={"batch_size": 8})
    assert sizes(tmp_path / "later") == ((0, 32), (8, 16), (20, 8))
    branch(tmp_path / "run", tmp_path / "earlier", 8)  # with the settings that the run has now
    assert sizes(tmp_path / "earlier") == ((0, 32), (8, 16))
    branch(tmp_path / "run", tmp_path / "first", 0)
    assert sizes(tmp_path / "first") == ((0, 16),)
    plain = advance(start(tmp_path / "plain"))
    assert not plain.running and sizes(tmp_path / "plain") == ()


def sizes(path: Path) -> tuple[tuple[int, int], ...]:
    with RunFolder.open(path) as run:
        return tuple(tuple(one) for one in read_batch_sizes(run.history))
