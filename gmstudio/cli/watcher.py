"""Training in the terminal: a progress bar, and an orderly end on Ctrl+C."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from gmstudio.cli.terminal import new_console, warn
from gmstudio.protocol.plain_text import plain_text
from gmstudio.runs.record import RunError

if TYPE_CHECKING:
    from rich.console import Console

    from gmstudio.engine.training.job import TrainingJob


REFRESH_SECONDS = 0.1
"""Least time between two drawings of the progress bar."""

URGENT = ("SIGINT", "SIGTERM", "SIGBREAK")
"""Signals that end a training after its step, and at once when they come again."""
PATIENT = ("SIGHUP", "SIGUSR1")
"""Signals that end a training after its step, however often they come."""
STDERR = 2
ENDING = b"\nEnding after the present step, with a checkpoint. Interrupt again to end at once without it.\n"


class EndSignals:
    """Context in which Ctrl+C, SIGTERM, SIGUSR1 and a hang-up only set ``requested``, so that a step is completed.

    A second Ctrl+C, or a second SIGTERM, interrupts at once; a hang-up does not, since a terminal that is closed may
    send several, nor does SIGUSR1, by which a job's scheduler gives notice of its end. Signals that were ignored before
    (``nohup``) are ignored still.

    Args:
        patient: no signal interrupts at once, since a launcher of processes repeats those that a terminal sends.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self.requested = False
        self._patient = patient
        self._seen: set[int] = set()
        there = [getattr(signal, name) for name in (*URGENT, *PATIENT) if hasattr(signal, name)]
        self._before = {number: signal.getsignal(number) for number in there}

    def __enter__(self) -> Self:
        for number, handler in self._before.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number in self._seen and not self._patient and signal.Signals(number).name in URGENT:
            raise KeyboardInterrupt
        self._seen.add(number)
        if not self.requested:
            self.requested = True
            if not self._patient:
                with contextlib.suppress(OSError):  # unbuffered: the signal may have come in the midst of printing
                    os.write(STDERR, ENDING)


class Watcher:
    """Progress bar of a training.

    Args:
        console: where it is drawn; None: on stdout.
        patient: no signal interrupts a step, see ``EndSignals``.
    """

    def __init__(self, console: "Console | None" = None, *, patient: bool = False) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = console or new_console()
        self._patient = patient
        self._progress = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:,.0f} images/s"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[terms]}", markup=False),
            console=self._console,
            auto_refresh=False,
        )
        self._task = self._progress.add_task("", start=False, rate=0.0, terms="")
        self._latest: dict[tuple[str, str], float] = {}
        self._end: Any = None
        self._shown_at = 0.0

    def watch(self, event: Any) -> None:
        """Handle an event of the training."""
        from gmstudio.protocol.engine import Warned
        from gmstudio.protocol.runs import HistoryAppended
        from gmstudio.protocol.training import TrainingChanged

        if isinstance(event, HistoryAppended):
            for series in event.series:
                self._latest[series.split, series.name] = float(series.values.numpy()[-1])
        elif isinstance(event, TrainingChanged):
            self._end = event
        elif isinstance(event, Warned):
            warn((event.message,))

    def follow(self, start: "Callable[[], TrainingJob]") -> bool:
        """Start a training and train to the end, or until Ctrl+C, SIGTERM or a hang-up.

        A signal while it starts, when its folder may be half made, ends it after that. However it ends, what was
        trained is written to a checkpoint first, also when nothing can be printed any more.

        Args:
            start: creates or resumes the run; its errors are raised.

        Returns:
            False when training failed.

        Raises:
            OSError: when the output cannot be written, for example to a full disk; training has ended by then.
        """
        with EndSignals(patient=self._patient) as signals:
            job = start()
            try:
                self._begin(job)
                with self._progress:
                    while job.running and not signals.requested:
                        job.advance()
                        self._show(job.trainer)
                    problem = self._end.message if job.paused and self._end else ""
                    if not job.over:
                        self._stop(job)
                    self._show(job.trainer, now=True)
                return self._conclude(job, problem)
            except (Exception, SystemExit):  # of the output: rich raises SystemExit for a closed pipe
                if not job.over:
                    self._stop(job)
                raise

    def _begin(self, job: "TrainingJob") -> None:
        model = job.trainer.model
        self._console.print(f"{model.num_parameters():,} parameters, {model.image}")
        for remark in model.remarks():
            self._console.print(plain_text(remark), soft_wrap=True)
        self._progress.update(
            self._task,
            description=model.card.title,
            total=job.trainer.training.steps,
            completed=job.trainer.step,
        )
        self._progress.start_task(self._task)

    def _stop(self, job: "TrainingJob") -> None:
        """Write a checkpoint and close the run; an error is reported by the run's last event."""
        with contextlib.suppress(RunError):
            job.stop()
        with contextlib.suppress(RunError):
            job.trainer.close()

    def _show(self, trainer: Any, *, now: bool = False) -> None:
        """Draw the progress in this thread, where an output that broke can be handled."""
        if not now and time.monotonic() - self._shown_at < REFRESH_SECONDS:
            return
        shown = [f"{name} {value:.4g}" for (split, name), value in self._latest.items() if split == "train"]
        self._progress.update(
            self._task,
            completed=trainer.step,
            rate=trainer.images_per_s,
            terms="  ".join(s for s in shown if not s.startswith(("images", "learning", "grad"))),
        )
        self._progress.refresh()
        self._shown_at = time.monotonic()

    def _conclude(self, job: "TrainingJob", problem: str) -> bool:
        objective = job.trainer.model.card.objective(job.trainer.run.record.config)
        likelihoods = {term.name for term in objective.terms if term.per_image_nats}
        image = job.trainer.run.record.image
        for (split, name), value in self._latest.items():
            if split == "valid":
                bits = f" ({image.bits_per_dim(value):.4f} bits/dim)" if name in likelihoods else ""
                unit = " nats" if name in likelihoods else ""
                self._console.print(f"validation {name}: {value:.4f}{unit}{bits}")
        status = self._end.status if self._end else "paused"
        self._console.print(
            plain_text(f"{status} at step {job.trainer.step:,}: {job.trainer.run.path}"), soft_wrap=True
        )
        message = (self._end.message if self._end else "") or problem
        if message:
            self._console.print(plain_text(message), style="red")
        return status in ("finished", "stopped") and not problem
