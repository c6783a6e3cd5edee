"""Ready models: runs in ``resources/examples`` that come with the program and are read, never written.

Each is a run folder named after its family (``vae``, ``pixelcnn-shapes``): ``run.json``, a thinned history, one
checkpoint with the weights alone. What a person notes of one, such as names of its latent dimensions, is kept beside
the library.
"""

import os
from pathlib import Path

from gmstudio.runs.record import RECORD_NAME, RunError
from gmstudio.system.resources import FOLDERS, resource_path

EXAMPLES_VARIABLE = "GMSTUDIO_EXAMPLES"
"""Names another folder of examples, such as that of a course; a folder without runs: no examples."""
FIRST = ("vae", "pixelcnn", "ddpm", "gan")
"""Examples that are listed first: a panel without runs of the user opens the first one that it can show."""


def examples_home() -> Path:
    """Folder of the ready models, which need not exist."""
    override = os.environ.get(EXAMPLES_VARIABLE, "").strip()
    if override:
        return Path(override).expanduser().absolute()
    try:
        return resource_path("examples")
    except FileNotFoundError:
        return FOLDERS[0] / "examples"


def example_folders() -> list[Path]:
    """Folders of the examples, in the order in which they are listed; none where they cannot be read."""
    try:
        found = [path for path in examples_home().iterdir() if (path / RECORD_NAME).is_file()]
    except OSError:
        return []
    rank = {name: number for number, name in enumerate(FIRST)}
    return sorted(found, key=lambda path: (rank.get(path.name, len(rank)), path.name))


def is_example(folder: Path | str) -> bool:
    """Return whether a run's folder lies among the ready models.

    Where both exist the system compares them, in two calls: thousands of runs are listed.
    """
    home = examples_home()
    try:
        return Path(folder, os.pardir).samefile(home)
    except ValueError:  # no path of this system
        return False
    except OSError:
        try:
            return Path(folder).resolve().parent == home.resolve()
        except OSError:
            return False


def refuse_change(folder: Path | str) -> None:
    """Check that a run may be written.

    Raises:
        RunError: when it is a ready model.
    """
    if is_example(folder):
        raise RunError(
            f"{folder} is an example that comes with gmstudio, so it is never changed. Choose Train on, which trains "
            "a copy of it, or copy its folder."
        )
