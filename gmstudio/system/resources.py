"""Where the icons, style sheets and theory texts are: ``resources/`` in a checkout, inside the package in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
FOLDERS = (_PACKAGE / "_resources", _PACKAGE.parent / "resources")
"""Installed from a wheel, and in a checkout or an editable install."""


def resource_path(name: str) -> Path:
    """The path of a file or folder under ``resources/``.

    Args:
        name: relative, with forward slashes, for example ``icons/play.svg``.

    Raises:
        FileNotFoundError: when there is no such resource; names the folders that were searched.
    """
    for folder in FOLDERS:
        path = folder / name
        if path.exists():
            return path
    searched = " nor ".join(str(folder) for folder in FOLDERS)
    raise FileNotFoundError(f"The resource {name!r} is neither in {searched}; install gmstudio again.")
