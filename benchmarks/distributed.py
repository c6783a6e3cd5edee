"""Two processes that share each batch, against one: difference of the losses, and what the second process is worth.

Both train the same run with the same batch, steps and seed on the CPU; each process computes with one thread, so that
two processes on two cores are compared with one process on one core. Times are those of the steps alone: median over
the steps after the first ones, without start-up, validation, samples and checkpoints. The exchange of gradients is
gloo's, over the loopback interface.

A process of the group is this file run as a module, with the environment that ``torchrun`` would set.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

WARM_UP = 5
"""Steps that are not timed."""
Result = dict[str, Any]


def measure(family: str, steps: int, batch_size: int, processes: int) -> Result:
    """Train by one process and by several; returns figures.

    Args:
        family: key in ``FAMILIES``, with its default settings.
        steps: of each training.
        batch_size: images of each update, whatever the number of processes.
        processes: number of processes that share a batch.

    Returns:
        ``loss_difference``, the largest difference of a loss divided by the loss; ``steps_per_s_one``,
        ``steps_per_s_two``; ``efficiency``, the speed-up divided by the number of processes.
    """
    with tempfile.TemporaryDirectory() as home:
        one = _train(family, steps, batch_size, 1, Path(home) / "one")
        two = _train(family, steps, batch_size, processes, Path(home) / "two")
    pairs = zip(one["losses"], two["losses"], strict=True)
    rates = [1.0 / statistics.median(result["seconds"][WARM_UP:]) for result in (one, two)]
    return {
        "family": family,
        "batch_size": batch_size,
        "processes": processes,
        "threads_each": 1,
        "load_before": round(os.getloadavg()[0], 2),
        "loss_difference": max(abs(a - b) / max(abs(a), 1e-12) for a, b in pairs),
        "efficiency": round(rates[1] / rates[0] / processes, 3),
        "steps_per_s_one": round(rates[0], 2),
        "steps_per_s_two": round(rates[1], 2),
    }


def _train(family: str, steps: int, batch_size: int, processes: int, out: Path) -> Result:
    """Train by this number of processes, each in a process of its own; returns what rank 0 writes."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(processes), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.distributed", family, str(steps), str(batch_size), str(out)]
    ranks = [
        subprocess.Popen(command, env={**os.environ, **place, "RANK": str(rank)}, stdout=subprocess.DEVNULL)
        for rank in range(processes)
    ]
    codes = [process.wait() for process in ranks]
    if any(codes):
        raise RuntimeError(f"A process has ended with the exit codes {codes}; its messages are above.")
    result: Result = json.loads(out.with_suffix(".json").read_text())
    return result


def _as_rank(family: str, steps: int, batch_size: int, out: Path) -> None:
    """Train as one of the ranks; rank 0 writes losses and seconds of each step beside the run folder."""
    import torch

    from gmstudio.engine.runtime.datasets import DatasetCache
    from gmstudio.engine.training.companion import train_along
    from gmstudio.engine.training.distributed import Ranks
    from gmstudio.engine.training.job import start_training
    from gmstudio.engine.training.plan import plan_run
    from gmstudio.protocol.run_spec import RunSpec
    from gmstudio.runs.folder import RunFolder

    torch.set_num_threads(1)
    ranks = Ranks.of_environment("cpu")
    if ranks is not None and ranks.rank:
        train_along(ranks, lambda: False)
        ranks.leave()
        return
    never = dict.fromkeys(("validate_every", "sample_every", "checkpoint_every"), 10_000_000)
    training = {"steps": steps, "batch_size": batch_size, "schedule": "constant", "num_samples": 1, **never}
    spec = RunSpec(family=family, data="mnist", data_config={"levels": 2}, training=training)
    job = start_training(
        plan_run(DatasetCache(), spec, torch.device("cpu")), str(out), torch.device("cpu"), _ignore, ranks
    )
    seconds: list[float] = []
    while job.running:
        before, began = job.step, time.perf_counter()
        job.advance()
        if job.step > before:
            seconds.append(time.perf_counter() - began)
    with RunFolder.open(out) as run:
        losses = list(run.history.read_scalars()["train", "loss"][1])
    out.with_suffix(".json").write_text(json.dumps({"seconds": seconds, "losses": losses}))
    if ranks is not None:
        ranks.leave()


def _ignore(_event: object) -> None:
    """Take an event of the training; its history has all that is measured."""


if __name__ == "__main__":
    _as_rank(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
