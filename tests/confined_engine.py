"""An engine on a small disk of its own, beside a read-only folder; both are gone with its process.

The disk is a tmpfs in a mount namespace that only the engine is in, so that nothing is left mounted whatever ends it.
Where the system allows no such namespace, not even to root, ``can_confine`` is false.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from engine_process import ENGINE, EngineProcess

_MOUNT = """
mount -t tmpfs -o "size=$2" none "$1" || exit 97
mount --bind "$3" "$3" && mount -o remount,bind,ro "$3" || exit 97
shift 3
exec "$@"
"""
_BLOCK = 4096


@cache
def _namespace() -> tuple[str, ...]:
    """The command before another one that gives it mounts of its own; empty: there is none."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return ()
    for command in (("unshare", "--mount"), ("unshare", "--mount", "--map-root-user")):
        tried = ["sh", "-c", 'd=$(mktemp -d) && mount -t tmpfs none "$d"; s=$?; umount "$d"; rmdir "$d"; exit $s']
        if subprocess.run([*command, *tried], capture_output=True).returncode == 0:
            return command
    return ()


def can_confine() -> bool:
    """Whether a process here can have mounts of its own."""
    return bool(_namespace())


class ConfinedEngine(EngineProcess):
    """An engine whose home is a small disk.

    Args:
        home: an empty folder, where the disk is.
        read_only: a folder that the engine cannot write.
        size: of the disk, as tmpfs has it.
    """

    def __init__(self, home: Path, read_only: Path, size: str = "24m") -> None:
        self.home = home
        confined = ("sh", "-c", _MOUNT, "sh", str(home), size, str(read_only), *ENGINE)
        super().__init__(home, command=(*_namespace(), *confined))

    def seen_from_here(self, path: Path) -> Path:
        """Where this process finds a file of the small disk."""
        return Path(f"/proc/{self.process.pid}/root", *path.absolute().parts[1:])

    def copy_out(self, folder: Path, place: Path) -> Path:
        """Copy a folder of the small disk to a place outside."""
        return Path(shutil.copytree(self.seen_from_here(folder), place))

    @contextmanager
    def full(self, room: int = 0) -> Iterator[None]:
        """Context in which the disk has so many bytes left, in whole blocks."""
        filler = self.seen_from_here(self.home / "filler")
        try:
            with filler.open("wb", buffering=0) as file:
                free = shutil.disk_usage(filler.parent).free
                file.write(bytes(max(0, (free - room) // _BLOCK * _BLOCK)))
            yield
        finally:
            filler.unlink()
