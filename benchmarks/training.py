"""Speed of training through the engine, with a run folder, relative to a bare loop over the same model."""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import torch

from benchmarks.arithmetic import distance, logistic_functions, step_flops
from benchmarks.models import comparison, configured_model
from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.runtime.building import family_class
from gmstudio.engine.runtime.device import describe_device
from gmstudio.engine.training.trainer import Trainer
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training_settings import Training as TrainingSettings
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import new_record
from gmstudio.system.heap import keep_freed_memory

NUM_IMAGES = 4096
PLACEMENTS = 4
"""Pairs of loops with new models. A step's time depends on where its tensors lie in memory: bare loops over six equal
NADEs in one process took 23.8 to 26.7 ms of processor time a step."""
ROUNDS = 2
"""Turns of each pair."""
WARM_UP_S = 0.5


def compare(name: str, batch: int, levels: int, seconds: float, device: str = "cpu") -> dict[str, Any]:
    """Measure a model of the sizes of public code, see ``models.COMPARISONS``.

    Returns:
        As ``measure``, and ``model``, and descriptions of the public code and of the differences.

    Raises:
        ValueError: when there is no such model.
    """
    model = comparison(name)
    found = measure(model.family, model.size, batch, levels, seconds, model.settings, device)
    return {
        **found,
        "model": name,
        "public": model.public,
        "differs": model.differs,
    }


def measure(
    family: str, size: int, batch: int, levels: int, seconds: float, config: Mapping[str, Any], device: str = "cpu"
) -> dict[str, Any]:
    """Time both loops in turns, so that other load affects both alike.

    The engine's loop records every step, writes its history and checkpoints as often as the family does by default;
    validation and sample grids are left out, since the bare loop has none. The bare loop is batch, loss, backward and
    fused Adam.

    Returns:
        ``images_per_s``, ``bare_images_per_s``, ``ratio``; the same of processor seconds (``cpu_ratio``), which other
        work on the machine disturbs less; on the CPU the distance of a step from its arithmetic (see
        ``arithmetic.distance``); and what was measured.
    """
    image = ImageSpec(channels=1, height=size, width=size, levels=levels)
    dataset = random_images(image)
    keep_freed_memory()  # as the engine does; the bare loop gains as much
    engine, bare = Tally(), Tally()
    for _ in range(PLACEMENTS):
        trained, model = (configured_model(family, image, config, device) for _ in range(2))
        loops = _in_turns(trained, model, dataset, batch, seconds / PLACEMENTS)
        engine.add(loops[0])
        bare.add(loops[1])
    return {
        "benchmark": "training",
        "family": family,
        "config": dict(config),
        "image": str(image),
        "batch": batch,
        "device": describe_device(model.device),
        "images_per_s": engine.rate * batch,
        "bare_images_per_s": bare.rate * batch,
        "ratio": engine.rate / bare.rate,
        "cpu_ratio": bare.cpu_seconds_per_step / engine.cpu_seconds_per_step,
        "steps": engine.steps,
        **_distance(model, batch, engine),
        "parameters": model.num_parameters(),
        "phases": [phase.name for phase in model.phases()],
        "title": family_class(family).card.title,
        "threads": torch.get_num_threads(),
    }


def _in_turns(
    trained: Family, bare_model: Family, dataset: Dataset, batch: int, seconds: float
) -> tuple["Tally", "Tally"]:
    """Run the engine's loop over one model and the bare loop over another in turns; both are warm."""
    family, config = trained.card.name, msgspec.to_builtins(trained.config)
    training = msgspec.to_builtins(only_steps(family, batch))
    spec = RunSpec(family=family, config=config, data="random", training=training)
    with tempfile.TemporaryDirectory() as folder:
        record = new_record(spec, image=dataset.image, device=str(trained.device))
        run = RunFolder.create(Path(folder) / "run", record)
        with EngineLoop(Trainer(run, trained, dataset)) as engine:
            bare = BareLoop(bare_model, dataset, batch)
            run_in_turns(engine, bare, seconds, ROUNDS)
    return engine, bare


