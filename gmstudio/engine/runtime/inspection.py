"""Evaluation of a model without side effects: evaluation mode, no gradients, work in short pieces."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset
from gmstudio.families.base import Encoder, Family, Latent
from gmstudio.protocol.images import ImageSpec

T = TypeVar("T")

PIECE_S = 0.004
"""Approximate duration of a piece of work, after which the engine answers commands."""
MAX_ROWS = 256


def encoder_of(model: Family) -> Encoder:
    """Return the model, typed as an encoder.

    Raises:
        ValueError: when it has no encoder.
    """
    if not isinstance(model, Encoder):
        raise ValueError(f"{model.card.title} has no encoder; choose a run of a family that has one, like VAE.")
    return model


@contextmanager
def exploring(model: Family, *, grad: bool = False) -> Iterator[None]:
    """Put the model into evaluation mode, without gradients unless ``grad``, and restore its mode afterwards."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        with torch.enable_grad() if grad else torch.inference_mode():
            yield
    finally:
        for module in training:
            module.training = True


def exploring_pieces(model: Family, pieces: Iterator[T]) -> Iterator[T]:
    """Advance a generator under ``exploring``, which is left between the pieces."""
    while True:
        with exploring(model):
            try:
                piece = next(pieces)
            except StopIteration:
                return
        yield piece


def in_pieces(total: int, rows_each: int, work: Callable[[slice], None]) -> Iterator[None]:
    """Process items ``0 … total`` in consecutive slices that take about ``PIECE_S`` each; yields after each.

    The first is one item, however long that takes. Time is that of the thread on its processor: where other programs or
    threads keep the processors busy, even a single item takes long by the clock, and smaller slices would not be
    shorter.

    Args:
        total: number of items.
        rows_each: rows in the model's batch for one item; a batch has at most ``MAX_ROWS``.
        work: processes a slice.
    """
    most = max(1, MAX_ROWS // rows_each)
    length, start = 1, 0
    while start < total:
        began = time.thread_time()
        work(slice(start, min(start + length, total)))
        taken = time.thread_time() - began
        start += length
        if taken < PIECE_S / 2:
            length = min(2 * length, most)
        elif taken > PIECE_S:
            length = max(length // 2, 1)
        yield


def rest_of(job: Iterator[T | None], send: Callable[[T], None]) -> Iterator[T | None] | None:
    """Advance a job for about ``PIECE_S`` at once, so that what is quick is answered in the order of the commands.

    Args:
        job: generator of None and of events.
        send: takes the events.

    Returns:
        The rest of the job; None where it has ended.
    """
    until = time.thread_time() + PIECE_S
    for event in job:
        if event is not None:
            send(event)
        elif time.thread_time() > until:
            return job
    return None


def in_background(work: Callable[[], T]) -> Iterator[T | None]:
    """Run one piece of work that can't be divided in a thread of its own.

    A generator that is closed early leaves the thread to finish, and drops its result.

    Args:
        work: must not touch a model.

    Returns:
        A generator of None about every ``PIECE_S`` seconds and, last, the work's result.

    Raises:
        Exception: the work's, from the generator.
    """
    yield from finished(started(work))


def started(work: Callable[[], T]) -> "Future[T]":
    """Run work in a thread of its own: one that hangs on a disk does not hold up the end of the process."""
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, name="in-background", daemon=True).start()
    return result


def finished(result: "Future[T]") -> Iterator[T | None]:
    """Wait for the result of a thread; yields None about every ``PIECE_S`` seconds and, last, the result."""
    yield from until_done(result)
    yield result.result()


def until_done(result: "Future[Any]") -> Iterator[None]:
    """Wait for the end of work in a thread, whether or not it fails; yields about every ``PIECE_S`` seconds."""
    while not wait([result], PIECE_S).done:
        yield None


def latent_of(model: Family) -> Latent:
    """Return the model, typed as having a latent space.

    Raises:
        ValueError: when it has none.
    """
    if not isinstance(model, Latent):
        raise ValueError(f"{model.card.title} has no latent space; choose a run of a family that has one, like VAE.")
    return model


def dtype_of(model: Family) -> torch.dtype:
    """Return the data type of the model's parameters."""
    return next(model.parameters()).dtype


def check_fit(model: Family, dataset: Dataset) -> None:
    """Check that the images of a data set have the format that a model was trained on.

    Raises:
        ValueError: when they have another.
    """
    if dataset.image != model.image:
        raise ValueError(
            f"The data set now has images of {dataset.image}, the model was trained on {model.image}; "
            "restore the data set."
        )


def check_levels(image: NDArray[Any], spec: ImageSpec) -> NDArray[np.uint8]:
    """Convert an image of the user to (C, H, W) uint8 levels.

    Raises:
        ValueError: when its shape, data type or levels are not the model's.
    """
    if image.shape != spec.shape:
        raise ValueError(f"The image has shape {image.shape}; this model needs {spec.shape} (channels, rows, columns).")
    if not np.issubdtype(image.dtype, np.integer):
        raise ValueError(f"The image holds {image.dtype} numbers; levels are whole numbers, send uint8.")
    low, high = int(image.min()), int(image.max())
    if low < 0 or high >= spec.levels:
        bad = low if low < 0 else high
        raise ValueError(f"The image holds the value {bad}; this model's levels are 0 … {spec.levels - 1}.")
    return image.astype(np.uint8)
