"""Processes forked from one that has imported the engine: a start takes milliseconds instead of two seconds."""

import multiprocessing
import os
import pkgutil
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from types import ModuleType

from gmstudio import engine

MODULES = pkgutil.iter_modules(engine.__path__, f"{engine.__name__}.")
IMPORTED = [f"{module.name}.handlers" if module.ispkg else module.name for module in MODULES]
"""The server and the features; a package without commands has no ``handlers``, which the fork server skips."""
PYTHONPATH = os.environ.get("PYTHONPATH")


def can_fork(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether a command is one of this Python, ``-c`` or ``-m``, that finds the same packages as the tests."""
    ours = tuple(command[:2]) in ((sys.executable, "-c"), (sys.executable, "-m"))
    return ours and sys.platform == "linux" and environment.get("PYTHONPATH") == PYTHONPATH


class ForkedProcess:
    """A process of its own that has imported the engine, with the part of the interface of ``Popen`` that tests use.

    Args:
        command: see ``can_fork``.
        environment: all variables of its environment.

    Attributes:
        pid: its number.
        stdin: pipe to its standard input; ``stdout`` and ``stderr`` are those from its outputs.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        (input_end, ours), (output, output_end), (errors, errors_end) = os.pipe(), os.pipe(), os.pipe()
        theirs = (Connection(input_end), Connection(output_end), Connection(errors_end))
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(IMPORTED)
        self._process = context.Process(target=_run, args=(list(command[1:]), dict(environment), *theirs))
        self._process.start()
        for end in theirs:
            end.close()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self.stdin, self.stdout, self.stderr = os.fdopen(ours, "wb"), os.fdopen(output, "rb"), os.fdopen(errors, "rb")
        self._command = command

    def wait(self, timeout: float) -> int:
        """The exit code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: when it still runs after ``timeout`` seconds.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(list(self._command), timeout)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal, where it has not ended."""
        if self._process.exitcode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _run(arguments: list[str], environment: dict[str, str], *ends: Connection) -> None:
    """Run ``python -c CODE …`` or ``python -m MODULE …`` in this process, with these ends of pipes."""
    os.environ.clear()
    os.environ.update(environment)
    for number, end in enumerate(ends):
        os.dup2(end.fileno(), number)
        end.close()
    sys.stdin = os.fdopen(0, closefd=False)
    form, program, *rest = arguments
    sys.argv = [form, *rest]
    if form == "-m":
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(program, "<string>", "exec"), main.__dict__)
