"""Instructions of a pickle, one after the other; long texts and bytes are read in pieces.

Source: Python's ``pickletools``, which documents the opcodes and their arguments.
"""

import codecs
import pickletools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from gmstudio.data.importing.formats.stored import PIECE_BYTES

LONG_BYTES = 1 << 20
_SIZES = {
    "BINSTRING": "<i",
    "BINBYTES": "<I",
    "BINUNICODE": "<I",
    "BINBYTES8": "<Q",
    "BINUNICODE8": "<Q",
    "BYTEARRAY8": "<Q",
}
"""Instruction → type of the size that precedes its argument."""
_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}


@dataclass(frozen=True, eq=False)
class Latin1Text:
    """A long text, as the bytes that its Latin-1 letters are: so the Pythons write bytes for one another."""

    content: bytearray


def read_opcodes(file: BinaryIO) -> Iterator[tuple[str, Any] | None]:
    """Yield the name and argument of each instruction, and None between the pieces of a long argument.

    Long texts are given as ``Latin1Text``; other arguments are as ``pickletools.genops`` gives them.

    Raises:
        ValueError: when the file is damaged, ends before its last instruction, or has a long text of other letters.
    """
    name = ""
    while name != "STOP":
        code = file.read(1)
        opcode = _OPCODES.get(code.decode("latin-1"))
        if opcode is None:
            raise ValueError(f"there is no instruction {code!r}")
        name = opcode.name
        if name in _SIZES:
            yield from _sized(file, name)
        else:
            yield name, None if opcode.arg is None else opcode.arg.reader(file)


def _sized(file: BinaryIO, name: str) -> Iterator[tuple[str, Any] | None]:
    kind = _SIZES[name]
    (size,) = struct.unpack(kind, _exactly(file, struct.calcsize(kind)))
    if size < 0:
        raise ValueError("an argument has a negative size")
    if size <= LONG_BYTES:
        yield name, _short(name, _exactly(file, size))
        return
    content = bytearray()
    decoder = codecs.getincrementaldecoder("utf-8")() if "UNICODE" in name else None
    while size:
        piece = _exactly(file, min(PIECE_BYTES, size))
        size -= len(piece)
        content += piece if decoder is None else decoder.decode(piece, final=not size).encode("latin-1")
        yield None
    yield name, content if "BYTE" in name else Latin1Text(content)


def _short(name: str, content: bytes) -> str | bytes | bytearray:
    if name == "BINSTRING":
        return content.decode("latin-1")
    if "UNICODE" in name:
        return content.decode("utf-8", "surrogatepass")
    return bytearray(content) if name == "BYTEARRAY8" else content


def _exactly(file: BinaryIO, size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise ValueError("it ends within an argument")
    return content
