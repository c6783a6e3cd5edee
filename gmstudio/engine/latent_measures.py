"""The engine's side of the Latents panel: what each dimension does to images, and how much it tells of them.

Shapes: Z latent dimensions, K base codes, J dimensions measured at a time, D sub-pixels.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.cards import LatentSpec
from gmstudio.data.dataset import Dataset
from gmstudio.engine.latents import check_fit, dtype_of, exploring, in_pieces, latent_of
from gmstudio.families.base import Family, Latent, Posterior
from gmstudio.messages import Array, Event, LatentsMeasured, MeasureLatents

MAX_MEASURED_IMAGES = 1024
NUM_BASE_CODES = 8
BASE_SEED = 0


def measure(model: Family, step: int, dataset: Dataset, command: MeasureLatents) -> Iterator[Event | None]:
    """Measure what each latent dimension does, in pieces of about ``PIECE_S``.

    ``effect_j = sqrt(mean (decode(z | z_j = 1) - decode(z | z_j = -1))²)``, over base codes z ~ N(0, I) that are always
    the same and over the sub-pixels; units of a Bernoulli code go from 0 to 1, and base codes are off or on alike
    often. ``kl_j`` is the mean of KL(q(z_j|x) ‖ p(z_j)) over validation images.

    Args:
        model: a family with ``decode``.
        step: training step of the weights.
        dataset: of the run; its first ``MAX_MEASURED_IMAGES`` validation images are used.
        command: to be answered.

    Returns:
        A generator of None after each piece and, last, the ``LatentsMeasured``.

    Raises:
        ValueError: at once, when the model has no latent space or the data set's images do not fit it.
    """
    latent_of(model)
    if isinstance(model, Posterior):
        check_fit(model, dataset)
    return _measure_pieces(model, step, dataset.valid.images[:MAX_MEASURED_IMAGES], command)


def _measure_pieces(
    model: Family, step: int, images: NDArray[np.uint8], command: MeasureLatents
) -> Iterator[Event | None]:
    latent = latent_of(model)
    num_dims = latent.latent.num_dims
    base_KZ = _base_codes(latent.latent)
    effect_Z = np.zeros(num_dims, np.float32)

    def measure_effect(dims: slice) -> None:
        with exploring(model):
            effect_Z[dims] = _effect(model, latent, base_KZ, dims)

    yield from in_pieces(num_dims, 2 * NUM_BASE_CODES, measure_effect)
    kl: Array | None = None
    if isinstance(model, Posterior) and len(images):
        posterior, total_Z = model, np.zeros(num_dims)

        def add_kl(rows: slice) -> None:
            with exploring(model):
                kl_NZ = posterior.kl_per_dim(torch.from_numpy(images[rows]).to(model.device))
                np.add(total_Z, kl_NZ.double().sum(0).cpu().numpy(), out=total_Z)

        yield from in_pieces(len(images), 1, add_kl)
        kl = Array.of((total_Z / len(images)).astype(np.float32))
    yield LatentsMeasured(request=command.request, run=command.run, step=step, kl=kl, effect=Array.of(effect_Z))


def _base_codes(latent: LatentSpec) -> Tensor:
    """(K, Z) codes, always the same."""
    generator = torch.Generator().manual_seed(BASE_SEED)
    if latent.prior == "bernoulli":
        return torch.randint(2, (NUM_BASE_CODES, latent.num_dims), generator=generator).float()
    return torch.randn(NUM_BASE_CODES, latent.num_dims, generator=generator)


def _effect(model: Family, latent: Latent, base_KZ: Tensor, dims: slice) -> NDArray[np.float32]:
    """(J,): root mean square change of the means when each of these dimensions goes from low to high."""
    low = 0.0 if latent.latent.prior == "bernoulli" else -1.0
    indices = range(base_KZ.shape[1])[dims]
    codes = base_KZ.repeat(2 * len(indices), 1).unflatten(0, (len(indices), 2, -1))  # (J, 2, K, Z)
    for row, dim in enumerate(indices):
        codes[row, 0, :, dim] = low
        codes[row, 1, :, dim] = 1.0
    means = latent.decode(codes.flatten(0, 2).to(dtype_of(model)).to(model.device)).float()
    low_JKD, high_JKD = means.view(len(indices), 2, len(base_KZ), -1).unbind(1)
    effect: NDArray[np.float32] = (high_JKD - low_JKD).square().mean(dim=(1, 2)).sqrt().cpu().numpy()
    return effect
