"""Folder of all that a person keeps with the program: ``$GMSTUDIO_HOME``, else the platform's data folder."""

import os
from pathlib import Path

import platformdirs

from gmstudio.runs.record import RunError

HOME_VARIABLE = "GMSTUDIO_HOME"


def data_home() -> Path:
    """Folder that holds the library of runs, the trash and notes on examples.

    Raises:
        RunError: when the variable names an unknown user's home.
    """
    override = os.environ.get(HOME_VARIABLE, "").strip()
    try:
        return Path(override).expanduser() if override else platformdirs.user_data_path("gmstudio", appauthor=False)
    except RuntimeError:
        raise RunError(f"{HOME_VARIABLE} is {override!r}, and there is no such user's home. Write its path.") from None
