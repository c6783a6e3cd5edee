"""Codes of many images, directions among them, and the code nearest to an image.

Like ``engine.latents``, the functions look at a model without touching it, in small pieces.

Shapes: N codes, Z latent dimensions, K directions, F features, C channels, H height, W width.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.latents import check_fit, check_levels, encoder_of, exploring, in_pieces, latent_of
from gmstudio.engine.sampling import means_to_display
from gmstudio.families.base import Encoder, Family, FirstFeatures, Latent
from gmstudio.messages import (
    Array,
    CodesEncoded,
    DirectionsFound,
    EncodeSplit,
    Event,
    FindDirections,
    ImageProjected,
    ProjectImage,
)

MAX_ENCODED = 10_000
DIRECTION_IMAGES = 4_000
"""Images (or random codes) that directions are found from."""
MAX_FLOATS = 2**26
"""Of all codes that are held together; of codes as large as big images there are fewer."""
MAX_DIRECTIONS = 100
MAX_DESCENT = 10_000
NUM_STARTS = 8
DESCENT_RATE = 0.05
REPORTS_HZ = 15.0
SEED = 0


def encode_split(model: Family, step: int, dataset: Dataset, command: EncodeSplit) -> Iterator[Event | None]:
    """Encode the first images of a split.

    Args:
        model: a family with ``encode``.
        step: training step of its weights.
        dataset: of the run.
        command: which images, at most ``MAX_ENCODED``; where codes are large, the first of them.

    Returns:
        A generator of None after each piece and, last, ``CodesEncoded``.

    Raises:
        ValueError: at once, when there is no encoder, or no such images.
    """
    encoder = encoder_of(model)
    check_fit(model, dataset)
    if not 1 <= command.count <= MAX_ENCODED:
        raise ValueError(f"{command.count:,} images to encode; ask for 1 to {MAX_ENCODED:,}.")
    split = dataset.split(command.split)
    if not len(split):
        raise ValueError(f"The data set has no {command.split} images to encode; choose another split.")
    rows = np.arange(min(command.count, len(split), _most_codes(model)))
    labels = None if split.labels is None else Array.of(split.labels[rows])

    def conclude(codes_NZ: Tensor) -> Event:
        return CodesEncoded(
            request=command.request,
            run=command.run,
            step=step,
            split=command.split,
            codes=Array.of(codes_NZ.numpy()),
            labels=labels,
            label_names=dataset.label_names,
        )

    return _encoded(model, encoder, dataset.view(command.split, rows), conclude)


def find_directions(model: Family, step: int, dataset: Dataset, command: FindDirections) -> Iterator[Event | None]:
    """Find directions of one kind.

    Args:
        model: a family with a latent space; ``components`` and ``labels`` need an encoder, ``features`` a decoder
            whose first layer can be looked at.
        step: training step of its weights.
        dataset: of the run; its first ``DIRECTION_IMAGES`` training images are used.
        command: what is wanted.

    Returns:
        A generator of None after each piece and, last, ``DirectionsFound``.

    Raises:
        ValueError: at once, when the family cannot do this kind, or the labels have no images.

    Source: Härkönen et al. 2020, GANSpace, arXiv:2004.02546, section 2.2 (``features``).
    """
    latent = latent_of(model)
    if not 1 <= command.count <= MAX_DIRECTIONS:
        raise ValueError(f"{command.count} directions; ask for 1 to {MAX_DIRECTIONS}.")
    if command.kind == "features":
        return _feature_directions(model, latent, step, command)
    encoder = encoder_of(model)
    check_fit(model, dataset)
    most = min(DIRECTION_IMAGES, _most_codes(model))
    rows = np.arange(min(most, len(dataset.train)))
    labels = dataset.train.labels
    if command.kind == "components":
        return _encoded(
            model, encoder, dataset.view("train", rows), lambda codes_NZ: _components(codes_NZ, step, command)
        )
    if labels is None:
        raise ValueError("The data set has no labels, so there is no direction between two of them.")
    rows = np.flatnonzero(np.isin(labels, command.labels))[:most]
    of_first = torch.from_numpy(labels[rows] == command.labels[0])
    words = tuple(_word(dataset, label) for label in command.labels)
    if command.labels[0] == command.labels[1] or not 0 < int(of_first.sum()) < len(rows):
        raise ValueError(
            f"There are no two different sets of images labelled {words[0]} and {words[1]}; choose others."
        )
    return _encoded(
        model,
        encoder,
        dataset.view("train", rows),
        lambda codes_NZ: _difference(codes_NZ, of_first, words, step, command),
    )


def _most_codes(model: Family) -> int:
    """How many of its codes may be held together."""
    return max(1, MAX_FLOATS // latent_of(model).latent.num_dims)


class Projections:
    """Looks for codes of images by descent; the newest search of each run goes on, older ones end early."""

    def __init__(self) -> None:
        self._newest: dict[str, object] = {}

    def project(self, model: Family, command: ProjectImage) -> Iterator[Event | None]:
        """Minimize the squared difference between the decoded means and the image, from several codes at once.

        Args:
            model: a family with ``decode``; where it can encode, one of the starts is the image's own code.
            command: the image and how long to look.

        Returns:
            A generator of None after each piece and of ``ImageProjected``, the last one done.

        Raises:
            ValueError: at once, when the image does not fit the model or the steps are out of range.
        """
        latent_of(model)
        image = check_levels(command.image.numpy(), model.image)
        if not 1 <= command.steps <= MAX_DESCENT:
            raise ValueError(f"{command.steps} steps of the descent; ask for 1 to {MAX_DESCENT:,}.")
        token = self._newest[command.run] = object()
        x = torch.from_numpy(image)[None].to(model.device)
        return self._pieces(model, x, command, token)

    def _pieces(self, model: Family, x: Tensor, command: ProjectImage, token: object) -> Iterator[Event | None]:
        latent = latent_of(model)
        target = x.float() / (model.image.levels - 1)
        codes = _starting_codes(model, latent, x, command.seed).requires_grad_(True)
        adam = torch.optim.Adam([codes], lr=DESCENT_RATE)
        reported_at = 0.0
        for step in range(1, command.steps + 1):
            looked_at = codes.detach().clone()
            means, errors = _descend(model, latent, codes, target, adam)
            ended = step == command.steps or self._newest.get(command.run) is not token
            if ended or time.perf_counter() - reported_at >= 1 / REPORTS_HZ:
                reported_at = time.perf_counter()
                best = int(errors.nan_to_num(math.inf).argmin())
                yield ImageProjected(
                    request=command.request,
                    run=command.run,
                    code=Array.of(looked_at[best].float().cpu().numpy()),
                    error=float(errors[best].sqrt()),
                    step=step,
                    steps=command.steps,
                    decoded=Array.of(means_to_display(means[best])),
                    done=ended,
                )
            yield None
            if ended:
                return


def _descend(
    model: Family, latent: Latent, codes: Tensor, target: Tensor, adam: torch.optim.Optimizer
) -> tuple[Tensor, Tensor]:
    """One step of the descent: the means and their mean squared errors (N,) before it."""
    with exploring(model, grad=True):
        means = latent.decode(codes).float()
        errors = (means - target).square().flatten(1).mean(1)
        (codes.grad,) = torch.autograd.grad(errors.sum(), codes)  # the weights' own gradients are left alone
    adam.step()
    if latent.latent.prior == "bernoulli":
        with torch.no_grad():
            codes.clamp_(0.0, 1.0)
    return means.detach(), errors.detach()


def _starting_codes(model: Family, latent: Latent, x: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (NUM_STARTS, latent.latent.num_dims)
    if latent.latent.prior == "bernoulli":
        codes = torch.rand(shape, generator=generator)
    else:
        codes = torch.randn(shape, generator=generator)
    codes = codes.to(model.device)
    if isinstance(model, Encoder):
        with exploring(model):
            codes[0] = model.encode(x)[0].float()
    return codes


def _encoded(
    model: Family, encoder: Encoder, images: Any, conclude: Callable[[Tensor], Event]
) -> Iterator[Event | None]:
    parts: list[Tensor] = []

    def encode(rows: slice) -> None:
        with exploring(model):
            parts.append(encoder.encode(torch.from_numpy(images[rows]).to(model.device)).float().cpu().clone())

    yield from in_pieces(len(images), 1, encode)
    yield conclude(torch.cat(parts))


def _components(codes_NZ: Tensor, step: int, command: FindDirections) -> Event:
    """Principal components of codes, each as long as the codes' standard deviation along it."""
    mean_Z = codes_NZ.mean(0)
    directions_KZ, shares_K = _principal(codes_NZ - mean_Z, command.count)
    return _found(directions_KZ, shares_K, mean_Z, "component", step, command)


