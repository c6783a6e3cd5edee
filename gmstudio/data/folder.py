"""The folder that the user chose for a data source."""

from pathlib import Path

from gmstudio.protocol.config import ConfigError


def named_folder(text: str, holds: str) -> Path:
    """Resolve the folder that a setting names, existing or not.

    Args:
        text: as typed; ``~`` is the home folder.
        holds: content of the right folder, for messages.

    Raises:
        ConfigError: when nothing was chosen, or ``~`` names an unknown user's home.
    """
    if not text.strip():
        raise ConfigError({"folder": f"Folder is empty. Choose the folder that holds {holds}."})
    try:
        return Path(text.strip()).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            {"folder": f"Folder is {text.strip()!r}, and there is no such user's home. Write its path."}
        ) from error


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
