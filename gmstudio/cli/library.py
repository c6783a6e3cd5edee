"""``gmstudio runs``: the library of runs, or one run in detail."""

from typing import TYPE_CHECKING, Annotated

import typer

from gmstudio.cli.terminal import new_console
from gmstudio.protocol.plain_text import plain_text
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    from rich.console import Console

    from gmstudio.runs.folder import RunFolder

MAX_NAME = 40
"""Characters of a family's or data source's name in the list."""


def runs(
    run: Annotated[
        str, typer.Argument(help="Folder of a run to show in detail; all runs of the library when left out.")
    ] = "",
) -> None:
    """List the library of runs, or show one run: settings, losses, checkpoints and its log of warnings."""
    console = new_console()
    if run:
        from gmstudio.runs.folder import RunFolder

        with RunFolder.open(typed_path(run)) as folder:
            _show_run(folder, console)
    else:
        _list_runs(console)


def _list_runs(console: "Console") -> None:
    from rich.table import Column, Table

    from gmstudio.runs.library import list_runs, runs_home

    name = Column("run", no_wrap=True)
    table = Table(name, "family", "data", "status", "step", "best validation loss", "created (UTC)", box=None)
    problems = []
    for run in list_runs(runs_home()):
        if run.problem:
            problems.append(run.problem)
        table.add_row(
            run.title,
            plain_text(run.family, MAX_NAME),
            plain_text(run.data, MAX_NAME),
            run.status,
            f"{run.step:,}/{run.steps:,}",
            _loss(run.best_valid),
            _minute(plain_text(run.created)),
        )
    console.print(plain_text(str(runs_home())), soft_wrap=True)
    console.print(table)
    for problem in problems:
        console.print(plain_text(problem), style="yellow")


def _show_run(run: "RunFolder", console: "Console") -> None:
    from rich.table import Table

    from gmstudio.runs.library import summarize

    record, summary = run.record, summarize(run.path)
    losses = "" if summary.last_valid is None else f"{_loss(summary.last_valid)}, best {_loss(summary.best_valid)}"
    facts = {
        "run": summary.title,
        "folder": str(run.path),
        "family": _with_settings(record.family, record.config),
        "data": _with_settings(record.data, record.data_config),
        "images": str(record.image),
        "created": f"{_minute(record.created)} UTC, on {record.device}",
        "status": f"{summary.status} at step {summary.step:,} of {summary.steps:,}",
        "message": record.message,
        "validation loss": losses,
        "problem": summary.problem,
    }
    table = Table(box=None, show_header=False)
    for fact, text in facts.items():
        if text:
            table.add_row(fact, plain_text(text))
    console.print(table)
    checkpoints = Table("checkpoint", "size", "written (UTC)", "", box=None)
    for info in run.checkpoints.list():
        remarks = [word for word, holds in (("latest", info.latest), ("kept", info.marked)) if holds]
        checkpoints.add_row(
            f"step {info.step:,}",
            f"{info.size_bytes / 2**20:.1f} MiB",
            _minute(info.created),
            plain_text(info.problem) or ", ".join(remarks),
        )
    console.print(checkpoints)
    if not summary.problem:
        for event in run.history.read_events():
            console.print(f"step {event.step:,}, {_minute(event.time)}: {plain_text(event.text)}")


def _with_settings(name: str, settings: dict[str, object]) -> str:
    return " ".join([name, *(f"{field}={value}" for field, value in settings.items() if value != "")])


def _loss(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _minute(iso: str) -> str:
    return iso[:16].replace("T", " ")
