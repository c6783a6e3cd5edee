"""Answers of commands as one JSON document on stdout, for scripts: nothing else is printed there.

Keys are the same for every answer of a command, with null where there is nothing to say; numbers that JSON does not
have (NaN and the infinities) are null, too. Times are ISO 8601 in UTC, likelihoods nats per image, paths absolute.
"""

import json
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from gmstudio.cli.terminal import say

if TYPE_CHECKING:
    from rich.console import Console

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document instead (keys: docs/command-line.md).")
]


def plain_value(value: object) -> Any:
    """Convert a value to what JSON has: None for numbers that are not finite, text for paths, lists for tuples.

    Raises:
        TypeError: when it holds something that has no place in JSON.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, msgspec.Struct):
        return plain_value(msgspec.structs.asdict(value))
    raise TypeError(f"{value!r} has no place in JSON")


def print_json(document: Mapping[str, object]) -> None:
    """Print a document to stdout, in ASCII, so that any terminal and any file takes it."""
    typer.echo(json.dumps(plain_value(document), indent=2, allow_nan=False))


class Answer:
    """Answer of a command: lines for people as they come, or a document at the end.

    Args:
        keys: all keys of the document, in their order; their values are null until they are put.
        as_json: whether the document is wanted.
    """

    def __init__(self, keys: tuple[str, ...], *, as_json: bool) -> None:
        self.as_json = as_json
        self._document: dict[str, object] = dict.fromkeys(keys)

    def line(self, text: str) -> None:
        """Print a line for people; nothing where a document is wanted."""
        if not self.as_json:
            say(text)

    def put(self, **values: object) -> None:
        """Set values of the document."""
        unknown = set(values) - set(self._document)
        assert not unknown, f"{unknown} are not among the keys of the document"
        self._document |= values

    def close(self) -> None:
        """Print the document where it is wanted."""
        if self.as_json:
            print_json(self._document)

    def progress_console(self) -> "Console":
        """Console for progress bars: stderr where stdout belongs to the document; quiet where it is no terminal."""
        from rich.console import Console

        console = Console(stderr=self.as_json)
        console.quiet = not console.is_terminal  # else each bar leaves an empty line
        return console
