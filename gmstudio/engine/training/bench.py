"""Bench of small computations: models trained at once, noise from a seed, and the pace of the scenes."""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
import torch

from gmstudio.data.dataset import Dataset
from gmstudio.engine.runtime.building import build_model, note_labels
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.datasets import load_data
from gmstudio.engine.runtime.inspection import in_background
from gmstudio.engine.training.batches import Batches
from gmstudio.engine.training.optimizers import PhaseOptimizer
from gmstudio.engine.training.step import TrainStep, UpdateInput, WholeBatch
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.training_settings import Training

SCENES_HZ = 8.0
Result = TypeVar("Result")


class Bench:
    """What demonstrations and laboratories work with.

    Args:
        context: the engine's device, data and models.
        models: family → name of a run whose model is used.
        seed: seed of all noise and of all training.
    """

    def __init__(self, context: EngineContext, models: Mapping[str, str], seed: int) -> None:
        self._context = context
        self._models = dict(models)
        self.seed = seed
        self.device = context.device
        self._shown_at = 0.0

    def generator(self, offset: int = 0) -> torch.Generator:
        """Return a source of noise, the same one for the same seed and offset."""
        return torch.Generator(self.device).manual_seed(self.seed + offset)

    def due(self) -> bool:
        """Return whether it is time for a new scene, and begin the wait for the next one."""
        now = time.perf_counter()
        if now - self._shown_at < 1 / SCENES_HZ:
            return False
        self._shown_at = now
        return True

    def data(self, source: str, config: Mapping[str, Any]) -> Generator[None, None, Dataset]:
        """Load a data set beside the engine's loop, as a reader may take a second to import; returns it.

        Raises:
            ConfigError: for settings outside their range.
            DataError: when it cannot be used.
        """
        return (yield from self.beside(lambda: load_data(self._context.data, source, dict(config))))

    def beside(self, work: Callable[[], Result]) -> Generator[None, None, Result]:
        """Do work that cannot be divided, and touches no model, beside the engine's loop; returns its result.

        Raises:
            Exception: the work's.
        """
        for result in in_background(work):
            if result is not None:
                return result
            yield None
        raise AssertionError("a background task ends with its result")

    def build(self, family: str, config: Mapping[str, Any], dataset: Dataset) -> Family:
        """Build a model for a data set, with weights that depend on the seed."""
        kind = FAMILIES[family]
        parsed: msgspec.Struct = parse_config(kind.Config, dict(config))
        model = build_model(kind, parsed, dataset.image, self.device, self.seed)
        note_labels(model, dataset.train_labels)
        return model

    def train(
        self, model: Family, dataset: Dataset, training: Training, updates: Mapping[str, int] | None = None
    ) -> Iterator[int]:
        """Train a model: yields the number of steps made, after each.

        Args:
            model: any family.
            dataset: its training images are used.
            training: steps, batch size, learning rate and schedule.
            updates: phase → updates in a step, in place of the phase's own number.
        """
        yield from train_steps(model, dataset, training, self.seed, updates)


def train_steps(
    model: Family,
    dataset: Dataset,
    training: Training,
    seed: int,
    updates: Mapping[str, int] | None = None,
) -> Iterator[int]:
    """Train a model without a run: yields the number of steps made, after each.

    Args:
        model: any family.
        dataset: its training images are used.
        training: steps, batch size, learning rate and schedule.
        seed: of the order of the batches and of all noise.
        updates: phase → updates in a step, in place of the phase's own number.
    """
    generator = torch.Generator(model.device).manual_seed(seed + 1)  # the seed itself drew the weights
    batches = Batches(dataset, training.batch_size, seed, model.device, training.mutation)
    optimizers = [PhaseOptimizer(phase, training) for phase in model.phases()]
    updater = TrainStep(optimizers, WholeBatch(generator, training))
    counts = [(updates or {}).get(o.phase.name, o.phase.updates_per_step) for o in optimizers]
    index = 0
    for step in range(training.steps):
        model.train()
        for update in range(max(counts)):
            due = [o for o, count in zip(optimizers, counts, strict=True) if update >= max(counts) - count]
            batch = batches.train(index, generator)
            for before_update in filter(None, (o.phase.before_update for o in due)):
                before_update(*batches.uncounted(index, batch))
            labels = batches.train_labels(index)
            updater.run(UpdateInput(due, batch, labels, step, record=False, want_norm=False))
            index += 1
        model.eval()
        yield step + 1
