"""What the window knows of its engine: alive or not, where it computes, what it is doing, and how the last one died."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import Catalog, ChooseDevice, CommandFailed, EngineReported, Reason, Warned
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.client.process_status import ProcessExit, ProcessStatus
from gmstudio.window.client.request import Request


class EngineState(QObject):
    """The engine's state, device, job and last death.

    Args:
        client: the engine's process, its commands and events.

    Attributes:
        state: how the process is.
        report: the newest ``EngineReported``; None until one came from the engine that runs now.
        devices: what can be chosen.
        device: what was chosen: a name of ``devices``.
        process_exit: how the last engine that died did so; None until one died.

    Signals:
        changed: state, report, devices or device changed.
        died: an engine died unasked, the ``ProcessExit``.
        problem: a sentence that no panel shows, and a detail (traceback) or "".
    """

    changed = Signal()
    died = Signal(object)
    problem = Signal(str, str)

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._choice = ""
        self.state = client.state
        self.report: EngineReported | None = None
        self.devices: tuple[str, ...] = ()
        self.device = "auto"
        self.process_exit: ProcessExit | None = None
        client.state_changed.connect(self._on_state_changed)
        client.on(Catalog).connect(self._on_catalog)
        client.on(EngineReported).connect(self._on_engine_reported)
        client.on(CommandFailed).connect(self._on_command_failed)
        client.on(Warned).connect(lambda event: self.problem.emit(event.message, ""))
        self._device_request = Request(client, self)
        self._device_request.failed.connect(self._on_device_refused)

    @property
    def stderr_tail(self) -> str:
        """The last lines that the engine wrote to its standard error."""
        return self._client.stderr_tail

    @property
    def training(self) -> bool:
        """Whether a run is in training or paused in it."""
        return self.report is not None and self.report.state in ("training", "paused")

    def start(self) -> None:
        """Start the engine."""
        self._client.start()

    def restart(self) -> None:
        """Start afresh: end an engine that is there, or start one that was given up."""
        self._client.restart()

    def close(self) -> None:
        """Have the engine checkpoint and exit; ``state`` becomes ``closed``."""
        self._client.close()

    def choose_device(self, device: str) -> None:
        """Have the next model put on a device; said again to every new engine that has it."""
        self._choice = device
        if device in self.devices and device != self.device:
            self.device = device
            self._device_request.send(ChooseDevice(device=device))
            self.changed.emit()

    def _on_state_changed(self, state: ProcessStatus) -> None:
        died = state.phase in ("dead", "given up") and state.process_exit is not None
        self.state = state
        if died or state.phase == "closed":
            self.report = None
        if died:
            self.process_exit = state.process_exit
            self.died.emit(state.process_exit)
        self.changed.emit()

    def _on_catalog(self, catalog: Catalog) -> None:
        self.devices = catalog.devices
        self.device = "auto"
        if self._choice:
            self.choose_device(self._choice)
        for sentence in catalog.problems:
            self.problem.emit(sentence, "")
        self.changed.emit()

    def _on_engine_reported(self, report: EngineReported) -> None:
        self.report = report
        self.changed.emit()

    def _on_device_refused(self, failure: CommandFailed) -> None:
        if failure.reason is Reason.ENGINE_GONE:
            return  # reported as the engine's exit
        self.device, self._choice = "auto", ""
        self.changed.emit()
        self.problem.emit(failure.message, failure.detail)

    def _on_command_failed(self, event: CommandFailed) -> None:
        """Report what the engine itself did wrong, whoever sent the command."""
        if event.reason is Reason.INTERNAL:
            self.problem.emit(event.message, event.detail)
