"""The trainer: what is recorded, and that a resumed run continues bit for bit."""

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from gmstudio.engine.runtime.building import build_run_model
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.engine.training.trainer import Trainer
from gmstudio.protocol.base import Event
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import HistoryAppended, SamplesDrawn
from gmstudio.protocol.training import CheckpointSaved, FiguresDrawn, TrainingChanged
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import summarize

CPU = torch.device("cpu")
SMALL: dict[str, dict[str, Any]] = {
    "pixelcnn": {"num_channels": 4, "num_blocks": 1},
    "vae": {"kl_warmup": 15},  # which a resumed run continues
    "autoencoder": {"noise": "masking"},
    "gan": {"ema": 0.9, "spectral_norm": True, "discriminator_steps": 2},  # whose average and norms are restored
    "rbm": {"num_chains": 8},  # whose chains are restored
    "gsn": {"num_hidden": 50},
    "realnvp": {"num_channels": 4, "num_couplings": 1},
    "ddpm": {"num_channels": 4, "num_timesteps": 20},  # whose average is restored
}
RANDOM: dict[str, dict[str, Any]] = {
    "markov": {"num_parents": 2, "estimator": "counting"},  # whose counts are restored
    "nade": {"num_hidden": 4, "order_agnostic": True},  # orders are drawn
    "made": {"num_hidden": 8, "num_layers": 1, "num_masks": 3, "num_orders": 2},
    # Whose labels are restored, and the choice of those that are hidden.
    "gated_pixelcnn": {"num_channels": 2, "num_head_channels": 2, "num_layers": 1, "label_dropout": 0.5},
}
"""Those whose steps draw more than a batch, or keep more than weights."""
QUICK = {
    "steps": 24,
    "batch_size": 32,
    "validate_every": 8,
    "sample_every": 8,
    "checkpoint_every": 8,
    "num_samples": 4,
    "validation_images": 40,
}
TIMED = {"images_per_s"}


def start(path: Path, family: str, **training: Any) -> tuple[TrainingJob, list[Event]]:
    events: list[Event] = []
    spec = RunSpec(
        family=family,
        config=(SMALL | RANDOM)[family],
        data="digits",
        data_config={"levels": 2},
        training={**QUICK, "seed": 3, **training},
    )
    return start_training(plan_run(DatasetCache(), spec, CPU), str(path), CPU, events.append), events


def finish(job: TrainingJob) -> None:
    while job.running:
        job.advance()
    assert job.over


class Whole(NamedTuple):
    """A run that was trained to its end, to be read only."""

    path: Path
    job: TrainingJob
    events: list[Event]


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Whole]:
    """The run of a family; each is trained once."""

    @functools.cache
    def trained(family: str) -> Whole:
        path = tmp_path_factory.mktemp("whole") / family
        job, events = start(path, family)
        finish(job)
        return Whole(path, job, events)

    return trained


def curves(path: Path) -> dict[tuple[str, str], tuple[list[int], list[float]]]:
    with RunFolder.open(path) as run:
        return {
            key: (steps.tolist(), values.tolist())
            for key, (steps, values) in run.history.read_scalars().items()
            if key[1] not in TIMED
        }


def assert_same_state(a: TrainingJob, b: TrainingJob) -> None:
    """Weights, running averages and counters."""
    first, second = a.trainer.model.state_dict(), b.trainer.model.state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.parametrize("family", SMALL)
