"""Exact parallel sampling beside the sampler that takes one sub-pixel after another: time, rounds, the same bytes.

Both samplers of a model run in turns in one process. Random weights and trained ones are different questions: how many
rounds there are depends on how often a guess is right.
"""

import statistics
import time
from typing import Any

import torch
from torch import Tensor

from benchmarks.models import randomize, table_config, table_model
from gmstudio import open_run
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.autoregressive.block_sweep import BlockSweep
from gmstudio.families.autoregressive.drawing import ExactConditionals
from gmstudio.families.autoregressive.sampling_plan import METHODS, SamplingMethod
from gmstudio.protocol.images import ImageSpec

REPEATS = 5


def measure(
    family: str, size: int, batch: int, levels: int, channels: int, settings: list[str], run: str | None = None
) -> dict[str, Any]:
    """Time all samplers, with random weights and, where a run is given, with its trained ones.

    Returns:
        ``parallel_s``, ``sequential_s``, ``auto_s`` (medians), ``rounds``, ``identical`` and more (see ``_compared``)
        of the trained model, or of the random one without a run; those of both under ``random`` and ``trained``.

    Raises:
        ValueError: when the family does not generate pixel by pixel, or the run is of another family.
    """
    image = ImageSpec(channels=channels, height=size, width=size, levels=levels)
    trained = None if run is None else _trained(run, family)
    model = table_model(family, image, settings).eval()
    if not isinstance(model, AutoregressiveFamily):
        raise ValueError(f"--parallel: {family} does not generate pixel by pixel; choose an autoregressive family.")
    randomize(model)
    results = {"random": _compared(model, batch)}
    if trained is not None:
        results["trained"] = _compared(trained, batch)
    return {
        "benchmark": "parallel sampling",
        "family": family,
        "config": table_config(family, settings),
        "image": str(image),
        "batch": batch,
        "run": run,
        **results.get("trained", results["random"]),
        **results,
        "threads": torch.get_num_threads(),
    }


def _trained(run: str, family: str) -> AutoregressiveFamily:
    model = open_run(run)
    if not isinstance(model, AutoregressiveFamily) or model.card.name != family:
        raise ValueError(f"--run {run}: this is a {model.card.name}; give one of a {family}, or another --family.")
    return model


def _compared(model: AutoregressiveFamily, batch: int) -> dict[str, Any]:
    """Medians of the samplers' times in turns, and how often conditionals were computed.

    Returns:
        ``sequential_s``, ``parallel_s`` and ``auto_s``, and the shortest as ``…_best_s``; ``identical``: all of them
        gave the same bytes; ``rounds`` of all blocks together and ``passes``, the conditionals computed in them over
        those of all images; ``image_rounds`` where whole images are guessed at once.
    """
    times: dict[str, list[float]] = {method: [] for method in METHODS}
    identical = True
    for repeat in range(REPEATS + 1):
        images = []
        for method in METHODS:
            seconds, drawn = _timed(model, batch, repeat, method)
            times[method].append(seconds)
            images.append(drawn.numpy().tobytes())
        identical = identical and len(set(images)) == 1
    found: dict[str, Any] = {f"{method}_s": statistics.median(times[method][1:]) for method in METHODS}
    found |= {f"{method}_best_s": min(times[method][1:]) for method in METHODS}
    found["ratio"] = found["sequential_best_s"] / found["parallel_best_s"]
    return {**found, "identical": identical, **_rounds(model, batch)}


def _rounds(model: AutoregressiveFamily, batch: int) -> dict[str, Any]:
    uniforms_DB = torch.rand(model.image.num_dims, batch, generator=_seeded(REPEATS))
    order_D3 = model.own_order
    image_rounds = sum(1 for _ in model.parallel_rounds(uniforms_DB, order_D3))
    conditionals = model.block_conditionals(order_D3, batch)
    if conditionals is None:
        return {"rounds": image_rounds, "image_rounds": image_rounds}
    images = torch.zeros(batch, *model.image.shape, dtype=torch.uint8).numpy()
    exact = ExactConditionals(model, order_D3, None, keep_weights=False)
    sweep = BlockSweep(conditionals, exact, model.image, images, uniforms_DB.numpy(), order_D3, 1.0)
    for _ in sweep.run():
        pass
    passes = sweep.num_computed / uniforms_DB.numel()
    return {
        "rounds": sweep.num_rounds,
        "blocks": len(conditionals.blocks),
        "passes": passes,
        "image_rounds": image_rounds,
    }


def _timed(model: AutoregressiveFamily, batch: int, seed: int, method: SamplingMethod) -> tuple[float, Tensor]:
    start = time.perf_counter()
    with torch.inference_mode():
        images = model.sample(batch, _seeded(seed), method=method)
    return time.perf_counter() - start, images


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
