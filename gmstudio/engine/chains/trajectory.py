"""Generation that is not pixel by pixel, as a trajectory: chains, denoising, flow layers, and the training itself.

Shapes: M moments, N generations side by side, C channels, H height, W width.
"""

import copy
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.runtime.display import means_to_display
from gmstudio.engine.runtime.inspection import check_fit, check_levels
from gmstudio.families.base import Family, Trajectory, TrajectoryStep
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.chains import RunTrajectory, TrajectoryAppended
from gmstudio.protocol.metrics import Metric, MetricValues
from gmstudio.runs.folder import RunFolder

MAX_COUNT = 64
MAX_STEPS = 10_000
MAX_BYTES = 128 * 1024 * 1024
"""Of all images of a trajectory, which the window keeps."""
REPORTS_HZ = 15.0


def generation(model: Family, weights_step: int, dataset: Dataset, command: RunTrajectory) -> Iterator[Event | None]:
    """Generate step by step with a copy of the weights as they are now.

    Args:
        model: a family with ``trajectory``.
        weights_step: training step of its weights.
        dataset: of the run, for images to start from.
        command: number of chains and steps, start and seed.

    Returns:
        A generator of None after each piece and of ``TrajectoryAppended``, the last one done.

    Raises:
        ValueError: at once, for numbers out of range or images that do not fit the model.
    """
    _check(command, command.steps + 1, model.image.num_dims)
    start = _start_images(command, dataset, model)
    if not isinstance(model, Trajectory):
        raise ValueError(f"{model.card.title} does not generate step by step; choose a run of another family.")
    frozen: Any = copy.deepcopy(model)
    frozen.eval().requires_grad_(False)
    generator = torch.Generator(frozen.device).manual_seed(command.seed)
    return _send(frozen.trajectory(start, command.count, command.steps, generator), weights_step, command)


def training(folder: RunFolder, command: RunTrajectory) -> Iterator[Event | None]:
    """Sample grids that were kept while a run trained, with the validation terms of the time.

    Where there are more than are wanted, they are left out evenly; the newest one is always there.

    Raises:
        ValueError: when none are kept, or for numbers out of range.
    """
    kinds = folder.history.image_kinds()
    steps = folder.history.image_steps(kinds[0]) if kinds else []
    if not steps:
        raise ValueError(f"{command.run} keeps no sample grids yet; train it for some more steps.")
    count = min(len(steps), command.steps)
    _check(command, count, folder.record.image.num_dims)
    apart = (len(steps) - 1) / max(1, count - 1)
    chosen = [steps[-1 - round(i * apart)] for i in range(count)][::-1]
    images = np.stack([folder.history.read_images(step, kinds[0])[: command.count] for step in chosen])
    values = _validations(folder, np.array(chosen))
    metrics = tuple(
        MetricValues(Metric(name), Array.of(np.repeat(value[:, None], images.shape[1], axis=1)))
        for name, value in values.items()
    )
    event = TrajectoryAppended(
        request=command.request,
        run=command.run,
        start=0,
        labels=tuple(f"step {step:,}" for step in chosen),
        images=Array.of(images),
        metrics=metrics,
        steps=len(chosen),
        weights_step=chosen[-1],
        done=True,
    )
    return iter((event,))


def _send(steps: Iterator[TrajectoryStep], weights_step: int, command: RunTrajectory) -> Iterator[Event | None]:
    waiting: list[tuple[str, NDArray[np.uint8], dict[Metric, NDArray[np.float32]]]] = []
    start, reported_at, done = 0, 0.0, False
    while not done:
        with torch.inference_mode():
            step = next(steps, None)
        if step is not None:
            waiting.append(_read(step))
        done = step is None
        if done or time.perf_counter() - reported_at >= 1 / REPORTS_HZ:
            yield _appended(waiting, start, done, weights_step, command)
            start, reported_at = start + len(waiting), time.perf_counter()
            waiting.clear()
        else:
            yield None


def _validations(folder: RunFolder, steps: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """Every term of the validation nearest to each step, (M,), by name; the loss first."""
    curves = {name: curve for (split, name), curve in folder.history.read_scalars().items() if split == "valid"}
    named = {}
    for name in sorted(curves, key=lambda name: name != "loss"):
        at, values = curves[name]
        if len(at):
            nearest = np.abs(at[None, :] - steps[:, None]).argmin(1)
            named[f"validation {name.replace('_', ' ')}"] = values[nearest].astype(np.float32)
    return named


def _read(moment: TrajectoryStep) -> tuple[str, NDArray[np.uint8], dict[Metric, NDArray[np.float32]]]:
    metrics = {metric: value.float().cpu().numpy() for metric, value in moment.metrics.items()}
    return moment.label, means_to_display(moment.images.float()), metrics


def _appended(
    moments: list[tuple[str, NDArray[np.uint8], dict[Metric, NDArray[np.float32]]]],
    start: int,
    done: bool,
    weights_step: int,
    command: RunTrajectory,
) -> TrajectoryAppended:
    kinds = moments[0][2] if moments else {}
    nothing = np.zeros((0, 0, 0, 0, 0), np.uint8)
    return TrajectoryAppended(
        request=command.request,
        run=command.run,
        start=start,
        labels=tuple(label for label, _, _ in moments),
        images=Array.of(np.stack([images for _, images, _ in moments]) if moments else nothing),
        metrics=tuple(
            MetricValues(metric, Array.of(np.stack([values[metric] for _, _, values in moments]))) for metric in kinds
        ),
        steps=command.steps + 1,
        weights_step=weights_step,
        done=done,
    )


def _check(command: RunTrajectory, moments: int, num_dims: int) -> None:
    if not 1 <= command.count <= MAX_COUNT:
        raise ValueError(f"{command.count} generations side by side; ask for 1 to {MAX_COUNT}.")
    if not 1 <= command.steps <= MAX_STEPS:
        raise ValueError(f"{command.steps} transitions; ask for 1 to {MAX_STEPS:,}.")
    size = moments * command.count * num_dims
    if size > MAX_BYTES:
        raise ValueError(
            f"{moments:,} moments of {command.count} images take {size / 2**20:,.0f} MiB, and at most "
            f"{MAX_BYTES // 2**20} are kept; ask for fewer."
        )


def _start_images(command: RunTrajectory, dataset: Dataset, model: Family) -> Tensor | None:
    """(N, C, H, W) integer images to start from, or None for noise."""
    if command.start == "noise":
        return None
    if command.start == "image":
        if command.image is None:
            raise ValueError("The generations are to begin at an image, but none came; send one.")
        images = np.repeat(check_levels(command.image.numpy(), model.image)[None], command.count, axis=0)
    else:
        check_fit(model, dataset)
        size = len(dataset.split(command.split))
        if not size:
            raise ValueError(f"The data set has no {command.split} images to begin at; choose another split.")
        images = dataset.view(command.split, [(command.index + i) % size for i in range(command.count)])
    return torch.from_numpy(np.ascontiguousarray(images)).to(model.device)
