"""Short trainings by one process, or by several ranks of a process group; run as a script, it is one of the ranks."""

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from forked_process import DEVNULL, PIPE, Process, start

from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.companion import train_along
from gmstudio.engine.training.distributed import Ranks
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder

CPU = torch.device("cpu")
QUIET = {"validation_images": 8, "num_samples": 1, "validate_every": 100, "sample_every": 100, "checkpoint_every": 100}
TINY_VAE = {"num_hidden": 16, "num_latent": 3}
STEPS = 6


class Case(NamedTuple):
    """A run: family, its settings, data settings, training settings."""

    family: str
    config: Mapping[str, Any] = MappingProxyType({})
    data: Mapping[str, Any] = MappingProxyType({})
    training: Mapping[str, Any] = MappingProxyType({})


CASES = {
    "vae": Case("vae", TINY_VAE),
    "vae of uneven shares, accumulated": Case("vae", TINY_VAE, training={"batch_size": 7, "accumulate": 3}),
    "vae of noised binary data": Case("vae", TINY_VAE, {"levels": 2}, {"mutation": 0.2}),
    "vae by SOAP, averaged": Case("vae", TINY_VAE, training={"optimizer": "soap", "average": 0.9, "penalty": 1e-3}),
    "pixelcnn": Case("pixelcnn", {"num_channels": 4, "num_blocks": 1}),
    "labelled": Case("gated_pixelcnn", {"num_channels": 4, "num_classes": 10}),
    "gan": Case("gan", {"num_hidden": 16, "discriminator_steps": 2, "ema": 0.9, "objective": "wasserstein"}),
    "rbm": Case("rbm", {"num_hidden": 16, "num_chains": 9}),
    "rbm by cd": Case("rbm", {"num_hidden": 16, "negative_phase": "cd"}),
    "gsn": Case("gsn", {"num_hidden": 16}),
    "ddpm": Case("ddpm", {"num_timesteps": 20}, training={"batch_size": 9}),
    "markov": Case("markov"),
}


def train(case: Case, out: Path, steps: int = STEPS, ranks: Ranks | None = None) -> None:
    """Train a run to its end."""
    training = {"steps": STEPS, "batch_size": 8, "schedule": "constant", "grad_clip": 1.0, **QUIET, **case.training}
    spec = RunSpec(
        family=case.family, config=dict(case.config), data="digits", data_config=dict(case.data), training=training
    )
    plan = plan_run(DatasetCache(), spec, CPU)
    _advance(start_training(plan, str(out), CPU, lambda _: None, ranks), steps)


def go_on(out: Path, ranks: Ranks | None = None) -> None:
    """Train a run on to its end."""
    _advance(resume_run(str(out), Continuation(), DatasetCache(), CPU, lambda _: None, ranks), STEPS)


def _advance(job: TrainingJob, steps: int) -> None:
    while job.running and job.step < steps:
        job.advance()
    if job.step < STEPS:
        job.stop()
    while job.running:
        job.advance()


def curves(out: Path) -> dict[str, list[float]]:
    """Curves of training and validation by split and name, without the rate."""
    with RunFolder.open(out) as run:
        found = run.history.read_scalars()
    return {f"{split} {name}": list(values) for (split, name), (_, values) in found.items() if name != "images_per_s"}


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def environment(rank: int, size: int, port: int) -> dict[str, str]:
    """Return what ``torchrun`` sets."""
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    ours = (str(Path(__file__).parents[1]), str(Path(__file__).parent))
    path = os.pathsep.join(filter(None, (*ours, os.environ.get("PYTHONPATH"))))
    return {**os.environ, **place, "PYTHONPATH": path, "RANK": str(rank), "WORLD_SIZE": str(size)}


def start_two(home: Path) -> list[Process]:
    """Start two ranks that train all cases, each in a folder of its name."""
    port = free_port()
    command = [sys.executable, "-m", "ranked_training", str(home)]
    return [start(command, environment(rank, 2, port), (DEVNULL, PIPE), text=True) for rank in range(2)]


def errors_of(ranks: list[Process]) -> list[str]:
    """Wait for the ranks; what those print that fail."""
    said = []
    for process in ranks:
        with process:
            assert process.stderr is not None
            said.append(process.stderr.read())
    return [words for process, words in zip(ranks, said, strict=True) if process.wait(300)]


def _as_rank(home: Path) -> None:
    torch.set_num_threads(1)
    ranks = Ranks.of_environment("cpu")
    assert ranks is not None
    works: list[Any] = [lambda name=name: train(CASES[name], home / name, ranks=ranks) for name in CASES]
    works.append(lambda: train(CASES["gan"], home / "begun by two", steps=3, ranks=ranks))
    works.append(lambda: go_on(home / "begun by one", ranks))
    for work in works:
        ranks.begun = ranks.over = ranks.end_wanted = False
        if ranks.rank == 0:
            work()
        else:
            assert train_along(ranks, lambda: False)
    ranks.leave()


if __name__ == "__main__":
    _as_rank(Path(sys.argv[1]))
