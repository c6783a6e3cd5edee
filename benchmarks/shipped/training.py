"""Training of the ready models, one thread each, which can be interrupted and goes on from the last checkpoint."""

import json
import platform
import time
from pathlib import Path

import torch

from benchmarks.shipped.recipe import ExampleRecipe
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.protocol.base import Event
from gmstudio.runs.atomic import replace_file

EFFORT_NAME = "effort.json"
REPORT_SECONDS = 20.0


def train_example(recipe: ExampleRecipe, folder: Path) -> None:
    """Train a recipe's model to its last step in a run folder; a run that is there is continued.

    The processor time of all sessions is added up in ``effort.json``.

    Raises:
        RuntimeError: when training ends otherwise than by its last step.
    """
    torch.set_num_threads(1)
    began = time.process_time()
    spent = read_effort(folder)["cpu_seconds"] if (folder / EFFORT_NAME).exists() else 0.0
    job = _job(recipe, folder)
    reported = 0.0
    try:
        while job.running:
            job.advance()
            if time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                _write_effort(folder, spent + time.process_time() - began)
                print(f"{folder.name}: step {job.step:,}, {spent + time.process_time() - began:.0f} CPU s", flush=True)
    finally:
        if not job.over:
            job.stop()
        _write_effort(folder, spent + time.process_time() - began)
    if job.record.status != "finished":
        raise RuntimeError(f"{folder} ended as {job.record.status}: {job.record.message}")


def read_effort(folder: Path) -> dict[str, float]:
    """Processor seconds that the training took so far."""
    content: dict[str, float] = json.loads((folder / EFFORT_NAME).read_text())
    return content


def machine() -> str:
    """Name of the processor, as the system reports it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _job(recipe: ExampleRecipe, folder: Path) -> TrainingJob:
    device = torch.device("cpu")
    if (folder / "run.json").exists():
        return resume_run(str(folder), Continuation(), DatasetCache(), device, _ignore)
    return start_training(plan_run(DatasetCache(), recipe.spec, device), str(folder), device, _ignore)


def _ignore(event: Event) -> None:
    """Take an event of the training, which nobody watches."""


def _write_effort(folder: Path, cpu_seconds: float) -> None:
    replace_file(folder / EFFORT_NAME, json.dumps({"cpu_seconds": round(cpu_seconds, 1)}).encode())
