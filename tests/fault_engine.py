"""Ground of the fault tests: short trainings by a real engine process, and what a run on the disk holds."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from engine_process import EngineProcess
from numpy.typing import NDArray

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import ChooseDevice, CommandFailed, Done, Warned
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunOpened
from gmstudio.protocol.training import StartTraining, StopTraining, TrainingChanged
from gmstudio.runs.folder import RunFolder

VAE = {"num_latent": 2, "num_hidden": 24}
SHORT = {"steps": 60, "batch_size": 32, "num_samples": 4, "validation_images": 40, "seed": 5, "travel_checkpoints": 0}
OFTEN = {"validate_every": 10, "sample_every": 10, "checkpoint_every": 10}
ENDLESS = {**SHORT, **OFTEN, "steps": 1_000_000}
MEASURED = ("images_per_s",)
"""Curves that depend on the machine, not on the training alone."""
ROOT = Path(__file__).parents[1]


def train_vae(config: dict[str, Any] | None = None, **training: Any) -> StartTraining:
    """The command that trains a small VAE on the digits."""
    settings = {**SHORT, **OFTEN, **training}
    spec = RunSpec(family="vae", config=config or VAE, data="digits", data_config={"levels": 2}, training=settings)
    return StartTraining(spec=spec)


class TrainedEngine(EngineProcess):
    """An engine that has trained a small VAE for 60 steps, with checkpoints of steps 40 and 60."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.home = home
        run = start(self, checkpoint_every=20)
        status(self, "finished")
        self.original = folder_in(home, run)
        self._copies = 0

    def copy(self) -> Path:
        """Copy the run to another place in the library."""
        self._copies += 1
        return Path(shutil.copytree(self.original, self.original.with_name(f"copy-{self._copies}")))

    def remove(self, copy: Path) -> None:
        """End a training of a copy, and remove it."""
        stopped = self.send(StopTraining())
        self.wait(Event, lambda event: event.request == stopped)
        shutil.rmtree(copy)

    def decoded(self, folder: Path, *, num_latent: int = 2) -> Decoded:
        """What a run's model decodes a code of zeros to."""
        codes = Array.of(np.zeros((1, num_latent), np.float32))
        return self.ask(Decode(run=str(folder), codes=codes), Decoded)

    def refused(self, command: Command) -> CommandFailed:
        """The failure that answers a command."""
        return self.ask(command, CommandFailed)

    def warnings(self) -> str:
        """All warnings that have come."""
        self.ask(ChooseDevice(device="cpu"), Done)  # what was sent before is here by then
        return " ".join(event.message for event in self.seen if isinstance(event, Warned))


def start(engine: EngineProcess, config: dict[str, Any] | None = None, **training: Any) -> str:
    """Start a training; the run's identity."""
    return engine.ask(train_vae(config, **training), RunOpened).info.run


def status(engine: EngineProcess, wanted: str) -> TrainingChanged:
    """Wait until the run in training has a status."""
    return engine.wait(TrainingChanged, lambda event: event.status == wanted)


def folder_in(home: Path, run: str) -> Path:
    """The folder of a run of an engine with this home, whether its identity is a path or a name."""
    return Path(run) if Path(run).is_absolute() else home / "runs" / run


def learned(folder: Path) -> dict[str, NDArray[Any]]:
    """All that a training made: weights, moments, random state, curves and sample images."""
    found: dict[str, NDArray[Any]] = {}
    with RunFolder.open(folder) as run:
        checkpoint = run.checkpoints.load()
        assert checkpoint.warnings == ()
        for group, arrays in checkpoint.tensors.items():
            found |= {f"{group}/{name}": array for name, array in arrays.items()}
        for (split, name), (steps, values) in run.history.read_scalars().items():
            found[f"{split}/{name}/steps"] = steps
            if name not in MEASURED:
                found[f"{split}/{name}"] = values
        for kind in run.history.image_kinds():
            for step in run.history.image_steps(kind):
                found[f"{kind}/{step}"] = run.history.read_images(step, kind)
    return found


def assert_same(found: dict[str, NDArray[Any]], wanted: dict[str, NDArray[Any]]) -> None:
    """Hold two runs to the same names, types and bits."""
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype and found[name].tobytes() == array.tobytes(), name


def process_exists(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not count."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
    return stat.rpartition(")")[2].split()[0] != "Z"


def peak_memory(pid: int) -> int:
    """Most resident memory that a process of Linux ever had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"/proc/{pid}/status has no VmHWM")


def same_curves(found: dict[str, NDArray[Any]], last: int) -> None:
    """Hold the training curve to one point for each step, up to the last."""
    np.testing.assert_array_equal(found["train/loss/steps"], np.arange(1, last + 1))
