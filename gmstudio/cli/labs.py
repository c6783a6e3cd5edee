"""``gmstudio lab``: list laboratories and exercises, open the window on one, or do an exercise without a window."""

import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from gmstudio.cli.json_output import JsonOption, print_json
from gmstudio.cli.options import SEED, DeviceOption, Whole
from gmstudio.cli.terminal import new_console, say
from gmstudio.cli.watcher import Watcher
from gmstudio.engine.exercises.reading import all_exercises
from gmstudio.protocol.exercises import Exercise, ExerciseRun
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    from gmstudio.engine.exercises.deliverables import Written

STEPS = Whole(1, 10_000_000, "Leave --steps out for those of the exercise.")
LAB_KEYS = ("name", "title", "question", "latex", "notes", "book", "families", "examples", "actions", "config")
EXERCISE_KEYS = ("name", "title", "course", "year", "number", "task", "differs", "after", "labs", "runs")


def lab(
    name: Annotated[
        str, typer.Argument(help="Laboratory or exercise to open in the window; all are listed when left out.")
    ] = "",
    out: Annotated[
        str,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Do the exercise without a window: train its runs, and write what it asks for into this folder.",
        ),
    ] = "",
    only: Annotated[str, typer.Option("--run", metavar="NAME", help="With --out, this run of the exercise only.")] = "",
    steps: Annotated[
        int | None, typer.Option(parser=STEPS, help="With --out, parameter updates in place of the exercise's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(parser=SEED, help="With --out, seed of the runs.")] = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """List laboratories and exercises, open the window on one, or do an exercise without a window."""
    if out:
        exercise = _exercise(name)
        _do(exercise, _runs(exercise, only), typed_path(out), steps, seed, device)
    elif steps is not None or seed is not None or only or device != "auto":
        raise ValueError("--run, --steps, --seed and --device belong to --out DIR; name a folder for what is written.")
    elif not name:
        _list(as_json=as_json)
    elif as_json:
        raise ValueError("--json lists all laboratories and exercises; leave the name out.")
    else:
        _open(name)


def _exercise(name: str) -> Exercise:
    exercises = all_exercises()
    if not name:
        raise ValueError(f"--out needs an exercise; name one of {', '.join(exercises)}.")
    if name not in exercises:
        raise ValueError(f"There is no exercise {name!r}; there are {', '.join(exercises)}.")
    if not exercises[name].runs:
        labs = ", ".join(exercises[name].labs)
        raise ValueError(f"The exercise {name} has no run to train; it is worked at in the laboratories {labs}.")
    return exercises[name]


def _runs(exercise: Exercise, only: str) -> list[ExerciseRun]:
    runs = [run for run in exercise.runs if only in ("", run.name)]
    if not runs:
        there = ", ".join(run.name for run in exercise.runs)
        raise ValueError(f"The exercise {exercise.name} has no run {only!r}; there are {there}.")
    return runs


def _open(name: str) -> None:
    if os.environ.get("GMSTUDIO_HOME"):
        from gmstudio.runs.library import runs_home

        runs_home()  # an unknown user's home is a sentence here, before a window and an engine have started
    from gmstudio.app import run

    raise typer.Exit(run(sys.argv[:1], lab=name))


# ---- listing -------------------------------------------------------------------------------------------------------


def labs_document() -> dict[str, Any]:
    """Document of all laboratories, with the keys ``LAB_KEYS``, and exercises, with ``EXERCISE_KEYS``."""
    from gmstudio.engine.catalog import lab_entries
    from gmstudio.labs import LABS

    labs = [
        {
            **msgspec.to_builtins(entry.card),
            "actions": msgspec.to_builtins(entry.actions),
            "config": entry.config_schema,
        }
        for entry in lab_entries(LABS.values())
    ]
    exercises = [msgspec.to_builtins(exercise) for exercise in all_exercises().values()]
    return {"labs": labs, "exercises": exercises}


def _list(*, as_json: bool) -> None:
    document = labs_document()
    if as_json:
        print_json(document)
        return
    from rich.table import Table

    console = new_console()
    for title, rows in (
        ("Laboratories", [(lab["name"], lab["title"], lab["question"]) for lab in document["labs"]]),
        (
            "Exercises",
            [(e["name"], e["title"], f"{e['course']} {e['year']}, {e['number']}") for e in document["exercises"]],
        ),
    ):
        table = Table(title=title, title_justify="left", box=None, show_header=False, padding=(0, 2, 0, 0))
        for row in rows:
            table.add_row(*row)
        console.print(table)


# ---- doing an exercise ---------------------------------------------------------------------------------------------


def _do(
    exercise: Exercise, runs: list[ExerciseRun], out: Path, steps: int | None, seed: int | None, device: str
) -> None:
    from gmstudio.engine.runtime.device import choose_device

    where = choose_device(device)
    out.mkdir(parents=True, exist_ok=True)
    for run in runs:
        say(f"{exercise.title}: {run.title}")
        changes = {name: value for name, value in (("steps", steps), ("seed", seed)) if value is not None}
        written = _do_run(run, changes, out / run.name, where)
        for path in written.files:
            say(path)
        if written.test is not None:
            error = "" if math.isnan(written.test.error) else f" ± {written.test.error:.4f}"
            say(f"test value: {written.test.value:.4f}{error} {written.test.unit} ({written.test.kind})")


def _do_run(run: ExerciseRun, changes: dict[str, int], folder: Path, where: Any) -> "Written":
    """Train a run, which is kept in the library, and write its deliverables."""
    from gmstudio.engine.exercises.deliverables import Written, write_deliverables
    from gmstudio.engine.runtime.datasets import DatasetCache
    from gmstudio.engine.runtime.models import ModelCache
    from gmstudio.engine.training.job import TrainingJob, start_training
    from gmstudio.engine.training.plan import plan_run

    spec = msgspec.structs.replace(run.spec, training={**run.spec.training, **changes})
    plan, watcher = plan_run(DatasetCache(), spec, where), Watcher()
    started: list[TrainingJob] = []

    def start() -> TrainingJob:
        started.append(start_training(plan, "", where, watcher.watch))
        return started[0]

    if not watcher.follow(start):
        raise typer.Exit(1)
    path = started[0].trainer.run.path
    loaded = ModelCache().load(str(path), where)
    if loaded.step < plan.training.steps:
        raise ValueError(f"The training ended at step {loaded.step:,} of {plan.training.steps:,}; nothing was written.")
    last = Written(stage="")
    for state in write_deliverables(loaded, plan.dataset, path, run.deliverables, folder):
        last = state or last
    return last