def test_a_run_records_every_step_its_validations_grids_and_checkpoints(
    whole_run: Callable[[str], Whole], family: str
) -> None:
    path, job, events = whole_run(family)
    with RunFolder.open(path) as run:
        assert run.record.status == "finished"
        assert run.record.step == 24
        found = run.history.read_scalars()
        (kind,) = run.history.image_kinds()
        assert run.history.image_steps(kind) == [0, 8, 16, 24]
        assert run.history.read_images(16, kind).shape == (4, 1, 8, 8)
        assert [info.step for info in run.checkpoints.list()] == [0, 8, 16, 24]
        assert [len(info.groups) for info in run.checkpoints.list()] == [1, 1, 3, 3]
    for term in job.trainer.model.card.objective(run.record.config).terms:
        if term.validation_only:
            assert ("train", term.name) not in found
        else:
            steps, values = found["train", term.name]
            assert steps.tolist() == list(range(1, 25)), term.name
            assert np.isfinite(values).all()
        assert found["valid", term.name][0].tolist() == [8, 16, 24]
    assert found["train", "learning_rate"][0].tolist() == [1, 10, 20]
    assert (found["train", "images_per_s"][1] > 0).all()
    norms = [name for _, name in found if name.startswith("grad_norm")]
    assert len(norms) == len(job.trainer.model.phases())
    assert sum(isinstance(event, SamplesDrawn) for event in events) == 4
    assert [event.step for event in events if isinstance(event, CheckpointSaved)] == [0, 8, 16, 24]
    sent = sum(len(s.steps.numpy()) for e in events if isinstance(e, HistoryAppended) for s in e.series)
    assert sent == sum(len(steps) for steps, _ in found.values())


def test_the_best_of_a_class_conditional_run_is_its_marginal_likelihood(whole_run: Callable[[str], Whole]) -> None:
    path = whole_run("gated_pixelcnn").path
    marginal = curves(path)["valid", "marginal_nll"][1]
    assert summarize(path).best_valid == min(marginal)
    assert min(marginal) != min(curves(path)["valid", "loss"][1])


@pytest.mark.parametrize("family", SMALL | RANDOM)
def test_stop_and_resume_continue_bit_for_bit(tmp_path: Path, whole_run: Callable[[str], Whole], family: str) -> None:
    whole = whole_run(family)
    job, _ = start(tmp_path / "parts", family)
    while job.trainer.step < 11:
        job.advance()
    job.stop()
    job = resume_run(str(tmp_path / "parts"), Continuation(), DatasetCache(), CPU, lambda _: None)
    assert job.trainer.step == 11
    finish(job)
    expected, found = curves(whole.path), curves(tmp_path / "parts")
    assert expected.keys() == found.keys()
    for key, curve in expected.items():
        assert found[key] == curve, key
    assert_same_state(whole.job, job)


def test_a_run_that_was_abandoned_resumes_from_its_checkpoint_and_forgets_what_came_after(
    tmp_path: Path, whole_run: Callable[[str], Whole]
) -> None:
    job, _ = start(tmp_path / "dead", "vae")
    while job.trainer.step < 14:
        job.advance()
    job.trainer.flush()
    job.trainer.close()  # as after kill -9: history to step 14, checkpoint of step 8, status "running"
    assert max(curves(tmp_path / "dead")["train", "loss"][0]) == 14
    job = resume_run(str(tmp_path / "dead"), Continuation(), DatasetCache(), CPU, lambda _: None)
    assert job.trainer.step == 8
    finish(job)
    assert curves(tmp_path / "dead") == curves(whole_run("vae").path)


def test_only_a_resume_that_succeeds_changes_the_run(tmp_path: Path) -> None:
    job, _ = start(tmp_path / "run", "vae")
    while job.trainer.step < 14:
        job.advance()
    job.trainer.flush()
    job.trainer.close()  # history to step 14, checkpoint of step 8
    before, record = curves(tmp_path / "run"), (tmp_path / "run" / "run.json").read_bytes()
    random = torch.get_rng_state()
    with RunFolder.open(tmp_path / "run", write=True) as run:
        Trainer(run, build_run_model(run, CPU), DatasetCache().load(run.record.data, run.record.data_config))
    assert torch.equal(torch.get_rng_state(), random), "construction restores nothing"
    with pytest.raises(ValueError, match="All 8 steps are made"):
        resume_run(str(tmp_path / "run"), Continuation(8), DatasetCache(), CPU, lambda _: None)
    assert curves(tmp_path / "run") == before
    assert (tmp_path / "run" / "run.json").read_bytes() == record
    job = resume_run(str(tmp_path / "run"), Continuation(), DatasetCache(), CPU, lambda _: None)
    assert max(curves(tmp_path / "run")["train", "loss"][0]) == 8
    job.stop()


