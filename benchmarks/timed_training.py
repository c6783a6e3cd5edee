"""Training for a fixed wall time: the engine's updates, with a learning rate that follows the clock.

A slower machine makes fewer steps, but its learning rate falls to zero too, so that its result is that of a complete
short run, not of an unfinished long one.
"""

import math
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.recipe import TimedTraining
from gmstudio.data.dataset import Dataset
from gmstudio.engine.training.averaging import AveragedModel
from gmstudio.engine.training.batches import Batches
from gmstudio.engine.training.optimizers import PhaseOptimizer, learning_rate
from gmstudio.engine.training.step import TrainStep, UpdateInput, WholeBatch
from gmstudio.families.base import Family
from gmstudio.protocol.training_settings import Training

MILLION = 1_000_000
RUNNING_LOSS = 0.98
CHECK_EVERY = 50
"""Steps between checks of the loss, each of which synchronizes with an accelerator."""


class TimedTrainer:
    """Trainer whose learning-rate schedule follows the clock.

    The engine's schedule counts steps; here a step is a millionth of the time.

    Args:
        model: on its device; where weights are averaged, it has the average.
        dataset: the images.
        settings: of the training.
        seconds: wall time, including validation.
        seed: of the order of the images and of all noise.
    """

    def __init__(self, model: Family, dataset: Dataset, settings: TimedTraining, seconds: float, seed: int) -> None:
        self.model = model
        self.step = 0
        self._running_loss: Tensor | None = None
        self._seconds = seconds
        schedule = self._schedule = Training(
            steps=MILLION,
            optimizer=settings.optimizer,
            learning_rate=settings.learning_rate,
            soap_rate=settings.soap_rate,
            schedule="cosine",
            warmup=round(settings.warmup_percent / 100 * MILLION),
            grad_clip=settings.grad_clip,
            weight_decay=settings.weight_decay,
            penalty=settings.penalty,
            precision=settings.precision,
        )
        self._batches = Batches(dataset, settings.batch_size, seed, model.device)
        self._generator = torch.Generator(model.device).manual_seed(seed)
        self._averaged = AveragedModel(model, settings.average)
        phases = self._averaged.trained.phases()
        self._optimizers = [PhaseOptimizer(phase, schedule) for phase in phases]
        self._updates = TrainStep(self._optimizers, WholeBatch(self._generator, schedule))
        self._batch = 0
        self._start = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start

    @property
    def progress(self) -> float:
        """Elapsed part of the time, 0 to 1."""
        return min(1.0, self.elapsed / self._seconds)

    @property
    def epochs(self) -> float:
        """Number of passes over the training images."""
        return self._batch / self._batches.steps_per_epoch

    @property
    def running_loss(self) -> float:
        """Mean of the training loss over about the last 50 steps."""
        return float("nan") if self._running_loss is None else float(self._running_loss)

    @property
    def rate(self) -> float:
        """Current learning rate."""
        return learning_rate(self._schedule, self._millionths())

    def run(self) -> Iterator[None]:
        """Train until the time is over, yielding after each step.

        Raises:
            FloatingPointError: when the loss is no longer finite.
        """
        while self.progress < 1.0:
            self._averaged.trained.train()
            for optimizer in self._optimizers:
                for _ in range(optimizer.phase.updates_per_step):
                    self._update(optimizer)
            self.step += 1
            self._averaged.update(self.step)
            if self.step % CHECK_EVERY == 1 and not math.isfinite(self.running_loss):
                raise FloatingPointError(
                    f"The loss became {self.running_loss} before step {self.step}. Lower the learning rate."
                )
            yield

    def _update(self, optimizer: PhaseOptimizer) -> None:
        phase = optimizer.phase
        batch, labels = self._batches.train(self._batch, self._generator), self._batches.train_labels(self._batch)
        if phase.before_update is not None:
            phase.before_update(*self._batches.uncounted(self._batch, batch))
        given = UpdateInput([optimizer], batch, labels, self._millionths(), record=True, want_norm=False)
        (outcome,) = self._updates.run(given)
        self._batch += 1
        loss, running = outcome.terms["loss"], self._running_loss
        self._running_loss = loss if running is None else torch.lerp(loss, running, RUNNING_LOSS)

    def _millionths(self) -> int:
        return int(self.progress * MILLION)
