"""Commands that start an engine: this Python's own, or another one such as ``ssh gpu-box gmstudio engine``."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import PurePath

LOCAL = (sys.executable, "-m", "gmstudio.engine")
"""Command of this computer's engine."""
ENGINE = ("gmstudio", "engine")
"""Command of the engine on another machine, after that which leads there."""
SSH = ("ssh", "ssh.exe", "autossh")
_SSH_OPTIONS_WITH_VALUE = "BbcDEeFIiJLlmOoPpQRSWw"
"""Letters of the options of ssh that take a value, see ssh(1)."""


def is_local(command: Sequence[str]) -> bool:
    """Return whether this Python runs the engine; another program may run it on another machine, with other files."""
    return bool(command) and command[0] == sys.executable


def split_command(text: str) -> list[str]:
    """Split an engine's command line into program and arguments, like a POSIX shell does.

    One word that is no program here is taken for a machine: ``gpu-box`` is ``ssh gpu-box gmstudio engine``.

    Raises:
        ValueError: when it is blank, or a quotation mark is not closed.
    """
    try:
        command = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"{text}: {error}; close the quotation mark.") from None
    if not command:
        raise ValueError('Write a machine, or a program and its arguments: "ssh gpu-box gmstudio engine".')
    if len(command) == 1 and shutil.which(command[0]) is None and not command[0].startswith(("-", "/", ".")):
        return ["ssh", command[0], *ENGINE]
    return command


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


_PROBLEMS = (
    (
        "Host key verification failed",
        "{machine} is not known to ssh here, or its key has changed. Connect once in a terminal by {ssh}, compare the "
        "key, and try again.",
    ),
    (
        "Permission denied",
        "{machine} refused the login. The window cannot ask for a password: set up a key without a passphrase or an "
        "ssh-agent, so that {ssh} -o BatchMode=yes true prints nothing, and try again.",
    ),
    (
        "Could not resolve hostname",
        "There is no machine {machine}. Check its name, or add it to the file .ssh/config.",
    ),
    ("Connection refused", "{machine} accepts no ssh connection. Start its ssh server, or choose its port by -p."),
    ("timed out", "{machine} does not answer. Check that it is switched on and that the network reaches it."),
    ("No route to host", "The network does not reach {machine}. Check the connection, or its VPN."),
    ("No module named", "The Python on {machine} has no gmstudio. Install it there: pip install gmstudio."),
    (
        "not found",
        "{machine} has no command {program}. Install gmstudio there, or write the whole path of its command.",
    ),
)
"""Texts on the standard error of ssh or of a shell, and what to do."""


def problem_of(command: Sequence[str], stderr: str) -> str:
    """Return a sentence with the remedy on the standard error of a connection that failed; "" where it is not known."""
    if is_local(command):
        return ""
    machine = machine_of(command)
    program = "gmstudio" if is_ssh(command) else command[0]
    for text, sentence in _PROBLEMS:
        if text.lower() in stderr.lower():
            return sentence.format(machine=machine, ssh=f"ssh {machine}", program=program)
    return ""
