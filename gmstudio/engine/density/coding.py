r"""Lossless coding of images with an exact autoregressive model and a range coder.

A range coder turns symbols s_1, s_2, … and their probabilities into about −Σ log₂ p(s_i) bits and back (Martin 1979).
The model gives the probabilities: p(x_i | x_<i) of each sub-pixel given those before it. Coding and decoding advance
the same ``pixel_session`` over the same groups of images, so the decoder finds the probabilities that the encoder used,
bit for bit, as long as both compute alike; so all of it happens on the CPU, in one thread, in groups of a fixed size.

``constriction`` codes with probabilities that are multiples of 2⁻²⁴ and at least that: a value that the model gives
less, even 0, costs 24 bits and can still be coded.

Shape legend: N images, G images of a group, C channels, H height, W width, L levels, D sub-pixels (C·H·W).
"""

import copy
import importlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.engine.runtime.inspection import PIECE_S
from gmstudio.engine.runtime.threads import computing_threads
from gmstudio.families.autoregressive.base import NO_LABEL, AutoregressiveFamily, check_images
from gmstudio.families.autoregressive.orders import ORDER_NAMES, named_order
from gmstudio.families.base import Family
from gmstudio.nn.matrix_threads import one_matrix_thread

GROUP = 64
"""Images that are coded side by side."""
MAX_IMAGES = 10_000
FLOOR_BITS = 24
"""Most bits of a sub-pixel: no probability of the coder is less than 2⁻²⁴."""
WORD_BITS = 32


class CodingError(ValueError):
    """Bytes that cannot be decoded with this model."""


@dataclass(frozen=True, eq=False)
class Coding:
    """Conditions of a coding, equal for encoder and decoder.

    Args:
        model: on the CPU, with weights that do not change, in evaluation mode.
        order: name of the generation order; empty: the model's own.
        order_seed: of the order ``random``.
        group: images that are coded side by side.
        labels: (N,) int64 labels that the images are conditioned on; None: none of them has one.
    """

    model: AutoregressiveFamily
    order: str = ""
    order_seed: int = 0
    group: int = GROUP
    labels: NDArray[np.int64] | None = None

    def order_D3(self) -> Tensor:
        """Return the generation order, (D, 3).

        Raises:
            ValueError: when there is no order of the name, or the model cannot generate in it.
        """
        if not self.order:
            return self.model.own_order
        if self.order not in ORDER_NAMES:
            raise ValueError(f"There is no order {self.order!r}; choose one of {', '.join(ORDER_NAMES)}.")
        return self.model.check_order(named_order(self.order, self.model.image, self.order_seed))

    def labels_of(self, group: slice) -> Tensor | None:
        """Return the labels of a group of images."""
        return None if self.labels is None else torch.from_numpy(self.labels[group].copy())


@dataclass(frozen=True, eq=False)
class Encoded:
    """Images in the code of a model.

    Args:
        words: (n,) uint32, what the range coder wrote.
        bits: (N, C, H, W) float32, what each sub-pixel costs: −log₂ of its probability, at most 24.
        floored: sub-pixels that the model gives less than 2⁻²⁴.
    """

    words: NDArray[np.uint32]
    bits: NDArray[np.float32]
    floored: int


@dataclass(frozen=True)
class Advance:
    """Progress of a coding.

    Args:
        done: sub-pixels coded.
        total: sub-pixels in all.
    """

    done: int
    total: int


def coder_model(model: Family) -> AutoregressiveFamily:
    """Return a copy of a model for coding, on the CPU.

    Raises:
        ValueError: when it has no exact conditionals.
    """
    refused = refusal(model)
    if refused:
        raise ValueError(refused)
    assert isinstance(model, AutoregressiveFamily)
    return copy.deepcopy(model).cpu().eval()


def refusal(model: Family) -> str:
    """Return the reason why a model is no lossless coder, a sentence with a remedy; empty: it is one."""
    if isinstance(model, AutoregressiveFamily):
        return ""
    return (
        f"{model.card.title} has no exact conditionals p(x_i | x_<i), which the range coder needs; choose a run of an "
        "autoregressive family, like PixelCNN, NADE or MADE."
    )


