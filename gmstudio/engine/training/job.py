"""Job of the run in training: start, pause, step, stop, and the events for the window."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import torch

from gmstudio.engine.runtime.building import build_model, note_labels, run_config
from gmstudio.engine.runtime.context import Progress
from gmstudio.engine.runtime.errors import error_sentence, is_device_lost
from gmstudio.engine.runtime.memory import is_out_of_memory, limit_memory
from gmstudio.engine.training.distributed import Ranks
from gmstudio.engine.training.freed_space import FreedSpace
from gmstudio.engine.training.loggers.live import LiveLoggers
from gmstudio.engine.training.optimization import refuse_coupled
from gmstudio.engine.training.part_check import check_parts, examples_of
from gmstudio.engine.training.plan import Plan
from gmstudio.engine.training.remedies import remedy_for
from gmstudio.engine.training.step_output import StepOutput, TrainingFailedError
from gmstudio.engine.training.trainer import Trainer
from gmstudio.families.base import Family
from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import Warned
from gmstudio.protocol.training import Remedy, TrainingChanged
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import new_run_path, runs_home
from gmstudio.runs.record import DiskFullError, RunBusyError, RunError, RunRecord, Status
from gmstudio.system.heap import keep_freed_memory

Send = Callable[[Event], None]
BY_ITSELF = "Training then continues by itself."


class TrainingJob:
    """Run in training, advanced piece by piece by the loop of the engine or the command line.

    Args:
        trainer: trainer of the run.
        send: takes the events.
    """

    def __init__(self, trainer: Trainer, send: Send) -> None:
        self.trainer = trainer
        self.name = trainer.run.name
        self.paused = False
        self.over = False
        self.at_boundary = False
        """All work of the last step is done, and the next one has not begun."""
        self.retries = False
        """Somebody calls ``resume`` where it ``can_go_on``, so that nobody else has to."""
        self._pieces: Iterator[StepOutput] = trainer.pieces()
        self._to_window = send
        self._loggers = LiveLoggers(trainer.run, trainer.step)
        self._pause_at: int | None = None
        """While single-stepping: step after which to pause."""
        self._can_go_on: Callable[[], bool] | None = None
        """While it waits: whether that is over."""
        self._phases: tuple[str, ...] = ()
        self._step_seconds = 0.0
        self._next_step_at = 0.0

    @property
    def running(self) -> bool:
        """The training is neither paused nor over."""
        return not (self.paused or self.over)

    @property
    def model(self) -> Family:
        """Model with its present weights."""
        return self.trainer.model

    @property
    def step(self) -> int:
        """Training steps made."""
        return self.trainer.step

    @property
    def record(self) -> RunRecord:
        """Content of ``run.json``."""
        return self.trainer.run.record

    def progress(self) -> Progress:
        """Return the progress."""
        trainer = self.trainer
        return Progress(
            title=f"Training {trainer.model.card.title}",
            step=trainer.step,
            steps=trainer.training.steps,
            images_per_s=trainer.images_per_s,
            seconds_left=trainer.seconds_left(),
        )

    def flush(self) -> None:
        """Store and send the recorded scalars."""
        for event in self.trainer.flush():
            self._send(event)

    def keep_checkpoint(self) -> None:
        """Write a checkpoint of the present step that is kept until the user releases it.

        Raises:
            RunError: when it cannot be written.
        """
        for event in self.trainer.checkpoint(keep=True):
            self._send(event)

    def change(self, record: RunRecord, text: str) -> None:
        """Train on with other settings, at a step boundary, after a checkpoint that is kept.

        Args:
            record: of the run with its other settings.
            text: what changes, for the log of the run.

        Raises:
            ValueError: when the run has diverged, and is closed as failed.
            RunError: when checkpoint or record cannot be written; nothing has changed then.
        """
        try:
            self.keep_checkpoint()
        except TrainingFailedError as error:
            self._fail(error)
            raise ValueError(str(error)) from error
        self.trainer.run.update(training=record.training, config=record.config)
        config = run_config(type(self.model), record)
        self.trainer.change(record.training, config, text)
        self._pieces = self.trainer.pieces()
        self.flush()

    def announce(self) -> None:
        """Report that the run is in training."""
        self._announce("running")

    def advance(self) -> None:
        """Do one piece of work; at the end, or when training cannot continue, close the run with that status.

        Raises:
            Exception: error of the family's code; the run is closed as failed first.
        """
        try:
            piece = next(self._pieces)
        except StopIteration:
            if self.trainer.called_off:
                self.stop()
            else:
                self._end("finished")
        except TrainingFailedError as error:
            self._fail(error)
        except RunError as error:  # for example a full disk; everything is in memory, so wait
            self._pieces = self.trainer.pieces()
            self._wait(error)
        except Exception as error:
            self._fail(error)
            if not is_out_of_memory(error):
                raise
        else:
            for event in piece.events:
                self._send(event)
            self.at_boundary = piece.at_step_boundary
            reached = self._pause_at is not None and self.trainer.step >= self._pause_at
            if piece.at_step_boundary:
                self._next_step_at = time.monotonic() + self._step_seconds
                if reached and not self.trainer.finished:
                    self.pause()

    def pause(self, message: str = "") -> None:
        """Pause after the current piece; status and recorded scalars are stored.

        If a loss among them is not finite, the run is closed as failed instead.
        """
        self._pause_at = self._can_go_on = None
        self.paused = True
        self._set_status("paused", message)

    def _wait(self, error: RunError) -> None:
        """Pause because the run cannot be written; watch a full disk, or a locked history, until it can."""
        can_go_on: Callable[[], bool] | None = None
        if isinstance(error, DiskFullError):
            can_go_on = FreedSpace(self.trainer.run.path).has_grown
        elif isinstance(error, RunBusyError):
            can_go_on = self.trainer.run.history.can_write
        if can_go_on is None or not self.retries:
            self.pause(str(error))
        else:
            self.pause(f"{error} {BY_ITSELF}")
            self._can_go_on = None if self.over else can_go_on

    @property
    def waits(self) -> bool:
        """Training was paused by a full disk or a locked history, and continues when it ``can_go_on``."""
        return self._can_go_on is not None

    def can_go_on(self) -> bool:
        """Return whether what training waits for is over."""
        return self._can_go_on is not None and self._can_go_on()

    def resume(self) -> None:
        """Continue after a pause."""
        self._pause_at = self._can_go_on = None
        self.trainer.choose_phases(self._phases)
        self.trainer.every_norm = self._step_seconds > 0
        self._unpause()
        self._set_status("running")

    def make_steps(self, count: int, phases: tuple[str, ...] = ()) -> None:
        """Make ``count`` steps, with the validation and samples that are due, and pause.

        Args:
            count: number of steps, 1 or more.
            phases: names of the phases to train in them; empty: those of ``pace``.

        Raises:
            ValueError: for a count below 1 or an unknown phase.
        """
        if count < 1:
            raise ValueError(f"{count} steps; enter 1 or more.")
        self.trainer.choose_phases(phases or self._phases)
        self.trainer.every_norm = True
        self._pause_at, self._can_go_on = self.trainer.step + count, None
        self._unpause()

    def pace(self, steps_per_s: float, phases: tuple[str, ...]) -> None:
        """Limit the pace, or train only some phases, until the next call.

        Args:
            steps_per_s: highest number of steps per second; 0: no limit.
            phases: names of the phases to train; empty: all.

        Raises:
            ValueError: for a negative or infinite pace or an unknown phase.
        """
        if not 0 <= steps_per_s < math.inf:
            raise ValueError(f"{steps_per_s:g} steps/s; enter 0 (no limit) or more.")
        self.trainer.choose_phases(phases)
        self._phases = phases
        self._step_seconds = 1.0 / steps_per_s if steps_per_s else 0.0
        self.trainer.every_norm = steps_per_s > 0
        self._next_step_at = min(self._next_step_at, time.monotonic() + self._step_seconds)

    def wait_s(self) -> float:
        """Return the seconds until the next piece is due; 0 unless the pace is limited."""
        return max(0.0, self._next_step_at - time.monotonic()) if self._step_seconds else 0.0

    def stop(self) -> None:
        """End the training with a checkpoint, from which it can be resumed.

        If a loss is not finite, the run is closed as failed without a checkpoint.

        Raises:
            RunError: when the checkpoint cannot be written; the run is paused and stays in memory.
        """
        if self.over:
            return
        try:
            for event in self.trainer.checkpoint():
                self._send(event)
        except TrainingFailedError as error:
            self._fail(error)
        except RunError as error:
            self.pause(str(error))
            raise
        except Exception as error:
            self._fail(error)
            raise
        else:
            self._end("stopped")

    def _unpause(self) -> None:
        if self.paused:
            self.paused = False
            self.trainer.restart_clock()

    def _set_status(self, status: Status, message: str = "") -> None:
        try:
            for event in self.trainer.flush():
                self._send(event)
            self.trainer.run.update(status=status, step=self.trainer.step, message=message)
        except TrainingFailedError as error:
            self._fail(error)
            return
        except RunError as error:
            told = message and isinstance(error, DiskFullError)  # of the same disk
            if not told and str(error) not in message:
                message = f"{message} {error}".strip()
            with contextlib.suppress(RunError):  # the history may be locked where the record can be written
                self.trainer.run.update(status=status, step=self.trainer.step, message=message)
        self._announce(status, message)

    def abandon(self) -> None:
        """Close the run without a checkpoint, as an end of the process would: it is resumed from the last one."""
        self.over = True
        self._loggers.close("interrupted", self.trainer.step)
        with contextlib.suppress(RunError):  # the checkpoint that was being written; an earlier one is whole
            self.trainer.close()

    def _fail(self, error: Exception) -> None:
        """End as failed, with what the training can go on with; a lost device ends the whole process instead."""
        if is_device_lost(error):
            return
        message = str(error) if isinstance(error, TrainingFailedError) else error_sentence(error)
        for event in self.trainer.take_unsent():
            self._send(event)
        try:
            last = self.trainer.last_checkpoint()
        except RunError as unwritten:
            message = f"{message} {unwritten}"
        else:
            if last >= 0 and is_out_of_memory(error):
                message = f"{message} The checkpoint of step {last:,} is kept."
        self._end("failed", message, remedy_for(error, self.trainer))

    def _end(self, status: Status, message: str = "", remedy: Remedy | None = None) -> None:
        self.over = True
        self._warn(self._loggers.close(status, self.trainer.step))
        try:
            self.trainer.run.update(status=status, step=self.trainer.step, message=message)
        except RunError as error:
            message = f"{message} {error}".strip()
        try:
            self.trainer.close()
        except RunError as error:
            message = f"{message} {error}".strip()
        self._announce(status, message, remedy)

    def _send(self, event: Event) -> None:
        self._to_window(event)
        self._warn(self._loggers.notice(self.trainer.step))

    def _warn(self, sentences: list[str]) -> None:
        for sentence in sentences:
            self._to_window(Warned(run=self.name, message=sentence))

    def _announce(self, status: Status, message: str = "", remedy: Remedy | None = None) -> None:
        changed = TrainingChanged(run=self.name, status=status, step=self.trainer.step, message=message, remedy=remedy)
        self._send(changed)


def start_training(
    plan: Plan, folder: str, device: torch.device, send: Send, ranks: Ranks | None = None
) -> TrainingJob:
    """Create the run folder and prepare the training.

    Args:
        plan: checked settings.
        folder: path of the run folder; empty: a new one in the library of runs.
        device: device to train on.
        send: takes the events.
        ranks: processes that train along; None: there are none.

    Raises:
        ValueError: when config and images do not fit each other, or processes cannot share the batches.
        RunError: when the folder cannot be used.
    """
    limit_memory(device)
    keep_freed_memory()
    path = Path(folder).absolute() if folder else new_run_path(runs_home(), plan.record.family)
    model = build_model(plan.family, plan.config, plan.record.image, device, plan.training.seed)
    note_labels(model, plan.dataset.train_labels)
    if ranks is not None:  # before there is a folder
        refuse_coupled(model, check_parts(model, examples_of(plan.dataset, plan.training.images_per_update, device)))
    record = msgspec.structs.replace(plan.record, fingerprint=plan.dataset.fingerprint)
    run = RunFolder.create(path, record)
    try:
        return TrainingJob(Trainer(run, model, plan.dataset, ranks), send)
    except Exception as error:
        with contextlib.suppress(RunError):  # the first error is reported
            run.update(status="failed", message=error_sentence(error))
        run.close()
        raise
