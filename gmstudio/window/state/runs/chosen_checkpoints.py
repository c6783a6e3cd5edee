"""Checkpoints with whose weights runs are explored, where these are not the newest."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import ChooseCheckpoint, RunInfo
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request


class ChosenCheckpoints(QObject):
    """Choice of a checkpoint for each run, for every panel.

    Args:
        events: connection to the engine.
        info: returns the description of a run; None: it is not in the library.
        reopen: opens a run again that is open, so that what shows it asks again.

    Attributes:
        steps: run → step of the checkpoint with whose weights it is explored, where that is not the newest.

    Signals:
        chosen: name of a run that is explored with other weights from now on.
        failed: the ``CommandFailed`` of a choice, after which the newest weights are used.
    """

    chosen = Signal(str)
    failed = Signal(object)

    def __init__(
        self,
        events: EngineLink,
        info: Callable[[str], RunInfo | None],
        reopen: Callable[[str], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._events, self._info, self._reopen = events, info, reopen
        self.steps: dict[str, int] = {}
        self._due: dict[str, int] = {}
        self._choosing = Request(events, self)
        self._choosing.failed.connect(self._on_refused)

    def choose(self, run: str, step: int | None) -> None:
        """Explore a run with the weights of one of its checkpoints.

        Args:
            run: name of the run.
            step: of the checkpoint; None: the newest weights.
        """
        if step == self.steps.get(run):
            return
        self.steps.pop(run, None)
        if step is not None:
            self.steps[run] = step
        self._choosing.send(ChooseCheckpoint(run=run, step=step))
        self._reopen(run)
        self.chosen.emit(run)

    def forget(self, run: str) -> None:
        """Choose nothing for a run that is gone."""
        self.steps.pop(run, None)

    def send_again(self) -> None:
        """Send all choices to the engine, which may be a new one."""
        for run, step in self.steps.items():
            self._events.send(ChooseCheckpoint(run=run, step=step))

    def restore(self, steps: dict[str, int]) -> None:
        """Choose as it was chosen when the window was closed, once the runs are listed: see ``choose_due``."""
        self._due = dict(steps)

    @property
    def to_keep(self) -> dict[str, int]:
        """The choices, and those of the last window while the runs are not listed yet."""
        return self._due | self.steps

    def choose_due(self) -> None:
        """Choose what is due, of the listed runs that still have these checkpoints."""
        due, self._due = self._due, {}
        for run, step in due.items():
            info = self._info(run)
            if info is not None and step in info.checkpoint_steps and run not in self.steps:
                self.steps[run] = step
                self._events.send(ChooseCheckpoint(run=run, step=step))
                self.chosen.emit(run)

    def _on_refused(self, failure: CommandFailed) -> None:
        """Return to the newest weights, for example since the checkpoint was deleted."""
        command = self._choosing.command
        if failure.reason is not Reason.ENGINE_GONE and isinstance(command, ChooseCheckpoint):
            self.steps.pop(command.run, None)
            self.chosen.emit(command.run)
            self.failed.emit(failure)
