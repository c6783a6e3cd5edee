"""Copies of examples in the library, which can be trained on."""

import shutil
from pathlib import Path

from gmstudio.runs.description import DESCRIPTION_NAME
from gmstudio.runs.examples import examples_home, is_example
from gmstudio.runs.record import RECORD_NAME, RunError, RunMissingError


def copy_example(example: Path, copy: Path) -> None:
    """Copy an example into a new folder of the library, where it is a run like others.

    The name and note that it has as an example are not copied.

    Raises:
        RunMissingError: when there is no such example.
        RunError: when it cannot be copied; nothing is left of the copy then.
    """
    if not is_example(example) or not (example / RECORD_NAME).is_file():
        raise RunMissingError(f"{example} is none of the examples in {examples_home()}. Choose one of these.")
    try:
        copy.mkdir(parents=True)
    except OSError as error:
        raise _uncopied(example, copy, error) from error
    try:
        ignored = shutil.ignore_patterns(DESCRIPTION_NAME)
        shutil.copytree(example, copy, ignore=ignored, copy_function=shutil.copyfile, dirs_exist_ok=True)
        for folder in (copy, *(path for path in copy.rglob("*") if path.is_dir())):
            folder.chmod(0o755)  # the example's may be a folder that nobody may write
    except OSError as error:
        shutil.rmtree(copy, ignore_errors=True)
        raise _uncopied(example, copy, error) from error


def _uncopied(example: Path, copy: Path, error: OSError) -> RunError:
    return RunError(
        f"{example} could not be copied to {copy} ({error.strerror or error}). Free some space or check its "
        "permissions."
    )
