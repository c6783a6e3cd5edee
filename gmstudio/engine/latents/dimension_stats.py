"""Statistics of latent dimensions: change of the decoded image, and KL of the posterior from the prior.

Shapes: Z latent dimensions, K base codes, P pairs of a dimension and a base code, D sub-pixels.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.runtime.inspection import check_fit, dtype_of, exploring, exploring_pieces, in_pieces, latent_of
from gmstudio.families.base import Encoder, Family, Posterior, SteppedDecoder
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.families import LatentSpec
from gmstudio.protocol.latents import ComputeDimensionStats, DimensionStatsComputed

MAX_IMAGES = 1024
NUM_BASE_CODES = 8
MAX_PAIRS = 1024
"""Pairs of a dimension and a base code, each of two decoded images; a diffusion model takes some 20 ms for one pair."""
STEPPED_PAIRS = 2
"""Pairs that pass through a model together, a step a piece, where it decodes in steps."""
BASE_SEED = 0


def compute_stats(model: Family, step: int, dataset: Dataset, command: ComputeDimensionStats) -> Iterator[Event | None]:
    """Compute pixel change and KL of each latent dimension, in pieces of about ``PIECE_S``.

    ``pixel_change_j = sqrt(mean (decode(z | z_j = 1) - decode(z | z_j = -1))²)``, over base codes z that are always the
    same and over the sub-pixels: z ~ N(0, I), or, without a normal prior, the codes of the first validation images.
    There are eight base codes; where codes have more than 128 dimensions, each dimension takes some of them in turn.
    Units of a Bernoulli code go from 0 to 1. ``kl_j`` is the mean of KL(q(z_j|x) ‖ p(z_j)) over validation images.

    Args:
        model: a family with ``decode``.
        step: training step of the weights.
        dataset: of the run; its first ``MAX_IMAGES`` validation images are used.
        command: to be answered.

    Returns:
        A generator of None after each piece and, last, the ``DimensionStatsComputed``.

    Raises:
        ValueError: at once, when the model has no latent space or the data set's images do not fit it.
    """
    prior = latent_of(model).latent.prior
    if isinstance(model, Posterior) or prior != "normal":
        check_fit(model, dataset)
    return _stats_pieces(model, step, dataset.valid.images[:MAX_IMAGES], command)


def _stats_pieces(
    model: Family, step: int, images: NDArray[np.uint8], command: ComputeDimensionStats
) -> Iterator[Event | None]:
    latent = latent_of(model)
    num_dims = latent.latent.num_dims
    base_KZ = _base_codes(model, latent.latent, images)
    each = codes_each(num_dims)
    change_P = np.zeros(num_dims * each, np.float32)

    def codes_of(pairs: slice) -> Tensor:
        return _pair_codes(latent.latent, base_KZ, each, pairs).to(dtype_of(model)).to(model.device)

    def measure_change(pairs: slice) -> None:
        with exploring(model):
            change_P[pairs] = _squared_change(latent.decode(codes_of(pairs)))

    if isinstance(model, SteppedDecoder):
        for first in range(0, len(change_P), STEPPED_PAIRS):
            pairs = slice(first, first + STEPPED_PAIRS)
            for means in exploring_pieces(model, model.decode_pieces(codes_of(pairs))):
                if means is not None:
                    change_P[pairs] = _squared_change(means)
                yield None
    else:
        yield from in_pieces(len(change_P), 2, measure_change)
    pixel_change_Z = np.sqrt(change_P.reshape(num_dims, each).mean(1))
    kl: Array | None = None
    if isinstance(model, Posterior) and len(images):
        posterior, total_Z = model, np.zeros(num_dims)

        def add_kl(rows: slice) -> None:
            with exploring(model):
                kl_NZ = posterior.kl_per_dim(torch.from_numpy(images[rows]).to(model.device))
                np.add(total_Z, kl_NZ.sum(0).cpu().numpy(), out=total_Z)

        yield from in_pieces(len(images), 1, add_kl)
        kl = Array.of((total_Z / len(images)).astype(np.float32))
    yield DimensionStatsComputed(
        request=command.request, run=command.run, step=step, kl=kl, pixel_change=Array.of(pixel_change_Z)
    )


def codes_each(num_dims: int) -> int:
    """Number of base codes at which each of ``num_dims`` dimensions is measured."""
    return max(1, min(NUM_BASE_CODES, MAX_PAIRS // num_dims))


def _base_codes(model: Family, latent: LatentSpec, images: NDArray[np.uint8]) -> Tensor:
    """(K, Z) codes, always the same."""
    if latent.prior != "normal" and isinstance(model, Encoder) and len(images):
        with exploring(model):
            codes = model.encode(torch.from_numpy(images[:NUM_BASE_CODES]).to(model.device)).float().cpu()
        return codes[torch.arange(NUM_BASE_CODES) % len(codes)]
    return torch.randn(NUM_BASE_CODES, latent.num_dims, generator=torch.Generator().manual_seed(BASE_SEED))


def _pair_codes(latent: LatentSpec, base_KZ: Tensor, each: int, pairs: slice) -> Tensor:
    """(2P, Z) codes: the dimension of each pair low at its base code, then those with it high."""
    low = 0.0 if latent.prior == "bernoulli" else -1.0
    pair_P = torch.arange(pairs.start, min(pairs.stop, latent.num_dims * each))
    dim_P1 = (pair_P // each).unsqueeze(1)
    base_PZ = base_KZ[pair_P % len(base_KZ)]  # in turn also where a dimension takes some of them only
    return torch.cat([base_PZ.scatter(1, dim_P1, low), base_PZ.scatter(1, dim_P1, 1.0)])


def _squared_change(means: Tensor) -> NDArray[np.float32]:
    """(P,) mean square change from the first half of the decoded means to the second."""
    low_PD, high_PD = means.float().flatten(1).chunk(2)
    change: NDArray[np.float32] = (high_PD - low_PD).square().mean(dim=1).cpu().numpy()
    return change
