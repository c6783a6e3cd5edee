"""Points of curves that were lost in a soak: steps that are missing on the disk, or in the window."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.window import wait_until
from gmstudio.runs.examples import examples_home
from gmstudio.runs.folder import RunFolder
from gmstudio.window.state.studio import Studio
from gmstudio.window.state.training.state import TrainingState

OPENED_S = 60.0
MOST_NAMED = 10

Steps = NDArray[np.int64]


def lost_points(studio: Studio, home: Path) -> dict[str, Any]:
    """Compare the loss of every run on the disk with that in the window.

    Args:
        studio: of the window, with a library in which nothing trains.
        home: of the library.

    Returns:
        Number of runs, of points on the disk and of lost points, and one sentence for each run that lost some.
    """
    training = studio.state(TrainingState)
    runs = [info.run for info in studio.library.runs if not info.example]
    lost = stored = 0
    problems: list[str] = []
    for run in runs:
        training.choose_run(run)
        wait_until(partial(_is_open, studio, run), run, OPENED_S)
        steps = _read(home / "runs" / run)
        curve = training.history(run).curve("train", "loss")
        shown = curve.steps if curve is not None else np.zeros(0, np.int64)
        gaps, differing = num_missing(steps, _of_example(run)), np.setxor1d(steps, shown)
        stored += len(steps)
        lost += gaps + len(differing)
        if gaps or len(differing):
            info = studio.library.info(run)
            problems.append(
                f"{run}, {info.status if info is not None else 'gone'}: {gaps} steps beside {len(steps)} are not on "
                f"the disk; in the window {len(shown)}, of which differ {differing[:MOST_NAMED].tolist()}"
            )
    return {"runs": len(runs), "points": stored, "lost_points": lost, "problems": problems}


def num_missing(steps: Steps, example: Steps) -> int:
    """Number of steps that a run made and that its curve does not have.

    Args:
        steps: (N,) of the curve, rising.
        example: (M,) of the curve of the example that the run may be a copy of, which was made thinner before it came
            with the program; steps up to its last are not missing then.
    """
    copied = len(example) > 0 and np.array_equal(steps[: len(example)], example)
    own = steps[len(example) :] if copied else steps
    before = int(example[-1]) if copied else 0
    return int(own[-1]) - before - len(own) if len(own) else 0


def _read(folder: Path) -> Steps:
    """Steps of a run on the disk, read in a thread: the window's loop goes on, as its stalls are watched."""
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(_stored, folder)
        wait_until(reading.done, f"the points of {folder.name}", OPENED_S)
        return reading.result()


def _stored(folder: Path) -> Steps:
    with RunFolder.open(folder) as run:
        return run.history.read_scalars().get(("train", "loss"), (np.zeros(0, np.int64),))[0]


def _of_example(run: str) -> Steps:
    """Steps of the example of a run's family, by which runs are named; none where there is no such example."""
    folder = examples_home() / run.split("-")[-2]
    return _read(folder) if folder.is_dir() else np.zeros(0, np.int64)


def _is_open(studio: Studio, run: str) -> bool:
    """Whether a run and its curves are in the window."""
    return run in studio.library.opened and run in studio.state(TrainingState).histories
