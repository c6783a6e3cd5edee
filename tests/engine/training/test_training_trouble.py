"""A training that meets trouble: full disks, diverged weights, odd orders of commands, and runs from elsewhere."""

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.models import ModelCache
from gmstudio.engine.training.checkpoint_writer import resumable
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.engine.training.trainer import Trainer
from gmstudio.protocol.base import Event
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import TrainingChanged
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import History
from gmstudio.runs.lock import is_locked
from gmstudio.runs.record import RunError

CPU = torch.device("cpu")
QUICK = {"batch_size": 32, "validate_every": 8, "sample_every": 8, "checkpoint_every": 8, "num_samples": 4}
NO_SPACE = "history.sqlite could not be written: the disk is full."


def start(path: Path, **training: Any) -> tuple[TrainingJob, list[Event]]:
    events: list[Event] = []
    settings = {**QUICK, "validation_images": 40, "steps": 24, "seed": 3, **training}
    spec = RunSpec(family="vae", data="digits", data_config={"levels": 2}, training=settings)
    return start_training(plan_run(DatasetCache(), spec, CPU), str(path), CPU, events.append), events


def resume(path: Path, steps: int | None = None) -> TrainingJob:
    return resume_run(str(path), Continuation(steps), DatasetCache(), CPU, lambda _: None)


def advance_to(job: TrainingJob, step: int) -> None:
    while job.running and job.trainer.step < step:
        job.advance()


def finish(job: TrainingJob) -> None:
    while job.running:
        job.advance()
    assert job.over


def diverge(job: TrainingJob) -> None:
    with torch.no_grad():
        next(iter(job.trainer.model.parameters())).fill_(math.nan)
    advance_to(job, job.trainer.step + 1)


@pytest.mark.parametrize(
    ("family", "config"),
    [("gan", {"objective": "wasserstein", "num_hidden": 8}), ("rbm", {}), ("vae", {})],
)
def test_diverged_weights_are_reported_before_anything_is_drawn(
    tmp_path: Path, family: str, config: dict[str, Any]
) -> None:
    settings = {**QUICK, "validation_images": 40, "steps": 12, "checkpoint_every": 4}
    spec = RunSpec(family=family, config=config, data="digits", data_config={"levels": 2}, training=settings)
    job = start_training(plan_run(DatasetCache(), spec, CPU), str(tmp_path / "run"), CPU, lambda _: None)
    advance_to(job, 8)
    with torch.no_grad():  # as if the last update had done it; the loss before it was a number
        for parameter in job.trainer.model.parameters():
            parameter.fill_(math.nan)
    finish(job)
    with RunFolder.open(tmp_path / "run") as run:
        assert run.record.status == "failed"
        assert "weights are no longer finite at step 8. Lower the learning rate" in run.record.message
        assert "The checkpoint of step 4 is kept." in run.record.message
        assert [info.step for info in run.checkpoints.list()] == [0, 4]
        assert 8 not in run.history.image_steps(run.history.image_kinds()[0])


def statuses(events: list[Event]) -> list[str]:
    return [event.status for event in events if isinstance(event, TrainingChanged)]


def losses(path: Path) -> tuple[list[int], list[float]]:
    with RunFolder.open(path) as run:
        steps, values = run.history.read_scalars()["train", "loss"]
    return steps.tolist(), values.tolist()


def test_a_disk_too_full_for_the_history_pauses_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = start(tmp_path / "whole")
    finish(whole)
    job, events = start(tmp_path / "run")
    advance_to(job, 3)

    def full(*_: Any, **__: Any) -> None:
        raise RunError(NO_SPACE)

    with monkeypatch.context() as patch:
        patch.setattr(History, "append", full)
        while job.running:
            job.advance()
    last = [event for event in events if isinstance(event, TrainingChanged)][-1]
    assert (last.status, job.over) == ("paused", False) and NO_SPACE in last.message
    job.resume()
    finish(job)
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")


def test_stopping_on_a_full_disk_waits_for_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job, events = start(tmp_path / "run")
    advance_to(job, 3)

    def full(*_: Any) -> None:
        raise RunError("No space left on device.")

    with monkeypatch.context() as patch:
        patch.setattr(job.trainer.run.checkpoints, "save", full)
        with pytest.raises(RunError, match="No space left"):
            job.stop()
    assert job.paused and not job.over and statuses(events)[-1] == "paused"
    job.stop()
    assert statuses(events)[-1] == "stopped"
    finish(resume(tmp_path / "run"))


