"""The directory of a zip archive, read compactly and checked; entries are read into memory, never to the disk.

Python's ``zipfile`` keeps an object of a kilobyte for each entry and trusts the sizes in its directory. Here a million
entries take tens of megabytes, and every size is checked before memory is asked for.

Source: PKWARE, APPNOTE.TXT – .ZIP File Format Specification 6.3.10, section 4.3.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.picture_index import readable
from gmstudio.data.importing.raw import BadImageError
from gmstudio.system.regular_file import open_regular

MAX_ENTRIES = 20_000_000
_END = struct.Struct("<4s4H2LH")
_END_64_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL = struct.Struct("<4s2B4HL2L2H")
_MAX_COMMENT = 65_535
_STORED, _DEFLATED = 0, 8
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES encryption"}
_ENCRYPTED = 0x1
_UTF_8 = 0x800
_ALL_32 = 0xFFFFFFFF


@dataclass(frozen=True)
class Entry:
    """One entry as the directory describes it.

    Args:
        name: path within the archive, UTF-8, parts separated by ``/``.
        offset: of its local header.
        packed: bytes in the archive.
        size: bytes when unpacked.
        crc: CRC-32 of the unpacked bytes.
        method: of compression.
        encrypted: it needs a password.
    """

    name: bytes
    offset: int
    packed: int
    size: int
    crc: int
    method: int
    encrypted: bool


def read_entries(path: Path) -> Iterator[Entry]:
    """Entries of an archive, in the order of its directory; folders among them.

    Raises:
        DataError: when it is no zip archive, is damaged, or spans several files.
        OSError: when it cannot be read.
    """
    with open_regular(path) as file:
        total = os.fstat(file.fileno()).st_size
        start, count, shift = _find_directory(path, file, total)
        file.seek(start)
        for _ in range(count):
            header = file.read(_ENTRY.size)
            if len(header) < _ENTRY.size or header[:4] != b"PK\1\2":
                raise DataError(f"{path} is a damaged zip archive: its directory ends early. Get it again.")
            fields = _ENTRY.unpack(header)
            name, extra, _ = (file.read(size) for size in fields[12:15])
            yield _parse_entry(fields, name, extra, shift)


def _find_directory(path: Path, file: BufferedReader, total: int) -> tuple[int, int, int]:
    """Place and number of entries of the directory, and the bytes that stand before the archive in its file."""
    tail_size = min(total, _END.size + _MAX_COMMENT)
    file.seek(total - tail_size)
    tail = file.read(tail_size)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + _END.size > len(tail):
        raise DataError(f"{path} is no zip archive, or it is cut short. Get it again.")
    _, disk, first_disk, _, count, size, offset, _ = _END.unpack_from(tail, at)
    end = total - tail_size + at
    if _ALL_32 in (size, offset) or count == 0xFFFF:
        end, disk, first_disk, count, size, offset = _read_end_64(
            path, file, end, (disk, first_disk, count, size, offset)
        )
    if disk or first_disk:
        raise DataError(f"{path} is one of several parts of a zip archive. Join them, or unpack them.")
    start = end - size
    if start < 0 or count > MAX_ENTRIES or count * _ENTRY.size > size or offset > start:
        raise DataError(
            f"{path} is a damaged zip archive: its directory promises {count:,} entries in {size:,} bytes. Get it "
            "again."
        )
    return start, count, start - offset


def _read_end_64(
    path: Path, file: BufferedReader, end: int, plain: tuple[int, int, int, int, int]
) -> tuple[int, int, int, int, int, int]:
    """End of the directory and its description, from the record for large archives where there is one."""
    place = end - _END_64_LOCATOR.size
    if place < 0:
        return (end, *plain)
    file.seek(place)
    magic, _, _, _ = _END_64_LOCATOR.unpack(file.read(_END_64_LOCATOR.size))
    if magic != b"PK\6\7":
        return (end, *plain)
    place -= _END_64.size
    if place < 0:
        raise DataError(f"{path} is a damaged zip archive: its end is incomplete. Get it again.")
    file.seek(place)
    magic, _, _, _, disk, first_disk, _, count, size, offset = _END_64.unpack(file.read(_END_64.size))
    if magic != b"PK\6\6":
        raise DataError(f"{path} is a damaged zip archive: its end is incomplete. Get it again.")
    return place, disk, first_disk, count, size, offset


def _parse_entry(fields: tuple[Any, ...], name: bytes, extra: bytes, shift: int) -> Entry:
    flags, method, crc, packed, size, offset = fields[5], fields[6], fields[9], fields[10], fields[11], fields[18]
    size, packed, offset = _large(extra, size, packed, offset)
    return Entry(_plain_name(name, flags), offset + shift, packed, size, crc, method, bool(flags & _ENCRYPTED))


def _large(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Sizes and offset with those of the field for large entries in place of the ones that say "see there"."""
    values = [size, packed, offset]
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            for position, value in enumerate(values):
                if value == _ALL_32 and len(field) >= 8:
                    values[position] = int.from_bytes(field[:8], "little")
                    field = field[8:]
            break
        at += 4 + length
    return values[0], values[1], values[2]


def _plain_name(name: bytes, flags: int) -> bytes:
    """Relative path in UTF-8: no drive, no root, no ``..``, whatever the archive says."""
    name = name.partition(b"\0")[0]
    if not flags & _UTF_8 and not name.isascii():
        try:
            name.decode()  # many programs write UTF-8 without saying so
        except UnicodeDecodeError:
            name = name.decode("cp437").encode()
    is_folder = name.endswith((b"/", b"\\"))
    parts = [part for part in name.replace(b"\\", b"/").split(b"/") if part not in (b"", b".", b"..")]
    if parts and len(parts[0]) == 2 and parts[0].endswith(b":"):
        parts = parts[1:]
    return b"/".join(parts) + (b"/" if is_folder else b"")


def read_entry(path: Path, entry: Entry) -> bytes:
    """Unpack an entry into memory, and check what it holds.

    Raises:
        BadImageError: when it is encrypted, damaged, or compressed by a method that is not read.
        OSError: when the archive cannot be read.
    """
    name = readable(entry.name)
    if entry.encrypted:
        raise BadImageError(name, "It is encrypted. Unpack the archive with its password.")
    if entry.method not in (_STORED, _DEFLATED):
        kind = _METHODS.get(entry.method, f"method {entry.method}")
        raise BadImageError(name, f"It is compressed by {kind}; pack it with Deflate, or unpack the archive.")
    with open_regular(path) as file:
        file.seek(entry.offset)
        header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != b"PK\3\4":
            raise BadImageError(name, "The archive is damaged here. Get it again.")
        *_, name_size, extra_size = _LOCAL.unpack(header)
        file.seek(name_size + extra_size, 1)
        content = file.read(entry.packed)
    if entry.method == _DEFLATED:
        try:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, entry.size + 1)
        except zlib.error as error:
            raise BadImageError(name, f"It is damaged ({error}). Get the archive again.") from error
    if len(content) != entry.size:
        raise BadImageError(name, f"It does not have the {entry.size:,} bytes that the archive promises. Get it again.")
    if zlib.crc32(content) != entry.crc:
        raise BadImageError(name, "Its checksum differs from the archive's. Get the archive again.")
    return content
