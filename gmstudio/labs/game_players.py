r"""Generator and discriminator in one or two dimensions, whose densities are known on a grid.

A real point is a draw from a mixture of Gaussians; a generated one is G(z), z ~ N(0, I). Both carry Gaussian noise of a
small deviation s, so that both have densities everywhere: the mixture's with s² added to each variance, and

    q(x) = E_z[N(x; G(z), s² I)],

by quadrature over codes of equal probability. With both the best discriminator and the value of the game are known,

    D*(x) = p(x) / (p(x) + q(x)),    V(D*, G) = E_p[log D*] + E_q[log(1 - D*)] = 2 JSD(p, q) - log 4.

Source: Goodfellow et al. 2014, Generative adversarial nets, arXiv:1406.2661, section 4; the noise, Arjovsky & Bottou
2017, arXiv:1701.04862, section 3.
Shapes: B batch, D dimensions (1 or 2), K modes, M codes, P places on an axis.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.families.adversarial.losses import ADVERSARIAL_LOSSES, AdversarialName
from gmstudio.labs.small_networks import dense_network
from gmstudio.nn.plain_adam import PlainAdam

Numbers = NDArray[np.float64]

REACH = 4.0
"""Ends of the axes."""
G_REACH = 3.2
"""Largest distance of G(z) from 0 on each axis, so that noise does not take it off the axes."""
PLACES = {1: 401, 2: 121}
CODES = {1: 1024, 2: 1024}
HIDDEN = {1: 32, 2: 64}
NUM_WAVES = 4
"""Sines and cosines of each coordinate that D takes beside it, so that it follows densities with several modes."""
BETAS = (0.5, 0.99)


@dataclass(frozen=True, eq=False)
class RealPoints:
    """Equal mixture of Gaussians of one deviation.

    Args:
        means: (K, D).
        deviation: of each Gaussian along each axis, before the noise.
    """

    means: Numbers
    deviation: float

    @classmethod
    def on_a_line(cls, modes: int) -> "RealPoints":
        """Gaussians at even distances from -2 to 2; one: at 1."""
        means = np.linspace(-2.0, 2.0, modes) if modes > 1 else np.ones(1)
        return cls(means[:, None], 0.25)

    @classmethod
    def on_a_grid(cls, side: int) -> "RealPoints":
        """Square grid of Gaussians."""
        places = np.linspace(-2.4, 2.4, side) if side > 1 else np.zeros(1)
        return cls(np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2), 0.12)

    def draw(self, count: int, noise: float, generator: torch.Generator) -> Tensor:
        """(count, D) float32 points with noise."""
        chosen = torch.randint(len(self.means), (count,), generator=generator)
        spread = math.hypot(self.deviation, noise)
        eps = torch.randn((count, self.means.shape[1]), generator=generator)
        return torch.from_numpy(self.means).float()[chosen] + spread * eps


class Players:
    """G and D with their optimizers.

    Args:
        real: the real points.
        noise: s.
        generator: source of weights and of all draws.
    """

    def __init__(self, real: RealPoints, noise: float, generator: torch.Generator) -> None:
        self.real, self.noise, self._source = real, noise, generator
        self.num_dims = real.means.shape[1]
        width = HIDDEN[self.num_dims]
        self.g = dense_network((self.num_dims, width, width, self.num_dims), generator)
        self.d = dense_network((self.num_dims * (1 + 2 * NUM_WAVES), width, width, 1), generator)
        self._g_adam = PlainAdam(self.g.parameters(), betas=BETAS)
        self._d_adam = PlainAdam(self.d.parameters(), betas=BETAS)
        self.axis: Numbers = np.linspace(-REACH, REACH, PLACES[self.num_dims])
        self.codes = _equally_probable(CODES[self.num_dims], self.num_dims)

    def generated(self, z_MD: Tensor) -> Tensor:
        """G(z) without noise: (M, D)."""
        points: Tensor = G_REACH * torch.tanh(z_MD / 2 + self.g(z_MD))
        return points

    def logits(self, x_MD: Tensor) -> Tensor:
        """D before its sigmoid: (M,)."""
        angles = math.pi / REACH * (x_MD[:, :, None] * torch.arange(1, NUM_WAVES + 1)).flatten(1)
        logits: Tensor = self.d(torch.cat([x_MD, angles.sin(), angles.cos()], dim=1)).squeeze(1)
        return logits

    # ---- moves ---------------------------------------------------------------------------------------------

    def step_d(self, batch: int, rate: float) -> None:
        """One update of D by its cross-entropy on real and generated points."""
        real = self.real.draw(batch, self.noise, self._source)
        with torch.no_grad():
            fake = self._fake(batch)
        loss = ADVERSARIAL_LOSSES["minimax"].discriminator(self.logits(real), self.logits(fake))
        _update(self._d_adam, loss, rate)

    def step_g(self, batch: int, rate: float, objective: AdversarialName) -> None:
        """One update of G by one of the objectives of Goodfellow et al. 2014."""
        loss = ADVERSARIAL_LOSSES[objective].generator(self.logits(self._fake(batch)))
        _update(self._g_adam, loss, rate)

    def _fake(self, count: int) -> Tensor:
        z_BD = torch.randn((count, self.num_dims), generator=self._source)
        return self.generated(z_BD) + self.noise * torch.randn((count, self.num_dims), generator=self._source)

    def push_on_g(self, objective: AdversarialName) -> float:
        """Norm of the gradient of G's loss with respect to G's weights, over codes of equal probability."""
        loss = ADVERSARIAL_LOSSES[objective].generator(self.logits(self.generated(self.codes)))
        gradients = torch.autograd.grad(loss, list(self.g.parameters()))
        return math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))

    def pulls(self, points_MD: Tensor, objective: AdversarialName) -> Tensor:
        """Direction in which G's loss falls at generated points, -∂ loss / ∂x of each point: (M, D)."""
        places = points_MD.detach().requires_grad_()
        loss = ADVERSARIAL_LOSSES[objective].generator(self.logits(places)) * len(places)
        (gradients,) = torch.autograd.grad(loss, places)
        return -gradients

    # ---- densities -----------------------------------------------------------------------------------------

    def measure(self) -> "Position":
        """Compute the densities and both discriminators on the grid."""
        with torch.inference_mode():
            atoms = self.generated(self.codes).double().numpy()
        axes = np.meshgrid(*(self.axis,) * self.num_dims)
        places = np.stack([axis.ravel() for axis in axes], axis=1)
        with torch.inference_mode():
            logits = self.logits(torch.from_numpy(places).float()).double().numpy().reshape(axes[0].shape)
        spread = math.hypot(self.real.deviation, self.noise)
        return Position(
            axis=self.axis,
            p=_density(self.real.means, spread, self.axis),
            q=_density(atoms, self.noise, self.axis),
            logits=logits,
            atoms=atoms,
        )

    def modes_covered(self, position: "Position") -> tuple[int, float]:
        """Modes that get a quarter of their share of G(z), and the share of G(z) that is at any mode.

        A point is at a mode within three deviations of real points with noise.
        """
        distances = np.linalg.norm(position.atoms[:, None] - self.real.means, axis=2)
        at = distances.argmin(1)
        near = distances.min(1) <= 3 * math.hypot(self.real.deviation, self.noise)
        counts = np.bincount(at[near], minlength=len(self.real.means))
        fair = len(position.atoms) / len(self.real.means)
        return int((counts >= 0.25 * fair).sum()), float(near.mean())


