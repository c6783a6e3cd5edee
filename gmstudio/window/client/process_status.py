"""How the engine process is, and how one ended, as values that can be shown, compared and tested."""

import signal
from dataclasses import dataclass
from typing import Literal

Phase = Literal["closed", "starting", "ready", "not responding", "dead", "given up", "restarting", "closing"]


@dataclass(frozen=True)
class Timeouts:
    """How long the window waits for its engine, in seconds.

    Args:
        ping: of silence, then ask whether it is alive.
        silence: without any sign of life, then it is not responding.
        hello: from start to catalog, then it is not responding; loading torch takes its time.
        quick: a death sooner after the start than this is a quick one.
        restart: between a death and the next start.
        close: for the checkpoint when the window closes, then it is terminated.
        kill: between terminating and killing.
        quick_deaths: so many quick deaths in a row and the window gives up.
    """

    ping: float = 1.0
    silence: float = 3.0
    hello: float = 60.0
    quick: float = 15.0
    restart: float = 0.2
    close: float = 30.0
    kill: float = 2.0
    quick_deaths: int = 3


@dataclass(frozen=True)
class ProcessExit:
    """How an engine process ended.

    Args:
        exit_code: what it returned; 0 when a signal ended it.
        signal: number of the signal that ended it, or 0.
        stderr: the last lines that it wrote to its standard error.
        cause: why we ended it, or why it could not be started; else empty.
        before_catalog: it never said hello.
    """

    exit_code: int
    signal: int
    stderr: str
    cause: str = ""
    before_catalog: bool = False

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        if self.cause:
            return self.cause
        when = "while starting" if self.before_catalog else "unexpectedly"
        if self.signal:
            hint = " The system kills processes like this when memory runs out." if self.signal == 9 else ""
            return f"The engine was ended {when} by signal {self.signal} ({_signal_name(self.signal)}).{hint}"
        return f"The engine ended {when} with exit code {self.exit_code}."


@dataclass(frozen=True)
class ProcessStatus:
    """How the engine process is.

    Args:
        phase: ``dead`` is followed by a restart, ``given up`` is not; ``closed`` was wanted.
        pid: of the process that runs, or 0.
        process_exit: of the last process that ended unasked, kept while the next one starts; None once it is ready.
            With ``closed``: of a process that was asked to end and did not do so in order.
    """

    phase: Phase
    pid: int = 0
    process_exit: ProcessExit | None = None

    @property
    def answers(self) -> bool:
        """Whether commands make sense now."""
        return self.phase == "ready"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
