"""Small variational autoencoders, and their log p by quadrature."""

import copy
import math

import torch
from torch import Tensor
from torch.distributions import Normal

from gmstudio.families.variational.vae import VAE
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec

TINY = ImageSpec(1, 2, 3, 2)


def build(image: ImageSpec, scale: float = 1.0, **config: object) -> VAE:
    torch.manual_seed(0)
    model = VAE(parse_config(VAE.Config, {"num_hidden": 32, "num_channels": 4, **config}), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
    return model


def exact_log_prob(model: VAE, x: Tensor, side: float = 7.0, points: int = 141) -> Tensor:
    """log ∫ p(x|z) p(z) dz over a two-dimensional latent, by the trapezoidal rule; (B,), nats."""
    model = copy.deepcopy(model).double()
    axis = torch.linspace(-side, side, points, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    log_prior = Normal(0.0, 1.0).log_prob(z).sum(1) + 2 * math.log(2 * side / (points - 1))
    with torch.no_grad():
        features = model.decoder(z)
        levels = [torch.tensor(level).expand(len(z), *model.image.shape) for level in range(model.image.levels)]
        log_probs = torch.stack([model.likelihood.subpixel_log_prob(features, level) for level in levels])
    index = x.flatten(1).long().T  # (D, B)
    table = log_probs.flatten(2).permute(2, 1, 0)  # (D, points², L)
    log_lik = sum(table[d][:, index[d]] for d in range(model.image.num_dims))  # (points², B)
    assert isinstance(log_lik, Tensor)
    return torch.logsumexp(log_lik + log_prior[:, None], dim=0)
