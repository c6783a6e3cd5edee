"""The page docs/exercises.md, written from ``resources/exercises``: ``python -m docs.exercises``."""

from pathlib import Path

from gmstudio.engine.exercises.reading import all_exercises
from gmstudio.protocol.exercises import DELIVERABLE_TITLES, Exercise, ExerciseRun

PAGE = Path(__file__).resolve().parent / "exercises.md"
HEAD = """# Exercises of public courses

Named exercises, set up as asked: **Foundations** lists them, and so does the command palette. *Set up in Train* fills
the form; *Train and write deliverables…* trains the runs and writes what is asked for. `gmstudio lab NAME --out DIR`
does the same without a window.

Tasks are described in our own words; nothing is copied from the courses' sheets. Where a task could not be checked
against its sheet, it is set up *after* the exercise. Our values are of the runs as they are set up, on one core of a
CPU that others used, too; those without a value were not run.

This page is written by `python -m docs.exercises` from the files in `resources/exercises/`.
"""
COLUMNS = ("run", "family, data", "writes", "steps", "seed", "our test value", "seconds")


def page() -> str:
    """Markdown: a section for each exercise, with a table of its runs."""
    return "\n".join([HEAD, *(_section(exercise) for exercise in all_exercises().values())])


def _section(exercise: Exercise) -> str:
    after = "After " if exercise.after else ""
    origin = f"`{exercise.name}` · {after}{exercise.course}, {exercise.year}, {exercise.number}"
    lines = [f"## {exercise.title}", "", origin, "", exercise.task, ""]
    lines += [f"*Here:* {exercise.differs}", ""] if exercise.differs else []
    if exercise.runs:
        lines += [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
        lines += [*(_row(run) for run in exercise.runs), ""]
    return "\n".join(lines)


def _row(run: ExerciseRun) -> str:
    spec, ours = run.spec, run.ours
    writes = ", ".join(DELIVERABLE_TITLES[name] for name in run.deliverables)
    steps, seed = spec.training.get("steps", "default"), spec.training.get("seed", 0)
    kind = "" if ours is None else ours.kind.replace("|", "\\|")
    value = "not run" if ours is None else f"{ours.value:.3f} {ours.unit} ({kind})".replace("  ", " ")
    seconds = "" if ours is None else f"{ours.seconds:.0f}"
    return f"| {run.title} | {spec.family}, {spec.data} | {writes} | {steps:,} | {seed} | {value} | {seconds} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
