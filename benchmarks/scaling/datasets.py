"""Training steps through the engine with data sets of growing size, in turns, so that other load affects all alike."""

import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.models import TABLE, configured_model
from benchmarks.scaling.axes import BATCH, VALUES
from benchmarks.training import EngineLoop, only_steps
from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.training.trainer import Trainer
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import new_record

ROUNDS = 10
WARM_UP_S = 1.0
GOAL = 1.05


def measure_datasets(family: str, seconds: float, size: int) -> dict[str, Any]:
    """Median step with each data set, whose images lie in a file that is mapped into memory.

    Args:
        family: key in ``FAMILIES``.
        seconds: for each data set.
        size: rows and columns of the images.

    Returns:
        ``values``, ``step_ms``, ``largest_over_smallest``, and whether that is at most ``GOAL``.
    """
    image = ImageSpec(channels=1, height=size, width=size, levels=2)
    with ExitStack() as stack:
        loops = [_loop(stack, family, image, count) for count in VALUES["data"]]
        times: list[list[float]] = [[] for _ in loops]
        for loop in loops:
            loop.run(WARM_UP_S)
        for _ in range(ROUNDS):
            for loop, own in zip(loops, times, strict=True):
                own += _step_times(loop, seconds / ROUNDS)
    medians = [statistics.median(own) for own in times]
    return {
        "values": list(VALUES["data"]),
        "step_ms": [1000 * median for median in medians],
        "largest_over_smallest": medians[-1] / medians[0],
        "goal_met": medians[-1] / medians[0] <= GOAL,
    }


def _step_times(loop: EngineLoop, seconds: float) -> list[float]:
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        loop.step()
        times.append(time.perf_counter() - start)
    return times


def _loop(stack: ExitStack, family: str, image: ImageSpec, count: int) -> EngineLoop:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    images = np.memmap(folder / "images", np.uint8, "w+", shape=(count, *image.shape))
    random = np.random.default_rng(0)
    for start in range(0, count, 10_000):
        part = images[start : start + 10_000]
        part[...] = random.integers(0, image.levels, part.shape, dtype=np.uint8)
    dataset = Dataset("random", {}, image, Split(images), Split(images[:64]), Split(images[:64]))
    config = TABLE.get(family, {})
    training = msgspec.to_builtins(only_steps(family, BATCH))
    spec = RunSpec(family=family, config=config, data="random", training=training)
    run = RunFolder.create(folder / "run", new_record(spec, image=image, device="cpu"))
    return stack.enter_context(EngineLoop(Trainer(run, configured_model(family, image, config), dataset)))