def test_stopping_between_a_step_and_its_validation_loses_no_validation(tmp_path: Path) -> None:
    job, _ = start(tmp_path / "run", "vae")
    while job.trainer.step < 8:
        job.advance()
    job.stop()
    assert ("valid", "loss") not in curves(tmp_path / "run")
    job = resume_run(str(tmp_path / "run"), Continuation(), DatasetCache(), CPU, lambda _: None)
    finish(job)
    assert curves(tmp_path / "run")["valid", "loss"][0] == [8, 16, 24]


def test_exploring_between_steps_changes_nothing(tmp_path: Path, whole_run: Callable[[str], Whole]) -> None:
    job, _ = start(tmp_path / "explored", "vae")
    model: Any = job.trainer.model
    while job.running:
        job.advance()
        with torch.inference_mode():
            model.decode(torch.zeros(1, model.latent.num_dims))
            model.sample(2, generator=torch.Generator().manual_seed(1))
    assert curves(tmp_path / "explored") == curves(whole_run("vae").path)


def test_single_steps_pause_at_the_boundary(tmp_path: Path) -> None:
    job, events = start(tmp_path / "run", "vae")
    job.pause()
    assert not job.running
    job.make_steps(8)
    while job.running:
        job.advance()
    assert job.trainer.step == 8
    assert ("valid", "loss") in curves(tmp_path / "run"), "validation due at the step belongs to it"
    assert [e.status for e in events if isinstance(e, TrainingChanged)] == ["paused", "paused"]
    job.stop()


@pytest.mark.parametrize(
    ("poisoned_at", "message"), [(10, "became NaN at step 11"), (16, "weights are no longer finite at step 16")]
)
def test_divergence_ends_the_run_with_a_message_and_leaves_a_checkpoint(
    tmp_path: Path, poisoned_at: int, message: str
) -> None:
    job, events = start(tmp_path / "run", "vae", learning_rate=0.01)
    while job.trainer.step < poisoned_at:
        job.advance()
    with torch.no_grad():  # as an update does whose gradient overflows; a checkpoint is due at step 16
        next(iter(job.trainer.model.parameters())).fill_(math.nan)
    finish(job)
    last = [e for e in events if isinstance(e, TrainingChanged)][-1]
    assert last.status == "failed"
    assert message in last.message and "Lower the learning rate (0.01 now)" in last.message
    assert "The checkpoint of step 8 is kept" in last.message
    appended = [event for event in events if isinstance(event, HistoryAppended)]
    sent = [step for event in appended for one in event.series if one.name == "loss" for step in one.steps.numpy()]
    with RunFolder.open(tmp_path / "run") as run:
        stored = run.history.read_scalars()
        assert set(sent) == set(stored["train", "loss"][0].tolist()), "the last points are shown, too"
        assert (run.record.status, run.record.message) == ("failed", last.message)
        weights = run.checkpoints.load().tensors["model"]
    assert all(np.isfinite(value).all() for value in weights.values())
    again = resume_run(str(tmp_path / "run"), Continuation(), DatasetCache(), CPU, lambda _: None)
    assert again.trainer.step == 8
    finish(again)
    assert again.trainer.step == 24


def test_a_full_disk_pauses_and_nothing_is_lost(
    tmp_path: Path, whole_run: Callable[[str], Whole], monkeypatch: pytest.MonkeyPatch
) -> None:
    from gmstudio.runs.record import RunError

    job, events = start(tmp_path / "run", "vae")
    while job.trainer.step < 3:
        job.advance()
    store = job.trainer.run.checkpoints
    real = store.save

    def full(*_: Any) -> Any:
        raise RunError("checkpoints could not be written (No space left on device). Free some space.")

    monkeypatch.setattr(store, "save", full)
    while job.running:
        job.advance()
    assert job.paused and 8 <= job.trainer.step < 24, "a checkpoint is written beside the training"
    assert "No space left" in [e for e in events if isinstance(e, TrainingChanged)][-1].message
    monkeypatch.setattr(store, "save", real)
    job.resume()
    finish(job)
    assert curves(tmp_path / "run") == curves(whole_run("vae").path)


