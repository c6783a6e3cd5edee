r"""Conservative estimates of log p(x) of a Boltzmann machine by reverse annealing (RAISE).

Annealed importance sampling tends to underestimate log Z, and so flatters the machine. Its chains, begun in the base
model and ended by a Gibbs step at β = 1, define a generative model of their own, whose likelihood has the other bias:

    p_ann(v) = Σ p_0(x_0) Π_k T_k(x_k | x_{k-1}),      x_K = v.

Run backwards from an image v, one step of T_K, then T_{K-1} … T_1, which are reversible, the weights

    w = p*_1(v) / Z_0 · Π_{k=1…K} p*_{β_{k-1}}(x_{k-1}) / p*_{β_k}(x_{k-1})

have the mean p_ann(v) exactly, so that the log of their average is, in expectation, a lower bound of log p_ann(v). With
more temperatures p_ann approaches the machine's p. Over images of the machine itself log p_ann is on average at most
log p (Gibbs' inequality); over images of the data it mostly is, but that is no theorem.

Source: Burda, Grosse & Salakhutdinov, Accurate and Conservative Estimates of MRF Log-likelihood using Reverse
Annealing, AISTATS 2015, arXiv:1412.8566, sections 3 and 4.
Shapes: B images, M chains, D sub-pixels, H hidden units.
"""

import math
import time
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from gmstudio.families.base import Preparation
from gmstudio.families.energy.annealed_importance import PIECE_S, annealing_betas
from gmstudio.families.energy.restricted_boltzmann import RestrictedBoltzmann
from gmstudio.nn.precision import widened, widest


@torch.no_grad()
def reverse_annealing(
    machine: RestrictedBoltzmann,
    base_bias: Tensor,
    x_BD: Tensor,
    num_chains: int,
    num_temperatures: int,
    generator: torch.Generator | None,
) -> Iterator[Preparation | Tensor]:
    """Lower bound, in expectation, of log p_ann of images: progress every few milliseconds, then (B,) nats.

    Args:
        machine: Boltzmann machine.
        base_bias: b⁰ of the base model, of the shape of the visible biases.
        x_BD: images as states.
        num_chains: M, chains for each image; more make the bound tighter.
        num_temperatures: steps from β = 1 to 0.
        generator: source of all noise.

    Raises:
        ValueError: when there are no chains or temperatures.
    """
    if num_chains < 1 or num_temperatures < 1:
        raise ValueError(
            f"{num_chains} chains and {num_temperatures} temperatures: reverse annealing needs at least 1 of each."
        )
    units, size = machine.units, len(x_BD)
    log_p_B = -widened(machine.free_energy(x_BD, machine.activation(units.statistics(x_BD))))
    state_ND = x_BD.repeat_interleave(num_chains, dim=0)
    log_w_N = torch.zeros(len(state_ND), device=base_bias.device, dtype=widest(base_bias.device))
    began = time.perf_counter()
    for number, (beta, lower) in enumerate(pairwise(reversed(annealing_betas(num_temperatures)))):
        if time.perf_counter() - began > PIECE_S:
            yield Preparation(f"reverse annealing, {num_temperatures:,} temperatures", number / num_temperatures)
            began = time.perf_counter()
        state_ND = machine.annealed_step(state_ND, beta, base_bias, generator)
        activation_NH = machine.activation(units.statistics(state_ND))
        log_w_N -= (beta - lower) * widened(units.score(machine.visible_bias - base_bias, state_ND))
        log_w_N -= _hidden_sums(activation_NH, beta) - _hidden_sums(activation_NH, lower)
    drive_1V = torch.zeros(1, units.num_statistics, device=base_bias.device, dtype=base_bias.dtype)
    log_base = units.log_normalizer(widened(units.logits(base_bias, drive_1V))) + machine.num_hidden * math.log(2.0)
    log_w_BM = log_w_N.view(size, num_chains)
    yield log_p_B - log_base + torch.logsumexp(log_w_BM, dim=1) - math.log(num_chains)


def _hidden_sums(activation_NH: Tensor, beta: float) -> Tensor:
    """Σ_j softplus(β a_j), summed in the device's widest floats: (N,)."""
    return functional.softplus(beta * activation_NH).sum(1, dtype=widest(activation_NH.device))
