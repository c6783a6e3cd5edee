r"""Marginal likelihood of models that are conditioned on labels, as a mixture over the labels.

    log p(x) = log \sum_y p(y) p(x | y),    p(y): frequencies of the labels among the training images

Shapes: B batch, K labels.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MAX_LABELS = 100
"""Labels up to which a mixture, a pass of the model for each label, is computed."""
MAX_ROWS = 64
"""Pairs of image and label in one pass, about."""


class LabelMixture:
    """p(x) = Σ_y p(y) p(x | y) of a class-conditional model.

    Args:
        frequencies_K: p(y), sums to 1; labels of frequency 0 take no pass.
    """

    def __init__(self, frequencies_K: NDArray[np.float64]) -> None:
        self.labels = np.flatnonzero(frequencies_K).tolist()
        self._log_prior = np.log(frequencies_K[self.labels]).tolist()
        self.frequencies: dict[int, float] = {label: float(frequencies_K[label]) for label in self.labels}
        """Label → p(y), of the labels that occur."""

    @torch.no_grad()
    def log_prob(self, model: Any, x_BCHW: Tensor) -> Tensor:
        """Exact log p(x) of integer images: (B,), nats; in passes of ``MAX_ROWS`` pairs of image and label."""
        size = len(x_BCHW)
        together = max(1, MAX_ROWS // max(1, size))
        joint_KB = []
        for start in range(0, len(self.labels), together):
            labels_K = torch.tensor(self.labels[start : start + together])
            rows = x_BCHW.repeat(len(labels_K), 1, 1, 1)
            joint_KB.append(model.log_prob(rows, labels=labels_K.repeat_interleave(size)).view(-1, size))
        log_KB = torch.cat(joint_KB)
        return (log_KB + torch.tensor(self._log_prior, dtype=log_KB.dtype, device=log_KB.device)[:, None]).logsumexp(0)


def label_mixture(model: Any, train_labels: NDArray[np.int64] | None) -> LabelMixture | None:
    """Return the mixture over the labels of the training images.

    Args:
        model: any model.
        train_labels: (N,) labels of the training images, or None.

    Returns:
        None where the model is not conditioned on labels, there are none that it was trained with, or there are more
        than ``MAX_LABELS``.
    """
    num_classes = getattr(model, "num_classes", 0)
    if not num_classes or train_labels is None:
        return None
    counts_K = np.bincount(train_labels[train_labels < num_classes], minlength=num_classes)
    if not 0 < np.count_nonzero(counts_K) <= MAX_LABELS:
        return None
    return LabelMixture(counts_K / counts_K.sum())
