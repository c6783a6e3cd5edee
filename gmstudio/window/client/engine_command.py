"""Commands that start an engine: this Python's own, or another one such as ``ssh gpu-box gmstudio engine``."""

import sys
from collections.abc import Sequence
from pathlib import PurePath

LOCAL = (sys.executable, "-m", "gmstudio.engine")
"""Command of this computer's engine."""
SSH = ("ssh", "ssh.exe", "autossh")
_SSH_OPTIONS_WITH_VALUE = "BbcDEeFIiJLlmOoPpQRSWw"
"""Letters of the options of ssh that take a value, see ssh(1)."""


def is_local(command: Sequence[str]) -> bool:
    """Return whether this Python runs the engine; another program may run it on another machine, with other files."""
    return bool(command) and command[0] == sys.executable


def machine_of(command: Sequence[str]) -> str:
    """Return the name of the machine that a command leads to, as far as it shows; "" for this computer.

    For ssh that is its destination, without the user; for another program, the program's name.
    """
    if is_local(command):
        return ""
    program = PurePath(command[0].replace("\\", "/")).name
    return (_destination(command[1:]) if program in SSH else "") or program


def is_ssh(command: Sequence[str]) -> bool:
    """Return whether a command is ssh."""
    return PurePath(command[0].replace("\\", "/")).name in SSH


def _destination(arguments: Sequence[str]) -> str:
    """Host of ssh's destination: the first argument that is no option and no option's value."""
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            continue
        if argument.startswith("-") and len(argument) > 1:
            if argument[-1] in _SSH_OPTIONS_WITH_VALUE and len(argument) == 2:
                next(rest, None)
            continue
        host = argument.removeprefix("ssh://").rpartition("@")[2]
        return host.partition(":")[0].partition("/")[0]
    return ""
