"""The folder that the user chose for a data source."""

import os
from pathlib import Path
from typing import AnyStr

from gmstudio.protocol.config import ConfigError
from gmstudio.system.typed_path import typed_path

RESOURCE_FOLDER = "__MACOSX"
"""Folder that macOS puts into archives, with a file ``._name`` of attributes for each file."""


def named_folder(text: str, holds: str) -> Path:
    """Resolve the folder that a setting names, existing or not.

    Args:
        text: as typed or pasted, see ``typed_path``.
        holds: content of the right folder, for messages.

    Raises:
        ConfigError: when nothing was chosen, ``~`` names an unknown user's home, or a link leads to another computer.
    """
    if not text.strip():
        raise ConfigError({"folder": f"Folder is empty. Choose the folder that holds {holds}."})
    try:
        return typed_path(text)
    except ValueError as error:
        raise ConfigError({"folder": f"Folder: {error}"}) from error


def existing_folder(text: str, holds: str) -> Path:
    """Resolve the folder that a setting names, and check that it exists; see ``named_folder``.

    Raises:
        ConfigError: when nothing was chosen, or there is no such folder.
    """
    folder = named_folder(text, holds)
    try:
        found = folder.is_dir()
    except OSError:  # a name that is too long, or a folder above it that may not be entered
        found = False
    if not found:
        raise ConfigError({"folder": f"{folder} is no folder. Choose the folder that holds {holds}."})
    return folder


def is_passed_over(name: str) -> bool:
    """Test whether a file or folder below the chosen one is none of the data: hidden, or macOS' attributes of one."""
    return name.startswith(".") or name == RESOURCE_FOLDER


def is_broken_link(path: Path) -> bool:
    """Test whether a path is a symbolic link that leads nowhere, or back to itself."""
    return path.is_symlink() and not path.exists()


def is_subfolder(entry: "os.DirEntry[AnyStr]") -> bool:
    """Test whether an entry of a folder is a folder; a link that leads to itself or into a closed folder is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False
