"""Figures of a generative stochastic network: a walkback, and the reconstruction loss of its steps.

Shapes: N images, K walkback steps.
"""

from torch import Tensor

from gmstudio.families.diagnostics import Figure


def walkback_figure(images: Tensor, names: list[str]) -> Figure:
    """Corrupted and reconstructed images of each step of a walkback.

    Args:
        images: (N · columns, C, H, W) floats in [0, 1], a walkback per row.
        names: of the columns.
    """
    return Figure(
        kind="images",
        name="walkback",
        title="Walkback",
        help="The chain starts from the image on the left, which is corrupted, reconstructed (the mean is shown, a "
        "sample continues the chain), corrupted again. Training makes each reconstruction match the first image.",
        series=tuple(names),
        images=images,
        columns=len(names),
    )


def loss_figure(nats_K: Tensor) -> Figure:
    """Reconstruction loss of each step of a walkback, (K,) nats."""
    return Figure(
        kind="bars",
        name="walkback_nats",
        title="-log p(x | h) at each step of the walkback, nats",
        help="Negative log-likelihood of the validation images under each transition; it rises as the chain moves "
        "away from them.",
        series=("validation images",),
        values=nats_K.unsqueeze(0).float(),
    )
