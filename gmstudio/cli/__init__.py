"""The command line: ``gmstudio`` opens the window; train, sample, score, encode and the other commands work without.

The same engine code runs here as behind the window. Torch is imported only by the commands that need it, when they run,
so that the window's process never imports it.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gmstudio.cli.annotating import annotate
from gmstudio.cli.coding import decode, encode
from gmstudio.cli.data import commands as data_commands
from gmstudio.cli.exporting import export
from gmstudio.cli.families import families
from gmstudio.cli.grids import grid
from gmstudio.cli.importing_runs import import_run
from gmstudio.cli.importing_weights import import_weights
from gmstudio.cli.labs import lab
from gmstudio.cli.library import runs
from gmstudio.cli.probing import probe
from gmstudio.cli.reporting import report
from gmstudio.cli.sampling import sample
from gmstudio.cli.scoring import score
from gmstudio.cli.terminal import complain
from gmstudio.cli.training import train
from gmstudio.window.client.engine_command import split_command

app = typer.Typer(
    name="gmstudio",
    help="Train generative models of images, follow the training, and explore what they have learned.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

SmokeOption = Annotated[
    bool, typer.Option("--smoke", help="Open the window, wait for the engine's catalog, close, exit 0.")
]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="COMMAND",
        help="Command that starts the engine, in place of this computer's own, split like a shell does: "
        '"ssh gpu-box gmstudio engine".',
    ),
]


def main() -> None:
    """Run the command line; an error that a user can cause is one sentence on stderr and exit code 1."""
    try:
        Path.cwd()  # in a deleted working directory, libraries that torch needs end the process without a reason
        app()
    except (ValueError, OSError) as error:
        complain(error)
        sys.exit(1)


@app.callback(invoke_without_command=True)
def _open(context: typer.Context, smoke: SmokeOption = False, engine_command: EngineOption = "") -> None:
    """Open the window (when no command is given)."""
    if context.invoked_subcommand is None:
        open_window(smoke, engine_command)
    elif engine_command:
        raise ValueError(
            f"--engine belongs to the window; gmstudio {context.invoked_subcommand} computes in its own process. Leave "
            "it out, or run the command on the other machine."
        )


@app.command("open")
def open_window(smoke: SmokeOption = False, engine_command: EngineOption = "") -> None:
    """Open the window."""
    command = parse_engine(engine_command) if engine_command else None
    if os.environ.get("GMSTUDIO_HOME"):
        from gmstudio.runs.library import runs_home

        runs_home()  # an unknown user's home is a sentence here, before a window and an engine have started
    from gmstudio.app import run

    raise typer.Exit(run(sys.argv[:1], smoke=smoke, engine_command=command))


def parse_engine(text: str) -> list[str]:
    """Split an engine's command line into program and arguments, like a POSIX shell does.

    Raises:
        ValueError: when it is blank, or a quotation mark is not closed.
    """
    if not text.strip():
        raise ValueError('--engine names no command; write a program and its arguments: "ssh gpu-box gmstudio engine".')
    try:
        return split_command(text)
    except ValueError as error:
        raise ValueError(f"--engine {error}") from None


@app.command()
def engine() -> None:
    """Serve a window over standard input and output, also through ssh; started by the window or with --engine."""
    from gmstudio.engine.__main__ import main as serve

    raise typer.Exit(serve())


for _command in (train, grid, sample, score, probe, encode, decode, export, report, runs, annotate, families, lab):
    app.command()(_command)
app.command("import")(import_run)
app.command("import-weights")(import_weights)
app.add_typer(data_commands, name="data")
