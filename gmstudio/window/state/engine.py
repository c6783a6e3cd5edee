"""State of the engine in the window: process, device, work, and the last unexpected exit."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import Catalog, ChooseDevice, CommandFailed, EngineReported, Reason, Warned
from gmstudio.protocol.training import TrainingChanged
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.client.process_status import ProcessExit, ProcessStatus
from gmstudio.window.client.request import Request


class EngineState(QObject):
    """State of the engine process, its device and its work.

    Args:
        client: engine process.

    Attributes:
        state: status of the process.
        report: newest ``EngineReported`` of the running engine; None before.
        devices: names of the devices.
        device: name of the chosen device.
        process_exit: last unexpected exit; None: none.
        paused_because: why the training pauses though nobody paused it, for example a full disk; empty: it does not.

    Signals:
        changed: state, report, devices or device changed.
        died: ``ProcessExit`` of an engine that ended unexpectedly.
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
        self.paused_because = ""
        client.state_changed.connect(self._on_state_changed)
        client.machine_changed.connect(self.changed)
        client.on(Catalog).connect(self._on_catalog)
        client.on(EngineReported).connect(self._on_engine_reported)
        client.on(CommandFailed).connect(self._on_command_failed)
        client.on(TrainingChanged).connect(self._on_training_changed)
        client.on(Warned).connect(lambda event: self.problem.emit(event.message, ""))
        self._device_request = Request(client, self)
        self._device_request.failed.connect(self._on_device_refused)

    def _on_training_changed(self, event: TrainingChanged) -> None:
        """Keep why a training pauses that nobody has paused, until it goes on or ends."""
        reason = event.message if event.status == "paused" else ""
        if reason != self.paused_because:
            self.paused_because = reason
            self.changed.emit()

    @property
    def stderr_tail(self) -> str:
        """Last lines of the engine's standard error."""
        return self._client.stderr_tail

    @property
    def training(self) -> bool:
        """A run is in training, paused or not."""
        return self.report is not None and self.report.state in ("training", "paused")

    @property
    def machine(self) -> str:
        """Name of the engine's machine; "" where it is this one."""
        return self._client.machine

    @property
    def is_local(self) -> bool:
        """The engine runs on this machine."""
        return self._client.is_local

    def connect_to(self, command: Sequence[str]) -> None:
        """Go on with the engine of another command; the present one writes a checkpoint and exits first."""
        self._client.connect_to(command)

    def start(self) -> None:
        """Start the engine."""
        self._client.start()

    def restart(self) -> None:
        """Restart the engine, also after it was given up."""
        self._client.restart()

    def close(self) -> None:
        """End the engine with a checkpoint, until ``state`` is ``closed``."""
        self._client.close()

    def choose_device(self, device: str) -> None:
        """Choose the device of the next model, in this engine and in restarted ones that have it."""
        self._choice = device
        if device in self.devices and device != self.device:
            self.device = device
            self._device_request.send(ChooseDevice(device=device))
            self.changed.emit()

    def _on_state_changed(self, state: ProcessStatus) -> None:
        died = state.phase in ("dead", "given up") and state.process_exit is not None
        self.state = state
        if died or state.phase == "closed":
            self.report, self.paused_because = None, ""
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
        """Report a fault of the engine, for any command."""
        if event.reason is Reason.INTERNAL:
            self.problem.emit(event.message, event.detail)
