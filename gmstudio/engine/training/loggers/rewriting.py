"""Files of lines from which later steps are withdrawn."""

from collections.abc import Callable
from pathlib import Path


def keep_lines(path: Path, wanted: Callable[[str], bool]) -> None:
    """Rewrite a file with the lines that are wanted; one that is cut short or no such line is left out, too.

    Args:
        path: of a file in UTF-8.
        wanted: tests a line; ``ValueError`` and ``LookupError`` mean that it cannot be read.

    Raises:
        OSError: when it cannot be written; the old file is then unchanged.
    """
    partial = path.with_name(f".{path.name}.writing")
    with path.open(encoding="utf-8", errors="replace") as old, partial.open("w", encoding="utf-8", newline="\n") as new:
        new.writelines(line for line in old if line.endswith("\n") and _is_wanted(line, wanted))
    partial.replace(path)


def _is_wanted(line: str, wanted: Callable[[str], bool]) -> bool:
    try:
        return wanted(line)
    except (ValueError, LookupError):
        return False
