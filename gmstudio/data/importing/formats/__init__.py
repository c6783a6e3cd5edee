"""Files of arrays, tables and known data sets."""

from pathlib import Path

from gmstudio.data.importing.raw import RawSet
from gmstudio.data.importing.settings import ReadSettings


def open_format(path: Path, settings: ReadSettings) -> RawSet | None:
    """Open a file or folder of a known format; None where it has none."""
    return None
