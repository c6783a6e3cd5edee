"""Training for a fixed wall time: the learning rate follows the clock, and weights are averaged.

A slower machine makes fewer steps, but its learning rate falls to zero too, so that its result is that of a complete
short run, not of an unfinished long one.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.recipe import TimedTraining
from benchmarks.soap import Soap, is_inner_matrix
from gmstudio.data.dataset import Dataset
from gmstudio.engine.training.batches import Batches
from gmstudio.engine.training.optimizers import PhaseOptimizer, learning_rate
from gmstudio.families.base import Family, LossTerms, Phase
from gmstudio.protocol.training_settings import Training

MILLION = 1_000_000
RUNNING_LOSS = 0.98
CHECK_EVERY = 50
"""Steps between checks of the loss, each of which synchronizes with an accelerator."""


class TimedTrainer:
    """Trainer whose learning-rate schedule follows the clock.

    The engine's schedule counts steps; here a step is a millionth of the time.

    Args:
        model: on its device.
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
        self._schedule = Training(
            steps=MILLION,
            learning_rate=settings.learning_rate,
            schedule="cosine",
            warmup=round(settings.warmup_percent / 100 * MILLION),
            grad_clip=settings.grad_clip,
        )
        self._bf16 = settings.precision == "bf16"
        self._batches = Batches(dataset, settings.batch_size, seed, model.device)
        self._generator = torch.Generator(model.device).manual_seed(seed)
        self._updaters = [_Updater(phase, self._schedule, settings) for phase in model.phases()]
        self.averaged = AveragedWeights(model, settings.average)
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
            self.model.train()
            for updater in self._updaters:
                for _ in range(updater.phase.updates_per_step):
                    self._update(updater)
            self.step += 1
            self.averaged.update(self.step)
            if self.step % CHECK_EVERY == 1 and not math.isfinite(self.running_loss):
                raise FloatingPointError(
                    f"The loss became {self.running_loss} before step {self.step}. Lower the learning rate."
                )
            yield

    def _update(self, updater: "_Updater") -> None:
        phase = updater.phase
        batch, labels = self._batches.train(self._batch, self._generator), self._batches.train_labels(self._batch)
        if phase.before_update is not None:
            phase.before_update(*self._batches.uncounted(self._batch, batch))
        updater.zero_grad()
        with torch.autocast(batch.device.type, dtype=torch.bfloat16, enabled=self._bf16):
            terms: LossTerms
            if labels is not None and phase.takes_labels:
                terms = phase.loss(batch, self._generator, labels)
            else:
                terms = phase.loss(batch, self._generator)
        terms["loss"].backward()
        updater.update(self._millionths())
        if phase.after_update is not None:
            phase.after_update()
        self._batch += 1
        loss = terms["loss"].detach()
        running = self._running_loss
        self._running_loss = loss if running is None else torch.lerp(loss, running, RUNNING_LOSS)

    def _millionths(self) -> int:
        return int(self.progress * MILLION)


class _Updater:
    """Optimizer of one phase: Adam, SOAP for inner matrices if set, lasso penalty and weight decay.

    Args:
        phase: with the parameters.
        schedule: of Adam's learning rate; SOAP's is proportional to it.
        settings: of optimizer, penalty and decay.
    """

    def __init__(self, phase: Phase, schedule: Training, settings: TimedTraining) -> None:
        self.phase = phase
        inner = [p for p in phase.parameters if settings.soap_rate and is_inner_matrix(p)]
        others = [p for p in phase.parameters if not any(p is one for one in inner)]
        self._schedule, self._decay, self._penalty = schedule, settings.weight_decay, settings.penalty
        self._matrices = [p for p in phase.parameters if p.dim() > 1]
        self._adam = PhaseOptimizer(replace(phase, parameters=others), schedule)
        self._soap = Soap(inner)
        self._soap_share = settings.soap_rate / settings.learning_rate
        self._decayed = [(inner, self._soap_share), ([p for p in others if p.dim() > 1], 1.0)]

    def zero_grad(self) -> None:
        """Clear the gradients."""
        for parameter in self.phase.parameters:
            parameter.grad = None

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Update the parameters that have a gradient."""
        rate = learning_rate(self._schedule, step) * self.phase.learning_rate_scale
        if self._penalty:
            for matrix in self._matrices:
                if matrix.grad is not None:
                    matrix.grad.add_(matrix.sign(), alpha=self._penalty)
        for parameters, share in self._decayed:
            if self._decay and parameters:
                torch._foreach_mul_(list[Tensor](parameters), 1.0 - self._decay * share * rate)
        self._adam.update(step, want_norm=False)
        self._soap.update(self._soap_share * rate)


class AveragedWeights:
    """Exponential moving average of a model's parameters, whose decay grows with the steps up to a limit.

    Args:
        model: with the parameters.
        decay: largest decay, below 1; 0: no average, the parameters are used as they are.
    """

    def __init__(self, model: Family, decay: float) -> None:
        self._parameters = list(model.parameters())
        self._decay = decay
        self._average = [p.detach().clone() for p in self._parameters] if decay else []

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Add the weights after ``step`` (1, 2, …) to the average."""
        if self._average:
            keep = min(self._decay, step / (10.0 + step))
            torch._foreach_lerp_(self._average, [p.detach() for p in self._parameters], 1.0 - keep)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Context in which the model has the average as its parameters."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for parameter, average in zip(self._parameters, self._average, strict=False):
            kept: Tensor = parameter.detach().clone()
            parameter.copy_(average)
            average.copy_(kept)
