r"""Losses of discriminator and generator, by objective.

D's output before any sigmoid is its logit, or score, s: σ(s) is the probability of being real for the two objectives
of Goodfellow et al. 2014. Source: Goodfellow et al. 2014, arXiv:1406.2661, section 3; Mao et al. 2017 (least squares),
arXiv:1611.04076, section 3.2; Lim & Ye 2017 (hinge), arXiv:1705.02894, and Miyato et al. 2018, arXiv:1802.05957,
section 4; Arjovsky et al. 2017 (Wasserstein), arXiv:1701.07875, and Gulrajani et al. 2017, arXiv:1704.00028, section 4.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

AdversarialName = Literal["non-saturating", "minimax", "least squares", "hinge", "wasserstein"]


@dataclass(frozen=True)
class AdversarialLosses:
    """One objective.

    Args:
        discriminator: scores of real (B,) and of generated images (B,) → 0-dim.
        generator: scores of generated images (B,) → 0-dim.
        is_probability: D's output is a probability.
        unit: of both losses.
        latex_discriminator: formula of D's loss.
        latex_generator: formula of G's loss.
        help_discriminator: one sentence.
        help_generator: one sentence.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    is_probability: bool
    unit: str
    latex_discriminator: str
    latex_generator: str
    help_discriminator: str
    help_generator: str

    def shown(self, scores: Tensor) -> Tensor:
        """D's output for display: a probability, or the score itself."""
        return torch.sigmoid(scores) if self.is_probability else scores


def _cross_entropy(real_B: Tensor, fake_B: Tensor) -> Tensor:
    return functional.softplus(-real_B).mean() + functional.softplus(fake_B).mean()


_CROSS_ENTROPY = (
    r"\mathcal{L}_D = -\mathbb{E}_{x}\left[\log D(x)\right] - \mathbb{E}_{z}\left[\log\left(1 - D(G(z))\right)\right]"
)
_CROSS_ENTROPY_HELP = "Cross-entropy of classifying real and generated images; 2 log 2 = 1.386 at chance."

ADVERSARIAL_LOSSES: dict[AdversarialName, AdversarialLosses] = {
    "non-saturating": AdversarialLosses(
        discriminator=_cross_entropy,
        generator=lambda fake_B: functional.softplus(-fake_B).mean(),
        is_probability=True,
        unit="nats",
        latex_discriminator=_CROSS_ENTROPY,
        latex_generator=r"\mathcal{L}_G = -\mathbb{E}_{z}\left[\log D(G(z))\right]",
        help_discriminator=_CROSS_ENTROPY_HELP,
        help_generator="Surprisal −log D of classifying generated images as real; log 2 = 0.693 at chance.",
    ),
    "minimax": AdversarialLosses(
        discriminator=_cross_entropy,
        generator=lambda fake_B: -functional.softplus(fake_B).mean(),
        is_probability=True,
        unit="nats",
        latex_discriminator=_CROSS_ENTROPY,
        latex_generator=r"\mathcal{L}_G = \mathbb{E}_{z}\left[\log\left(1 - D(G(z))\right)\right]",
        help_discriminator=_CROSS_ENTROPY_HELP,
        help_generator="Value of the game for G; -log 2 = -0.693 when D is at chance, 0 when D wins.",
    ),
    "least squares": AdversarialLosses(
        discriminator=lambda real_B, fake_B: 0.5 * ((real_B - 1.0).square().mean() + fake_B.square().mean()),
        generator=lambda fake_B: 0.5 * (fake_B - 1.0).square().mean(),
        is_probability=False,
        unit="",
        latex_discriminator=(
            r"\mathcal{L}_D = \frac{1}{2}\mathbb{E}_{x}\left[(D(x) - 1)^2\right]"
            r" + \frac{1}{2}\mathbb{E}_{z}\left[D(G(z))^2\right]"
        ),
        latex_generator=r"\mathcal{L}_G = \frac{1}{2}\mathbb{E}_{z}\left[(D(G(z)) - 1)^2\right]",
        help_discriminator="Half the squared distances of D from 1 on real and 0 on generated images; 1/4 at chance.",
        help_generator="Half the squared distance of D from 1 on generated images; 1/8 when D is at chance.",
    ),
    "hinge": AdversarialLosses(
        discriminator=lambda real_B, fake_B: torch.relu(1.0 - real_B).mean() + torch.relu(1.0 + fake_B).mean(),
        generator=lambda fake_B: -fake_B.mean(),
        is_probability=False,
        unit="",
        latex_discriminator=(
            r"\mathcal{L}_D = \mathbb{E}_{x}\left[\max(0, 1 - D(x))\right]"
            r" + \mathbb{E}_{z}\left[\max(0, 1 + D(G(z)))\right]"
        ),
        latex_generator=r"\mathcal{L}_G = -\mathbb{E}_{z}\left[D(G(z))\right]",
        help_discriminator="Shortfall of the scores from the margins, 1 on real and -1 on generated; 2 at chance.",
        help_generator="Minus the mean score of generated images.",
    ),
    "wasserstein": AdversarialLosses(
        discriminator=lambda real_B, fake_B: fake_B.mean() - real_B.mean(),
        generator=lambda fake_B: -fake_B.mean(),
        is_probability=False,
        unit="",
        latex_discriminator=(
            r"\mathcal{L}_D = \mathbb{E}_{z}\left[D(G(z))\right] - \mathbb{E}_{x}\left[D(x)\right]"
            r" + \lambda\, \mathbb{E}_{\hat{x}}\left[\left(\lVert\nabla D(\hat{x})\rVert_2 - 1\right)^2\right]"
        ),
        latex_generator=r"\mathcal{L}_G = -\mathbb{E}_{z}\left[D(G(z))\right]",
        help_discriminator=(
            "Minus the estimated Wasserstein distance between real and generated images, plus the weighted penalty."
        ),
        help_generator="Minus the mean score of generated images.",
    ),
}


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real_BCHW: Tensor, fake_BCHW: Tensor, generator: torch.Generator
) -> Tensor:
    """Distance of the norm of the critic's gradient from 1 at random points between real and generated images.

    Works within ``torch.no_grad`` too; then the result has no graph.

    Args:
        critic: (B, C, H, W) → (B,).
        real_BCHW: real images.
        fake_BCHW: generated images, detached.
        generator: source of the positions between them.

    Returns:
        The mean of (‖∇D‖₂ - 1)², 0-dim.
    """
    keep_graph = torch.is_grad_enabled()
    place_B = torch.rand(len(real_BCHW), 1, 1, 1, generator=generator, device=real_BCHW.device, dtype=real_BCHW.dtype)
    with torch.enable_grad():
        between = torch.lerp(real_BCHW, fake_BCHW, place_B).detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=keep_graph)
    penalty: Tensor = (slope.flatten(1).norm(dim=1) - 1.0).square().mean()
    return penalty
