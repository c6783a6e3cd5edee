"""The benchmarks' command line."""

import typer

from benchmarks.commands import evaluation, generation, training, window

app = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
for commands in (window, generation, training, evaluation):
    app.add_typer(commands.app)

if __name__ == "__main__":
    app()
