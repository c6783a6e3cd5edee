"""Exercises from ``resources/exercises/*.toml``, read strictly; needs no torch."""

from functools import cache
from pathlib import Path

import msgspec

from gmstudio.protocol.exercises import Exercise
from gmstudio.system.resources import resource_path

FOLDER = "exercises"


class ExerciseError(ValueError):
    """A file that describes no exercise; the message names file, field and reason."""


def read_exercise(path: Path) -> Exercise:
    """Read one exercise.

    Raises:
        ExerciseError: when the file is no TOML, a field is missing, unknown or of another kind, or its name is not the
            file's.
    """
    try:
        exercise = msgspec.toml.decode(path.read_bytes(), type=Exercise)
        unknown = _unknown(msgspec.toml.decode(path.read_bytes()), msgspec.to_builtins(exercise))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ExerciseError(f"{path} describes no exercise: {error}.") from error
    if unknown:
        raise ExerciseError(f"{path} has an unknown field {unknown!r}; remove it.")
    if exercise.name != path.stem:
        raise ExerciseError(f"{path} has the name {exercise.name!r}; it must be that of the file, {path.stem!r}.")
    if not exercise.runs and not exercise.labs:
        raise ExerciseError(f"{path} has neither a run nor a laboratory; add one under [[runs]].")
    return exercise


def _unknown(given: object, known: object, place: str = "") -> str:
    """First field of a file that the classes do not have; empty: none. Settings of families and data are free."""
    if isinstance(given, dict) and isinstance(known, dict):
        for name, value in given.items():
            if name not in known:
                return f"{place}{name}"
            if name not in ("config", "data_config", "training"):
                found = _unknown(value, known[name], f"{place}{name}.")
                if found:
                    return found
    elif isinstance(given, list) and isinstance(known, list | tuple):
        for value, other in zip(given, known, strict=True):
            found = _unknown(value, other, place)
            if found:
                return found
    return ""


@cache
def all_exercises() -> dict[str, Exercise]:
    """Name → exercise, in the order of the files.

    Raises:
        ExerciseError: when a file describes none.
    """
    return {path.stem: read_exercise(path) for path in sorted(resource_path(FOLDER).glob("*.toml"))}
