r"""Surprisal of each pixel under an autoregressive model.

    s_i = -\log_2 p(x_i | x_{<i}),    \sum_i s_i = -\log_2 p(x)

in any order of the model, summed over the channels of a pixel. Of a class-conditional model p(x) is the mixture over
its labels, whose conditionals are p(x_i | x_{<i}) = \sum_y p(y | x_{<i}) p(x_i | x_{<i}, y).
Shapes: B batch, C channels, H height, W width, D sub-pixels, K labels.
"""

import math
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.engine.evaluation.label_mixture import LabelMixture
from gmstudio.engine.runtime.inspection import exploring, in_pieces
from gmstudio.families.base import Family

MAX_MAPPED = 256
"""Most images of one request."""


@runtime_checkable
class _PerDim(Protocol):
    """Autoregressive models that give the conditional of each sub-pixel's own value."""

    @property
    def own_order(self) -> Tensor:
        """(D, 3) rows (channel, row, column)."""

    def log_prob_per_dim(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """(B, C, H, W) nats."""


def surprisal_refusal(model: Family) -> str:
    """Return why a model has no surprisal of pixels, a sentence with a remedy; empty: it has."""
    if isinstance(model, _PerDim):
        return ""
    return (
        f"{model.card.title} gives no probability of one pixel after another; choose a run of an autoregressive "
        "family, like PixelCNN."
    )


def surprisal_maps(
    model: Family, images: NDArray[np.uint8], mixture: LabelMixture | None = None
) -> Iterator[NDArray[np.float32] | None]:
    """Compute the surprisal of each pixel in small pieces.

    Args:
        model: of an autoregressive family.
        images: (N, C, H, W) levels.
        mixture: of a class-conditional model; None: the model without a label.

    Returns:
        A generator of None after each piece and, last, (N, H, W) bits.

    Raises:
        ValueError: when the model has no surprisal.
    """
    refusal = surprisal_refusal(model)
    if refusal or not isinstance(model, _PerDim):
        raise ValueError(refusal)
    found = np.zeros((len(images), *images.shape[2:]), np.float32)

    def work(rows: slice) -> None:
        with exploring(model):
            x_BCHW = torch.from_numpy(np.array(images[rows])).to(model.device)
            nats_BCHW = _of_mixture(model, x_BCHW, mixture) if mixture else _alone(model, x_BCHW)
            found[rows] = (-nats_BCHW.sum(1) / math.log(2.0)).float().cpu().numpy()

    yield from in_pieces(len(images), 1 if mixture is None else len(mixture.labels), work)
    yield found


def _alone(model: _PerDim, x_BCHW: Tensor) -> Tensor:
    return model.log_prob_per_dim(x_BCHW, model.own_order).double()


def _of_mixture(model: _PerDim, x_BCHW: Tensor, mixture: LabelMixture) -> Tensor:
    """Conditionals under the mixture, (B, C, H, W) nats: differences of log p(x_≤i) along the order."""
    order_D3 = model.own_order
    channels, rows, columns = order_D3.T.tolist()
    joint_KBD = []
    for label, frequency in mixture.frequencies.items():
        labels_B = torch.full((len(x_BCHW),), label, device=x_BCHW.device)
        nats_BD = model.log_prob_per_dim(x_BCHW, order_D3, labels_B).double()[:, channels, rows, columns]
        joint_KBD.append(nats_BD.cumsum(1) + math.log(frequency))
    until_BD = torch.stack(joint_KBD).logsumexp(0)
    own_BD = torch.diff(until_BD, dim=1, prepend=torch.zeros_like(until_BD[:, :1]))
    nats_BCHW = torch.empty(x_BCHW.shape, dtype=torch.float64, device=x_BCHW.device)
    nats_BCHW[:, channels, rows, columns] = own_BD
    return nats_BCHW
