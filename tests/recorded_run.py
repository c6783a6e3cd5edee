"""A run with a history as a training leaves it, made without one: curves, grids, events and wall times."""

import math
from pathlib import Path

import numpy as np

from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.clock import note_time
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import ImageGrid, Scalar
from gmstudio.runs.record import new_record

STARTED = 1_700_000_000.0
"""Wall time of step 0; each step takes half a second."""


def make_run(path: Path, steps: int = 20, log_to: str = "", *, timed: bool = True) -> Path:
    """Make a run of this number of steps."""
    spec = RunSpec(family="vae", config={"beta": 2.0}, data="digits", training={"steps": steps, "log_to": log_to})
    record = new_record(spec, image=ImageSpec(1, 8, 8, 2), device="cpu")
    with RunFolder.create(path, record) as run:
        extend_run(run, 0, steps, timed=timed)
        run.update(status="finished", step=steps)
    return path


def extend_run(run: RunFolder, first: int, last: int, *, timed: bool = True, offset: float = 0.0) -> None:
    """Record the steps ``first`` + 1 … ``last``, with a validation, a grid and an event at each tenth."""
    for step in range(first + 1, last + 1):
        if timed:
            note_time(run.history, step, STARTED + step / 2)
        value = math.nan if step == 13 else 1 / 3 + step + offset
        run.history.append([Scalar(step, "train", "loss", value), Scalar(step, "train", "kl", 1e300 * step)])
        if step % 10 == 0:
            run.history.append([Scalar(step, "valid", "loss", value / 2)])
            run.history.append(images=[ImageGrid(step, "samples", np.full((4, 1, 8, 8), step % 256, np.uint8))])
            run.history.log(step, "warning", f"Sentence of step {step}.")
