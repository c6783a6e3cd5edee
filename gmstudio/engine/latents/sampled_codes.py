"""Random codes of a model: of its prior, of its samples, or of images of the data.

Shapes: N codes, Z latent dimensions, C channels, H height, W width.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.latents.codes import MAX_CODES, checked_codes, label_name
from gmstudio.engine.runtime.inspection import check_fit, dtype_of, encoder_of, exploring, latent_of
from gmstudio.families.base import Encoder, Family, PiecewiseSampler
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.latents import CodesSampled, SampleCodes

SPLIT: SplitName = "valid"
"""Split whose images are encoded."""


def needs_data(model: Family, command: SampleCodes) -> bool:
    """Return whether codes are those of images of the data: the model has no prior, and its samples give none."""
    prior = latent_of(model).latent.prior
    sampled = prior == "normal" or (prior == "bernoulli" and isinstance(model, PiecewiseSampler))
    return command.near is None and not sampled


def sample_codes(model: Family, step: int, dataset: Dataset | None, command: SampleCodes) -> Iterator[Event | None]:
    """Sample codes whose images look like the model's.

    A normal prior is sampled. Binary units depend on each other, so that units drawn one by one decode to nothing:
    images are sampled by the model's chain and the code is p(h = 1 | x). Where there is no prior at all, images of the
    data are encoded.

    Args:
        model: a family with ``decode``.
        step: training step of its weights.
        dataset: data set of the run where ``needs_data``, else None.
        command: number, seed, and a code to stay near.

    Returns:
        A generator of None after each piece and, last, ``CodesSampled``.

    Raises:
        ValueError: at once, when the model gives no codes, or the request does not fit it.
    """
    prior = latent_of(model).latent.prior
    if not 1 <= command.count <= MAX_CODES:
        raise ValueError(f"{command.count} codes to sample; choose 1 to {MAX_CODES}.")
    if command.near is not None:
        if prior != "bernoulli":
            raise ValueError(f"{model.card.title} has no binary units; nearby codes are drawn for these only.")
        return _near(model, encoder_of(model), step, command, checked_codes(command.near, latent_of(model).latent))
    if prior == "normal":
        return _of_prior(model, step, command)
    if prior == "bernoulli" and isinstance(model, PiecewiseSampler):
        return _of_samples(model, model, step, command)
    assert dataset is not None
    check_fit(model, dataset)
    if not len(dataset.valid):
        raise ValueError("The data set has no validation images to encode; train with a validation split.")
    return _of_data(model, encoder_of(model), step, dataset, command)


def _of_prior(model: Family, step: int, command: SampleCodes) -> Iterator[Event | None]:
    generator = torch.Generator().manual_seed(command.seed)
    yield _sampled(torch.randn(command.count, latent_of(model).latent.num_dims, generator=generator), step, command)


def _of_samples(model: Family, sampler: PiecewiseSampler, step: int, command: SampleCodes) -> Iterator[Event | None]:
    generator = torch.Generator(model.device).manual_seed(command.seed)
    pieces = sampler.sample_pieces(command.count, generator)
    while True:
        with exploring(model):
            images = next(pieces)
        if images is not None:
            break
        yield None
    with exploring(model):
        yield _sampled(encoder_of(model).encode(images), step, command)


def _of_data(
    model: Family, encoder: Encoder, step: int, dataset: Dataset, command: SampleCodes
) -> Iterator[Event | None]:
    rows = np.random.default_rng(command.seed).integers(0, len(dataset.valid), command.count)
    images: NDArray[np.uint8] = np.concatenate([dataset.view(SPLIT, [int(row)])[:1] for row in rows])
    with exploring(model):
        codes_NZ = encoder.encode(torch.from_numpy(images).to(model.device))
    labels = dataset.valid.labels
    names = () if labels is None else tuple(label_name(dataset, int(labels[row])) for row in rows)
    yield _sampled(codes_NZ, step, command, SPLIT, tuple(map(int, rows)), Array.of(images), names)


def _near(
    model: Family, encoder: Encoder, step: int, command: SampleCodes, near_1Z: NDArray[np.float32]
) -> Iterator[Event | None]:
    """One step of the chain: h is drawn from the code, x its mean rounded to levels, the new code p(h = 1 | x)."""
    generator = torch.Generator().manual_seed(command.seed)
    probs_NZ = torch.from_numpy(near_1Z).expand(command.count, -1)
    drawn_NZ = (torch.rand(probs_NZ.shape, generator=generator) < probs_NZ).to(dtype_of(model)).to(model.device)
    with exploring(model):
        means = latent_of(model).decode(drawn_NZ)
        levels = (means.float() * (model.image.levels - 1)).round().clamp(0, model.image.levels - 1).long()
        yield _sampled(encoder.encode(levels), step, command)


def _sampled(
    codes_NZ: Tensor,
    step: int,
    command: SampleCodes,
    split: SplitName | None = None,
    indices: tuple[int, ...] = (),
    images: Array | None = None,
    labels: tuple[str, ...] = (),
) -> CodesSampled:
    return CodesSampled(
        request=command.request,
        run=command.run,
        step=step,
        codes=Array.of(codes_NZ.float().cpu().numpy()),
        split=split,
        indices=indices,
        images=images,
        labels=labels,
    )
