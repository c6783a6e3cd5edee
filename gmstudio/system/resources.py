"""Paths of icons, style sheet and texts: in ``resources/`` and ``docs/`` of a checkout, in the package of a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
FOLDERS = (_PACKAGE / "_resources", _PACKAGE.parent / "resources", _PACKAGE.parent / "docs")
"""Installed from a wheel, and in a checkout or an editable install."""


def resource_path(name: str) -> Path:
    """Return the path of a file or folder under ``resources/``, or of a document that a wheel carries too.

    Args:
        name: relative path with forward slashes, for example ``icons/play.svg`` or ``glossary.md``.

    Raises:
        FileNotFoundError: when there is no such resource; names the folders that were searched.
    """
    for folder in FOLDERS:
        path = folder / name
        if path.exists():
            return path
    searched = " nor ".join(str(folder) for folder in FOLDERS)
    raise FileNotFoundError(f"The resource {name!r} is neither in {searched}; install gmstudio again.")
