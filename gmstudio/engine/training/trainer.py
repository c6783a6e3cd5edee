"""Trainer of all families: a generator that trains a run in small pieces of work.

Every step is a pure function of the weights, the states of optimizers and training generator, and the step number;
validation and samples draw from generators of their own. So a run continues from its checkpoint bit for bit.
"""

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import torch

from gmstudio.data.dataset import Dataset
from gmstudio.engine.runtime.weights import load_checkpoint
from gmstudio.engine.sampling.grids import grid_kind
from gmstudio.engine.training.averaging import TRAINED, AveragedModel
from gmstudio.engine.training.batches import batches_for
from gmstudio.engine.training.checkpoint_writer import CheckpointWriter, refused_random_state, resumable
from gmstudio.engine.training.device_queue import DeviceQueue
from gmstudio.engine.training.distributed import Ranks
from gmstudio.engine.training.divergence import diverged_loss, has_finite_weights
from gmstudio.engine.training.due import DueAt, due_at, missing_at
from gmstudio.engine.training.evaluations import Evaluations
from gmstudio.engine.training.optimization import Optimization
from gmstudio.engine.training.optimizers import OTHER_DEVICE, WEIGHTS_ONLY, learning_rate
from gmstudio.engine.training.part_check import examples_of
from gmstudio.engine.training.recording import StepRecorder
from gmstudio.engine.training.step_output import WORKING, StepOutput, TrainingFailedError
from gmstudio.engine.training.travel_checkpoints import TravelCheckpoints
from gmstudio.families.base import Family
from gmstudio.protocol.base import Event
from gmstudio.protocol.training import CheckpointSaved
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.batch_sizes import note_batch_size
from gmstudio.runs.checkpoints import CHECKPOINTS_NAME
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import PHASES, SETTINGS_CHANGED
from gmstudio.runs.record import RunError

NORM_EVERY = 10
"""Steps between two measurements of gradient norms and speed."""
CHECKPOINT_SECONDS = 30.0
"""A checkpoint is due at the latest so long after the last one, whatever the settings say."""


