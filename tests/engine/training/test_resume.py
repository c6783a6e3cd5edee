"""Course of the learning rate of a run that is resumed with more steps."""

from pathlib import Path
from typing import Any

import pytest
import torch

from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.errors import ScheduleOpenError
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.optimizers import learning_rate
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import ContinuedSchedule
from gmstudio.protocol.training_settings import Training

CPU = torch.device("cpu")


def finish(job: TrainingJob) -> TrainingJob:
    while job.running:
        job.advance()
    return job


def train(path: Path, **training: Any) -> TrainingJob:
    settings = {"steps": 20, "batch_size": 8, "validation_images": 4, "num_samples": 1, "learning_rate": 1e-3}
    spec = RunSpec(family="vae", config={"num_hidden": 4}, data="digits", training={**settings, **training})
    return start_training(plan_run(DatasetCache(), spec, CPU), str(path), CPU, lambda _: None)


def resume(path: Path, steps: int | None, schedule: ContinuedSchedule = "") -> TrainingJob:
    return resume_run(str(path), Continuation(steps, schedule), DatasetCache(), CPU, lambda _: None)


def test_a_finished_cosine_goes_on_only_as_chosen(tmp_path: Path) -> None:
    finish(train(tmp_path / "run", schedule="cosine"))
    before = (tmp_path / "run" / "run.json").read_bytes()
    with pytest.raises(ScheduleOpenError, match=r"6\.2e-06 at the end.*stretch.*0\.0005 now; restart, from 0\.001 now"):
        resume(tmp_path / "run", 40)
    assert (tmp_path / "run" / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("schedule", "now", "middle"), [("stretch", 5e-4, 1.464e-4), ("restart", 1e-3, 5e-4), ("hold", 6.156e-6, 6.156e-6)]
)
def test_each_choice_has_its_rates(tmp_path: Path, schedule: ContinuedSchedule, now: float, middle: float) -> None:
    finish(train(tmp_path / "run", schedule="cosine"))
    job = resume(tmp_path / "run", 40, schedule)
    training = job.trainer.training
    assert learning_rate(training, 20) == pytest.approx(now, rel=1e-3)
    assert learning_rate(training, 30) == pytest.approx(middle, rel=1e-3)
    finish(job)
    events = job.trainer.run.record
    assert events.training.steps == 40 and events.status == "finished"


def test_a_constant_rate_and_an_unchanged_end_need_no_choice(tmp_path: Path) -> None:
    finish(train(tmp_path / "constant", schedule="constant"))
    finish(resume(tmp_path / "constant", 30))
    with pytest.raises(ValueError, match="constant; leave the schedule out"):
        resume(tmp_path / "constant", 40, "restart")
    job = train(tmp_path / "cosine", schedule="cosine", checkpoint_every=5)
    while job.step < 10:
        job.advance()
    job.stop()
    finish(resume(tmp_path / "cosine", None))


def test_the_decay_begins_where_it_is_set() -> None:
    training = Training(steps=100, learning_rate=1.0, schedule="cosine", decay_from=50)
    assert [learning_rate(training, step) for step in (0, 50, 75, 100)] == pytest.approx([1.0, 1.0, 0.5, 0.0])


def test_the_schedule_follows_the_checkpoint_that_is_whole(tmp_path: Path) -> None:
    finish(train(tmp_path / "run", schedule="cosine", checkpoint_every=10))
    newest = tmp_path / "run" / "checkpoints" / "step-20" / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:500])
    with pytest.raises(ScheduleOpenError, match=r"0\.00058 at the end of step 10"):
        resume(tmp_path / "run", 80)
    job = resume(tmp_path / "run", 80, "hold")
    assert job.trainer.step == 10
    assert learning_rate(job.trainer.training, 50) == pytest.approx(5.8e-4, rel=0.01)
    finish(job)
