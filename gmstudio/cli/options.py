"""Options that several commands share."""

from typing import Annotated

import typer

DeviceOption = Annotated[
    str, typer.Option("--device", help="Device: auto (CUDA, then MPS, then CPU), cpu, cuda, cuda:1 or mps.")
]


AcceptChangedOption = Annotated[
    bool,
    typer.Option("--accept-changed-data", help="Use the run's data though they differ from those it was trained on."),
]


def parse_setting(text: str) -> tuple[str, str | None]:
    """Split ``field=value``; an empty value is None.

    Raises:
        ValueError: without an equals sign.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {text}: write field=value.")
    return name.strip(), value or None
