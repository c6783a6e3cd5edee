"""Lines of a text file, gzipped or not, in pieces of bounded size."""

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path

from gmstudio.data.dataset import DataError
from gmstudio.system.os_errors import os_error_sentence
from gmstudio.system.regular_file import open_regular, regular_size

MAX_LINE_BYTES = 4 << 20
MAX_TEXT_BYTES = 4 << 30
_PIECE_BYTES = 1 << 17


def read_lines(path: Path) -> Iterator[tuple[list[str], float]]:
    """Yield lines without their ends, some hundred kilobytes at a time, and the share of the file that is read.

    Raises:
        DataError: when it is no text, a line is longer than ``MAX_LINE_BYTES``, or it unpacks to more than
            ``MAX_TEXT_BYTES``.
    """
    try:
        size = regular_size(path)
        with open_regular(path) as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    for lines in _pieces(path, unpacked):
                        yield lines, min(1.0, file.tell() / max(1, size))
            else:
                for lines in _pieces(path, file):
                    yield lines, min(1.0, file.tell() / max(1, size))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is a damaged or incomplete gzip file. Get it again.") from error
    except OSError as error:
        raise DataError(os_error_sentence(error)) from error


def _pieces(path: Path, file: BufferedIOBase) -> Iterator[list[str]]:
    rest, total, first = b"", 0, True
    while content := file.read(_PIECE_BYTES):
        total += len(content)
        if total > MAX_TEXT_BYTES:
            raise DataError(f"{path} has more than {MAX_TEXT_BYTES // 2**30} GiB of text. Split it, or save an array.")
        if first:
            content, first = content.removeprefix(b"\xef\xbb\xbf"), False
            _check_text(path, content)
        *complete, rest = (rest + content).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise DataError(
                f"{path} has a line of more than {MAX_LINE_BYTES // 2**20} MiB; that is no table of one image a line. "
                "Check that it is the right file."
            )
        yield [_decoded(path, line) for line in complete]
    if rest:
        yield [_decoded(path, rest)]


def _check_text(path: Path, content: bytes) -> None:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{path} is text in UTF-16. Save it as UTF-8.")
    if b"\0" in content[:4096]:
        raise DataError(f"{path} is no text: it holds zero bytes. Check that it is the right file.")


def _decoded(path: Path, line: bytes) -> str:
    try:
        return line.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError:
        return line.decode("latin-1").rstrip("\r")
