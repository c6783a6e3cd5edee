"""Map from a few features per sub-pixel to a distribution over its levels.

    2 levels: one feature, the log odds of level 1;   3 to 8: a logit each;   more: 8 features and a linear map

The linear map is learned and shared by all sub-pixels, as in ``CategoricalLikelihood``: neighbouring levels start out
alike, and the network before it does not grow with the number of levels.

Shapes: B batch, D sub-pixels, F features per sub-pixel, L levels.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.nn.likelihoods import CategoricalLikelihood
from gmstudio.nn.stepping.ops import FloatArray


class LevelLogits(nn.Module):
    """Layer from features (B, F, D) to log-probabilities of levels.

    Args:
        levels: values a sub-pixel can take, 2 or more.

    Attributes:
        num_features: F.
    """

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.levels = levels
        self.categorical = CategoricalLikelihood(levels) if levels > 2 else None
        self.num_features = 1 if self.categorical is None else self.categorical.num_features

    def forward(self, features_BFD: Tensor) -> Tensor:
        """Unnormalized log-probabilities of all levels: (B, L, D)."""
        if self.categorical is None:
            return functional.pad(features_BFD, (0, 0, 1, 0))
        if self.categorical.basis_FL is None:
            return features_BFD
        return torch.einsum("bfd,fl->bld", features_BFD, self.categorical.basis_FL)

    def log_prob(self, features_BFD: Tensor, x_BD: Tensor) -> Tensor:
        """Log-probability of integer values: (B, D), nats."""
        if self.categorical is None:
            logit_BD = features_BFD.squeeze(1)
            return -functional.binary_cross_entropy_with_logits(logit_BD, x_BD.to(logit_BD.dtype), reduction="none")
        return -functional.cross_entropy(self(features_BFD), x_BD.long(), reduction="none")

    def contrast(self) -> Tensor:
        """(F,) effect of each feature on the logit of the highest level against that of the lowest."""
        matrix_LF = self.matrix()
        return matrix_LF[-1] - matrix_LF[0]

    def matrix(self) -> Tensor:
        """Matrix (L, F) from a sub-pixel's features to its logits."""
        if self.categorical is None:
            return torch.tensor([[0.0], [1.0]])
        if self.categorical.basis_FL is None:
            return torch.eye(self.levels)
        return self.categorical.basis_FL.detach().T


def step_logits(features_AFn: FloatArray, to_levels_LF: FloatArray) -> FloatArray:
    """Logits of A images at n steps, by the ``matrix`` of a ``LevelLogits``: (A, n, L)."""
    logits_AnL: FloatArray
    if len(to_levels_LF) > 2:
        logits_AnL = np.matmul(features_AFn.transpose(0, 2, 1), to_levels_LF.T)
        return logits_AnL
    logits_AnL = np.zeros((len(features_AFn), features_AFn.shape[2], 2), dtype=np.float32)
    logits_AnL[:, :, 1] = features_AFn[:, 0]
    return logits_AnL
