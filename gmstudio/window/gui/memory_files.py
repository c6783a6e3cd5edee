"""Files in memory, with paths that a style sheet can name: Qt's resource system, filled while the program runs.

So no icon depends on a folder for temporary files, which may be full or closed to the user. The layout is that of
``rcc --binary``, version 1, with one folder: a tree of nodes sorted by the hash of their names, names, data.

Source: Qt 6, qtbase/src/corelib/io/qresource.cpp and qtbase/src/tools/rcc/rcc.cpp.
"""

import itertools
import struct

from PySide6.QtCore import QResource

_FOLDER = 2
_LANGUAGE_C = 1
_HEADER_BYTES = 20
_COUNTER = itertools.count()


class MemoryFiles:
    """Read-only files in memory, registered until the program ends or ``remove`` is called.

    Args:
        contents: name → content; at least one.
    """

    def __init__(self, contents: dict[str, bytes]) -> None:
        self._root = f"/memory/{next(_COUNTER)}"
        self._packed = _packed(contents)  # Qt reads from these bytes and makes no copy
        if not QResource.registerResourceData(self._packed, self._root):
            raise RuntimeError("Qt does not take the files in memory.")

    def path(self, name: str) -> str:
        """Path of a file, for style sheets and everything else of Qt that reads files."""
        return f":{self._root}/{name}"

    def remove(self) -> None:
        """Unregister the files."""
        QResource.unregisterResourceData(self._packed, self._root)


def _packed(contents: dict[str, bytes]) -> bytes:
    names, data = b"", b""
    nodes = [struct.pack(">IHII", 0, _FOLDER, len(contents), 1)]
    for name in sorted(contents, key=_hash):
        nodes.append(struct.pack(">IHHHI", len(names), 0, 0, _LANGUAGE_C, len(data)))
        names += struct.pack(">HI", len(name), _hash(name)) + name.encode("utf-16-be")
        data += struct.pack(">I", len(contents[name])) + contents[name]
    tree = b"".join(nodes)
    names_at = _HEADER_BYTES + len(data)
    return b"qres" + struct.pack(">IIII", 1, names_at + len(names), _HEADER_BYTES, names_at) + data + names + tree


def _hash(name: str) -> int:
    """Hash of a name, by which Qt searches a folder."""
    found = 0
    for character in name:
        found = (found << 4) + ord(character)
        found ^= (found & 0xF0000000) >> 23
        found &= 0x0FFFFFFF
    return found