def _feature_directions(model: Family, latent: Latent, step: int, command: FindDirections) -> Iterator[Event | None]:
    if not isinstance(model, FirstFeatures):
        raise ValueError(f"{model.card.title} shows no features of its first layer; find components of codes instead.")
    num_dims = latent.latent.num_dims
    codes_NZ = torch.randn(DIRECTION_IMAGES, num_dims, generator=torch.Generator().manual_seed(SEED))
    parts: list[Tensor] = []

    def look(rows: slice) -> None:
        with exploring(model):
            parts.append(model.first_features(codes_NZ[rows].to(model.device)).float().cpu().clone())

    def conclude() -> Event:
        features_NF = torch.cat(parts)
        features_NF = features_NF - features_NF.mean(0)
        axes_KF, shares_K = _principal(features_NF, min(command.count, num_dims))
        axes_KF = axes_KF / axes_KF.norm(dim=1, keepdim=True).clamp_min(1e-12)
        coordinates_NK = features_NF @ axes_KF.T
        # The least-squares map from coordinates to codes; the coordinates are uncorrelated, so column by column.
        scale_K = coordinates_NK.square().mean(0).sqrt().clamp_min(1e-12)
        directions_KZ = (coordinates_NK / scale_K).T @ codes_NZ / len(codes_NZ)
        return _found(directions_KZ, shares_K, torch.zeros(num_dims), "feature component", step, command)

    yield from in_pieces(len(codes_NZ), 1, look)
    yield conclude()


