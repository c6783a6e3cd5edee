"""Trajectories of whole images: Markov chains, denoising, layers of a flow, and the samples saved in training.

Shapes: M frames, N chains side by side, C channels, H height, W width.
"""

import copy
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.runtime.display import means_to_display
from gmstudio.engine.runtime.inspection import check_fit, check_levels
from gmstudio.engine.sampling.settings import sampler_of
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family, MeasuredTrajectory, Trajectory, TrajectoryStep
from gmstudio.families.generation import trajectory_of
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.chains import RunTrajectory, TrajectoryAppended
from gmstudio.protocol.data import SPLIT_TITLES
from gmstudio.protocol.metrics import Metric, MetricValues
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunMissingError, RunRecord

MAX_COUNT = 64
MAX_STEPS = 10_000
MAX_BYTES = 128 * 1024 * 1024
"""All images of a trajectory, which the window keeps."""
REPORTS_HZ = 15.0


class _Frame(NamedTuple):
    """A step of a trajectory as it is sent.

    Args:
        label: name of the state.
        position: position on the trajectory's axis.
        images: (N, C, H, W) uint8, 0 … 255.
        metrics: metric → (N,) values.
    """

    label: str
    position: int
    images: NDArray[np.uint8]
    metrics: dict[Metric, NDArray[np.float32]]


def generation(
    model: Family, weights_step: int, dataset: Dataset | None, command: RunTrajectory
) -> Iterator[Event | None]:
    """Generate step by step with a copy of the present weights.

    Args:
        model: model of a family with ``trajectory``.
        weights_step: training step of its weights.
        dataset: data set of the run, for initial images from it; else None.
        command: number of chains and steps, initial states and seed.

    Returns:
        A generator of None after each piece of work and of ``TrajectoryAppended``, the last one done.

    Raises:
        ValueError: at once, for numbers or settings out of range or images that do not fit the model.
    """
    _check(command, command.steps + 1, model.image.num_dims)
    start = _initial_images(command, dataset, model)
    if not isinstance(model, Trajectory):
        raise ValueError(f"{model.card.title} does not generate step by step; choose a run of another family.")
    sampler = sampler_of(model, command.sampler, "trajectories")
    frozen = copy.deepcopy(model)
    frozen.eval().requires_grad_(False)
    generator = torch.Generator(frozen.device).manual_seed(command.seed)
    steps = trajectory_of(frozen, start, command.count, command.steps, generator, sampler)
    length = command.steps
    if isinstance(frozen, MeasuredTrajectory):
        length = frozen.trajectory_steps(length, from_images=start is not None)
    return _send(steps, weights_step, command, length + 1)


def training(folder: RunFolder, command: RunTrajectory) -> Iterator[Event | None]:
    """Send the sample grids saved while a run trained, with the validation terms of the same steps.

    Where there are more grids than requested, they are thinned out evenly; the newest is always included.

    Raises:
        RunMissingError: when no samples are saved.
        ValueError: for numbers out of range.
    """
    kinds = folder.history.image_kinds()
    steps = folder.history.image_steps(kinds[0]) if kinds else []
    if not steps:
        raise RunMissingError(f"{command.run} has no saved samples yet; train it for some more steps.")
    count = min(len(steps), command.steps)
    _check(command, count, folder.record.image.num_dims)
    apart = (len(steps) - 1) / max(1, count - 1)
    chosen = [steps[-1 - round(i * apart)] for i in range(count)][::-1]
    images = np.stack([folder.history.read_images(step, kinds[0])[: command.count] for step in chosen])
    metrics = tuple(
        MetricValues(Metric(name), Array.of(np.repeat(value[:, None], images.shape[1], axis=1)))
        for name, value in _validations(folder, np.array(chosen)).items()
    )
    event = TrajectoryAppended(
        request=command.request,
        run=command.run,
        start=0,
        labels=tuple(f"step {step:,}" for step in chosen),
        positions=tuple(chosen),
        images=Array.of(images),
        metrics=metrics,
        steps=len(chosen),
        weights_step=chosen[-1],
        done=True,
    )
    return iter((event,))