@pytest.mark.parametrize("command", ["pause", "stop"])
def test_commands_that_find_diverged_weights_end_the_run_as_failed(tmp_path: Path, command: str) -> None:
    job, events = start(tmp_path / "run")
    advance_to(job, 9)
    diverge(job)
    getattr(job, command)()
    assert job.over and not job.running and statuses(events)[-1] == "failed"
    assert not is_locked(tmp_path / "run")
    with RunFolder.open(tmp_path / "run") as run:
        assert run.record.status == "failed" and "Lower the learning rate" in run.record.message
        assert run.checkpoints.load().step == 8, "no diverged weights are kept"


def test_single_steps_to_the_end_finish_the_run(tmp_path: Path) -> None:
    job, events = start(tmp_path / "run", steps=4)
    job.pause()
    job.make_steps(4)
    finish(job)
    assert statuses(events) == ["paused", "finished"]


def test_a_pause_is_no_training_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job, _ = start(tmp_path / "run", validate_every=100, sample_every=100, checkpoint_every=100)
    advance_to(job, 15)
    clock = [1000.0]
    monkeypatch.setattr("gmstudio.engine.training.recording.time.perf_counter", lambda: clock[0])
    job.pause()
    clock[0] += 1000.0
    job.resume()
    clock[0] += 2.0
    advance_to(job, 20)
    assert job.trainer.images_per_s == pytest.approx(5 * 32 / 2.0)
    job.stop()


def test_refused_steps_leave_the_run_as_it_was(tmp_path: Path) -> None:
    job, _ = start(tmp_path / "run")
    advance_to(job, 12)
    job.stop()
    before = (tmp_path / "run" / "run.json").read_bytes()
    with pytest.raises(ValueError, match="All 5 steps are made"):
        resume(tmp_path / "run", 5)
    assert (tmp_path / "run" / "run.json").read_bytes() == before
    assert not is_locked(tmp_path / "run")


def test_a_run_whose_checkpoints_were_lost_is_not_begun_again(tmp_path: Path) -> None:
    job, _ = start(tmp_path / "run")
    finish(job)
    before = losses(tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    with pytest.raises(RunError, match="no checkpoint"):
        resume(tmp_path / "run", 48)
    assert losses(tmp_path / "run") == before


def test_a_run_from_another_kind_of_device_continues_with_new_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_on_cuda(*state: Any) -> Any:
        tensors = resumable(*state)
        tensors["random"]["generator"] = np.arange(16, dtype=np.uint8)  # the size of a CUDA generator's state
        return tensors

    with monkeypatch.context() as patch:
        patch.setattr("gmstudio.engine.training.trainer.resumable", as_on_cuda)
        job, _ = start(tmp_path / "run")
        advance_to(job, 12)
        job.stop()
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    finish(resume(tmp_path / "run"))
    finish(resume(tmp_path / "copy"))
    assert losses(tmp_path / "run") == losses(tmp_path / "copy") and len(losses(tmp_path / "run")[0]) == 24
    with RunFolder.open(tmp_path / "run") as run:
        assert any("another device" in event.text for event in run.history.read_events())


@pytest.mark.parametrize("training", [{"precision": "bf16"}, {"schedule": "cosine", "warmup": 5, "grad_clip": 1.0}])
def test_resuming_is_exact_in_other_settings(tmp_path: Path, training: dict[str, Any]) -> None:
    whole, _ = start(tmp_path / "whole", **training)
    finish(whole)
    job, _ = start(tmp_path / "parts", **training)
    advance_to(job, 11)
    job.stop()
    finish(resume(tmp_path / "parts"))
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


def test_a_training_that_cannot_begin_says_so_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(Trainer, "__init__", full)
    with pytest.raises(MemoryError):
        start(tmp_path / "run")
    with RunFolder.open(tmp_path / "run") as run:
        assert run.record.status == "failed" and "not enough memory" in run.record.message
    assert not is_locked(tmp_path / "run")


def test_another_run_in_the_place_of_one_that_was_explored_is_seen(tmp_path: Path) -> None:
    cache, weights = ModelCache(), []
    for seed in (1, 2):
        job, _ = start(tmp_path / "run", steps=2, seed=seed)
        finish(job)
        loaded = cache.load(str(tmp_path / "run"), CPU)
        assert cache.load(str(tmp_path / "run"), CPU) is loaded
        weights.append(torch.cat([p.detach().flatten() for p in loaded.model.parameters()]))
        shutil.rmtree(tmp_path / "run")
    assert not torch.equal(*weights)
