"""Output of the commands: names and messages are shown as they are, never as markup or as terminal commands."""

import contextlib
from typing import TYPE_CHECKING

import typer

from gmstudio.protocol.plain_text import plain_text
from gmstudio.system.os_errors import os_error_sentence

if TYPE_CHECKING:
    from rich.console import Console


def new_console() -> "Console":
    """Return a console that takes no text as markup, emoji or something to highlight."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False)


def say(text: str) -> None:
    """Print one line to stdout."""
    typer.echo(plain_text(text))


def warn(sentences: tuple[str, ...]) -> None:
    """Print warnings to stderr, one a line."""
    for sentence in sentences:
        typer.secho(plain_text(sentence), fg=typer.colors.YELLOW, err=True)


def complain(error: ValueError | OSError) -> None:
    """Print the sentence of an error that a user can cause to stderr."""
    sentence = os_error_sentence(error) if isinstance(error, OSError) else str(error)
    with contextlib.suppress(OSError):  # the terminal is gone, too
        typer.secho(plain_text(sentence), fg=typer.colors.RED, err=True)