def _principal(centred_NF: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The leading principal axes (K, F), each as long as the standard deviation along it, and their shares (K,)."""
    count = min(count, *centred_NF.shape)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        _, singular_K, axes_FK = torch.svd_lowrank(centred_NF, q=min(count + 6, *centred_NF.shape), niter=4)
    deviations_K = singular_K[:count] / math.sqrt(len(centred_NF))
    axes_KF = axes_FK.T[:count]
    signs_K1 = axes_KF.gather(1, axes_KF.abs().argmax(1, keepdim=True)).sign()  # so that the same weights give the same
    total = centred_NF.square().sum(1).mean().clamp_min(1e-12)
    return axes_KF * signs_K1 * deviations_K[:, None], deviations_K.square() / total


def _difference(
    codes_NZ: Tensor, of_first_N: Tensor, words: tuple[str, ...], step: int, command: FindDirections
) -> Event:
    first_Z, second_Z = codes_NZ[of_first_N].mean(0), codes_NZ[~of_first_N].mean(0)
    return DirectionsFound(
        request=command.request,
        run=command.run,
        step=step,
        kind=command.kind,
        directions=Array.of((second_Z - first_Z)[None].numpy()),
        names=(f"{words[0]} → {words[1]}",),
        shares=None,
        origin=Array.of(first_Z.numpy()),
    )


def _found(
    directions_KZ: Tensor, shares_K: Tensor, origin_Z: Tensor, word: str, step: int, command: FindDirections
) -> Event:
    return DirectionsFound(
        request=command.request,
        run=command.run,
        step=step,
        kind=command.kind,
        directions=Array.of(directions_KZ.contiguous().numpy()),
        names=tuple(f"{word} {k + 1} ({share:.0%})" for k, share in enumerate(shares_K.tolist())),
        shares=Array.of(shares_K.float().numpy()),
        origin=Array.of(origin_Z.numpy()),
    )


def _word(dataset: Dataset, label: int) -> str:
    return dataset.label_names[label] if 0 <= label < len(dataset.label_names) else str(label)
