"""Interpretable directions: PCA of codes, PCA of decoder features, class-mean differences.

The functions leave a model as it is, and work in small pieces.

Shapes: N codes, Z latent dimensions, K directions, F features, C channels, H height, W width.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.latents.codes import label_name
from gmstudio.engine.latents.encoded_split import encode_images, max_codes
from gmstudio.engine.runtime.inspection import check_fit, encoder_of, exploring, in_background, in_pieces, latent_of
from gmstudio.families.base import Family, FirstFeatures, Latent
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.latents import (
    DirectionsFound,
    FindDirections,
)

DIRECTION_IMAGES = 4_000
"""Images (or random codes) that directions are computed from."""
MAX_DIRECTIONS = 100
SEED = 0
GRAM_ROWS = 1024
"""Rows that are converted to float64 at a time."""


def find_directions(model: Family, step: int, dataset: Dataset, command: FindDirections) -> Iterator[Event | None]:
    """Compute directions of one kind.

    Args:
        model: a family with a latent space; ``components`` and ``labels`` need an encoder, ``features`` the features
            of the decoder's first layer.
        step: training step of its weights.
        dataset: of the run; its first ``DIRECTION_IMAGES`` training images are used.
        command: kind and number of directions.

    Returns:
        A generator of None after each piece and, last, ``DirectionsFound``.

    Raises:
        ValueError: at once, when the family lacks what this kind needs, or the labels have no images.

    Source: Härkönen et al. 2020, GANSpace, arXiv:2004.02546, section 2.2 (``features``).
    """
    latent = latent_of(model)
    if not 1 <= command.count <= MAX_DIRECTIONS:
        raise ValueError(f"{command.count} directions; ask for 1 to {MAX_DIRECTIONS}.")
    if command.kind == "features":
        return _feature_directions(model, latent, step, command)
    encoder = encoder_of(model)
    check_fit(model, dataset)
    limit = min(DIRECTION_IMAGES, max_codes(model))
    rows = np.arange(min(limit, len(dataset.train)))
    labels = dataset.train.labels
    if command.kind == "components":
        return encode_images(
            model, encoder, dataset.view("train", rows), lambda codes_NZ: _components(codes_NZ, step, command)
        )
    if labels is None:
        raise ValueError("The data set has no labels, so there are no class means; choose PCA of codes instead.")
    rows = np.flatnonzero(np.isin(labels, command.labels))[:limit]
    of_first = torch.from_numpy(labels[rows] == command.labels[0])
    names = tuple(label_name(dataset, label) for label in command.labels)
    if command.labels[0] == command.labels[1] or not 0 < int(of_first.sum()) < len(rows):
        raise ValueError(
            f"There are no two different sets of images labelled {names[0]} and {names[1]}; choose others."
        )
    return encode_images(
        model,
        encoder,
        dataset.view("train", rows),
        lambda codes_NZ: _difference(codes_NZ, of_first, names, step, command),
    )


def _components(codes_NZ: Tensor, step: int, command: FindDirections) -> Event:
    """Principal components of codes, each as long as the codes' standard deviation along it."""
    directions_KZ, shares_K = _principal(codes_NZ - codes_NZ.mean(0), command.count)
    return _found(directions_KZ, shares_K, "PC", step, command)


def _feature_directions(model: Family, latent: Latent, step: int, command: FindDirections) -> Iterator[Event | None]:
    if not isinstance(model, FirstFeatures):
        raise ValueError(f"{model.card.title} gives no features of its first layer; choose PCA of codes instead.")
    num_dims = latent.latent.num_dims
    codes_NZ = torch.randn(DIRECTION_IMAGES, num_dims, generator=torch.Generator().manual_seed(SEED))
    parts: list[Tensor] = []

    def add_features(rows: slice) -> None:
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
        return _found(directions_KZ, shares_K, "feature PC", step, command)

    yield from in_pieces(len(codes_NZ), 1, add_features)
    yield from in_background(conclude)


def _principal(centred_NF: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Leading principal axes by an exact eigendecomposition of the smaller Gram matrix, in float64.

    Args:
        centred_NF: rows whose mean is zero.
        count: axes wanted; at most N or F are there.

    Returns:
        (K, F) axes, each as long as the standard deviation along it, its largest entry positive; and their shares of
        the variance, (K,). An axis without variance is zero.
    """
    (size, features), dtype = centred_NF.shape, centred_NF.dtype
    smallest = min(size, features)
    slices_SM = (centred_NF if features <= size else centred_NF.T).split(GRAM_ROWS)
    gram_MM = torch.zeros(smallest, smallest, dtype=torch.float64, device=centred_NF.device)
    for slice_SM in slices_SM:
        gram_MM.addmm_(slice_SM.double().T, slice_SM.double())
    variances_M, vectors_MM = torch.linalg.eigh(gram_MM / size)
    variances_K, vectors_MK = variances_M.flip(0)[:count], vectors_MM.flip(1)[:, :count]
    noise = variances_K[0].clamp_min(0) * smallest * torch.finfo(torch.float64).eps
    variances_K = torch.where(variances_K > noise, variances_K, 0)
    if features > size:
        vectors_MK = torch.cat([slice_SM.double() @ vectors_MK for slice_SM in slices_SM])
        vectors_MK = vectors_MK / vectors_MK.norm(dim=0).clamp_min(torch.finfo(torch.float64).tiny)
    axes_KF = vectors_MK.T
    signs_K1 = axes_KF.gather(1, axes_KF.abs().argmax(1, keepdim=True)).sign()  # the same weights give the same
    total = gram_MM.trace().clamp_min(1e-12) / size
    return (axes_KF * signs_K1 * variances_K.sqrt()[:, None]).to(dtype), (variances_K / total).to(dtype)


def _difference(
    codes_NZ: Tensor, of_first_N: Tensor, names: tuple[str, ...], step: int, command: FindDirections
) -> Event:
    first_Z, second_Z = codes_NZ[of_first_N].mean(0), codes_NZ[~of_first_N].mean(0)
    return DirectionsFound(
        request=command.request,
        run=command.run,
        step=step,
        kind=command.kind,
        directions=Array.of((second_Z - first_Z)[None].numpy()),
        names=(f"{names[0]} → {names[1]}",),
        shares=None,
    )


def _found(directions_KZ: Tensor, shares_K: Tensor, title: str, step: int, command: FindDirections) -> Event:
    return DirectionsFound(
        request=command.request,
        run=command.run,
        step=step,
        kind=command.kind,
        directions=Array.of(directions_KZ.contiguous().numpy()),
        names=tuple(f"{title} {k + 1} ({100 * share:.0f} % of variance)" for k, share in enumerate(shares_K.tolist())),
        shares=Array.of(shares_K.float().numpy()),
    )