class Trainer:
    """Trains the model of one run.

    Construction changes nothing on disk. A run that was trained before is continued by ``restore``, then
    ``discard_later``.

    Args:
        run: run folder, open for writing; its record holds the training settings.
        model: model on its device; where weights are averaged, it has the average.
        dataset: data set to train on.
        ranks: processes that train along, of which this one is rank 0; None: there are none.

    Raises:
        ValueError: when processes cannot share the batches.
    """

    def __init__(self, run: RunFolder, model: Family, dataset: Dataset, ranks: Ranks | None = None) -> None:
        self.run = run
        self.model = model
        training = self.training = run.record.training
        self.step = 0
        self.every_norm = False
        """Measure gradient norms at every step instead of every tenth, for a training that is followed step by step."""
        self.warnings: tuple[str, ...] = ()
        """Sentences on damaged checkpoints that ``restore`` passed over."""
        self.in_step = False
        """A step is being made, or has failed; otherwise it is validation, samples or nothing."""
        self._averaged = AveragedModel(model, training.average)
        self._device = model.device
        self._ranks = ranks
        self._batches = batches_for(dataset, training, self._device)
        self._generator = torch.Generator(self._device).manual_seed(training.seed)
        self._recorder = StepRecorder(run)
        examples = examples_of(dataset, self._batches.batch_size, self._device)
        self._optimization = Optimization(
            self._averaged.trained, training, self._generator, self._log_updates, examples, ranks
        )
        if ranks is not None:
            ranks.refuse_small(self._batches.batch_size)
            self._log_updates(ranks.sentence(self._batches.batch_size))
        self._evaluations = Evaluations(run, model, dataset, training, self._recorder)
        self._evaluations.choose(model.phases(), self._batches)
        self._checkpointed_at = time.monotonic()
        self._queue = DeviceQueue(self._device)
        self._writer = CheckpointWriter(run, -1)
        self._travel = TravelCheckpoints(self._writer)
        run.checkpoints.travel = self.training.travel_checkpoints

    # ---- restoring ---------------------------------------------------------------------------------------------

    def restore(self) -> None:
        """Take weights, optimizer state, random state and step from the latest checkpoint; nothing on disk changes.

        A run without checkpoints and history starts at step 0; weights alone get a new optimizer, as the log says.

        Raises:
            RunError: when no checkpoint is whole, or a run that was trained has lost all of them.
            ValueError: when the checkpoint does not fit the model.
        """
        if not self.run.checkpoints.list():
            if self.run.history.read_scalars(since=0):
                raise RunError(
                    f"{self.run.path} was trained, but has no checkpoint to continue from. Restore its folder "
                    f"{CHECKPOINTS_NAME} from a copy, or start a new run."
                )
            return
        found = load_checkpoint(self.run.checkpoints, self.model)
        self._averaged.restore(found.tensors.get(TRAINED, {}))
        self.step = self._writer.step = found.step
        if "optimizer" in found.tensors:
            self._optimization.load_state_arrays(found.tensors["optimizer"])
        random = {name: torch.from_numpy(state) for name, state in found.tensors.get("random", {}).items()}
        with refused_random_state(found.step):
            self._restore_generator(found.step, random.get("generator"))
            torch.set_rng_state(random.get("torch", torch.get_rng_state()))
        self.warnings = found.warnings

    def discard_later(self) -> None:
        """Delete what the history holds after the restored step, which is trained again.

        Raises:
            RunError: when the history cannot be written.
        """
        self.run.history.truncate_after(self.step)
        note_batch_size(self.run.history, self.step, self.training.batch_size, self.training.batch_size)

    def _restore_generator(self, step: int, state: torch.Tensor | None) -> None:
        """Continue the sequence of random numbers; without one, or on another kind of device, seed a new one."""
        if state is not None and state.shape == self._generator.get_state().shape:
            self._generator.set_state(state)
        else:
            self._generator.manual_seed(int(np.random.SeedSequence([self.training.seed, step]).generate_state(1)[0]))
            remark = ("optimizer", WEIGHTS_ONLY) if state is None else ("device", OTHER_DEVICE.format(self._device))
            self._recorder.pending.remark(step, *remark)

    # ---- training ----------------------------------------------------------------------------------------------

    @property
    def finished(self) -> bool:
        """All steps are made."""
        return self.step >= self.training.steps

    @property
    def images_per_s(self) -> float:
        """Rate at the last measurement; 0: unknown."""
        return self._recorder.images_per_s

    def seconds_left(self) -> float:
        """Seconds to the end at the present rate; negative while the rate is unknown."""
        if self.images_per_s <= 0:
            return -1.0
        return (self.training.steps - self.step) * self._batches.batch_size / self.images_per_s

    def pieces(self) -> Iterator[StepOutput]:
        """Train to the end, one piece of work for each ``next``.

        Raises:
            TrainingFailedError: when a loss or a weight is no longer finite.
            RunError: when the run cannot be written; a new generator continues where this one ended.
        """
        self._begin_together()
        if self._writer.step < 0:  # from now on the run can be resumed whatever happens
            yield StepOutput(self.checkpoint(), at_step_boundary=False)
        yield from self._evaluate(missing_at(self.step, self.training, self.run.history, grid_kind(self.model)))
        yield from self._evaluations.record_surface(self.step)
        self.restart_clock()
        while not self.finished:
            yield StepOutput((), at_step_boundary=True)
            began = time.perf_counter()
            if not self._advance():
                return
            self._evaluations.note_trained(time.perf_counter() - began)
            if self._recorder.due:
                yield StepOutput(self.flush(), at_step_boundary=False)
            if self._writer.poll():
                yield StepOutput((self._saved(),), at_step_boundary=False)
            yield from self._after_step()
        yield StepOutput(self.checkpoint(), at_step_boundary=True)

    def choose_phases(self, names: tuple[str, ...]) -> None:
        """Train only these phases from the next step on; empty: all of them.

        Raises:
            ValueError: when there is no such phase.
        """
        if self._optimization.choose_phases(names):
            names = self._optimization.active
            self.run.history.log(self.step, PHASES, f"Trains {', '.join(names)} from here on.")

    def change(self, training: Training, config: Any, text: str) -> None:
        """Train on with other settings from the next step on; a resumed run that has them goes on the same way.

        Args:
            training: settings of training.
            config: settings of the family, of which only those differ that are ``live``.
            text: what changes, for the log of the run.
        """
        self._recorder.pending.remark(self.step, SETTINGS_CHANGED, text)
        before, self.training = self.training, training
        self._averaged.change(training.average, config)
        self._optimization.change(training, self._averaged.trained)
        self._evaluations.training = training
        if (training.batch_size, training.accumulate) != (before.batch_size, before.accumulate):
            self._recorder.pending.batch_size(self.step, before.images_per_update, training.images_per_update)
            self._batches = self._batches.in_size(training.images_per_update, training.batch_size)
            self._evaluations.choose(self.model.phases(), self._batches)
        self.run.checkpoints.travel = training.travel_checkpoints
        self.restart_clock()

    def restart_clock(self) -> None:
        """Measure the rate from now on, without the time that validation, samples or a pause took."""
        self._recorder.restart_clock(self.step)

    # ---- other processes ---------------------------------------------------------------------------------------

    @property
    def called_off(self) -> bool:
        """Another process has wanted the end of the training, for example since its machine is needed."""
        return self._ranks is not None and self._ranks.over and not self.finished

    def _begin_together(self) -> None:
        if self._ranks is not None and not self._ranks.begun:
            state = resumable(self._averaged, self._optimization, self._generator)
            with self._ranks.naming_loss(self.last_checkpoint):
                self._ranks.begin(msgspec.json.encode(self.run.record), self.step, state)

    def _advance(self) -> bool:
        """Make one step, together with the other processes where there are any; False: they want the end."""
        if self._ranks is None:
            self._make_step()
            return True
        with self._ranks.naming_loss(self.last_checkpoint):
            wanted = self._ranks.another_step()
            if wanted:
                self._make_step()
        return wanted

    def _make_step(self) -> None:
        """Make the updates of every active phase."""
        self.in_step = True
        if not self._averaged.trained.training:  # after a validation or samples; ``train`` walks all modules
            self._averaged.trained.train()
        step = self.step + 1
        want_norm = self.every_norm or step % NORM_EVERY == 0 or step == 1
        outcomes = self._optimization.updates(self._batches, self.step, want_norm)
        self._recorder.add(step, outcomes, self._optimization.phases, want_norm=want_norm)
        self.step = step
        self._averaged.update(step)
        self.in_step = False
        self._queue.bound()
        if want_norm:
            self._recorder.pending.add(step, "learning_rate", learning_rate(self.training, step - 1))
            self._recorder.measure_rate(step, self._batches.batch_size)

    def _log_updates(self, text: str) -> None:
        self._recorder.pending.remark(self.step, "updates", text)

    # ---- after a step ------------------------------------------------------------------------------------------

    def _after_step(self) -> Iterator[StepOutput]:
        due = due_at(self.step, self.training)
        yield from self._evaluate(due)
        yield from self._evaluations.record_surface(self.step)
        if due.checkpoint or self._is_checkpoint_late() or self._travel.due(self.step, self.training):
            self._recorder.keep(self.flush())
            self._recorder.keep(self._finish_checkpoint())
            self._begin_checkpoint()
            yield StepOutput(self.take_unsent(), at_step_boundary=False)

    def _is_checkpoint_late(self) -> bool:
        return not self.finished and time.monotonic() - self._checkpointed_at > CHECKPOINT_SECONDS

    def _evaluate(self, due: DueAt) -> Iterator[StepOutput]:
        """Validate and draw samples where they are due, after a check that the weights are finite."""
        if due.validate or due.sample:
            yield WORKING  # the step that was made is a piece of its own
            self._recorder.keep(self.flush())  # a loss that is not finite names an earlier step than the weights would
            self._refuse_diverged_weights()
            if events := self.take_unsent():
                yield StepOutput(events, at_step_boundary=False)
        if due.validate:
            yield from self._evaluations.validate(self.step)
        if due.sample:
            yield from self._evaluations.sample(self.step)

    # ---- scalars -----------------------------------------------------------------------------------------------

    def flush(self) -> tuple[Event, ...]:
        """Read the pending scalars back, store them, and return them as events.

        Raises:
            RunError: when they cannot be stored; they stay pending.
            TrainingFailedError: when a loss among them is not finite; they are stored.
        """
        diverged = diverged_loss(self._recorder.store())
        if diverged is not None:
            raise TrainingFailedError(self._diverged(*diverged))
        return self.take_unsent()

    def take_unsent(self) -> tuple[Event, ...]:
        """Return the events of what was stored before an error; the caller of the method that raised it got none."""
        return self._recorder.take()

    def _refuse_diverged_weights(self) -> None:
        """Check the weights: a checkpoint of diverged ones would replace one that training can continue from.

        Raises:
            TrainingFailedError: when an update left weights that are not finite, before a loss could show it.
        """
        if not has_finite_weights(self._averaged.trained):
            raise TrainingFailedError(self._diverged("weights are no longer finite", self.step))

    def _diverged(self, what: str, step: int) -> str:
        last = self.last_checkpoint()
        kept = f" The checkpoint of step {last:,} is kept." if last >= 0 else ""
        return (
            f"The {what} at step {step}. Lower the learning rate ({self.training.learning_rate:g} now) or clip the "
            f"gradient, and start again.{kept}"
        )

    # ---- checkpoints -------------------------------------------------------------------------------------------

    def checkpoint(self, *, keep: bool = False) -> tuple[Event, ...]:
        """Write history and a verified checkpoint of the present step, unless it is there, and wait for the disk.

        The checkpoint is written even when the history cannot be.

        Args:
            keep: never delete it in favour of newer ones.

        Raises:
            RunError: when the checkpoint or the history cannot be written.
        """
        problem = None
        try:
            self._recorder.keep(self.flush())
        except RunError as error:  # a full disk, or a history that another program keeps locked
            problem = error
        self._recorder.keep(self._finish_checkpoint())
        if self._writer.step != self.step:
            self._begin_checkpoint()
            self._recorder.keep(self._finish_checkpoint())
            self.restart_clock()
        if problem is not None:
            raise problem
        if keep:
            self.run.checkpoints.mark(self.step)
            self._recorder.keep([self._saved(kept=True)])
        return self.take_unsent()

    def last_checkpoint(self) -> int:
        """Wait for the checkpoint that is being written; return the step of the last one, negative: there is none.

        Raises:
            RunError: when it could not be written.
        """
        self._writer.finish()
        return self._writer.step

    def close(self) -> None:
        """Wait for the checkpoint that is being written, and close the run with its lock; harmless when done twice.

        Raises:
            RunError: when a checkpoint could not be written; the run is closed all the same.
        """
        try:
            self._writer.close()
        finally:
            self.run.close()
            if self._ranks is not None:
                self._ranks.end()

    def _begin_checkpoint(self) -> None:
        self._refuse_diverged_weights()
        self._checkpointed_at = time.monotonic()
        self._writer.begin(
            self.step,
            resumable(self._averaged, self._optimization, self._generator),
            {"step": self.step, "seed": self.training.seed},
        )

    def _finish_checkpoint(self) -> list[Event]:
        return [self._saved()] if self._writer.finish() else []

    def _saved(self, *, kept: bool = False) -> CheckpointSaved:
        steps = self.run.checkpoints.steps()
        return CheckpointSaved(run=self.run.name, step=self._writer.step, kept=kept, steps=steps)
