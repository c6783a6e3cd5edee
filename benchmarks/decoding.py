"""Latency of decoding one code in the engine, as for a slider drag."""

import statistics
import time
from typing import Any

import numpy as np
import torch

from benchmarks.models import randomize, table_model
from gmstudio.engine.latents.codes import decode
from gmstudio.protocol.array import Array
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.latents import Decode

GOAL_P95_MS = 5.0
WARM_UP, DECODES = 20, 300


def measure(family: str, size: int, levels: int, channels: int, settings: list[str]) -> dict[str, Any]:
    """Decode random codes, one at a time, at the family's default size (or as set) with random weights.

    Returns:
        ``p50_ms``, ``p95_ms``, ``max_ms``; ``cpu_p95_ms`` of processor time, which other work on the machine disturbs
        less; ``goal_met``: True when the 95th percentile is below five milliseconds; and what was measured.

    Raises:
        ValueError: when the family has no latent space.
    """
    image = ImageSpec(channels=channels, height=size, width=size, levels=levels)
    model: Any = table_model(family, image, settings, default=not settings).eval()
    if not hasattr(model, "decode"):
        raise ValueError(f"--family {family}: has no codes to decode; choose a family with a latent space, like vae.")
    randomize(model)
    times, cpu_times = _decode_one_by_one(model)
    p95_ms = statistics.quantiles(times, n=20)[-1]
    return {
        "benchmark": "decoding",
        "family": family,
        "image": str(image),
        "num_latent": model.latent.num_dims,
        "p50_ms": statistics.median(times),
        "p95_ms": p95_ms,
        "max_ms": max(times),
        "cpu_p95_ms": statistics.quantiles(cpu_times, n=20)[-1],
        "goal_p95_ms": GOAL_P95_MS,
        "goal_met": p95_ms < GOAL_P95_MS,
        "config": {name: getattr(model.config, name) for name in model.config.__struct_fields__},
        "threads": torch.get_num_threads(),
    }


def _decode_one_by_one(model: Any) -> tuple[list[float], list[float]]:
    """Milliseconds and processor milliseconds of each decoding, through the engine's own function."""
    codes = np.random.default_rng(0).standard_normal((WARM_UP + DECODES, 1, model.latent.num_dims), dtype=np.float32)
    if model.latent.prior == "bernoulli":
        codes = (codes > 0).astype(np.float32)
    times, cpu_times = [], []
    for code in codes:
        command = Decode(run="random weights", codes=Array.of(code))
        start, cpu_start = time.perf_counter(), time.process_time()
        decode(model, 0, command)
        times.append((time.perf_counter() - start) * 1000)
        cpu_times.append((time.process_time() - cpu_start) * 1000)
    return times[WARM_UP:], cpu_times[WARM_UP:]
