"""Data of runs that are missing or have changed, and the decision on them."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.data import LocateData
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request

REASONS = (Reason.DATA_UNAVAILABLE, Reason.DATA_CHANGED)


class RunData(QObject):
    """Latest run whose data could not be used, and the request that names their folder or accepts them.

    Attributes:
        run: name of the run; "" when there is none.
        problem: sentences on its data.
        acceptable: the data have changed but fit the model, so that they can be used by decision.

    Signals:
        changed: one of these.
        resolved: name of a run whose data can be used now.
    """

    changed = Signal()
    resolved = Signal(str)

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = ""
        self.problem = ""
        self.acceptable = False
        self._folder = ""
        self._request = Request(link, self)
        self._request.replied.connect(self._on_located)
        self._request.failed.connect(self._on_failed)
        link.on(CommandFailed).connect(self._on_command_failed)

    def locate(self, folder: str) -> None:
        """Use the data in this folder from now on, if they are those that the run was trained on."""
        self._folder = folder
        self._send(LocateData(run=self.run, folder=folder))

    def accept(self) -> None:
        """Use the data as they are from now on, those in the folder that was named last."""
        self._send(LocateData(run=self.run, folder=self._folder, accept_changed=True))

    def forget(self) -> None:
        """Drop the problem."""
        self._set("", "")

    def _send(self, command: LocateData) -> None:
        if command.run:
            self._request.send(command)

    def _on_command_failed(self, failure: CommandFailed) -> None:
        if failure.reason in REASONS and failure.run:
            if failure.run != self.run:
                self._folder = ""
            self._set(failure.run, failure.message, acceptable=failure.reason is Reason.DATA_CHANGED)

    def _on_failed(self, failure: CommandFailed) -> None:
        """Show why the request itself was refused; that the data are not usable is heard by ``_on_command_failed``."""
        if failure.reason not in (*REASONS, Reason.ENGINE_GONE):
            self._set(self.run, failure.message, acceptable=self.acceptable)

    def _on_located(self, _event: object) -> None:
        if self._request.busy or not self.run:
            return
        run = self.run
        self.forget()
        self.resolved.emit(run)

    def _set(self, run: str, problem: str, *, acceptable: bool = False) -> None:
        if (run, problem, acceptable) != (self.run, self.problem, self.acceptable):
            self.run, self.problem, self.acceptable = run, problem, acceptable
            if not run:
                self._folder = ""
            self.changed.emit()
