"""Loop of the engine: answer commands, then advance one job by one piece.

Commands go first, so they wait for one piece of training at most, and a slider or a pixel step does not wait for a
long one either: it is answered meanwhile, with a copy of the model. Everything long is a generator: jobs of requests,
which take turns, then the run in training.
"""

import contextlib
import gc
import os
import signal
import sys
import time
import traceback
from collections import deque
from types import FrameType
from typing import Literal

import msgspec

from gmstudio.engine.catalog import build_catalog
from gmstudio.engine.concurrent_answers import ConcurrentAnswers
from gmstudio.engine.jobs import JobFailedError, Jobs
from gmstudio.engine.runtime.context import AfterStepError, EngineContext, LiveRun, Progress
from gmstudio.engine.runtime.device import choose_device, describe_device, memory_in_use
from gmstudio.engine.runtime.errors import error_sentence, is_device_lost, reason_of
from gmstudio.engine.runtime.feature import Feature, Features
from gmstudio.engine.runtime.inspection import until_done
from gmstudio.engine.runtime.job import Job
from gmstudio.engine.runtime.loading import QUICK_S
from gmstudio.engine.runtime.memory import give_back_memory
from gmstudio.engine.runtime.models import StillReadingError
from gmstudio.engine.runtime.step_copy import StepCopy
from gmstudio.engine.runtime.threads import compute_alone
from gmstudio.engine.turns import InteractiveTurns
from gmstudio.engine.wire import Wire
from gmstudio.protocol.base import Command
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.engine import (
    DEVICE_LOST,
    Cancel,
    ChooseDevice,
    CommandFailed,
    EngineReported,
    Reason,
    Shutdown,
)
from gmstudio.runs.names import same_name

REPORT_SECONDS = 0.5
QUIET_S = 0.3
"""Time without commands and work after which the next feature is imported."""
LOOK_S = 2.0
"""Time between two looks at what a paused training waits for."""
BACKGROUND_SHARE = 0.25
"""Time of background jobs, such as an import, per time of training; one piece at least."""
FOREGROUND_S = 1.0
"""Time for which training waits for jobs that the user waits for; longer ones share the time with it, half and half."""
STDERR = 2
TERMINATED = 128 + 15
"""Exit code of a process that SIGTERM ended."""
ENDING = b"Ending after the present step, with a checkpoint. A second SIGTERM ends at once without it.\n"
IDLE = Progress(title="", step=0, steps=0, images_per_s=0.0, seconds_left=-1.0)
State = Literal["idle", "training", "paused", "busy"]


def with_one_name(command: Command) -> Command:
    """Return a command whose run, which may be given by its path, has the name that all messages use for it.

    Raises:
        RunMissingError: when it is no name of a run.
    """
    run = getattr(command, "run", "")
    return msgspec.structs.replace(command, run=same_name(run)) if isinstance(run, str) and run else command


