"""Speed of incremental sampling relative to a full forward pass per pixel, both in one process, alternating.

For families that sample whole images only the time is measured.
"""

import statistics
import time
from typing import Any

import torch

from benchmarks.arithmetic import distance, forward_flops, logistic_functions
from benchmarks.models import randomize, table_config, table_model
from gmstudio.engine.runtime.device import describe_device
from gmstudio.families.base import Autoregressive
from gmstudio.protocol.images import ImageSpec

NAIVE_SECONDS = 20.0
NAIVE_STEPS_AT_LEAST = 3
REPEATS = 5


def measure(
    family: str, size: int, batch: int, levels: int, channels: int, settings: list[str], device: str = "cpu"
) -> dict[str, Any]:
    """Time both samplers.

    The naive one is timed on some pixels spread over the image (each costs the same full pass), with one thread or
    all, whichever is faster, and scaled to all pixels; the incremental one samples whole images, and the median of five
    is taken. Conditionals are compared at those same pixels of the image from the incremental sampler.

    Returns:
        ``naive_s``, ``incremental_s``, ``ratio``, ``max_abs_diff`` of the conditionals, the distance from the
        arithmetic of one forward pass (see ``arithmetic.distance``; on the CPU only), and what was measured. Families
        without a pixel session: ``sample_s`` and ``sample_best_s``, and what was measured.
    """
    image = ImageSpec(channels=channels, height=size, width=size, levels=levels)
    model: Any = table_model(family, image, settings, device=device).eval()
    randomize(model)
    by_pixel = isinstance(model, Autoregressive)
    times = sample_times(model, batch, "cpu" if by_pixel else model.device)
    if not by_pixel:
        return {
            "benchmark": "sampling",
            "family": family,
            "config": table_config(family, settings),
            "image": str(image),
            "batch": batch,
            "device": describe_device(model.device),
            "sample_s": statistics.median(times),
            "sample_best_s": min(times),
            "images_per_s": batch / statistics.median(times),
            "threads": torch.get_num_threads(),
        }
    with torch.inference_mode():
        threads = _faster_threads(model, image, batch)
        naive_s, steps, difference = _naive(model, image, batch, threads)
        step_ms = _step_times(model, image) if batch == 1 else []
    incremental_s = statistics.median(times)
    result: dict[str, Any] = {
        "benchmark": "sampling",
        "family": family,
        "config": table_config(family, settings),
        "image": str(image),
        "batch": batch,
        "device": describe_device(model.device),
        "naive_s": naive_s,
        "naive_threads": threads,
        "naive_measured": f"{steps} of {image.num_dims} full passes, scaled to all",
        "incremental_s": incremental_s,
        "incremental_best_s": min(times),
        "pixels_per_s": batch * size * size / incremental_s,
        "ratio": naive_s / incremental_s,
        "max_abs_diff": difference,
        **_distance(model, batch, incremental_s),
        "threads": torch.get_num_threads(),
    }
    if step_ms:
        result["step_p50_ms"] = statistics.median(step_ms)
        result["step_p95_ms"] = statistics.quantiles(step_ms, n=20)[-1]
    return result


def sample_times(model: Any, batch: int, noise_from: Any, repeats: int = REPEATS) -> list[float]:
    """Seconds per batch, for some batches after a warm-up; ``noise_from``: device of the generator."""
    times = []
    with torch.inference_mode():
        for repeat in range(repeats + 1):
            start = time.perf_counter()
            model.sample(batch, generator=torch.Generator(noise_from).manual_seed(repeat))
            if model.device.type == "cuda":  # queued work is not done yet
                torch.cuda.synchronize(model.device)
            times.append(time.perf_counter() - start)
    return times[1:]


def _distance(model: Any, batch: int, seconds: float) -> dict[str, float]:
    """Distance of sampling from its arithmetic; on the CPU only, where the rate of products is measured."""
    if model.device.type != "cpu":
        return {}
    return distance(forward_flops(model) * batch, seconds, logistic_functions(model) * batch)


def _faster_threads(model: Any, image: ImageSpec, batch: int) -> int:
    """Number of threads with which the naive sampler's full pass is faster: one, or all."""
    every = torch.get_num_threads()
    images = torch.zeros((batch, *image.shape), dtype=torch.uint8, device=model.device)
    if model.device.type != "cpu":
        return every
    seconds = {}
    for threads in (1, every):
        torch.set_num_threads(threads)
        model.log_prob(images)
        start = time.perf_counter()
        for _ in range(NAIVE_STEPS_AT_LEAST):
            model.log_prob(images)
        seconds[threads] = time.perf_counter() - start
    torch.set_num_threads(every)
    return min(seconds, key=lambda threads: seconds[threads])


def _naive(model: Any, image: ImageSpec, batch: int, threads: int) -> tuple[float, int, float]:
    """Seconds for all pixels (scaled), pixels measured, largest difference of conditionals there."""
    every = torch.get_num_threads()
    fast = model.pixel_session(batch, generator=torch.Generator().manual_seed(2))
    plain = model.plain_pixel_session(batch, generator=torch.Generator().manual_seed(2))
    plain_s, steps, difference = 0.0, 0, 0.0
    stride = max(1, image.num_dims // 64)
    while fast.position is not None:
        conditional = fast.conditional()
        if fast.step % stride == stride // 2 and (plain_s < NAIVE_SECONDS or steps < NAIVE_STEPS_AT_LEAST):
            for value in _values(fast, plain.step):
                plain.place(value)
            torch.set_num_threads(threads)
            start = time.perf_counter()
            reference = plain.conditional()
            plain_s += time.perf_counter() - start
            torch.set_num_threads(every)
            steps += 1
            difference = max(difference, float((reference - conditional).abs().max()))
        fast.place(fast.draw())
    return plain_s / steps * image.num_dims, steps, difference


def _values(session: Any, start: int) -> list[torch.Tensor]:
    """Values that a session has placed, from step ``start``."""
    channels, rows, columns = session.order[start : session.step].T
    return list(session.images[:, channels, rows, columns].T.to(torch.int64))


def _step_times(model: Any, image: ImageSpec) -> list[float]:
    """Milliseconds of each step of a single image: conditional, draw, place."""
    session = model.pixel_session(1, generator=torch.Generator().manual_seed(3))
    times = []
    while session.position is not None:
        start = time.perf_counter()
        session.conditional()
        session.place(session.draw())
        times.append((time.perf_counter() - start) * 1000)
    return times
