"""Training through the engine, run folder and all, against a bare loop over the same model."""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.arithmetic import PASSES_PER_STEP, distance
from benchmarks.models import table_config, table_model
from gmstudio.cards import ImageSpec
from gmstudio.cards import Training as TrainingSettings
from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.device import choose_device, describe_device
from gmstudio.engine.models import family_class
from gmstudio.engine.train import Trainer
from gmstudio.families.base import Autoregressive, Family
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import new_record

NUM_IMAGES = 4096
ROUNDS = 6


def measure(
    family: str, size: int, batch: int, levels: int, seconds: float, settings: list[str], device: str = "cpu"
) -> dict[str, Any]:
    """Time both loops in turns, so that a noisy machine hurts both alike.

    The engine's loop records every step, writes its history and a checkpoint every 200 steps; validation and sample
    grids are left out, for the bare loop has none. The bare loop is batch, loss, backward, fused Adam and nothing else.

    Returns:
        ``images_per_s``, ``bare_images_per_s``, ``ratio``, for families with an exact likelihood the distance of a
        step from its arithmetic (see ``arithmetic.distance``), and what was measured.
    """
    image = ImageSpec(channels=1, height=size, width=size, levels=levels)
    dataset = _random_images(image)
    never = 10_000_000
    settings_of_run = TrainingSettings(
        steps=never,
        batch_size=batch,
        learning_rate=1e-4,
        validate_every=never,
        sample_every=never,
        checkpoint_every=family_class(family).training_defaults.checkpoint_every,
        num_samples=1,
    )
    with tempfile.TemporaryDirectory() as folder:
        record = new_record(
            family=family,
            config=table_config(family, settings),
            data="random",
            data_config={},
            image=image,
            training=settings_of_run,
            device=str(choose_device(device)),
        )
        with RunFolder.create(Path(folder) / "run", record) as run:
            engine = _EngineLoop(Trainer(run, table_model(family, image, settings, device=device), dataset))
            bare = _BareLoop(table_model(family, image, settings, device=device), dataset, batch)
            for loop in (engine, bare):
                loop.run(1.0)  # warm-up
                loop.reset()
            for _ in range(ROUNDS):
                engine.run(seconds / ROUNDS)
                bare.run(seconds / ROUNDS)
    return {
        "benchmark": "training",
        "family": family,
        "config": table_config(family, settings),
        "image": str(image),
        "batch": batch,
        "device": describe_device(bare.model.device),
        "images_per_s": engine.rate * batch,
        "bare_images_per_s": bare.rate * batch,
        "ratio": engine.rate / bare.rate,
        "steps": engine.steps,
        **_distance(bare.model, batch, engine),
        "parameters": bare.model.num_parameters(),
        "phases": [phase.name for phase in bare.model.phases()],
        "title": family_class(family).card.title,
        "threads": torch.get_num_threads(),
    }


def _random_images(image: ImageSpec) -> Dataset:
    random = np.random.default_rng(0)
    images = random.integers(0, image.levels, (NUM_IMAGES, *image.shape), dtype=np.uint8)
    return Dataset("random", {}, image, Split(images), Split(images[:64]), Split(images[:64]))


def _distance(model: Any, batch: int, loop: "_Loop") -> dict[str, float]:
    """How far a training step is from its arithmetic; of other families, whose passes differ, and devices, nothing."""
    if model.device.type != "cpu" or not isinstance(model, Autoregressive):
        return {}
    return distance(model, batch, PASSES_PER_STEP, 1 / loop.rate)


class _Loop:
    """Counts steps and the seconds they took."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.steps, self.seconds = 0, 0.0

    @property
    def rate(self) -> float:
        """Steps per second."""
        return self.steps / self.seconds

    def run(self, seconds: float) -> None:
        """Make steps for about so long."""
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            self.step()
            self.steps += 1
        if torch.cuda.is_available():  # what is only queued is not done
            torch.cuda.synchronize()
        self.seconds += time.perf_counter() - start

    def step(self) -> None:
        """One parameter update."""
        raise NotImplementedError


class _EngineLoop(_Loop):
    def __init__(self, trainer: Trainer) -> None:
        super().__init__()
        self._trainer = trainer
        self._pieces = trainer.pieces()
        while not next(self._pieces).at_step_boundary:
            pass

    def step(self) -> None:
        while not next(self._pieces).at_step_boundary:
            pass


class _BareLoop(_Loop):
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
        batch = self._images[self._position : self._position + self._batch]
        self._position = (self._position + self._batch) % (len(self._images) - self._batch + 1)
        for phase, adam in self._phases:
            adam.zero_grad()
            phase.loss(batch, self._generator)["loss"].backward()
            adam.step()