def test_more_steps_extend_a_finished_run(tmp_path: Path) -> None:
    job, _ = start(tmp_path / "run", "vae")
    finish(job)
    with pytest.raises(ValueError, match="All 24 steps are made"):
        resume_run(str(tmp_path / "run"), Continuation(), DatasetCache(), CPU, lambda _: None)
    job = resume_run(str(tmp_path / "run"), Continuation(30, schedule="stretch"), DatasetCache(), CPU, lambda _: None)
    finish(job)
    assert max(curves(tmp_path / "run")["train", "loss"][0]) == 30


def test_bf16_and_a_cosine_schedule_train(tmp_path: Path) -> None:
    job, _ = start(tmp_path / "run", "vae", precision="bf16", schedule="cosine", warmup=5, grad_clip=1.0)
    finish(job)
    steps, rates = curves(tmp_path / "run")["train", "learning_rate"]
    assert steps == [1, 10, 20]
    base = job.trainer.training.learning_rate
    assert rates[0] == pytest.approx(base / 5)
    assert rates[2] == pytest.approx(base * 0.5 * (1 + math.cos(math.pi * 19 / 24)))


def test_only_the_chosen_phases_move(tmp_path: Path) -> None:
    job, _ = start(tmp_path / "run", "gan")
    model = job.trainer.model
    phases = {phase.name: [p.detach().clone() for p in phase.parameters] for phase in model.phases()}
    job.pause()
    job.make_steps(2, ("discriminator",))
    while job.running:
        job.advance()
    moved = {
        phase.name: any(not torch.equal(p, old) for p, old in zip(phase.parameters, phases[phase.name], strict=True))
        for phase in model.phases()
    }
    assert moved == {"discriminator": True, "generator": False}
    assert job.trainer.step == 2
    with pytest.raises(ValueError, match="no training phase 'critic'"):
        job.make_steps(1, ("critic",))
    job.stop()


def test_a_slowed_training_keeps_its_pace(tmp_path: Path) -> None:
    job, _ = start(tmp_path / "run", "gan")
    job.pace(0.5, ())
    assert job.wait_s() <= 2.0
    while job.trainer.step < 1:
        job.advance()
    job.advance()
    assert 0.5 < job.wait_s() <= 2.0
    job.pace(0.0, ())
    assert job.wait_s() == 0.0
    with pytest.raises(ValueError, match="-1 steps/s"):
        job.pace(-1.0, ())
    job.stop()


def test_gradient_norms_are_measured_at_every_step_while_single_stepping(tmp_path: Path) -> None:
    job, events = start(tmp_path / "run", "gan")
    while job.trainer.step < 4:
        job.advance()
    job.pause()
    job.make_steps(2)
    while job.running:
        job.advance()
    job.pace(1000.0, ())
    job.resume()
    while job.trainer.step < 8:
        job.advance()
    job.stop()
    steps, _ = curves(tmp_path / "run")[("train", "grad_norm_generator")]
    assert steps == [1, 5, 6, 7, 8]
    assert not any(isinstance(event, FiguresDrawn) for event in events), "figures are sent on request only"


def test_a_phase_with_more_updates_has_its_own_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from gmstudio.families.adversarial.gan import GAN

    seen: list[tuple[str, int]] = []
    phases_of = GAN.phases

    def phases(self: GAN) -> list[Any]:
        def watched(phase: Any) -> Any:
            def loss(batch: torch.Tensor, generator: torch.Generator) -> Any:
                seen.append((phase.name, int(batch.long().sum())))
                return phase.loss(batch, generator)

            return replace(phase, loss=loss, updates_per_step=3 if phase.name == "discriminator" else 1)

        return [watched(phase) for phase in phases_of(self)]

    monkeypatch.setattr(GAN, "phases", phases)
    job, _ = start(tmp_path / "run", "gan", steps=1, validate_every=100)
    while job.trainer.step < 1:
        job.advance()
    names = [name for name, _ in seen]
    assert names == ["discriminator"] * 3 + ["generator"]
    assert len({total for _, total in seen[:3]}) == 3 and seen[2][1] == seen[3][1]
    job.stop()
