"""Paths as people type and paste them: in quotes, as ``file://`` links, with ``~``."""

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

_QUOTED = re.compile(r"""(["'])(?P<path>.+)\1""")
_DRIVE = re.compile(r"/[A-Za-z]:")
_HERE = ("", "localhost")


def typed_path(text: str) -> Path:
    """Return the path that was typed or pasted; one that exists exactly as typed is taken as it is.

    Args:
        text: a path, with or without spaces around it, in single or double quotes or as a ``file://`` link; ``~`` is
            the home folder.

    Raises:
        ValueError: when ``~`` names an unknown user's home, or the link leads to another computer.
    """
    if _exists(text):
        return Path(text)
    path = text.strip()
    quoted = _QUOTED.fullmatch(path)
    if quoted:
        path = quoted["path"]
    if path.lower().startswith("file:/"):
        path = _linked(path)
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ValueError(f"{text.strip()} names the home of a user who is not known here. Write its path.") from None


def _exists(text: str) -> bool:
    try:
        return os.path.lexists(text)
    except ValueError:  # a character that no path can have
        return False


def _linked(link: str) -> str:
    parts = urlsplit(link.replace("?", "%3F").replace("#", "%23"))
    if parts.netloc.lower() not in _HERE:
        raise ValueError(f"{link} is on another computer, {parts.netloc}. Write the path of a file on this one.")
    path = os.fsdecode(unquote_to_bytes(parts.path))
    return path[1:] if _DRIVE.match(path) else path
