"""The one trainer: a generator that makes a run one small piece of work at a time.

Every step is a pure function of the weights, the optimizers' state, the training generator's state and the step
number; validation and samples draw from generators of their own. So a run that was stopped, or killed, continues
from its checkpoint as if nothing had happened.
"""

import math
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset
from gmstudio.engine.evaluation.sample_quality import SampleQuality, only_generates
from gmstudio.engine.runs.series import curves_of, series_of
from gmstudio.engine.runtime.models import load_weights
from gmstudio.engine.sampling.grids import draw_grid, grid_kind
from gmstudio.engine.training.batches import Batches
from gmstudio.engine.training.checkpoint_writer import CheckpointWriter
from gmstudio.engine.training.graphed_step import updates_for
from gmstudio.engine.training.optimizers import PhaseOptimizer, learning_rate
from gmstudio.engine.training.scalars import PendingScalars
from gmstudio.engine.training.step import Due, Outcome, TrainStep, phase_loss
from gmstudio.families.base import Family, Phase
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.runs import HistoryAppended, SamplesDrawn
from gmstudio.protocol.training import CheckpointSaved
from gmstudio.runs.checkpoints import CHECKPOINTS_NAME
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import ImageGrid, Scalar
from gmstudio.runs.record import RunError

NORM_EVERY = 10
FLUSH_SECONDS = 0.1
CHECKPOINT_SECONDS = 60.0
QUEUED_SECONDS = 0.02


class StepOutput(NamedTuple):
    """What one advance of the trainer brought.

    Args:
        events: for the window.
        at_step_boundary: the next piece begins a new step; all that belongs to the last one is done.
    """

    events: tuple[Event, ...]
    at_step_boundary: bool


class TrainingFailedError(RuntimeError):
    """Training cannot go on; says why and what to do."""


