"""Options that several commands have, and the printed result."""

import json
import os
from typing import Annotated, Any

import typer

FamilyOption = Annotated[str, typer.Option("--family", help="Key in FAMILIES.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Set a field=value of the family's Config; may be repeated.")
]
DeviceOption = Annotated[str, typer.Option("--device", help="cpu, cuda, mps or auto.")]


def report(result: dict[str, Any]) -> None:
    """Print the result, with the number of cores, as the last line."""
    print(json.dumps({**result, "cores": os.cpu_count()}))