@dataclass(frozen=True, eq=False)
class Position:
    """Where the game stands, on a grid: densities are (P,) on a line and (P, P) in a plane, row 0 the lowest.

    Args:
        axis: (P,) places.
        p: density of real points.
        q: density of generated points.
        logits: D before its sigmoid.
        atoms: (M, D) G(z) of codes of equal probability.
    """

    axis: Numbers
    p: Numbers
    q: Numbers
    logits: Numbers
    atoms: Numbers

    @property
    def cell(self) -> float:
        """Length or area of a cell of the grid."""
        return float((self.axis[1] - self.axis[0]) ** self.p.ndim)

    @property
    def d(self) -> Numbers:
        """Trained D."""
        found: Numbers = 1 / (1 + np.exp(-self.logits))
        return found

    @property
    def best_d(self) -> Numbers:
        """D* = p / (p + q); one half where neither has a density that a float can hold."""
        both = self.p + self.q
        return np.where(both > 0, self.p / np.where(both > 0, both, 1.0), 0.5)

    @property
    def value(self) -> float:
        """V(D, G) of the trained D, nats."""
        return self._expected(-np.logaddexp(0, -self.logits), -np.logaddexp(0, self.logits))

    @property
    def best_value(self) -> float:
        """V(D*, G), nats."""
        best = self.best_d
        return self._expected(_log(best), _log(1 - best))

    @property
    def jensen_shannon(self) -> float:
        """JSD(p, q) as the mean of KL(p ‖ m) and KL(q ‖ m), m their mean: from 0 to log 2 nats."""
        m = (self.p + self.q) / 2
        return 0.5 * self._expected(_log(self.p) - _log(m), _log(self.q) - _log(m))

    @property
    def mean_d(self) -> float:
        """E_q[D(x)]: mean D of generated points."""
        return float((self.q * self.d).sum() * self.cell)

    def _expected(self, under_p: Numbers, under_q: Numbers) -> float:
        return float((self.p * under_p + self.q * under_q).sum() * self.cell)


def _log(values: Numbers) -> Numbers:
    """Logarithm, 0 where the value is 0: those places have no weight."""
    return np.log(np.where(values > 0, values, 1.0))


def _update(optimizer: torch.optim.Adam, loss: Tensor, rate: float) -> None:
    (group,) = optimizer.param_groups
    group["lr"] = rate
    gradients = torch.autograd.grad(loss, group["params"])
    for parameter, gradient in zip(group["params"], gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()


def _density(centres_KD: Numbers, deviation: float, axis_P: Numbers) -> Numbers:
    """Equal mixture of Gaussians at centres on the grid: (P,), or (P, P) with rows of the second coordinate."""
    kernels = [
        np.exp(-0.5 * ((axis_P[:, None] - centre) / deviation) ** 2) / (math.sqrt(2 * math.pi) * deviation)
        for centre in centres_KD.T
    ]
    if len(kernels) == 1:
        density: Numbers = kernels[0].mean(1)
        return density
    joint: Numbers = kernels[1] @ kernels[0].T / len(centres_KD)
    return joint


def _equally_probable(count: int, num_dims: int) -> Tensor:
    """(count, D) float32 codes in the middles of cells of equal probability of N(0, I); count is a D-th power."""
    side = round(count ** (1 / num_dims))
    axis = torch.special.ndtri((torch.arange(side, dtype=torch.float64) + 0.5) / side).float()
    return torch.cartesian_prod(*(axis,) * num_dims).reshape(-1, num_dims)
