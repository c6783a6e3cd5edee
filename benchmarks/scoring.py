"""Images a second that the engine scores, in relation to the bare forward pass of the same batches.

The scoring path is that of the Density panel and of ``gmstudio score``, in pieces that leave room for other commands;
scores are not kept. The bare pass is the family's own method on the same
batches, which lie ready as tensors. Both alternate in one process; medians are compared.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.models import randomize, table_config, table_model
from gmstudio import data
from gmstudio.engine.density.opened_images import OpenedImages
from gmstudio.engine.density.scoring import score_images
from gmstudio.engine.density.statistics import statistics_of
from gmstudio.engine.density.statistics.log_prob import LogProb
from gmstudio.engine.density.statistics.statistic import Statistic
from gmstudio.engine.density.subject import Subject
from gmstudio.engine.density.subjects import weights_digest
from gmstudio.engine.runtime.device import describe_device
from gmstudio.engine.runtime.inspection import exploring
from gmstudio.families import FAMILIES
from gmstudio.families.base import ImportanceWeighted
from gmstudio.protocol.density import StatisticSettings
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.record import new_record

REPEATS = 3
FEW = 16
PASS_S = 1.0
"""Time of one pass, about: as many images are scored."""
MAX_IMAGES = 6000
SAMPLES = 20
"""Draws an image of estimates and bounds, few, so that many batches are timed."""
WHOLE_BATCH = 64
Batches = list[slice]


def measure(families: tuple[str, ...] = (), device: str = "cpu") -> dict[str, Any]:
    """Time families, each with its first statistic: log p, else the reconstruction or the discriminator.

    Args:
        families: keys in ``FAMILIES``; empty: all.
        device: of the models.

    Returns:
        ``families``: for each the ``statistic``, ``images_per_s``, ``bare_images_per_s``, their ``ratio`` (the goal is
        0.9 or more), ``batch``, the mean size of the batches, and ``whole_images_per_s`` of the bare pass in batches of
        ``WHOLE_BATCH``; ``refused``: families that no statistic scores.
    """
    digits = data.load("mnist", {"levels": 2})
    found, refused = [], []
    for name in families or tuple(FAMILIES):
        row = measure_family(name, digits.train.images[:MAX_IMAGES], digits, device)
        if row is None:
            refused.append(name)
        else:
            found.append(row)
    return {
        "benchmark": "scoring",
        "image": str(digits.image),
        "samples": SAMPLES,
        "threads": torch.get_num_threads(),
        "clock": "processor" if _is_alone() else "wall",
        "families": found,
        "refused": refused,
    }


def measure_family(
    family: str, images: NDArray[np.uint8], dataset: data.Dataset, device: str = "cpu"
) -> dict[str, Any] | None:
    """Time one family; None where no statistic scores it. See ``measure``."""
    model: Any = table_model(family, dataset.image, [], device=device).eval()
    randomize(model)
    record = new_record(RunSpec(family=family, data="mnist"), image=dataset.image, device=device)
    subject = Subject(family, model, weights_digest(model), 0, record, lambda: dataset)
    kinds = [kind for kind in statistics_of().values() if not kind.card.needs and not kind.refusal(model)]
    if not kinds:
        return None
    settings = StatisticSettings(num_samples=SAMPLES)
    statistic = kinds[0](subject, settings, 0)
    list(statistic.prepare())  # log Z takes long, and is not a forward pass
    count = _suitable_count(statistic, images)
    opened = OpenedImages(images[:count], dataset.image, None, (), "digits")
    times: list[float] = []
    bare_times: list[float] = []
    for _ in range(REPEATS + 1):
        batches: Batches = []
        times.append(_seconds(lambda batches=batches: _score(statistic, opened, batches)))  # type: ignore[misc]
        tensors = _tensors(opened.images, batches, model.device)
        bare_times.append(_seconds(lambda tensors=tensors: _run_bare(statistic, tensors)))  # type: ignore[misc]
    seconds, bare = statistics.median(times[1:]), statistics.median(bare_times[1:])  # the first ones warm up
    whole = [slice(start, start + WHOLE_BATCH) for start in range(0, count, WHOLE_BATCH)]
    whole_s = statistics.median(
        _seconds(lambda: _run_bare(statistic, _tensors(opened.images, whole, model.device))) for _ in range(3)
    )
    return {
        "family": family,
        "config": table_config(family, []),
        "statistic": statistic.card.name,
        "kind": statistic.kind,
        "images": count,
        "batch": round(count / len(batches), 1),
        "images_per_s": count / seconds,
        "bare_images_per_s": count / bare,
        "ratio": bare / seconds,
        "whole_images_per_s": count / whole_s,
        "device": describe_device(model.device),
    }


def _suitable_count(statistic: Statistic, images: NDArray[np.uint8]) -> int:
    """Images that take about ``PASS_S``, a multiple of ``FEW``."""
    few = OpenedImages(images[:FEW], statistic.subject.model.image, None, (), "digits")
    _score(statistic, few, [])
    seconds = _seconds(lambda: _score(statistic, few, []))
    return min(len(images), FEW * max(1, round(PASS_S / seconds)))


def _score(statistic: Statistic, opened: OpenedImages, batches: Batches) -> None:
    """Score images as the engine does, and note the batches."""
    done = 0
    for scores in score_images(statistic, opened, 0, None):
        if scores.done > done:
            batches.append(slice(done, scores.done))
            done = scores.done
    assert done == len(opened)


def _tensors(images: NDArray[np.uint8], batches: Batches, device: torch.device) -> list[Tensor]:
    return [torch.from_numpy(np.array(images[rows])).to(device) for rows in batches]


def _run_bare(statistic: Statistic, tensors: list[Tensor]) -> None:
    forward = _bare(statistic)
    with exploring(statistic.subject.model):
        for x_BCHW in tensors:
            forward(x_BCHW)


def _bare(statistic: Statistic) -> Callable[[Tensor], Any]:
    """Return the family's own method that the statistic rests on."""
    model: Any = statistic.subject.model
    generator = torch.Generator(model.device).manual_seed(0)
    if not isinstance(statistic, LogProb):
        top = model.image.levels - 1
        if statistic.card.name == "discriminator":
            return lambda x: model.discriminate(x / top)
        return lambda x: model.decode(model.encode(x)) - x / top
    if hasattr(model, "log_prob"):
        return model.log_prob  # type: ignore[no-any-return]
    if statistic.kind == "lower bound":
        return lambda x: model.elbo(x, num_samples=SAMPLES, generator=generator)
    if isinstance(model, ImportanceWeighted):
        return lambda x: model.log_weights(x, num_samples=SAMPLES, generator=generator)
    return lambda x: model.log_prob_estimate(x, num_samples=SAMPLES, generator=generator)


def _seconds(work: Callable[[], object]) -> float:
    """Seconds that work takes: of the processor, where one thread computes and other programs may disturb."""
    clock = time.process_time if _is_alone() else time.perf_counter
    began = clock()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return clock() - began


def _is_alone() -> bool:
    """Return whether one thread of the processor computes, so that its time is that of the work."""
    return torch.get_num_threads() == 1 and not torch.cuda.is_available()
