"""Loggers beside a training: all points at its end, after a resume and after errors; none of them stops a training."""

import json
import math
import shutil
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.loggers import json_lines, live
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import Warned
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder

CPU = torch.device("cpu")
INTERVALS = {"validate_every": 8, "sample_every": 8, "checkpoint_every": 8, "num_samples": 4, "validation_images": 8}


class Service(types.ModuleType):
    """Module with the functions of ``wandb`` that records what it is given."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.runs: list[dict[str, Any]] = []
        self.logged: list[tuple[int, dict[str, Any]]] = []
        self.finished = 0

    def init(self, **options: Any) -> None:
        self.runs.append(options)

    def log(self, values: dict[str, Any], step: int) -> None:
        self.logged.append((step, dict(values)))

    def finish(self) -> None:
        self.finished += 1

    def Image(self, picture: Any, caption: str) -> tuple[Any, str]:
        return picture, caption


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service()
    made.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "wandb", made)
    return made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PASS_SECONDS", 0.01)
    monkeypatch.setattr(live, "FIRST_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(live, "LAST_RETRY_SECONDS", 0.01)


def start(path: Path, log_to: str, steps: int = 24) -> tuple[TrainingJob, list[Event]]:
    events: list[Event] = []
    training = {"steps": steps, "batch_size": 8, "log_to": log_to, "schedule": "constant", **INTERVALS}
    spec = RunSpec(family="vae", config={"num_hidden": 8}, data="digits", training=training)
    return start_training(plan_run(DatasetCache(), spec, CPU), str(path), CPU, events.append), events


def resume(path: Path, steps: int | None = None) -> TrainingJob:
    return resume_run(str(path), Continuation(steps), DatasetCache(), CPU, lambda event: None)


def finish(job: TrainingJob, until: Callable[[], bool] = lambda: False) -> None:
    while job.running and not until():
        job.advance()


def recorded(path: Path) -> dict[tuple[str, int], float]:
    with RunFolder.open(path) as run:
        return {
            (f"{split}/{name}", step): value
            for (split, name), (steps, values) in run.history.read_scalars().items()
            for step, value in zip(steps.tolist(), values.tolist(), strict=True)
        }


def in_lines(path: Path) -> list[tuple[tuple[str, int], float]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [((f"{x['split']}/{x['name']}", x["step"]), float(x["value"])) for x in lines if "split" in x]


def in_event_files(folder: Path) -> dict[tuple[str, int], float]:
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return {(tag, e.step): e.value for tag in found.Tags()["scalars"] for e in found.Scalars(tag)}


def in_service(service: Service) -> list[tuple[tuple[str, int], float]]:
    return [((key, step), x) for step, values in service.logged for key, x in values.items() if isinstance(x, float)]


def assert_all_logged(path: Path, service: Service) -> None:
    there = recorded(path)
    assert dict(in_lines(path / "logs" / "history.jsonl")) == there
    assert len(in_lines(path / "logs" / "history.jsonl")) == len(there)
    assert in_event_files(path / "logs").keys() == there.keys()
    assert dict(in_service(service)) == there
    assert len(in_service(service)) == len(there)


def test_each_logger_has_every_point_also_after_a_crash_and_a_resume(tmp_path: Path, service: Service) -> None:
    path = tmp_path / "run"
    job, _events = start(path, "tensorboard; jsonl; wandb:mine")
    finish(job, lambda: job.step == 13)
    job._loggers.close("running", 13)  # the process is gone: no checkpoint, and points after that of step 8
    job.trainer.close()
    finish(resume(path))
    assert_all_logged(path, service)
    first, second = service.runs
    assert first["project"] == "mine" and first["mode"] == "offline" and first["resume"] == "allow"
    assert first["id"] == second["id"] and first["config"]["training.steps"] == 24
    assert service.finished == 2
    pictures = [values["means"] for _step, values in service.logged if "means" in values]
    assert [caption for _picture, caption in pictures] == [f"step {step}" for step in (0, 8, 16, 24)]
    assert pictures[0][0].shape[2] == 3
    finish(resume(path, steps=30))
    assert_all_logged(path, service)


def test_a_copy_of_a_run_is_logged_from_its_beginning(tmp_path: Path, service: Service) -> None:
    job, _events = start(tmp_path / "run", "wandb")
    finish(job)
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    finish(resume(tmp_path / "copy", steps=26))
    assert service.runs[0]["id"] != service.runs[1]["id"]
    assert len([1 for step, values in service.logged if step == 5 and "train/loss" in values]) == 2


def test_a_full_disk_is_said_once_and_what_was_missed_is_logged_later(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = threading.Event()
    full.set()
    tried = threading.Semaphore(0)
    flush = json_lines.JsonLinesLogger.flush

    def write(logger: json_lines.JsonLinesLogger) -> None:
        if full.is_set():
            tried.release()
            raise OSError(28, "No space left on device")
        flush(logger)

    monkeypatch.setattr(json_lines.JsonLinesLogger, "flush", write)
    path = tmp_path / "run"
    job, events = start(path, "jsonl; wandb")
    finish(job, lambda: job.step == 12)
    job.flush()
    assert all(tried.acquire(timeout=10) for _ in range(2))  # it was tried again
    full.clear()
    finish(job)
    assert job.record.status == "finished"
    with RunFolder.open(path) as run:
        said = [event.text for event in run.history.read_events() if event.kind == "logger"]
    assert len(said) == 2 and "No space left on device" in said[0] and "works again" in said[1]
    assert [event.message for event in events if isinstance(event, Warned)] == said
    assert dict(in_lines(path / "logs" / "history.jsonl")) == recorded(path)


def test_a_server_that_hangs_is_given_up_at_the_end(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "END_SECONDS", 0.05)
    released = threading.Event()
    monkeypatch.setattr(service, "log", lambda values, step: released.wait(60))
    job, events = start(tmp_path / "run", "wandb", steps=4)
    began = time.monotonic()
    finish(job)
    assert time.monotonic() - began < 30 and job.record.status == "finished"
    assert any("given up" in event.message for event in events if isinstance(event, Warned))
    released.set()
    for thread in threading.enumerate():
        if thread.name == "logger wandb":
            thread.join(30)


def test_a_service_that_raises_does_not_stop_the_training(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(**options: Any) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(service, "init", init)
    job, events = start(tmp_path / "run", "wandb")
    finish(job)
    assert job.record.status == "finished" and not math.isnan(recorded(tmp_path / "run")["train/loss", 24])
    messages = [event.message for event in events if isinstance(event, Warned)]
    assert len(messages) == 1 and "no route to host" in messages[0]
