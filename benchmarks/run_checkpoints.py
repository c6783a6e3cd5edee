"""Cost of checkpoints: time of writing one, and share of the training's time that they take."""

import os
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

from benchmarks.window import environment, opened_on, wait_until, write_random_idx
from gmstudio.families import FAMILIES
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import HistoryAppended
from gmstudio.protocol.training import StartTraining, StopTraining
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import new_record
from gmstudio.window.state.studio import Studio

FAMILY = "vae"
WRITES = 7
FIRST = 50
"""Step from which on the rate is measured: the first ones load code."""
NEVER = 10_000_000
"""Most steps that a training may have."""
EVERY = 500
"""Default distance of checkpoints, steps."""


def measure_checkpoints(seconds: float) -> dict[str, Any]:
    """Measure the writing of a checkpoint of a VAE with its optimizer, and trainings with checkpoints and without.

    Args:
        seconds: of each training, of which there are four, in turn.

    Returns:
        ``checkpoint_write_ms`` (median), ``checkpoint_megabytes``, and ``checkpoint_cost_share`` of the steps that are
        made in the same processor time of the engine.
    """
    rates: dict[int, list[float]] = {EVERY: [], NEVER: []}
    with TemporaryDirectory() as folder, environment(GMSTUDIO_HOME=folder, GMSTUDIO_EXAMPLES=os.devnull):
        data = Path(folder) / "data"
        data.mkdir()
        write_random_idx(data)
        with opened_on(Path(folder)) as (_window, studio):
            for every in (NEVER, EVERY, EVERY, NEVER):
                rates[every].append(_steps_a_second(studio, data, every, seconds))
    cost = 1 - statistics.fmean(rates[EVERY]) / statistics.fmean(rates[NEVER])
    return {**_written(), "checkpoint_every": EVERY, "checkpoint_cost_share": round(cost, 4)}


def _written() -> dict[str, Any]:
    model = FAMILIES[FAMILY](FAMILIES[FAMILY].Config(), ImageSpec(1, 28, 28, 2))
    weights = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    groups = {"model": weights, "optimizer": {f"{n}.{k}": np.zeros_like(a) for n, a in weights.items() for k in "mv"}}
    times = []
    spec = RunSpec(family=FAMILY, data="digits", training=msgspec.to_builtins(FAMILIES[FAMILY].training_defaults))
    with TemporaryDirectory() as folder:
        record = new_record(spec, image=ImageSpec(1, 28, 28, 2), device="cpu")
        with RunFolder.create(Path(folder) / "run", record) as run:
            for step in range(WRITES):
                began = time.perf_counter()
                run.checkpoints.save(step, groups, {})
                times.append(1000 * (time.perf_counter() - began))
            size = run.checkpoints.list()[-1].size_bytes
    return {"checkpoint_write_ms": round(statistics.median(times), 1), "checkpoint_megabytes": round(size / 1e6, 2)}


def _steps_a_second(studio: Studio, data: Path, every: int, seconds: float) -> float:
    """Steps a second of processor time that the real engine makes with a window, from the first that is reported on."""
    import psutil

    catalog = studio.library.catalog
    assert catalog is not None
    engine = psutil.Process(catalog.pid)
    reached: list[tuple[int, float]] = []
    failures: list[CommandFailed] = []

    def on_history(event: HistoryAppended) -> None:
        step = max((int(series.steps.numpy()[-1]) for series in event.series if series.split == "train"), default=0)
        if event.run == studio.library.live and step >= FIRST:
            reached.append((step, sum(engine.cpu_times()[:2])))

    history, failed = studio.client.on(HistoryAppended), studio.client.on(CommandFailed)
    history.connect(on_history)
    failed.connect(failures.append)
    training = {"steps": NEVER, "checkpoint_every": every, "validate_every": NEVER, "sample_every": NEVER}
    spec = RunSpec(family=FAMILY, data="idx", data_config={"folder": str(data), "levels": 2}, training=training)
    studio.client.send(StartTraining(spec=spec))
    wait_until(lambda: bool(failures or (reached and reached[-1][1] - reached[0][1] > seconds)), "the steps")
    if failures:
        raise RuntimeError(failures[0].message)
    history.disconnect(on_history)
    failed.disconnect(failures.append)
    studio.client.send(StopTraining())
    wait_until(lambda: not studio.library.live, "the end of the training")
    (first, began), (last, ended) = reached[0], reached[-1]
    return (last - first) / (ended - began)
