"""Layout of a written file by ruff's formatter, a process of its own.

A formatter in this process would hold the interpreter's lock for seconds, and with it the engine's loop.
"""

import subprocess
import sys

COLUMNS = 120
TIMEOUT_S = 60.0


class FormattingError(ValueError):
    """The formatter cannot be run, or refused the text."""


def formatted(text: str) -> str:
    """Return the text of a module with the usual layout.

    Raises:
        FormattingError: when the formatter is missing, hangs, or refuses the text.
    """
    options = ("--isolated", "--no-cache", f"--line-length={COLUMNS}", "--target-version=py311")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ruff", "format", *options, "-"],
            input=text.encode(),
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FormattingError(f"The code could not be laid out: ruff did not run ({error}). Try again.") from error
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())[:300]
        raise FormattingError(
            f"The code could not be laid out by ruff: {said} Install it again: pip install --force-reinstall ruff"
        )
    return done.stdout.decode()
