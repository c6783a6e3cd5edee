"""Status and exit of the engine process, as values."""

import signal
from dataclasses import dataclass
from typing import Literal

from gmstudio.protocol.engine import DEVICE_LOST

Phase = Literal["closed", "starting", "ready", "not responding", "dead", "given up", "restarting", "closing"]


@dataclass(frozen=True)
class Timeouts:
    """Timeouts of the engine process, in seconds.

    Args:
        ping: silence after which the window sends ``Ping``.
        silence: silence after which the engine counts as not responding.
        startup: time from start to catalog after which it counts as not responding; loading torch takes seconds.
        quick: an exit sooner after the start than this is a quick one.
        restart: delay between an unexpected exit and the next start.
        close: time for a checkpoint when the window closes, before the process is terminated.
        kill: delay between terminating and killing.
        lost: silence after which the connection to another machine counts as lost.
        restart_longest: longest delay between two attempts to connect again; each is twice the one before.
        quick_exits: number of quick exits in a row after which the engine is not restarted.
    """

    ping: float = 1.0
    silence: float = 3.0
    startup: float = 60.0
    quick: float = 15.0
    restart: float = 0.2
    close: float = 30.0
    kill: float = 2.0
    lost: float = 20.0
    restart_longest: float = 30.0
    quick_exits: int = 3


@dataclass(frozen=True)
class ProcessExit:
    """Exit of an engine process.

    Args:
        exit_code: exit code; 0 when a signal ended the process.
        signal: number of the signal that ended it, or 0.
        stderr: last lines of its standard error.
        cause: reason why the window ended it, or why it could not be started; otherwise empty.
        before_catalog: it ended before it sent its catalog.
        machine: name of the other machine on which it ran; "" for this one.
    """

    exit_code: int
    signal: int
    stderr: str
    cause: str = ""
    before_catalog: bool = False
    machine: str = ""

    @property
    def sentence(self) -> str:
        """Description for display."""
        if self.cause:
            return self.cause
        if self.machine:
            met = "could not be made" if self.before_catalog else "was lost"
            return f"The connection to {self.machine} {met} ({self._ending})."
        if self.exit_code == DEVICE_LOST:
            return (
                "The accelerator reported an error after which no process that uses it can go on, so the engine was "
                "ended. Details has the error; where it comes again, choose the CPU in the status bar."
            )
        when = "while starting" if self.before_catalog else "unexpectedly"
        if self.signal:
            hint = " The system kills processes like this when memory runs out." if self.signal == 9 else ""
            return f"The engine was ended {when} by signal {self.signal} ({_signal_name(self.signal)}).{hint}"
        return f"The engine ended {when} with exit code {self.exit_code}."

    @property
    def _ending(self) -> str:
        return _signal_name(self.signal) if self.signal else f"exit code {self.exit_code}"


@dataclass(frozen=True)
class ProcessStatus:
    """Status of the engine process.

    Args:
        phase: ``dead`` is followed by a restart, ``given up`` is not; ``closed`` was requested.
        pid: process ID, or 0.
        process_exit: unexpected exit of the last process, until the next one is ready; with ``closed``, exit of a
            process that did not end cleanly on request.
    """

    phase: Phase
    pid: int = 0
    process_exit: ProcessExit | None = None

    @property
    def answers(self) -> bool:
        """The engine answers commands."""
        return self.phase == "ready"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
