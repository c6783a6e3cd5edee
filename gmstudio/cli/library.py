"""``gmstudio runs``: the library of runs, or one run in detail."""

from typing import TYPE_CHECKING, Annotated

import typer

from gmstudio.cli.family_entries import family_entries
from gmstudio.cli.json_output import JsonOption, print_json
from gmstudio.cli.listed_runs import DAMAGED, ListedRun, RunFilter, Sort
from gmstudio.cli.run_documents import detailed_run_document, runs_document
from gmstudio.cli.terminal import new_console
from gmstudio.protocol.plain_text import MAX_TITLE, plain_text
from gmstudio.protocol.runs import bits_text
from gmstudio.runs.names import typed_run

if TYPE_CHECKING:
    from rich.console import Console

    from gmstudio.runs.folder import RunFolder
    from gmstudio.runs.library import RunSummary

FIND_HELP = "Words, and conditions such as tag:x, family:vae, data:mnist, status:failed, is:starred; a minus excludes."


def runs(
    run: Annotated[
        str, typer.Argument(help="Folder of a run to show in detail; all runs of the library when left out.")
    ] = "",
    find: Annotated[str, typer.Option("--find", metavar="WORDS", help=FIND_HELP)] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Only runs with this tag; may be repeated.")] = None,
    family: Annotated[str, typer.Option("--family", help="Only runs of this family.")] = "",
    data: Annotated[str, typer.Option("--data", help="Only runs on this data.")] = "",
    status: Annotated[str, typer.Option("--status", help="Only runs of this status.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="List archived runs, too.")] = False,
    sort: Annotated[Sort, typer.Option("--sort", help="Order; bits: best bits/dim within the same data.")] = "newest",
    as_json: JsonOption = False,
) -> None:
    """List the library of runs, or show one run: settings, losses, checkpoints and its log of warnings."""
    console = new_console()
    if run:
        from gmstudio.runs.folder import RunFolder

        with RunFolder.open(typed_run(run)) as folder:
            if as_json:
                print_json(detailed_run_document(folder))
            else:
                _show_run(folder, console)
    elif as_json:
        print_json(runs_document(RunFilter(find, tuple(tag or ()), family, data, status, everything, sort)))
    else:
        _list_runs(console, RunFilter(find, tuple(tag or ()), family, data, status, everything, sort))


def _list_runs(console: "Console", wanted: RunFilter) -> None:
    """Print the user's runs, then the examples under a heading of their own."""
    from gmstudio.runs.examples import example_folders, examples_home
    from gmstudio.runs.library import list_runs, runs_home, summarize

    _print_runs(console, str(runs_home()), list_runs(runs_home()), wanted)
    if examples := example_folders():
        _print_runs(console, f"Examples: {examples_home()}", [summarize(folder) for folder in examples], wanted)


def _print_runs(console: "Console", heading: str, summaries: "list[RunSummary]", wanted: RunFilter) -> None:
    from rich.table import Column, Table

    run = Column("run", overflow="fold")
    data, progress = Column("data", min_width=10), Column("status\nstep", min_width=11)
    figure, created = Column("best\nvalidation", no_wrap=True), Column("created\n(UTC)", no_wrap=True)
    table = Table(run, data, progress, figure, created, box=None)
    families = family_entries() if any(summary.status != DAMAGED for summary in summaries) else {}
    runs, hidden = wanted.listed(summaries, families)
    for one in runs:
        table.add_row(*_described(one))
    console.print(plain_text(heading), soft_wrap=True)
    console.print(table)
    if hidden:
        console.print(f"{hidden:,} archived; --all lists them, too.", style="dim")
    for one in runs:
        if one.summary.problem:
            console.print(plain_text(one.summary.problem), style="yellow")


def _described(run: ListedRun) -> tuple[str, ...]:
    """Columns of a run: name or label above the folder and its tags, data, progress, figure, start."""
    summary, info = run
    folder = plain_text(summary.path.name, MAX_TITLE)
    if info is None:
        return (folder, "", summary.status, "", "")
    star, tags = "★ " if info.starred else "", ", ".join((*info.tags, *(["archived"] if info.archived else [])))
    return (
        "\n".join(filter(None, (f"{star}{info.name or info.label}", folder, plain_text(tags)))),
        info.data_label,
        f"{info.status}\n{summary.step:,}/{summary.steps:,}",
        bits_text(info),
        _minute(plain_text(info.created)).replace(" ", "\n"),
    )


def _show_run(run: "RunFolder", console: "Console") -> None:
    from rich.table import Table

    from gmstudio.engine.runs.info import run_info
    from gmstudio.runs.library import summarize

    record, summary = run.record, summarize(run.path)
    losses = "" if summary.last_valid is None else f"{_loss(summary.last_valid)}, best {_loss(summary.best_valid)}"
    described = run_info(run.name, family_entries(), summary=summary)
    facts = {
        "run": described.title,
        "folder": str(run.path),
        "tags": ", ".join(described.tags),
        "note": described.note,
        "archived": "yes" if described.archived else "",
        "differs from defaults": "; ".join(described.differing),
        "family": _with_settings(record.family, record.config),
        "data": _with_settings(record.data, record.data_config),
        "images": str(record.image),
        "created": f"{_minute(record.created)} UTC, on {record.device}",
        "status": f"{summary.status} at step {summary.step:,} of {summary.steps:,}",
        "message": record.message,
        "validation loss": losses,
        "best validation": bits_text(described),
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
