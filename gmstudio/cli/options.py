"""Options that several commands share, and warnings on stderr."""

from typing import Annotated

import typer

DeviceOption = Annotated[
    str, typer.Option("--device", help="Device: auto (CUDA, then MPS, then CPU), cpu, cuda, cuda:1 or mps.")
]


def warn(sentences: tuple[str, ...]) -> None:
    """Print warnings to stderr."""
    for sentence in sentences:
        typer.secho(sentence, fg=typer.colors.YELLOW, err=True)