class Trainer:
    """Trains the model of one run.

    Args:
        run: the run folder; its record says how to train.
        model: on its device.
        dataset: the images.
    """

    def __init__(self, run: RunFolder, model: Family, dataset: Dataset) -> None:
        self.run = run
        self.model = model
        self.training = run.record.training
        self.step = 0
        self.images_per_s = 0.0
        self.every_norm = False
        """Measure gradient norms at every step instead of at every tenth: somebody looks at each."""
        self._device = model.device
        self._batches = Batches(dataset, self.training.batch_size, self.training.seed, self._device)
        self._generator = torch.Generator(self._device).manual_seed(self.training.seed)
        self._optimizers = [PhaseOptimizer(phase, self.training) for phase in model.phases()]
        self._active = self._optimizers
        plain = TrainStep(self._optimizers, self._generator, self.training)
        self._updates = updates_for(plain, self._optimizers, model, self.training, self._generator, self._log_updates)
        self._batches_per_step = max(phase.phase.updates_per_step for phase in self._optimizers)
        self._validation = self._batches.valid(self.training.validation_images)
        self._validation_labels = self._batches.valid_labels(self.training.validation_images)
        self._quality: SampleQuality | None = None
        if only_generates(model):
            self._quality = SampleQuality(dataset, self._device, self.training.seed)
        self._pending = PendingScalars(run.history)
        self._checkpointed_at = time.monotonic()
        self._timed_from = (time.perf_counter(), 0)
        self._queued: deque[tuple[float, torch.cuda.Event]] = deque()
        self._writer = CheckpointWriter(run, -1)
        self.warnings: tuple[str, ...] = ()
        """What was damaged when the run was resumed, a sentence each."""
        self._restore()

    @property
    def finished(self) -> bool:
        """All steps are made."""
        return self.step >= self.training.steps

    def seconds_left(self) -> float:
        """At the present rate; negative when the rate is not known yet."""
        if self.images_per_s <= 0:
            return -1.0
        return (self.training.steps - self.step) * self._batches.batch_size / self.images_per_s

    def pieces(self) -> Iterator[StepOutput]:
        """Train to the end, a piece at a time; stop by not asking for more.

        Raises:
            TrainingFailedError: when the loss is no longer finite.
        """
        if self._writer.step < 0:  # whatever happens from now on, the run can be resumed
            yield StepOutput(self.checkpoint(), at_step_boundary=False)
        yield from self._after_step(only_missing=True)
        self.restart_clock()
        while not self.finished:
            yield StepOutput((), at_step_boundary=True)
            self._advance()
            yield StepOutput(self._flush_if_due(), at_step_boundary=False)
            if self._writer.poll():
                yield StepOutput((self._saved(),), at_step_boundary=False)
            yield from self._after_step()
        yield StepOutput((*self.flush(), *self.checkpoint()), at_step_boundary=True)

    def checkpoint(self, *, marked: bool = False) -> tuple[Event, ...]:
        """Write history and a verified checkpoint of the current step, unless it is there, and wait until it is.

        Args:
            marked: keep it for good.

        Raises:
            RunError: when it could not be written.
        """
        events = [*self.flush(), *self._finish_checkpoint()]
        if self._writer.step != self.step:
            self._begin_checkpoint()
            events += self._finish_checkpoint()
            self.restart_clock()
        if marked:
            self.run.checkpoints.mark(self.step)
            events.append(self._saved(marked=True))
        return tuple(events)

    def choose_phases(self, names: tuple[str, ...]) -> None:
        """Run only these phases from the next step on; empty: all of them.

        Raises:
            ValueError: when there is no such phase.
        """
        there = [optimizer.phase.name for optimizer in self._optimizers]
        for name in names:
            if name not in there:
                raise ValueError(f"There is no training phase {name!r}; there are {', '.join(there)}.")
        active = [optimizer for optimizer in self._optimizers if not names or optimizer.phase.name in names]
        if active != self._active:
            self._active = active
            self.run.history.log(self.step, "phases", f"Trains {', '.join(o.phase.name for o in active)} from here on.")

    def close(self) -> None:
        """Finish what is being written and close the run, giving its lock back; harmless when done twice.

        Raises:
            RunError: when a checkpoint could not be written; the run is closed all the same.
        """
        try:
            self._writer.close()
        finally:
            self.run.close()

    def _begin_checkpoint(self) -> None:
        self._refuse_infinite_weights()
        self._checkpointed_at = time.monotonic()
        self._writer.begin(self.step, self._tensors(), {"step": self.step, "seed": self.training.seed})

    def _finish_checkpoint(self) -> list[Event]:
        return [self._saved()] if self._writer.finish() else []

    def _saved(self, *, marked: bool = False) -> CheckpointSaved:
        return CheckpointSaved(run=str(self.run.path), step=self._writer.step, marked=marked)

    def restart_clock(self) -> None:
        """Measure the rate from now on: what was done until now, or nothing in a pause, was no training step."""
        self._timed_from = (time.perf_counter(), self.step)

    def _advance(self) -> None:
        """One step: every phase once."""
        if not self.model.training:  # after a validation or samples; asking each step would walk all modules
            self.model.train()
        step = self.step + 1
        want_norm = self.every_norm or step % NORM_EVERY == 0 or step == 1
        for update in range(1, self._batches_per_step + 1):
            index = self.step * self._batches_per_step + update - 1
            optimizers = [o for o in self._active if update > self._batches_per_step - o.phase.updates_per_step]
            batch = self._batches.train(index, self._generator)
            labels = self._batches.train_labels(index) if any(o.phase.takes_labels for o in optimizers) else None
            record = update == self._batches_per_step
            if optimizers:
                due = Due(optimizers, batch, labels, self.step, record=record, want_norm=want_norm and record)
                self._keep(self._updates.run(due), step, want_norm)
        self.step = step
        self._bound_queue()
        if want_norm:
            self._pending.add(step, "learning_rate", learning_rate(self.training, step - 1))
            self._measure_rate()

    def _keep(self, outcomes: list[Outcome], step: int, want_norm: bool) -> None:
        """Remember, on the device, what the last updates of a step tell."""
        for phase, terms, norm in outcomes:
            for name, value in terms.items():
                self._pending.add(step, self._term_name(phase, name), value)
            if norm is not None and want_norm:
                self._pending.add(step, self._qualified("grad_norm", phase), norm)

    def _log_updates(self, text: str) -> None:
        self._pending.remark(self.step, "updates", text)

    def _term_name(self, phase: Phase, name: str) -> str:
        return f"{phase.name}_loss" if name == "loss" and len(self._optimizers) > 1 else name

    def _qualified(self, name: str, phase: Phase) -> str:
        return f"{name}_{phase.name}" if len(self._optimizers) > 1 else name

    def _measure_rate(self) -> None:
        then, step = self._timed_from
        now = time.perf_counter()
        if self.step > step:
            self.images_per_s = (self.step - step) * self._batches.batch_size / (now - then)
            self._pending.add(self.step, "images_per_s", self.images_per_s)
        self._timed_from = (now, self.step)

    def _bound_queue(self) -> None:
        """Keep at most about 20 ms of work queued on a GPU, so that a slider's request need not wait long."""
        if self._device.type != "cuda":
            return
        event = torch.cuda.Event()
        event.record(torch.cuda.current_stream(self._device))
        self._queued.append((time.perf_counter(), event))
        while self._queued and time.perf_counter() - self._queued[0][0] > QUEUED_SECONDS:
            self._queued.popleft()[1].synchronize()

    def _after_step(self, *, only_missing: bool = False) -> Iterator[StepOutput]:
        """Validation, samples and a checkpoint where they are due; ``only_missing``: not again after a resume."""
        at_end = self.finished
        history = self.run.history
        validate = self.step and (self.step % self.training.validate_every == 0 or at_end)
        sample = self.step % self.training.sample_every == 0 or at_end
        if validate or sample:
            told = self.flush()  # a loss that is no number tells of an earlier step than the weights
            self._refuse_infinite_weights()
            if told:
                yield StepOutput(told, at_step_boundary=False)
        if validate and not (only_missing and self._has_validation()):
            yield from self._validate()
        if sample and not (only_missing and self.step in history.image_steps(grid_kind(self.model))):
            yield from self._sample()
        due = self.step % self.training.checkpoint_every == 0 and self.step
        late = time.monotonic() - self._checkpointed_at > CHECKPOINT_SECONDS
        if (due or late) and not only_missing and not at_end:
            events = [*self.flush(), *self._finish_checkpoint()]
            self._begin_checkpoint()
            yield StepOutput(tuple(events), at_step_boundary=False)

    def _has_validation(self) -> bool:
        scalars = self.run.history.read_scalars(since=self.step - 1)
        return any(split == "valid" and self.step in steps for (split, _), (steps, _) in scalars.items())

    def _validate(self) -> Iterator[StepOutput]:
        sums: dict[str, float] = {}
        count = 0
        generator = torch.Generator(self._device).manual_seed(self.training.seed + 1)
        for number, batch in enumerate(self._validation):
            self.model.eval()
            labels = self._validation_labels[number] if self._validation_labels is not None else None
            with torch.no_grad():
                for optimizer in self._optimizers:
                    for name, value in phase_loss(optimizer.phase, batch, generator, labels).items():
                        key = self._term_name(optimizer.phase, name)
                        sums[key] = sums.get(key, 0.0) + float(value) * len(batch)
            count += len(batch)
            yield StepOutput((), at_step_boundary=False)
        values = {name: total / count for name, total in sums.items()}
        if self._quality is not None:
            self.model.eval()
            for shares in self._quality.measure(self.model):
                values |= shares or {}
                if shares is None:
                    yield StepOutput((), at_step_boundary=False)
        rows = [Scalar(self.step, "valid", name, value) for name, value in values.items()]
        self.run.history.append(scalars=rows)
        self.restart_clock()
        yield StepOutput((self._appended(rows),), at_step_boundary=False)

    def _sample(self) -> Iterator[StepOutput]:
        self.model.eval()
        inputs = torch.cat(self._validation) if self._validation else None
        for images in draw_grid(self.model, self.training.num_samples, self.training.seed, inputs):
            if images is None:
                yield StepOutput((), at_step_boundary=False)
                continue
            kind = grid_kind(self.model)
            self.run.history.append(images=[ImageGrid(self.step, kind, images)])
            event = SamplesDrawn(run=str(self.run.path), step=self.step, kind=kind, images=Array.of(images))
            self.restart_clock()
            yield StepOutput((event,), at_step_boundary=False)

    def _flush_if_due(self) -> tuple[Event, ...]:
        return self.flush() if self._pending.seconds_waiting() > FLUSH_SECONDS else ()

    def flush(self) -> tuple[Event, ...]:
        """Read back the pending numbers in one go, store them, and tell of them.

        Raises:
            RunError: when they cannot be stored; they stay pending.
            TrainingFailedError: when a loss among them is not finite; they are stored.
        """
        rows = self._pending.store()
        if not rows:
            return ()
        self._refuse_infinite(rows)
        return (self._appended(rows),)

    def _refuse_infinite(self, rows: list[Scalar]) -> None:
        for step, _, name, value in rows:
            if name.endswith("loss") and not math.isfinite(value):
                raise TrainingFailedError(self._diverged(f"{name.replace('_', ' ')} became {value}", step))

    def _refuse_infinite_weights(self) -> None:
        """They have nothing to show, and a checkpoint of them would take the place of one that training can go on from.

        Raises:
            TrainingFailedError: when an update left some that are not finite, before a loss could tell.
        """
        norms = torch._foreach_norm([p.detach() for p in self.model.parameters()], ord=math.inf)
        if not math.isfinite(torch.stack([norm.float() for norm in norms]).sum().item()):
            raise TrainingFailedError(self._diverged("weights are no longer finite", self.step))

    def _diverged(self, what: str, step: int) -> str:
        self._writer.finish()
        kept = f" The checkpoint of step {self._writer.step:,} is kept." if self._writer.step >= 0 else ""
        return (
            f"The {what} at step {step}. Lower the learning rate ({self.training.learning_rate:g} now) or clip the "
            f"gradient, and start again.{kept}"
        )

    def _appended(self, rows: list[Scalar]) -> HistoryAppended:
        return HistoryAppended(run=str(self.run.path), series=series_of(curves_of(rows)))

    def _tensors(self) -> dict[str, dict[str, NDArray[Any]]]:
        model = {name: value.detach().cpu().numpy() for name, value in self.model.state_dict().items()}
        optimizer: dict[str, NDArray[Any]] = {}
        for one in self._optimizers:
            optimizer |= one.state_arrays()
        random = {"generator": self._generator.get_state().numpy(), "torch": torch.get_rng_state().numpy()}
        return {"model": model, "optimizer": optimizer, "random": random}

    def _restore(self) -> None:
        """Go to the latest checkpoint; what was recorded after it is forgotten, for it will happen again.

        Raises:
            RunError: when no checkpoint is whole, or a run that had begun has lost all of them.
        """
        if self.run.checkpoints.list():
            found = self.run.checkpoints.load()
            load_weights(self.model, found.tensors["model"])
            for optimizer in self._optimizers:
                optimizer.load_state_arrays(found.tensors["optimizer"])
            self._restore_generator(found.step, torch.from_numpy(found.tensors["random"]["generator"]))
            torch.set_rng_state(torch.from_numpy(found.tensors["random"]["torch"]))
            self.step = self._writer.step = found.step
            self.warnings = found.warnings
        elif self.run.history.read_scalars(since=0):
            raise RunError(
                f"{self.run.path} was trained, but has no checkpoint to go on from. Restore its folder "
                f"{CHECKPOINTS_NAME} from a copy, or begin a new run."
            )
        self.run.history.truncate_after(self.step)

    def _restore_generator(self, step: int, state: torch.Tensor) -> None:
        """Go on in the noise where it stopped; another kind of device has its own, which begins afresh."""
        if state.shape == self._generator.get_state().shape:
            self._generator.set_state(state)
        else:
            self._generator.manual_seed(int(np.random.SeedSequence([self.training.seed, step]).generate_state(1)[0]))
            self.run.history.log(step, "device", f"Continued on another device ({self._device}), with fresh noise.")
