"""Cost of checkpoints: time of writing one, and share of the training's processor time that they take."""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

from benchmarks.window import environment, write_random_idx
from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import new_record

FAMILY = "vae"
WRITES = 7
NEVER = 10_000_000
"""Most steps that a training may have."""
EVERY = 500
"""Default distance of checkpoints, steps."""
LEAST_PAIRS = 3


def measure_checkpoints(seconds: float) -> dict[str, Any]:
    """Measure the writing of a checkpoint of a VAE with its optimizer, and what checkpoints take of a training.

    Of each 500 steps the first half has the checkpoint, and the second has none: the difference of the processor time
    of the whole process, its writing thread included, is the cost. Neighbours are compared, as the speed of a machine
    that others use changes.

    Args:
        seconds: processor time of the training.

    Returns:
        ``checkpoint_write_ms`` (median), ``checkpoint_megabytes``, ``checkpoint_cost_ms`` of processor time (median),
        ``checkpoint_cost_share`` of the 500 steps (median) and its standard error, and ``checkpoint_pairs``, the number
        of comparisons.
    """
    costs, shares = _compared(seconds)
    return {
        **_written(),
        "checkpoint_every": EVERY,
        "checkpoint_cost_ms": round(1000 * statistics.median(costs), 1),
        "checkpoint_cost_share": round(statistics.median(shares), 4),
        "checkpoint_cost_share_error": round(1.25 * statistics.stdev(shares) / len(shares) ** 0.5, 4),
        "checkpoint_pairs": len(costs),
    }


def _compared(seconds: float) -> tuple[list[float], list[float]]:
    """Train on one thread; return what each checkpoint took, in seconds, and its share of the steps up to the next."""
    import torch

    from gmstudio.engine.runtime.datasets import DatasetCache
    from gmstudio.engine.training.job import start_training
    from gmstudio.engine.training.plan import plan_run

    threads, cpu = torch.get_num_threads(), torch.device("cpu")
    torch.set_num_threads(1)
    costs, shares = list[float](), list[float]()
    with TemporaryDirectory() as folder, environment(GMSTUDIO_HOME=folder):
        data = Path(folder) / "data"
        data.mkdir()
        write_random_idx(data)
        training = {"steps": NEVER, "checkpoint_every": EVERY, "validate_every": NEVER, "sample_every": NEVER}
        spec = RunSpec(family=FAMILY, data="idx", data_config={"folder": str(data), "levels": 2}, training=training)
        job = start_training(plan_run(DatasetCache(), spec, cpu), "", cpu, lambda _event: None)

        def taken(end: int) -> float:
            began = time.process_time()
            while job.running and job.step < end:
                job.advance()
            return time.process_time() - began

        taken(EVERY)  # the first steps load code; the checkpoint of this one is written with the next piece
        spent_s = 0.0
        while spent_s < seconds or len(costs) < LEAST_PAIRS:
            first, second = taken(job.step + EVERY // 2), taken(job.step + EVERY // 2)
            spent_s += first + second
            costs.append(first - second)
            shares.append((first - second) / (2 * second))
        job.stop()
    torch.set_num_threads(threads)
    return costs, shares


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
