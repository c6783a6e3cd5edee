"""The code of the panel's run in the window."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.runs_code import CodeShown, ShowCode
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.state import RunsState


class CodeState(QObject):
    """File of PyTorch of the panel's run.

    Args:
        runs: state of the panel.

    Attributes:
        run: run whose file is shown, or "".
        step: training steps of the weights with which it was compared.
        text: the file; empty: there is none yet.
        problem: why there is none, one sentence; empty: nothing.

    Signals:
        changed: any of them changed, or whether it is being written.
    """

    changed = Signal()

    def __init__(self, runs: RunsState) -> None:
        super().__init__(runs)
        self._runs = runs
        self.run, self.step, self.text, self.problem = "", 0, "", ""
        self._request = Request(runs.link, self)
        self._request.replied.connect(self._on_replied)
        self._request.failed.connect(self._on_failed)
        self._request.dropped.connect(self.changed)

    @property
    def busy(self) -> bool:
        """The file is being written."""
        return self._request.busy

    def show(self) -> None:
        """Have the file of the panel's run written, where it is not that already."""
        if self._runs.run != self.run:
            self.write()

    def write(self) -> None:
        """Have it written again, for the present weights."""
        run = self._runs.run
        if run != self.run:
            self.run, self.text, self.step = run, "", 0
        self.problem = ""
        if run:
            self._request.send(ShowCode(run=run))
        self.changed.emit()

    def _on_replied(self, reply: object) -> None:
        if isinstance(reply, CodeShown) and reply.run == self.run:
            self.text, self.step = reply.text, reply.step
            self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.problem = failure.message
        self.changed.emit()