def only_steps(
    family: str, batch: int, precision: Literal["fp32", "bf16"] = "fp32", cuda_graphs: Literal["auto", "off"] = "auto"
) -> TrainingSettings:
    """Settings without an end, validation or sampling, with checkpoints at the family's default interval."""
    never = 10_000_000
    return TrainingSettings(
        precision=precision,
        cuda_graphs=cuda_graphs,
        steps=never,
        batch_size=batch,
        learning_rate=1e-4,
        validate_every=never,
        sample_every=never,
        checkpoint_every=family_class(family).training_defaults.checkpoint_every,
        num_samples=1,
    )


def random_images(image: ImageSpec) -> Dataset:
    """Data set of uniformly random images."""
    random = np.random.default_rng(0)
    images = random.integers(0, image.levels, (NUM_IMAGES, *image.shape), dtype=np.uint8)
    return Dataset("random", {}, image, Split(images), Split(images[:64]), Split(images[:64]))


def _distance(model: Any, batch: int, loop: "Tally") -> dict[str, float]:
    """Distance of a training step from its arithmetic; on the CPU only, where the rate of products is measured."""
    if model.device.type != "cpu":
        return {}
    return distance(step_flops(model, batch), 1 / loop.rate, logistic_functions(model) * batch)


class Tally:
    """Steps and what they took."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Set the counts to zero."""
        self.steps, self.seconds, self.cpu_seconds = 0, 0.0, 0.0

    def add(self, other: "Tally") -> None:
        """Count the steps of another as well."""
        self.steps += other.steps
        self.seconds += other.seconds
        self.cpu_seconds += other.cpu_seconds

    @property
    def rate(self) -> float:
        """Steps per second."""
        return self.steps / self.seconds

    @property
    def cpu_seconds_per_step(self) -> float:
        """Processor seconds per step, of all threads of this process."""
        return self.cpu_seconds / self.steps


class Loop(Tally):
    """A training loop that counts steps and seconds."""

    def run(self, seconds: float) -> None:
        """Train for about this long."""
        start, cpu_start = time.perf_counter(), time.process_time()
        while time.perf_counter() - start < seconds:
            self.step()
            self.steps += 1
        if torch.cuda.is_available():  # queued work is not done yet
            torch.cuda.synchronize()
        self.seconds += time.perf_counter() - start
        self.cpu_seconds += time.process_time() - cpu_start

    def step(self) -> None:
        """Make one parameter update."""
        raise NotImplementedError


def run_in_turns(first: Loop, second: Loop, seconds: float, rounds: int) -> None:
    """Run each of two loops for some seconds in all, in turns, after both are warm."""
    for loop in (first, second):
        loop.run(WARM_UP_S)
        loop.reset()
    for _ in range(rounds):
        first.run(seconds / rounds)
        second.run(seconds / rounds)


class EngineLoop(Loop):
    """Steps of the engine's trainer; a context at whose end its last checkpoint is written and the run closed.

    Args:
        trainer: of a run that is not begun.
    """

    def __init__(self, trainer: Trainer) -> None:
        super().__init__()
        self._trainer = trainer
        self._pieces = trainer.pieces()
        while not next(self._pieces).at_step_boundary:
            pass

    def __enter__(self) -> "EngineLoop":
        return self

    def __exit__(self, *_error: object) -> None:
        self._trainer.close()

    def step(self) -> None:
        """Go on to the next step's end."""
        while not next(self._pieces).at_step_boundary:
            pass


class BareLoop(Loop):
    """Minimal loop: batch, loss, backward, fused Adam."""

    def __init__(self, model: Family, dataset: Dataset, batch: int) -> None:
        super().__init__()
        self.model = model.train()
        self._images = torch.from_numpy(dataset.train.images).to(model.device)
        self._batch = batch
        self._phases = [
            (phase, torch.optim.Adam(phase.parameters, lr=1e-4, betas=phase.betas, fused=True))
            for phase in model.phases()
        ]
        self._generator = torch.Generator(model.device).manual_seed(0)
        self._position = 0

    def step(self) -> None:
        """Make one update of each phase."""
        batch = self._images[self._position : self._position + self._batch]
        self._position = (self._position + self._batch) % (len(self._images) - self._batch + 1)
        for phase, adam in self._phases:
            adam.zero_grad()
            phase.loss(batch, self._generator)["loss"].backward()
            adam.step()
