"""Options that several commands share."""

from typing import Annotated

import typer

DeviceOption = Annotated[
    str, typer.Option("--device", help="Device: auto (CUDA, then MPS, then CPU), cpu, cuda, cuda:1 or mps.")
]
