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
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from gmstudio import engine

MODULES = pkgutil.iter_modules(engine.__path__, f"{engine.__name__}.")
IMPORTED = [f"{module.name}.handlers" if module.ispkg else module.name for module in MODULES]
"""The server and the features; a package without commands has no ``handlers``, which the fork server skips."""
PIPE, DEVNULL, STDOUT = subprocess.PIPE, subprocess.DEVNULL, subprocess.STDOUT


class ForkedProcess:
    """A process of its own that has imported the engine, with the part of the interface of ``Popen`` that tests use.

    Args:
        command: see ``can_fork``.
        environment: all variables of its environment.
        outputs: where its outputs go: ``PIPE`` or ``DEVNULL``, the second one also ``STDOUT``.
        text: the pipes are read and written as text.

    Attributes:
        pid: its number.
        stdin: pipe to its standard input; ``stdout`` and ``stderr`` are those from its outputs.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], outputs: tuple[int, int], text: bool
    ) -> None:
        self._command, self._text = list(command), text
        input_end, ours = os.pipe()
        self.stdin = self._opened(ours, "w")
        output_end, self.stdout = self._output(outputs[0])
        errors_end, self.stderr = (os.dup(output_end), None) if outputs[1] == STDOUT else self._output(outputs[1])
        ends = [Connection(end) for end in (input_end, output_end, errors_end)]
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(IMPORTED)
        self._process = context.Process(target=_run, args=(self._command[1:], dict(environment), ends))
        self._process.start()
        for end in ends:
            end.close()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def _opened(self, end: int, mode: str) -> IO[Any]:
        return os.fdopen(end, mode if self._text else f"{mode}b")

    def _output(self, target: int) -> tuple[int, IO[Any] | None]:
        """The process's end of an output, and ours."""
        if target == DEVNULL:
            return os.open(os.devnull, os.O_WRONLY), None
        ours, end = os.pipe()
        return end, self._opened(ours, "r")

    def wait(self, timeout: float) -> int:
        """The exit code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: when it still runs after ``timeout`` seconds.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._command, timeout)
        return self._process.exitcode

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal, where it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> "ForkedProcess":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:  # the test has failed: nobody waits for an end that may not come
            self.kill()
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()
        self._process.join()


Process = ForkedProcess | subprocess.Popen[Any]


def start(
    command: Sequence[str], environment: Mapping[str, str], outputs: tuple[int, int] = (PIPE, PIPE), text: bool = False
) -> Process:
    """Start a process with a pipe to its input: by a fork where that is possible, see ``ForkedProcess``."""
    if can_fork(command, environment):
        return ForkedProcess(command, environment, outputs, text)
    out, errors = outputs
    return subprocess.Popen(command, stdin=PIPE, stdout=out, stderr=errors, env=dict(environment), text=text)


def can_fork(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether a command is one of this Python, ``FILE``, ``-c`` or ``-m``, and finds no packages of its own."""
    ours = command[0] == sys.executable and (command[1] in ("-c", "-m") or command[1].endswith(".py"))
    paths = set(filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)))
    return ours and sys.platform == "linux" and paths <= set(sys.path)


def _run(arguments: list[str], environment: dict[str, str], ends: list[Connection]) -> None:
    """Run ``python FILE …``, ``python -c CODE …`` or ``python -m MODULE …`` in this process, with these streams."""
    os.environ.clear()
    os.environ.update(environment)
    for number, end in enumerate(ends):
        os.dup2(end.fileno(), number)
        end.close()
    sys.stdin = os.fdopen(0, closefd=False)
    form, *rest = sys.argv = arguments
    if form == "-c":
        sys.argv = [form, *rest[1:]]
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(rest[0], "<string>", "exec"), main.__dict__)
    elif form == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(form).parent))
        runpy.run_path(form, run_name="__main__")
