"""``gmstudio runs``: the library of runs."""


def runs() -> None:
    """List the library of runs."""
    from rich.console import Console
    from rich.table import Column, Table

    from gmstudio.runs.library import list_runs, runs_home

    name = Column("run", no_wrap=True)
    table = Table(name, "family", "data", "status", "step", "best validation loss", "created (UTC)", box=None)
    problems = []
    for run in list_runs(runs_home()):
        if run.problem:
            problems.append(run.problem)
        best = "" if run.best_valid is None else f"{run.best_valid:.4f}"
        table.add_row(
            run.title,
            run.family,
            run.data,
            run.status,
            f"{run.step:,}/{run.steps:,}",
            best,
            run.created[:16].replace("T", " "),
        )
    console = Console()
    console.print(f"{runs_home()}", highlight=False, soft_wrap=True)
    console.print(table)
    for problem in problems:
        console.print(problem, style="yellow", highlight=False)
