"""Resuming of a run from its latest checkpoint, with more steps or other data where that was decided."""

import math
import shutil
from dataclasses import dataclass

import msgspec
import torch

from gmstudio.engine.runtime.building import build_run_model, note_labels
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.errors import ScheduleOpenError
from gmstudio.engine.runtime.memory import limit_memory
from gmstudio.engine.runtime.run_data import changes_since, load_run_data, log_changes
from gmstudio.engine.runtime.weights import load_checkpoint
from gmstudio.engine.training.distributed import Ranks
from gmstudio.engine.training.job import Send, TrainingJob
from gmstudio.engine.training.optimizers import learning_rate
from gmstudio.engine.training.trainer import Trainer
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.runs import RunOrigin
from gmstudio.protocol.training import ContinuedSchedule
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.example_copy import copy_example
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import SCHEDULE
from gmstudio.runs.library import new_run_path, runs_home
from gmstudio.runs.names import folder_of
from gmstudio.runs.record import RunRecord, read_record
from gmstudio.system.heap import keep_freed_memory

TOLERANCE = 0.02
"""Relative change of the learning rate that needs no decision."""


@dataclass(frozen=True)
class Continuation:
    """Choices for a resumed run.

    Args:
        steps: new number of steps of the run; None: unchanged.
        schedule: course of a decaying learning rate where the number of steps changes; empty: not chosen.
        data_folder: folder that holds the data now; empty: the recorded one.
        accept_changed_data: use the data even where they differ from those that the run was trained on.
    """

    steps: int | None = None
    schedule: ContinuedSchedule = ""
    data_folder: str = ""
    accept_changed_data: bool = False


def resume_run(
    path: str,
    choices: Continuation,
    cache: DatasetCache,
    device: torch.device,
    send: Send,
    ranks: Ranks | None = None,
) -> TrainingJob:
    """Continue a run from its latest checkpoint; nothing on disk changes before all checks have passed.

    Args:
        path: name or absolute name of the run.
        choices: number of steps, schedule and data.
        cache: source of its data set.
        device: device to train on.
        send: takes the events.
        ranks: processes that train along; None: there are none.

    Raises:
        RunError: when the run is missing, damaged, or being written by another process.
        DataUnavailableError: when its data cannot be used any more.
        DataChangedError: when its data have changed, and that is not accepted.
        ScheduleOpenError: when its learning rate would jump with the new number of steps, and no schedule is chosen.
        ValueError: when no step is left to make.
    """
    limit_memory(device)
    keep_freed_memory()
    run = RunFolder.open(folder_of(path), write=True)
    try:
        before = run.record
        model = build_run_model(run, device)
        step = load_checkpoint(run.checkpoints, model).step if run.checkpoints.list() else 0
        run.record = continued(before, step, choices)  # written by ``update`` below
        dataset = load_run_data(cache, before, choices.data_folder, accept_changed=choices.accept_changed_data)
        note_labels(model, dataset.train_labels)
        trainer = Trainer(run, model, dataset, ranks)
        trainer.restore()
        if trainer.finished:
            raise ValueError(f"All {trainer.training.steps:,} steps are made. Enter more steps to continue.")
        run.update(
            status="running",
            message="",
            device=str(device),
            step=trainer.step,
            data_config=dataset.config,
            fingerprint=dataset.fingerprint,
        )
        trainer.discard_later()
        log_changes(run, changes_since(before, dataset), trainer.step)
        if choices.schedule:
            rate = learning_rate(run.record.training, trainer.step)
            run.history.log(trainer.step, SCHEDULE, f"Schedule: {choices.schedule}, learning rate {rate:.2g}.")
        for warning in trainer.warnings:
            run.history.log(trainer.step, "warning", warning)
    except BaseException:
        run.close()
        raise
    return TrainingJob(trainer, send)


def resume_copy(
    example: str, choices: Continuation, cache: DatasetCache, device: torch.device, send: Send
) -> TrainingJob:
    """Copy an example into the library and continue the copy, see ``resume_run``; on an error no copy is left.

    Raises:
        RunError: when there is no such example, or it cannot be copied.
        ScheduleOpenError: when its learning rate would jump with the new number of steps, and no schedule is chosen.
        ValueError: when no step is left to make.
    """
    source = folder_of(example)
    copy = new_run_path(runs_home(), read_record(source).family)
    copy_example(source, copy)
    try:
        with RunFolder.open(copy, write=True) as run, RunFolder.open(source) as parent:
            origin = RunOrigin(run=parent.name, created=parent.record.created, step=run.checkpoints.load().step)
            run.update(origin=origin)
        job = resume_run(str(copy), choices, cache, device, send)
    except BaseException:
        shutil.rmtree(copy, ignore_errors=True)
        raise
    job.trainer.run.history.log(job.step, "copy", f"Continued from a copy of the example {source.name}.")
    return job


def continued(record: RunRecord, step: int, choices: Continuation) -> RunRecord:
    """Move the end of a run whose steps up to ``step`` are made, with the schedule that was chosen.

    Raises:
        ConfigError: when the number of steps is outside its range.
        ScheduleOpenError: when the learning rate would jump, and no schedule is chosen.
        ValueError: when a schedule is chosen for a learning rate that does not depend on the number of steps.
    """
    training = record.training
    steps = training.steps if choices.steps is None else choices.steps
    if choices.schedule and training.schedule == "constant":
        raise ValueError("The learning rate of this run is constant; leave the schedule out.")
    found = _with_schedule(training, steps, step, choices.schedule or "stretch")
    if not choices.schedule and steps > step > 0 and steps != training.steps and _jumps(training, found, step):
        raise ScheduleOpenError(_question(training, steps, step))
    return msgspec.structs.replace(record, training=found)


def _with_schedule(training: Training, steps: int, step: int, schedule: ContinuedSchedule) -> Training:
    changes: dict[str, int | float | str] = {"steps": steps}
    if schedule == "restart":
        changes["decay_from"] = step
    elif schedule == "hold":
        rate = _last_rate(training, step)
        changes |= {"schedule": "constant", "learning_rate": rate, "warmup": 0}
        if training.soap_rate is not None:
            changes["soap_rate"] = rate / training.learning_rate * training.soap_rate
    return parse_config(Training, {**msgspec.structs.asdict(training), **changes})


def _last_rate(training: Training, step: int) -> float:
    """Learning rate of the last update before ``step``."""
    return learning_rate(training, max(step - 1, 0))


def _jumps(before: Training, after: Training, step: int) -> bool:
    return not math.isclose(learning_rate(before, step), learning_rate(after, step), rel_tol=TOLERANCE)


def _question(training: Training, steps: int, step: int) -> str:
    rates = {
        schedule: learning_rate(_with_schedule(training, steps, step, schedule), step)
        for schedule in ("stretch", "restart", "hold")
    }
    return (
        f"The learning rate of this run decays to zero at step {training.steps:,} and was "
        f"{_last_rate(training, step):.2g} at the end of step {step:,}. With {steps:,} steps, choose how it goes on: "
        f"stretch, the same decay over all {steps:,} steps, {rates['stretch']:.2g} now; restart, from "
        f"{rates['restart']:.2g} now to zero at step {steps:,}; hold, constant at {rates['hold']:.2g}."
    )
