"""Free space of a disk that was full, watched until there is more of it."""

import shutil
from pathlib import Path

MARGIN_BYTES = 1 << 20
"""Growth of the free space after which writing is tried again."""


class FreedSpace:
    """Watch over the disk of a folder, from the moment at which it was too full.

    Args:
        folder: a folder on that disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._free_bytes = _free_bytes(folder)

    def has_grown(self) -> bool:
        """Return whether there is a mebibyte more than before; a further decrease is the new reference."""
        free_bytes = _free_bytes(self._folder)
        self._free_bytes = min(self._free_bytes, free_bytes)
        return free_bytes >= self._free_bytes + MARGIN_BYTES


def _free_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:  # the disk is gone meanwhile: no space
        return 0
