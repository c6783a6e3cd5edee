"""Families on points of the plane: how near the true distribution they come in how many seconds, and their surfaces.

Each family is trained with the settings that it proposes for points, as ``gmstudio train FAMILY --data points`` does.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import torch

from gmstudio.data.dataset import Dataset
from gmstudio.engine.plane.grid import grid_of, grid_of_data
from gmstudio.engine.plane.metrics import Reference
from gmstudio.engine.plane.rules import rule_for, surface_of
from gmstudio.engine.runtime.building import family_class
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.starts import points_spec
from gmstudio.engine.training.job import start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec

SHAPES = ("moons", "checkerboard", "ring", "grid", "mixture_1d")
NUM_COUNTED = 20_000
"""Samples that are counted where a family has no density."""
FINE_LEVELS = 256
REPEATS = 3


def proposing() -> tuple[str, ...]:
    """Families that propose settings for points."""
    return tuple(name for name, family in FAMILIES.items() if family.start_on_points is not None)


def measure(families: list[str], shapes: list[str], seed: int) -> dict[str, Any]:
    """Train on one thread and compare with the true distribution, family by family and set by set.

    Args:
        families: keys in ``FAMILIES`` that propose settings for points; empty: all of them.
        shapes: values of the setting ``shape`` of the source ``points``; empty: ``SHAPES``.
        seed: of the training.

    Returns:
        ``results``, one for each family and set, with ``cpu_seconds`` of the training with all validations and samples,
        ``forward_kl`` = KL(p* ‖ p) in nats on the grid of 64 levels, and ``method``, how p was computed (None for a
        model without p, which is trained all the same); ``surface_ms``, of each family with p the processor time of a
        refresh at 64×64 and 256×256 cells (None where samples are counted); ``training``, the settings; ``seed``,
        ``threads``.

    Raises:
        ValueError: for a family that proposes no settings for points.
    """
    torch.set_num_threads(1)
    for name in families:
        if family_class(name).start_on_points is None:
            raise ValueError(f"--family {name}: proposes no settings for points; choose from {', '.join(proposing())}.")
    results, surfaces, training = [], {}, {}
    for name in families or proposing():
        for shape in shapes or SHAPES:
            spec = _spec(name, shape, seed)
            model, dataset, seconds, steps = train(spec)
            surface = surface_of(model, grid_of_data(model, dataset), num_counted=NUM_COUNTED)
            reference = Reference.of(grid_of_data(model, dataset), dataset)
            metrics = reference.measure(surface) if surface is not None else None
            result = {
                "family": name,
                "shape": shape,
                "steps": steps,
                "cpu_seconds": round(seconds, 2),
                "forward_kl": round(metrics.forward_kl, 4) if metrics is not None else None,
                "mass": round(metrics.mass, 7) if metrics is not None else None,
                "method": surface.method if surface is not None else None,
            }
            print(result, flush=True)
            results.append(result)
            if surface is not None and model.image.num_dims == 2 and name not in surfaces:
                surfaces[name] = {f"{levels}x{levels}": _surface_ms(model, levels) for levels in (64, FINE_LEVELS)}
        training[name] = {"config": spec.config, "training": spec.training}
    return {
        "benchmark": "plane",
        "results": results,
        "surface_ms": surfaces,
        "training": training,
        "seed": seed,
        "threads": 1,
    }


def _spec(name: str, shape: str, seed: int) -> RunSpec:
    spec = points_spec(family_class(name))
    assert spec is not None
    return msgspec.structs.replace(
        spec, data_config={**spec.data_config, "shape": shape}, training={**spec.training, "seed": seed}
    )


def train(spec: RunSpec) -> tuple[Family, Dataset, float, int]:
    """Train a run to its end: the model, its data, seconds of processor time, and steps."""
    device = torch.device("cpu")
    plan = plan_run(DatasetCache(), spec, device)
    with tempfile.TemporaryDirectory() as place:
        began = time.process_time()
        job = start_training(plan, str(Path(place) / "run"), device, lambda event: None)
        while job.running:
            job.advance()
        seconds = time.process_time() - began
        return job.model.eval(), plan.dataset, seconds, job.step


def _surface_ms(model: Family, levels: int) -> float | None:
    """Processor time of a surface, ms; at other levels of an untrained model of the same settings."""
    if rule_for(model).method == "histogram":
        return None
    image = ImageSpec(1, 1, 2, levels)
    if model.image != image:
        torch.manual_seed(0)
        model = type(model)(model.config, image).eval()
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        surface_of(model, grid_of(image))
        times.append(1000 * (time.process_time() - began))
    return round(min(times), 1)
