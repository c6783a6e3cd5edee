"""Engine process of the window: start, monitoring, restart, and end with the window."""

import os
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from gmstudio.protocol.array import ProtocolError
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import Catalog, CommandFailed, Ping, Reason, Shutdown
from gmstudio.protocol.frames import PROTOCOL_VERSION, FrameReader, decode_event, frame
from gmstudio.window.client.engine_command import LOCAL, is_local, machine_of, problem_of
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.process_status import Phase, ProcessExit, ProcessStatus, Timeouts

GONE = "The engine ended before it could answer."
STDERR_LINES = 100
MAX_DOUBLINGS = 16
DELIVERY_BUDGET_S = 0.006
"""Longest time that events are delivered before the window paints."""


class EngineClient(EngineLink):
    """Starts and monitors the engine process, restarts it after an unexpected exit, and ends it with the window.

    Every command is answered: at the exit of the engine, pending commands fail with ``Reason.ENGINE_GONE``.

    Args:
        command: program and arguments of the engine, for example ``["ssh", "gpu", "gmstudio", "engine"]``;
            by default this Python's engine.
        timeouts: timeouts of the process.

    Signals:
        state_changed: the ``ProcessStatus``.
        machine_changed: another engine's command was taken, or the name of its machine became known.
    """

    state_changed = Signal(object)
    machine_changed = Signal()

    def __init__(
        self, command: list[str] | None = None, *, timeouts: Timeouts | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.command = command or list(LOCAL)
        self.is_local, self.machine = is_local(self.command), machine_of(self.command)
        self._next_command: list[str] | None = None
        self._was_ready = False
        """This command has led to an engine, so that it is tried again until it does so again."""
        self.state = ProcessStatus("closed")
        self._timeouts = timeouts or Timeouts()
        self._process: QProcess | None = None
        self._frames = FrameReader()
        self._bodies: deque[bytes] = deque()
        self._stderr: deque[str] = deque([""], maxlen=STDERR_LINES + 1)
        self._unanswered: dict[int, str] = {}
        self._cause = ""
        self._has_catalog = False
        self._forced = False
        self._grace_s = 0.0
        self._quick_exits = self._failures = 0
        self._ping = 0
        self._exit: tuple[int, QProcess.ExitStatus] | None = None
        """Exit of a process of which received events are still to be delivered."""
        self._started_s = self._heard_s = self._ticked_s = time.monotonic()
        self._watch = self._timer(self._on_watch, single_shot=False)
        self._deliveries = self._timer(self._deliver_some)
        self._restart = self._timer(self._start_process)
        self._kill_timer = self._timer(self._on_kill_timer)

    @property
    def stderr_tail(self) -> str:
        """Last lines of the engine's standard error."""
        return "\n".join(self._stderr).strip("\n")

    def start(self) -> None:
        """Start the engine, also after it was given up."""
        if self.state.phase in ("closed", "given up"):
            self._quick_exits = 0
            self._start_process()

    def connect_to(self, command: Sequence[str]) -> None:
        """Go on with the engine of another command; the present one writes a checkpoint and exits first.

        Args:
            command: program and arguments; ``LOCAL``: this computer's engine.
        """
        self._next_command = list(command)
        self.restart()

    def restart(self) -> None:
        """Restart the engine: one that responds writes a checkpoint and exits first, another is killed."""
        self._quick_exits = 0
        if self._process is None:
            self._restart.stop()
            self._start_process()
        elif self.state.phase == "ready":
            self._request_exit("restarting", self._timeouts.close)
        elif self.state.phase != "closing":
            self._end("The engine was ended to be restarted.")

    def close(self) -> None:
        """End the engine with a checkpoint, until the phase is ``closed``; a second call ends it at once."""
        self._restart.stop()
        if self._process is None:
            self._watch.stop()
            self._set_state("closed")
        elif self.state.phase == "closing" or not self._has_catalog:
            self._forced = True  # there is nothing to save, or the user does not wait for it
            self._watch.stop()
            self._process.kill()
            self._set_state("closing")
        elif self.state.phase == "restarting":
            self._set_state("closing")
        else:
            timeouts = self._timeouts
            self._request_exit("closing", timeouts.close if self.state.phase == "ready" else timeouts.kill)

    def _request_exit(self, phase: Phase, grace_s: float) -> None:
        assert self._process is not None
        self.send(Shutdown())
        self._process.closeWriteChannel()
        self._watch.stop()
        self._grace_s = grace_s
        self._kill_timer.start(_ms(grace_s))
        self._set_state(phase)

    def _timer(self, slot: object, *, single_shot: bool = True) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(single_shot)
        timer.timeout.connect(slot)
        return timer

    def _set_state(self, phase: Phase, process_exit: ProcessExit | None = None) -> None:
        pid = int(self._process.processId()) if self._process is not None else 0
        state = ProcessStatus(phase, pid, process_exit)
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)

    # ---- running ----------------------------------------------------------------------------------------

    def _take_command(self) -> None:
        """Take the command of ``connect_to``."""
        if self._next_command is not None:
            self.command, self._next_command, self._was_ready = self._next_command, None, False
            self.is_local, self.machine = is_local(self.command), machine_of(self.command)
            self.machine_changed.emit()

    def _start_process(self) -> None:
        self._take_command()
        process = QProcess(self)
        process.setProcessEnvironment(_environment())
        parameters = QProcess.UnixProcessParameters()
        parameters.flags = QProcess.UnixProcessFlag.CreateNewSession  # Ctrl+C in a terminal ends the window only
        process.setUnixProcessParameters(parameters)
        process.readyReadStandardOutput.connect(self._on_stdout)
        process.readyReadStandardError.connect(self._on_stderr)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_process_error)
        self._frames = FrameReader()
        self._stderr.clear()
        self._stderr.append("")
        self._cause, self._has_catalog, self._forced, self._ping, self._exit = "", False, False, 0, None
        self._started_s = self._heard_s = self._ticked_s = time.monotonic()
        self._process = process
        self._watch.start(_ms(self._timeouts.ping / 2))
        process.start(self.command[0], self.command[1:])
        if self._process is process:
            self._set_state("starting", self.state.process_exit)

    def _write(self, command: Command) -> None:
        name = type(command).__name__
        if self._process is None or self._exit is not None or self.state.phase in ("closing", "restarting"):
            QTimer.singleShot(0, self, lambda: self._fail({command.request: name}))
            return
        if not isinstance(command, Ping | Shutdown):
            self._unanswered[command.request] = name
        self._process.write(frame(command))

    def _on_stdout(self) -> None:
        if self._process is None:
            return
        self._heard_s = time.monotonic()
        data = bytes(self._process.readAllStandardOutput().data())
        if self._cause:
            return  # it is being killed
        try:
            self._bodies.extend(self._frames.feed(data))
        except ProtocolError as error:
            self._deliver_all()  # what came before it is as good as ever
            if not self._cause:
                self._end(f"The engine sent invalid data and was ended: {error}")
            return
        self._deliver_some()

    def _deliver_some(self) -> None:
        """Deliver received events for a limited time, then let the window paint; after the last one report an exit."""
        deadline = time.monotonic() + DELIVERY_BUDGET_S
        while self._bodies and time.monotonic() < deadline:
            self._receive(self._bodies.popleft())
        if self._bodies:
            self._deliveries.start(0)
        else:
            self._report_exit()

    def _deliver_all(self) -> None:
        while self._bodies:
            self._receive(self._bodies.popleft())

    def _receive(self, body: bytes) -> None:
        try:
            event = decode_event(body)
        except ProtocolError as error:
            self._end(f"The engine sent invalid data and was ended: {error}")
            return
        if isinstance(event, Catalog):
            if event.protocol != PROTOCOL_VERSION:
                self._quick_exits = self._timeouts.quick_exits
                self._end(
                    f"The engine (gmstudio {event.version}) uses protocol {event.protocol}, this window protocol "
                    f"{PROTOCOL_VERSION}; install the same gmstudio on both sides."
                )
                return
            self._has_catalog = self._was_ready = True
            if not self.is_local and event.host not in ("", self.machine):
                self.machine = event.host
                self.machine_changed.emit()
        if event.ends_request():
            self._unanswered.pop(event.request, None)
        if self._has_catalog and self.state.phase in ("starting", "not responding"):
            self._set_state("ready")
        self.deliver(event)

    def _on_stderr(self) -> None:
        if self._process is None:
            return
        self._heard_s = time.monotonic()
        text = bytes(self._process.readAllStandardError().data()).decode("utf-8", errors="replace")
        first, *rest = text.split("\n")
        self._stderr[-1] += first
        self._stderr.extend(rest)

    # ---- monitoring --------------------------------------------------------------------------------------

    def _on_watch(self) -> None:
        now = time.monotonic()
        if now - self._ticked_s > self._timeouts.silence / 2:
            self._heard_s = now  # the window itself was suspended, so silence means nothing
        self._ticked_s = now
        silence = now - self._heard_s
        if not self._has_catalog:
            if now - self._started_s > self._timeouts.startup:
                self._set_state("not responding", self.state.process_exit)
            return
        if silence >= self._timeouts.ping and not self._ping:
            self._ping = self.send(Ping())
        if silence >= self._timeouts.lost and not self.is_local:
            self._end(f"The connection to {self.machine} was lost: nothing came for {silence:.0f} s.")
        elif silence >= self._timeouts.silence:
            self._set_state("not responding")

    def deliver(self, event: Event) -> None:
        """Deliver an event to its subscribers, then to its request."""
        if event.request == self._ping:
            self._ping = 0
        super().deliver(event)

    # ---- exit ----------------------------------------------------------------------------------------

    def _end(self, cause: str) -> None:
        """Kill the engine; ``cause`` is the description of its exit."""
        self._bodies.clear()
        self._cause = cause
        if self._process is not None:
            self._process.kill()

    def _on_kill_timer(self) -> None:
        """Terminate, then kill, an engine that did not exit on request."""
        if self._process is not None:
            self._cause = f"The engine did not exit within {self._grace_s:g} s and was ended; unsaved data is lost."
            self._process.terminate()
            QTimer.singleShot(_ms(self._timeouts.kill), self._process, self._process.kill)

    def _on_process_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._cause = f"The engine could not be started: {self._process.errorString()} ({self.command[0]})."
            self._on_finished(0, QProcess.ExitStatus.NormalExit)

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        if self._process is None:
            return
        self._exit = code, status
        self._on_stderr()
        self._on_stdout()
        if not self._bodies:
            self._report_exit()

    def _report_exit(self) -> None:
        """Report that the process exited, after all events of its."""
        process = self._process
        if process is None or self._exit is None:
            return
        code, status = self._exit
        self._exit = None
        crashed = status == QProcess.ExitStatus.CrashExit
        process_exit = ProcessExit(
            exit_code=0 if crashed else code,
            signal=code if crashed else 0,
            stderr=self.stderr_tail,
            cause=self._cause or ("" if self._has_catalog else problem_of(self.command, self.stderr_tail)),
            before_catalog=not self._has_catalog,
            machine=self.machine,
        )
        clean = self._forced or not (code or self._cause)
        phase = self.state.phase
        self._process = None
        self._watch.stop()
        self._kill_timer.stop()
        process.deleteLater()
        unanswered, self._unanswered = self._unanswered, {}
        if phase == "closing":
            self._set_state("closed", None if clean else process_exit)
            return
        if (phase == "restarting" and clean) or self._next_command is not None:
            self._start_process()
        else:
            self._on_died(process_exit)
        self._fail(unanswered)

    def _on_died(self, process_exit: ProcessExit) -> None:
        """Report the exit, and restart the engine unless it exits quickly again and again.

        Another machine that was reached once is tried again for as long as it takes, at growing intervals.
        """
        quick = time.monotonic() - self._started_s < self._timeouts.quick or process_exit.before_catalog
        self._quick_exits = self._quick_exits + 1 if quick else 0
        if self._was_ready and not self.is_local:
            self._failures = 0 if self._has_catalog else min(self._failures + 1, MAX_DOUBLINGS)
            delay_s = min(self._timeouts.restart_longest, self._timeouts.restart * 2.0**self._failures)
            self._set_state("dead", process_exit)
            self._restart.start(_ms(delay_s))
        elif self._quick_exits >= self._timeouts.quick_exits:
            self._set_state("given up", process_exit)
        else:
            self._set_state("dead", process_exit)
            self._restart.start(_ms(self._timeouts.restart))

    def _fail(self, unanswered: dict[int, str]) -> None:
        for request, command in unanswered.items():
            self.deliver(CommandFailed(request=request, command=command, message=GONE, reason=Reason.ENGINE_GONE))


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


def _environment() -> QProcessEnvironment:
    """Environment of this process, with the package on the path if the window was started from a checkout."""
    environment = QProcessEnvironment.systemEnvironment()
    package_parent = Path(__file__).resolve().parents[3]
    if package_parent.name not in ("site-packages", "dist-packages"):
        paths = [str(package_parent), environment.value("PYTHONPATH")]
        environment.insert("PYTHONPATH", os.pathsep.join(path for path in paths if path))
    environment.insert("SSH_ASKPASS_REQUIRE", "never")  # a window of ssh that asks for a password would block
    return environment
