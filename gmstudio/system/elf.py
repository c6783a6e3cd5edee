"""Libraries that a Linux binary links to, read from the file; nothing is loaded or run."""

import mmap
from pathlib import Path

_DYNAMIC, _NEEDED = 6, 1


def linked_libraries(file: Path) -> tuple[str, ...]:
    """Return the NEEDED entries of an ELF file (System V ABI, chapter 5), for example ``("libX11.so.6",)``.

    Args:
        file: 64-bit little-endian binary.

    Raises:
        OSError: when it cannot be read.
        ValueError: when it is no such binary.
    """
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{file} is not a 64-bit little-endian ELF file; reinstall PySide6 for this machine.")

        def number(at: int, size: int) -> int:
            return int.from_bytes(data[at : at + size], "little")

        headers, entry_size, count = number(40, 8), number(58, 2), number(60, 2)
        sections = [headers + i * entry_size for i in range(count)]
        dynamic = next((s for s in sections if number(s + 4, 4) == _DYNAMIC), None)
        if dynamic is None:
            return ()
        strings = number(sections[number(dynamic + 40, 4)] + 24, 8)
        start, size = number(dynamic + 24, 8), number(dynamic + 32, 8)
        names = [number(at + 8, 8) for at in range(start, start + size, 16) if number(at, 8) == _NEEDED]
        return tuple(data[strings + name : data.find(b"\0", strings + name)].decode() for name in names)