class Server(Feature):
    """Server of one window.

    Args:
        wire: connection to the window.
        answers: thread that answers what ``wire`` offers it during a step of training; None: a new one, without offers.
    """

    concurrent = (Cancel,)

    def __init__(self, wire: Wire, answers: ConcurrentAnswers | None = None) -> None:
        super().__init__(EngineContext(wire.send))
        self._wire = wire
        self._jobs = Jobs(wire.send)
        self._ending = self._terminating = self._device_lost = self._has_garbage = False
        self._turns = InteractiveTurns()
        self._answers = answers or ConcurrentAnswers()
        self._step_copy = StepCopy()
        self._answered_during_step = False
        self._left: deque[Command] = deque()
        """Commands that could not be answered during a step of training."""
        self._reported_at = 0.0
        self._background_s = 0.0
        """Time that background jobs, and long ones of the foreground, may take before the next piece of training."""
        self._foreground_s = 0.0
        """Time that jobs of the foreground have taken, since there was none."""
        self._features = Features(self)

    def serve(self) -> int:
        """Send the catalog and serve until the window is gone or sends ``Shutdown``; a training ends with a checkpoint.

        Returns:
            The exit code, 0 unless a checkpoint could not be written.
        """
        with contextlib.suppress(ValueError):  # signals belong to the main thread; tests serve from another
            signal.signal(signal.SIGTERM, self._on_terminate)
            if hasattr(signal, "SIGUSR1"):  # by which a cluster's scheduler gives notice of the end of a job
                signal.signal(signal.SIGUSR1, self._on_notice)
        self._wire.send(build_catalog(str(self.context.device)))
        gc.freeze()  # what is imported stays, and would be looked through for a tenth of a second again and again
        self._report()
        while not self._ending:
            if self._has_garbage:  # only here: who noticed the end of the training has it still in hand
                self._has_garbage = False
                give_back_memory()
            began = time.perf_counter()
            command = self._next_command()
            if command is not None:
                self._handle(command)
                took = time.perf_counter() - began
                self._turns.answered(interactive=command.interactive, seconds=took, dragged=command.dragged)
            elif self._wire.closed:
                break
            elif self._busy():
                self._turns.missed()
                began, processor = time.perf_counter(), time.thread_time()
                self._advance()
                self._turns.worked(time.perf_counter() - began, time.thread_time() - processor)
            elif not self._continue_waiting():
                self._features.load_next()
        return self._end()

    def _next_command(self) -> Command | None:
        if self._left:
            return self._left.popleft()
        return self._wire.receive(max(self._turns.wait_s, self._wait_s()) if self._busy() else self._idle_s())

    def _on_terminate(self, number: int, frame: FrameType | None) -> None:
        """End after the present piece of work; at the second signal at once, which harms nothing on the disk."""
        if self._terminating:
            os._exit(TERMINATED)
        self._terminating = True
        self._on_notice(number, frame)

    def _on_notice(self, _number: int, _frame: FrameType | None) -> None:
        """End after the present piece of work, however often the signal comes."""
        with contextlib.suppress(OSError):  # unbuffered: the signal may have come in the midst of printing
            os.write(STDERR, ENDING)
        self._wire.hang_up()

    def _busy(self) -> bool:
        training = self.context.training
        return bool(self._jobs) or (training is not None and training.running) or self._queue_due()

    def _queue_due(self) -> bool:
        return self.context.queue is not None and self.context.queue.due

    def _begin_queued(self) -> None:
        """Begin the next run of the queue."""
        begun = self.context.queue.begin_next() if self.context.queue is not None else None
        if begun is not None:
            self._jobs.add(*begun)

    def _wait_s(self) -> float:
        """Seconds until work is due: positive for a training that is slowed down, if there is no job."""
        training = self.context.training
        return 0.0 if self._jobs or training is None else min(training.wait_s(), REPORT_SECONDS)

    def _idle_s(self) -> float | None:
        """Longest time to wait for a command while there is no work; None: without limit."""
        waits = self.context.training is not None and self.context.training.waits
        rest_s = LOOK_S if waits else None
        return rest_s if self._features.complete else QUIET_S

    def _continue_waiting(self) -> bool:
        """Continue a training that a full disk or a locked history has paused, where it can go on."""
        training = self.context.training
        if training is None or not training.can_go_on():
            return False
        training.resume()
        self._report()
        return True

    def _handle(self, command: Command) -> None:
        before = self._state()
        try:
            command = with_one_name(command)
            self._note_explored(command)
            job = self._answer(command)
        except Exception as error:
            self._fail(command, error)
        else:
            if job is not None:
                self._jobs.add(command, job)
        self._release_ended_training()
        if self._state() != before:
            self._report()

    def _answer(self, command: Command) -> Job | None:
        """Answer a command, if the weights that it needs are at hand soon; else by a job that waits for them."""
        try:
            with self.context.models.patience(QUICK_S):
                return self._features.handler(type(command))(command)
        except StillReadingError as slow:
            return self._answer_later(slow, command)

    def _answer_later(self, slow: StillReadingError, command: Command) -> Job:
        """Answer a command anew when weights have been read: handlers do nothing before they have their model."""
        yield from until_done(slow.reading)
        job = self._answer(command)
        if job is not None:
            yield from job

    def _release_ended_training(self) -> None:
        if self.context.training is not None and self.context.training.over:
            self.context.training = None
            self._step_copy.drop()
            self._has_garbage = True

    def _advance(self) -> None:
        before = self._state()
        if self._queue_due():
            self._begin_queued()
        training = self.context.training
        foreground = self._jobs.foreground
        if not foreground:
            self._foreground_s = 0.0
        waits = foreground and self._foreground_s < FOREGROUND_S
        waits = waits or (bool(self._jobs) and self._background_s > 0.0)
        if training is not None and training.running and not waits and training.wait_s() <= 0.0:
            self._advance_training()
        if self._jobs:
            began = time.perf_counter()
            try:
                self._jobs.advance()
            except JobFailedError as failed:
                self._fail(failed.command, failed.error)
            took = time.perf_counter() - began
            self._background_s -= took
            self._foreground_s += took if foreground else 0.0
        if self._state() != before or time.monotonic() - self._reported_at > REPORT_SECONDS:
            self._report()

    def _advance_training(self) -> None:
        training = self.context.the_training()
        began = time.perf_counter()
        try:
            self._make_piece(training)
        except Exception as error:  # reported to the window as the end of the run; here for the log
            traceback.print_exc()
            self._note_lost_device(error)
        took = time.perf_counter() - began
        self._turns.trained(took, alone=not self._answered_during_step)
        self._background_s = took if self._jobs.foreground else BACKGROUND_SHARE * took
        self._release_ended_training()

    def _make_piece(self, training: LiveRun) -> None:
        """Advance the training; where its pieces are long, quick commands are answered meanwhile.

        On an accelerator they come after the step: there, what is computed waits in one queue.
        """
        self._answered_during_step = False
        if not self._turns.long_training or training.model.device.type != "cpu":
            training.advance()
            return
        context = self.context
        context.last_step, context.during_step = self._step_copy.of(training), True
        try:
            with self._answers.during_step(self._is_concurrent, self._answer_during_step) as left:
                training.advance()
        finally:
            context.last_step, context.during_step = None, False
            self._left.extend(left)

    def _is_concurrent(self, command: Command) -> bool:
        return type(command) in self._features.concurrent

    def _note_explored(self, command: Command) -> None:
        run = getattr(command, "run", "")
        if run and self._is_concurrent(command) and self.context.is_live(run):
            self._step_copy.note_explored()

    def _answer_during_step(self, command: Command) -> bool:
        """Answer a command in another thread than the loop's, which makes a step; False: not before it is made."""
        self._answered_during_step = True
        compute_alone()  # as many threads as there are cores make the step
        try:
            command = with_one_name(command)
            self._note_explored(command)
            job = self._features.handler(type(command))(command)
        except AfterStepError:
            return False
        except Exception as error:
            self._fail(command, error)
        else:
            if job is not None:
                self._jobs.add(command, job)
        self._turns.answered(interactive=command.interactive, seconds=0.0, dragged=command.dragged)
        return True

    def _fail(self, command: Command, error: Exception) -> None:
        reason = reason_of(error)
        detail = "".join(traceback.format_exception(error)) if reason is Reason.INTERNAL else ""
        if detail:
            print(detail, file=sys.stderr)
        self._wire.send(
            CommandFailed(
                request=command.request,
                command=type(command).__name__,
                message=error_sentence(error),
                run=getattr(command, "run", ""),
                reason=reason,
                fields=error.errors if isinstance(error, ConfigError) else {},
                detail=detail,
            )
        )

        self._note_lost_device(error)

    def _note_lost_device(self, error: Exception) -> None:
        """End after an error of the accelerator: only another process can use it, from the last checkpoint."""
        if is_device_lost(error):
            self._ending = self._device_lost = True

    def _end(self) -> int:
        if self._device_lost:
            return self._end_without_device()
        code = 0
        if self.context.queue is not None:
            self.context.queue.end()
        if self.context.training is not None:
            try:
                self.context.training.stop()
            except Exception as error:  # the engine ends in any case
                print(error_sentence(error), file=sys.stderr)
                code = 1
        self._wire.flush()
        return code

    def _end_without_device(self) -> int:
        """End where nothing can be read from the accelerator any more, so that no checkpoint is written."""
        training = self.context.training
        if training is not None:
            training.abandon()
        self._wire.flush()
        return DEVICE_LOST

    def _on_cancel(self, command: Cancel) -> None:
        self._jobs.cancel(command.target)
        self.done(command)

    def _on_choose_device(self, command: ChooseDevice) -> None:
        self.context.device = choose_device(command.device)
        self.context.models.clear()
        self.done(command)
        self._report()

    def _on_shutdown(self, command: Shutdown) -> None:
        self._ending = True
        self.done(command)

    def _state(self) -> State:
        training = self.context.training
        if training is not None and not training.over:
            return "training" if training.running else "paused"
        return "busy" if self._jobs.foreground else "idle"

    def _report(self) -> None:
        self._reported_at = time.monotonic()
        training = self.context.training
        device = self.context.device if training is None else training.model.device
        progress = IDLE if training is None else training.progress()
        self._wire.send(
            EngineReported(
                state=self._state(),
                device=describe_device(device),
                memory_bytes=memory_in_use(device),
                job=progress.title,
                step=progress.step,
                steps=progress.steps,
                rate=progress.images_per_s,
                rate_unit="" if training is None else "images/s",
                seconds_left=progress.seconds_left,
            )
        )
