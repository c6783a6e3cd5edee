r"""An autoencoder and VAEs with two-dimensional codes, measured alike: codes, noise on them, samples, log-likelihood.

All have a decoder p(x | z) over the levels of each sub-pixel, so that with any distribution π of codes each is a
generative model with log p(x) = log ∫ p(x | z) π(z) dz, by quadrature over a grid of codes.
Shapes: N images, G codes of a grid, D sub-pixels, L levels, P priors.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gmstudio.data.dataset import Dataset
from gmstudio.families.autoencoder import Autoencoder
from gmstudio.families.variational.vae import VAE
from gmstudio.labs.base import Numbers
from gmstudio.labs.code_priors import CodePrior, standard_normal_prior

Coded = Autoencoder | VAE

GRID = 141
CODES_AT_ONCE = 2048
LEAST_REACH, MARGIN = 4.5, 1.25


def to_shares(images: Tensor, levels: int) -> Tensor:
    """(N, C, H, W) levels → (N, D) shares of the largest one."""
    return images.flatten(1).float() / (levels - 1)


@dataclass(eq=False)
class CodedModel:
    """A trained model with its codes.

    Args:
        title: short name.
        model: autoencoder with the pixel likelihood as its reconstruction, or VAE.
        train_codes: (N, 2) of training images: for a VAE a draw from each q(z | x).
        valid_codes: (N, 2) of validation images, likewise.
        valid_means: (N, 2) of validation images without noise: for a VAE the means of q(z | x).
        spread: (2,) standard deviations of the codes.
        deviation: mean standard deviation of one q(z | x) in units of ``spread``; 0 for an autoencoder.
        priors: distributions of codes; the first one is N(0, I).
        log_evidence: (P,) mean log p(x) of validation images for each prior; empty: not measured.
        samples: (P,) share of valid samples, and their mean distance from the data; empty: not measured.
    """

    title: str
    model: Coded
    train_codes: Numbers
    valid_codes: Numbers
    valid_means: Numbers
    spread: Numbers
    deviation: float
    priors: list[CodePrior] = field(default_factory=lambda: [standard_normal_prior()])
    log_evidence: list[float] = field(default_factory=list)
    samples: list[tuple[float, float]] = field(default_factory=list)

    @classmethod
    def of(cls, title: str, model: Coded, dataset: Dataset, generator: torch.Generator) -> "CodedModel":
        """Encode the training and validation images; the generator, on the CPU, draws the codes of a VAE."""
        codes, means, own = [], [], np.zeros((1, 2))
        for split in (dataset.train, dataset.valid):
            x_NCHW = torch.from_numpy(split.images).to(model.device)
            with torch.inference_mode():
                means.append(model.encode(x_NCHW).double().cpu().numpy())
                own = model.posterior(x_NCHW)[1].double().cpu().numpy() if isinstance(model, VAE) else own
            codes.append(means[-1] + own * torch.randn(means[-1].shape, generator=generator).double().numpy())
        spread = codes[0].std(0)
        return cls(title, model, codes[0], codes[1], means[1], spread, float((own / spread).mean()))

    def features(self, codes_N2: Numbers) -> Tensor:
        """Decoder's features of codes."""
        features: Tensor = self.model.decoder(torch.from_numpy(codes_N2).float().to(self.model.device))
        return features

    def means(self, codes_N2: Numbers) -> Tensor:
        """(N, C, H, W) means of p(x | z), from 0 to 1."""
        with torch.inference_mode():
            return self.model.decode(torch.from_numpy(codes_N2).float().to(self.model.device)).cpu()

    def draws(self, codes_N2: Numbers, generator: torch.Generator) -> Tensor:
        """(N, C, H, W) levels drawn from p(x | z)."""
        likelihood = self.model.likelihood
        assert likelihood is not None
        uniforms = torch.rand((len(codes_N2), *self.model.image.shape), generator=generator).to(self.model.device)
        with torch.inference_mode():
            return likelihood.sample(self.features(codes_N2), uniforms).cpu()

    def noisy(self, codes_N2: Numbers, noise: float, generator: torch.Generator) -> Numbers:
        """Codes with Gaussian noise of ``noise`` times ``spread``."""
        eps = torch.randn(codes_N2.shape, generator=generator, dtype=torch.float64).numpy()
        noisy: Numbers = codes_N2 + noise * self.spread * eps
        return noisy

    def reconstruction(self, x_NCHW: Tensor, codes_N2: Numbers) -> float:
        """Mean -log p(x | z), nats."""
        likelihood = self.model.likelihood
        assert likelihood is not None
        with torch.inference_mode():
            log_prob = likelihood.log_prob(self.features(codes_N2), x_NCHW.to(self.model.device))
        return -float(log_prob.mean())

    def measure_evidence(self, x_NCHW: Tensor) -> Iterator[float]:
        """Integrate p(x | z) π(z) over a grid of codes for each prior; yields the share of the work done."""
        self.log_evidence = []
        for found in log_evidence(self, x_NCHW, self.priors):
            if isinstance(found, float):
                yield found
            else:
                self.log_evidence = [float(value) for value in found.mean(1)]


def log_evidence(
    coded: CodedModel, x_NCHW: Tensor, priors: Sequence[CodePrior], places: int = GRID
) -> Iterator[float | Numbers]:
    """Compute log p(x) for each prior by quadrature: yields shares of the work done, then (P, N) nats.

    Args:
        coded: a model.
        x_NCHW: images, integers.
        priors: distributions of codes.
        places: of the grid along each axis.
    """
    likelihood = coded.model.likelihood
    assert likelihood is not None
    reach = max(LEAST_REACH, MARGIN * float(np.abs(coded.train_codes).max()))
    axis = np.linspace(-reach, reach, places)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    levels = coded.model.image.levels
    one_hot = functional.one_hot(x_NCHW.long(), levels).flatten(1).float().to(coded.model.device)
    total = torch.full((len(priors), len(x_NCHW)), -math.inf, dtype=torch.float64)
    for begin in range(0, len(grid), CODES_AT_ONCE):
        codes = grid[begin : begin + CODES_AT_ONCE]
        with torch.inference_mode():
            table_GX = likelihood.level_log_probs(coded.features(codes)).flatten(1).clamp(min=-1e4)
            log_likelihood_GN = (table_GX @ one_hot.T).double().cpu()
        for row, prior in enumerate(priors):
            weights = torch.from_numpy(prior.log_density(codes))
            total[row] = torch.logaddexp(total[row], torch.logsumexp(log_likelihood_GN + weights[:, None], dim=0))
        yield min(1.0, (begin + CODES_AT_ONCE) / len(grid))
    values: Numbers = total.numpy() + 2 * math.log(axis[1] - axis[0])
    yield values