def _send(
    steps: Iterator[TrajectoryStep], weights_step: int, command: RunTrajectory, length: int
) -> Iterator[Event | None]:
    pending: list[_Frame] = []
    start, reported_at, done = 0, 0.0, False
    while not done:
        with torch.inference_mode():
            step = next(steps, None)
        if step is not None:
            pending.append(_frame(step))
        done = step is None
        if done or time.perf_counter() - reported_at >= 1 / REPORTS_HZ:
            yield _appended(pending, start, done, weights_step, command, length)
            start, reported_at = start + len(pending), time.perf_counter()
            pending.clear()
        else:
            yield None


def _validations(folder: RunFolder, steps: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """Validation terms nearest to each step: name → (M,), the loss first."""
    curves = {name: curve for (split, name), curve in folder.history.read_scalars().items() if split == "valid"}
    titles = _term_titles(folder.record)
    named = {}
    for name in sorted(curves, key=lambda name: name != "loss"):
        at, values = curves[name]
        if len(at):
            nearest = np.abs(at[None, :] - steps[:, None]).argmin(1)
            title = titles.get(name, name.replace("_", " "))
            named[f"validation {title}"] = values[nearest].astype(np.float32)
    return named


def _term_titles(record: RunRecord) -> dict[str, str]:
    """Titles of the objective's terms by name; empty for a run of an unknown family."""
    family = FAMILIES.get(record.family)
    if family is None:
        return {}
    return {term.name: term.title for term in family.card.objective(record.config).terms}


def _frame(step: TrajectoryStep) -> _Frame:
    metrics = {metric: value.float().cpu().numpy() for metric, value in step.metrics.items()}
    return _Frame(step.label, step.position, means_to_display(step.images.float()), metrics)


def _appended(
    frames: Sequence[_Frame], start: int, done: bool, weights_step: int, command: RunTrajectory, length: int
) -> TrajectoryAppended:
    metrics = frames[0].metrics if frames else {}
    images = np.stack([frame.images for frame in frames]) if frames else np.zeros((0, 0, 0, 0, 0), np.uint8)
    return TrajectoryAppended(
        request=command.request,
        run=command.run,
        start=start,
        labels=tuple(frame.label for frame in frames),
        positions=tuple(frame.position for frame in frames),
        images=Array.of(images),
        metrics=tuple(
            MetricValues(metric, Array.of(np.stack([frame.metrics[metric] for frame in frames]))) for metric in metrics
        ),
        steps=length,
        weights_step=weights_step,
        done=done,
    )


def _check(command: RunTrajectory, frames: int, num_dims: int) -> None:
    if not 1 <= command.count <= MAX_COUNT:
        raise ValueError(f"{command.count} chains side by side; enter 1 to {MAX_COUNT}.")
    if not 1 <= command.steps <= MAX_STEPS:
        raise ValueError(f"{command.steps} steps; enter 1 to {MAX_STEPS:,}.")
    size = frames * command.count * num_dims
    if size > MAX_BYTES:
        raise ValueError(
            f"{frames:,} frames of {command.count} images take {size / 2**20:,.0f} MiB, and at most "
            f"{MAX_BYTES // 2**20} are kept; reduce the number of chains or steps."
        )


def _initial_images(command: RunTrajectory, dataset: Dataset | None, model: Family) -> Tensor | None:
    """Integer images (N, C, H, W) that initialize the chains; None for noise."""
    if command.start == "noise":
        return None
    if command.start == "image":
        if command.image is None:
            raise ValueError("The chains are to be initialized from an image, but the command has none; send one.")
        images = np.repeat(check_levels(command.image.numpy(), model.image)[None], command.count, axis=0)
    else:
        assert dataset is not None
        check_fit(model, dataset)
        size = len(dataset.split(command.split))
        if not size:
            raise ValueError(
                f"The data set has no {SPLIT_TITLES[command.split]} images to start from; choose another split."
            )
        images = dataset.view(command.split, [(command.index + i) % size for i in range(command.count)])
    return torch.from_numpy(np.ascontiguousarray(images)).to(model.device)
