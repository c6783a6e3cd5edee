"""The command line: ``gmstudio`` opens the window; ``train``, ``sample``, ``score`` and ``runs`` do without one.

The same engine code runs here as behind the window. Torch is imported by the commands that need it only, when they run,
so that the window's process never does.
"""

import sys
from typing import Annotated

import typer

from gmstudio.cli.library import runs
from gmstudio.cli.sampling import sample
from gmstudio.cli.scoring import score
from gmstudio.cli.training import train

app = typer.Typer(
    name="gmstudio",
    help="Train generative models, watch them learn, and look inside.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; what a user can cause ends in one sentence and exit code 1."""
    try:
        app()
    except (ValueError, OSError) as error:
        typer.secho(str(error), fg=typer.colors.RED, err=True)
        sys.exit(1)


@app.callback(invoke_without_command=True)
def _open(
    context: typer.Context,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Open the window, wait for the engine's catalog, close, exit 0.")
    ] = False,
) -> None:
    """Open the window (when no command is given)."""
    if context.invoked_subcommand is None:
        open_window(smoke)


@app.command("open")
def open_window(
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Open the window, wait for the engine's catalog, close, exit 0.")
    ] = False,
) -> None:
    """Open the window."""
    from gmstudio.app import run

    raise typer.Exit(run(sys.argv[:1], smoke=smoke))


@app.command()
def engine() -> None:
    """Serve a window over standard input and output (also through ssh); not for typing."""
    from gmstudio.engine.__main__ import main as serve

    raise typer.Exit(serve())


for _command in (train, sample, score, runs):
    app.command()(_command)
