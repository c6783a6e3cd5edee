"""Runs of a few steps with checkpoints on the way, and a window's state on the engine's own features."""

from pathlib import Path
from typing import Any

import torch
from density_engine import DensityEngine

from gmstudio.engine.runs.describe import current_info
from gmstudio.engine.runs.library_handlers import RunsFeature
from gmstudio.engine.runs.travel_handlers import TravelFeature
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.feature import Handler
from gmstudio.engine.training.job import start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.base import Command
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import ListRuns, RunInfo
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.state import RunsState

CPU = torch.device("cpu")
TRAINING = {
    "steps": 40,
    "batch_size": 32,
    "schedule": "constant",
    "checkpoint_every": 8,
    "sample_every": 10,
    "validate_every": 10,
    "validation_images": 40,
    "num_samples": 4,
}
CHECKPOINTS, SAMPLES = (0, 8, 16, 24, 32, 40), (0, 10, 20, 30, 40)


def train(folder: Path, family: str = "vae", **config: Any) -> Path:
    """Train a tiny run on the digits."""
    config = {"num_hidden": 16, **config}
    spec = RunSpec(family=family, config=config, data="digits", data_config={"levels": 2}, training=TRAINING)
    job = start_training(plan_run(DatasetCache(), spec, CPU), str(folder), CPU, lambda _: None)
    while job.running:
        job.advance()
    return folder


class OpenedRuns(RunsFeature):
    """Commands about runs, but for the list, which would be that of the library."""

    def handlers(self) -> dict[type[Command], Handler]:
        return {kind: handler for kind, handler in super().handlers().items() if kind is not ListRuns}


class TravelScene:
    """State of the Runs panel with runs on the disk.

    Args:
        folders: of the runs.
    """

    def __init__(self, *folders: Path) -> None:
        self.engine = DensityEngine(OpenedRuns, TravelFeature)
        self.library = RunLibrary(self.engine)
        self.state = RunsState(self.engine, self.library)
        self.runs: tuple[RunInfo, ...] = tuple(current_info(self.engine.context, str(folder)) for folder in folders)
        self.engine.arrive(*self.runs)

    def serve(self) -> None:
        """Answer all that was asked."""
        self.engine.serve()
