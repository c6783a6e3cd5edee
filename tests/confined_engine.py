"""An engine on a small disk of its own, which is gone with its process; its folders can be made read-only.

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
shift 2
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


_READ_ONLY = (
    'mount --bind "$1" "$1" && '
    'for _ in $(seq 100); do mount -o remount,bind,ro "$1" && exit 0; sleep 0.05; done; exit 1'
)
"""Repeated, as it is refused while a file that was opened through the new mount is open for writing."""


class ConfinedEngine(EngineProcess):
    """An engine whose home is a small disk.

    Args:
        home: an empty folder, where the disk is.
        size: of the disk, as tmpfs has it.
    """

    def __init__(self, home: Path, size: str = "24m") -> None:
        self.home = home
        confined = ("sh", "-c", _MOUNT, "sh", str(home), size, *ENGINE)
        super().__init__(home, command=(*_namespace(), *confined))

    def seen_from_here(self, path: Path) -> Path:
        """Where this process finds a file of the small disk."""
        return Path(f"/proc/{self.process.pid}/root", *path.absolute().parts[1:])

    def copy_out(self, folder: Path, place: Path) -> Path:
        """Copy a folder of the small disk to a place outside."""
        return Path(shutil.copytree(self.seen_from_here(folder), place))

    def copy_in(self, folder: Path, name: str) -> Path:
        """Copy a folder of the small disk to a place beside it."""
        copy = folder.with_name(name)
        shutil.copytree(self.seen_from_here(folder), self.seen_from_here(copy))
        return copy

    @contextmanager
    def read_only(self, folder: Path) -> Iterator[None]:
        """Context in which the engine cannot write what it opens in a folder; what it has open it can."""
        self._in_namespace(_READ_ONLY, folder)
        try:
            yield
        finally:
            self._in_namespace('umount --lazy "$1"', folder)

    def _in_namespace(self, script: str, folder: Path) -> None:
        enter = ["nsenter", "--mount", "--target", str(self.process.pid)]
        if "--map-root-user" in _namespace():
            enter += ["--user", "--preserve-credentials"]
        subprocess.run([*enter, "sh", "-c", script, "sh", str(folder)], check=True, cwd="/")

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
