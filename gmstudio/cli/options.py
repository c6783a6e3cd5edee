"""What several commands share: options, and sentences for the person at the terminal."""

from typing import Annotated

import typer

DeviceOption = Annotated[str, typer.Option("--device", help="auto (CUDA, then MPS, then CPU), cpu, cuda, cuda:1, mps")]


def warn(sentences: tuple[str, ...]) -> None:
    """Say on stderr what should be known but stops nothing."""
    for sentence in sentences:
        typer.secho(sentence, fg=typer.colors.YELLOW, err=True)
