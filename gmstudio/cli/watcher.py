"""Training in the terminal: a progress bar, and an orderly end on Ctrl+C."""

import signal
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from gmstudio.cli.terminal import new_console
from gmstudio.protocol.plain_text import plain_text

if TYPE_CHECKING:
    from gmstudio.engine.training.job import TrainingJob


class _EndSignals:
    """Context in which Ctrl+C and SIGTERM only set ``requested``, so that the current step is completed.

    A second signal interrupts at once.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def __enter__(self) -> Self:
        for number in self._before:
            signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


class Watcher:
    """Progress bar of a training."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = new_console()
        self._progress = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:,.0f} images/s"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[terms]}", markup=False),
            console=self._console,
        )
        self._task = self._progress.add_task("", start=False, rate=0.0, terms="")
        self._latest: dict[tuple[str, str], float] = {}
        self._end: Any = None

    def watch(self, event: Any) -> None:
        """Handle an event of the training."""
        from gmstudio.protocol.runs import HistoryAppended
        from gmstudio.protocol.training import TrainingChanged

        if isinstance(event, HistoryAppended):
            for series in event.series:
                self._latest[series.split, series.name] = float(series.values.numpy()[-1])
        elif isinstance(event, TrainingChanged):
            self._end = event

    def follow(self, job: "TrainingJob") -> bool:
        """Train to the end, or until Ctrl+C or SIGTERM.

        Returns:
            False when training failed.
        """
        trainer = job.trainer
        model = trainer.model
        self._console.print(f"{model.num_parameters():,} parameters, {model.image}")
        for remark in model.remarks():
            self._console.print(plain_text(remark), soft_wrap=True)
        self._progress.update(
            self._task,
            description=model.card.title,
            total=trainer.training.steps,
            completed=trainer.step,
        )
        self._progress.start_task(self._task)
        with self._progress, _EndSignals() as signals:
            while job.running and not signals.requested:
                job.advance()
                self._show(trainer)
            if job.running:
                job.stop()
            self._show(trainer)
        return self._conclude(job)

    def _show(self, trainer: Any) -> None:
        shown = [f"{name} {value:.4g}" for (split, name), value in self._latest.items() if split == "train"]
        self._progress.update(
            self._task,
            completed=trainer.step,
            rate=trainer.images_per_s,
            terms="  ".join(s for s in shown if not s.startswith(("images", "learning", "grad"))),
        )

    def _conclude(self, job: "TrainingJob") -> bool:
        objective = job.trainer.model.card.objective(job.trainer.run.record.config)
        likelihoods = {term.name for term in objective.terms if term.per_image_nats}
        image = job.trainer.run.record.image
        for (split, name), value in self._latest.items():
            if split == "valid":
                bits = f" ({image.bits_per_dim(value):.4f} bits/dim)" if name in likelihoods else ""
                unit = " nats" if name in likelihoods else ""
                self._console.print(f"validation {name}: {value:.4f}{unit}{bits}")
        status = self._end.status if self._end else "paused"
        self._console.print(plain_text(f"{status} at step {job.trainer.step:,}: {job.path}"), soft_wrap=True)
        if self._end and self._end.message:
            self._console.print(plain_text(self._end.message), style="red")
        return status in ("finished", "stopped")