def labels_for(model: AutoregressiveFamily, labels: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    """Return the labels that images are coded with, none for a model that is not class-conditional.

    An image whose label the model was not trained with is coded without one.
    """
    if labels is None or not model.labels:
        return None
    return np.where(np.isin(labels, model.labels), labels, NO_LABEL).astype(np.int64)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread, so that sums are taken in one order on any number of cores."""
    with computing_threads(1), one_matrix_thread():
        yield


def encode(coding: Coding, images: NDArray[np.uint8]) -> Iterator[Advance | Encoded]:
    """Code images in pieces.

    Args:
        coding: the conditions.
        images: (N, C, H, W) levels of the model.

    Returns:
        A generator of ``Advance`` after each piece and, last, the code.

    Raises:
        ValueError: when there are no images or too many, they do not fit the model, or its probabilities are NaN.
    """
    model = coding.model
    check_images(torch.from_numpy(np.ascontiguousarray(images)), model.image)
    check_count(len(images))
    constriction = importlib.import_module("constriction")
    coder = constriction.stream.queue.RangeEncoder()
    categorical = constriction.stream.model.Categorical(perfect=False)
    bits_NCHW = np.zeros(images.shape, np.float32)
    floored = 0

    def place(session: Any, group: slice) -> None:
        nonlocal floored
        channel, row, column = session.position
        values_G = np.ascontiguousarray(images[group, channel, row, column], dtype=np.int32)
        probs_GL = _probabilities(session)
        coder.encode(values_G, categorical, probs_GL)
        bits_G = -np.log2(np.maximum(probs_GL[np.arange(len(values_G)), values_G], 2.0**-FLOOR_BITS))
        floored += int((bits_G >= FLOOR_BITS).sum())
        bits_NCHW[group, channel, row, column] = bits_G
        session.place(torch.from_numpy(values_G))

    yield from _steps(coding, len(images), place)
    yield Encoded(coder.get_compressed(), bits_NCHW, floored)


def decode(coding: Coding, words: NDArray[np.uint32], count: int) -> Iterator[Advance | NDArray[np.uint8]]:
    """Decode images in pieces.

    Args:
        coding: the conditions under which they were coded.
        words: (n,) uint32 of ``Encoded``.
        count: number of images N.

    Returns:
        A generator of ``Advance`` after each piece and, last, the images, (N, C, H, W) levels. They are those that were
        coded only if the probabilities are; compare a digest.

    Raises:
        CodingError: when the words are no code of this model.
    """
    check_count(count)
    constriction = importlib.import_module("constriction")
    coder = constriction.stream.queue.RangeDecoder(np.ascontiguousarray(words, np.uint32))
    categorical = constriction.stream.model.Categorical(perfect=False)
    images_NCHW = np.zeros((count, *coding.model.image.shape), np.uint8)

    def place(session: Any, group: slice) -> None:
        channel, row, column = session.position
        try:
            values_G = coder.decode(categorical, _probabilities(session))
        except AssertionError as error:  # the library's word for bits that no symbol has
            raise CodingError(
                "The code breaks off: its bits do not fit the model's probabilities. The file is damaged, or was "
                "written where the model computes other probabilities; decode it where it was written."
            ) from error
        images_NCHW[group, channel, row, column] = values_G
        session.place(torch.from_numpy(values_G))

    yield from _steps(coding, count, place)
    yield images_NCHW


def ideal_bits(coding: Coding, images: NDArray[np.uint8]) -> Iterator[NDArray[np.float64] | None]:
    """Compute −log₂ p(x) of images by passes of the model, independently of the coder.

    Returns:
        A generator of None after each piece and, last, (N,) bits.
    """
    order_D3 = coding.order_D3()
    bits: list[float] = []
    while len(bits) < len(images):
        one = slice(len(bits), len(bits) + 1)
        with one_thread(), torch.inference_mode():
            nats = coding.model.log_prob(torch.from_numpy(images[one].copy()), order_D3, coding.labels_of(one))
        bits.append(-float(nats.double().sum()) / float(np.log(2.0)))
        yield None
    yield np.array(bits)


def check_count(count: int) -> None:
    """Check the number of images.

    Raises:
        ValueError: when it is 0 or too large.
    """
    if not 1 <= count <= MAX_IMAGES:
        raise ValueError(f"{count:,} images cannot be coded into one file; choose 1 to {MAX_IMAGES:,}.")


def _steps(coding: Coding, count: int, place: Any) -> Iterator[Advance]:
    """Advance a session for each group of images; ``place(session, group)`` places the values of one step."""
    order_D3 = coding.order_D3()
    total, done = count * coding.model.image.num_dims, 0
    for start in range(0, count, coding.group):
        group = slice(start, min(start + coding.group, count))
        size = group.stop - group.start
        with one_thread(), torch.inference_mode():
            session = coding.model.pixel_session(
                size, order_D3, torch.Generator().manual_seed(0), rewindable=False, labels=coding.labels_of(group)
            )
        while session.position is not None:
            began = time.perf_counter()
            with one_thread(), torch.inference_mode():
                while session.position is not None and time.perf_counter() - began < PIECE_S:
                    place(session, group)
                    done += size
            yield Advance(done, total)


def _probabilities(session: Any) -> NDArray[np.float64]:
    """(G, L) probabilities of the next sub-pixel.

    Raises:
        ValueError: when one is NaN.
    """
    # In rows: the coder reads the memory of an array in the order of columns as if it were in rows.
    probs_GL: NDArray[np.float64] = np.array(session.conditional().numpy(), dtype=np.float64, order="C")
    if np.isnan(probs_GL).any():
        raise ValueError(
            "The model's probabilities are NaN, so nothing can be coded with it; its training diverged. Choose an "
            "earlier checkpoint or another run."
        )
    return probs_GL
