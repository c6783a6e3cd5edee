"""Peak memory of training steps, each configuration in a process of its own: memory that was freed would hide it.

The processes are forked from one that has loaded all libraries, which saves the seconds that loading takes, and they
train a tiny model first, so that code which is read from disk is no part of the difference.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import TracebackType

import torch

from benchmarks.models import configured_model
from benchmarks.scaling.axes import Point
from benchmarks.training import BareLoop, random_images
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec

STEPS = 2
MIB = 2**20
TINY = ImageSpec(channels=1, height=8, width=8, levels=2)


class StepMemory:
    """Measures the memory of training steps until it is left, as a context."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["benchmarks.__main__", __name__, "benchmarks.scaling.preloaded"])
        self._processes = ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1)

    def __enter__(self) -> "StepMemory":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._processes.shutdown(cancel_futures=True)

    def measure(self, family: str, point: Point) -> tuple[float, float]:
        """Peak memory of two steps beyond that before the model was built, and what its formula says; MiB.

        The formula: weights, gradients and the two moments of Adam, and the tensors that the backward pass needs.

        Args:
            family: key in ``FAMILIES``.
            point: the configuration.
        """
        return self._processes.submit(step_memory, family, point, torch.get_num_threads()).result()


def step_memory(family: str, point: Point, threads: int) -> tuple[float, float]:
    """Measure in this process, which has trained nothing before; see ``StepMemory.measure``."""
    torch.set_num_threads(threads)
    tiny = BareLoop(configured_model(family, TINY, point.config), random_images(TINY), 2)
    for _ in range(STEPS):
        tiny.step()
    images = random_images(point.image)
    before = _peak_mib()
    loop = BareLoop(point.model(family), images, point.batch)
    for _ in range(STEPS):
        loop.step()
    return _peak_mib() - before, _needed_mib(loop.model, point.batch)


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
