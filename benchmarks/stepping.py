"""Latency of a single pixel step in the engine, as in the Pixels panel."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from benchmarks.models import TABLE, randomize, table_model
from gmstudio.engine.pixels.explorer import PixelExplorer
from gmstudio.nn.stepping.compiling import STEP_KERNEL
from gmstudio.protocol.base import Event
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import AdvancePixels, OpenPixels, PixelsMoved, PixelsOpened

GOAL_P95_MS = 2.0


def measure(
    family: str, size: int, levels: int, channels: int, settings: list[str], device: str = "cpu"
) -> dict[str, Any]:
    """Step through one image at the family's default size and at the table's (``models.TABLE``).

    Returns:
        ``default`` and ``table`` (or ``chosen``, where settings are given): ``p50_ms``, ``p95_ms``, ``max_ms`` of a
        step, ``conditional_us`` of its conditional alone (arithmetic and dispatch), ``open_ms`` and ``config``, and
        where the compiled kernel is loaded, ``plain``: the same without it; ``goal_met``: True when the 95th percentile
        at the default size is below two milliseconds.
    """
    image = ImageSpec(channels=channels, height=size, width=size, levels=levels)
    sizes = {"chosen": table_model(family, image, settings, device=device)} if settings else {}
    sizes = sizes or _sizes(family, image, device)
    results = {name: step_through(model) for name, model in sizes.items()}
    judged = results.get("default", results.get("chosen", {}))
    return {
        "benchmark": "stepping",
        "family": family,
        "image": str(image),
        **results,
        "steps": "numpy calls" if STEP_KERNEL.kernel is None else "compiled",
        "goal_p95_ms": GOAL_P95_MS,
        "goal_met": judged["p95_ms"] < GOAL_P95_MS,
        "threads": torch.get_num_threads(),
    }


def _sizes(family: str, image: ImageSpec, device: str) -> dict[str, Any]:
    return {"default": table_model(family, image, [], default=True, device=device)} | (
        {"table": table_model(family, image, [], device=device)} if TABLE.get(family) else {}
    )


def step_through(model: Any) -> dict[str, Any]:
    """Latencies of every step of one image in the engine's explorer, without the transport to the window."""
    randomize(model)
    result = _latencies(model)
    if STEP_KERNEL.kernel is not None:
        with without_kernel():
            result["plain"] = _latencies(model)
    return result | {"config": {name: getattr(model.config, name) for name in model.config.__struct_fields__}}


@contextmanager
def without_kernel() -> Iterator[None]:
    """Context in which steps run call by call."""
    kernel, STEP_KERNEL.kernel = STEP_KERNEL.kernel, None
    try:
        yield
    finally:
        STEP_KERNEL.kernel = kernel


def _latencies(model: Any) -> dict[str, Any]:
    explorer = PixelExplorer()
    _finish(explorer, model)  # warm-up
    times, open_ms = _finish(explorer, model)
    return {
        "p50_ms": statistics.median(times),
        "p95_ms": statistics.quantiles(times, n=20)[-1],
        "max_ms": max(times),
        "conditional_us": _conditional_us(model),
        "open_ms": open_ms,
    }


def _conditional_us(model: Any) -> float:
    """Median time of a session's conditional."""
    times = []
    with torch.inference_mode():
        session = model.pixel_session(1, generator=torch.Generator().manual_seed(1))
        while session.position is not None:
            start = time.perf_counter()
            session.conditional()
            times.append((time.perf_counter() - start) * 1e6)
            session.place(session.draw())
    return statistics.median(times)


def _finish(explorer: PixelExplorer, model: Any) -> tuple[list[float], float]:
    """Milliseconds of each step, and of the opening before them."""
    start = time.perf_counter()
    events = explorer.open(model, "random weights", 0, OpenPixels(run="random weights", seed=1))
    open_ms = (time.perf_counter() - start) * 1000
    session = _only(events, PixelsOpened).session
    times = []
    for step in range(1, model.image.num_dims + 1):
        start = time.perf_counter()
        events = explorer.advance(AdvancePixels(session=session, count=1, budget_ms=100))
        times.append((time.perf_counter() - start) * 1000)
        assert _only(events, PixelsMoved).step == step
    return times, open_ms


def _only(events: list[Event], kind: Any) -> Any:
    (found,) = [event for event in events if isinstance(event, kind)]
    return found
