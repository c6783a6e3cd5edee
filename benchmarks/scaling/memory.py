"""Peak memory of training steps, in a process of its own, since memory that was freed before would hide it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.models import configured_model
from benchmarks.scaling.axes import Point
from benchmarks.training import BareLoop, random_images
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec

ROOT = Path(__file__).resolve().parent.parent.parent
STEPS = 2
MIB = 2**20


def step_memory(family: str, point: Point) -> tuple[float, float]:
    """Peak memory of two training steps beyond that before the model was built, and what its formula says; MiB.

    The formula: weights, gradients and the two moments of Adam, and the tensors that the backward pass needs.
    """
    image = point.image
    spec: dict[str, Any] = {"family": family, "size": image.height, "levels": image.levels, "batch": point.batch}
    spec["config"] = dict(point.config)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scaling.memory", json.dumps(spec)],
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.PIPE,
        timeout=600,
        check=True,
        text=True,
    )
    measured, needed = json.loads(done.stdout.splitlines()[-1])
    return measured, needed


def _measure(family: str, size: int, levels: int, batch: int, config: dict[str, Any]) -> tuple[float, float]:
    image = ImageSpec(channels=1, height=size, width=size, levels=levels)
    dataset = random_images(image)
    _load_libraries()
    before = _peak_mib()
    loop = BareLoop(configured_model(family, image, config), dataset, batch)
    for _ in range(STEPS):
        loop.step()
    return _peak_mib() - before, _needed_mib(loop.model, batch)


def _load_libraries() -> None:
    """Make one update of a tiny layer, which loads what every training loads."""
    layer = torch.nn.Linear(8, 8)
    adam = torch.optim.Adam(layer.parameters(), fused=True)
    layer(torch.zeros(4, 8)).sum().backward()
    adam.step()


def _needed_mib(model: Family, batch: int) -> float:
    images = torch.zeros((batch, *model.image.shape), dtype=torch.uint8)
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    phase = model.phases()[0]
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = phase.loss(images, torch.Generator().manual_seed(0))["loss"]
    for parameter in model.parameters():
        kept.pop(parameter.untyped_storage().data_ptr(), None)
    del loss
    return (4 * 4 * model.num_parameters() + sum(kept.values())) / MIB


def _peak_mib() -> float:
    """Largest resident memory of this process until now, as Linux counts it."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    print(json.dumps(_measure(**json.loads(sys.argv[1]))))
