r"""Log Z of a Boltzmann machine by annealed importance sampling.

A base model whose Z is known, with biases b⁰ and no weights, is turned into the machine through

    p*_β(x) = exp(Σ_d (1-β) b⁰_d(x_d) + β b_d(x_d)) Π_j (1 + exp(β (c_j + (φ(x)ᵀ W)_j))),      β = 0 … 1.

Each chain starts from the base model and makes one block Gibbs step at each temperature; its weight
w = Π_k p*_{β_k}(x_k) / p*_{β_{k-1}}(x_k) has the mean Z / Z_0 exactly, so log(Z_0 · mean w) is, in expectation, a
lower bound of log Z, and tighter with more temperatures.

The standard error of the mean holds where many chains carry it. With few effective chains, (Σ w)² / Σ w² < 50, the
large weights that the mean needs are mostly missing, and so is the spread that they would bring: the interval then
misses log Z, nearly always below it. Such a result is a lower bound only: Ẑ has the mean Z, so that by Markov's
inequality log Ẑ - log 20 is below log Z with a probability of at least 95 %.

Source: Salakhutdinov & Murray, On the Quantitative Analysis of Deep Belief Networks, ICML 2008, section 4.
Shapes: M chains, D sub-pixels, H hidden units.
"""

import math
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from gmstudio.families.base import Preparation
from gmstudio.families.energy.restricted_boltzmann import RestrictedBoltzmann
from gmstudio.families.energy.visible_units import bernoulli
from gmstudio.nn.precision import widened, widest
from gmstudio.nn.products import linear

STRETCHES = ((0.0, 0.5, 1 / 29), (0.5, 0.9, 8 / 29), (0.9, 1.0, 20 / 29))
"""Placement of the temperatures (from β, to β, share of them): the paper's 500, 4,000 and 10,000."""

MIN_EFFECTIVE = 50.0
"""Effective chains from which the three-sigma interval is valid."""
MAX_DOUBLINGS = 3
"""Limit of doublings of the temperatures while fewer chains are effective."""
PIECE_S = 0.004
MARKOV_MARGIN = math.log(20.0)
"""Nats by which log Ẑ exceeds log Z with a probability of at most 5 %."""


class LogZ(NamedTuple):
    """An estimate of log Z, in nats.

    Args:
        value: the estimate.
        low: log of three standard errors below Ẑ; -inf where the errors are larger than Ẑ.
        high: log of three standard errors above Ẑ; neither limit is valid where ``is_lower_bound``.
        effective_chains: (Σ w)² / Σ w², effective sample size of the chains.
        num_temperatures: steps from β = 0 to 1; 0 where log Z was summed.
    """

    value: float
    low: float
    high: float
    effective_chains: float
    num_temperatures: int = 0

    @property
    def is_lower_bound(self) -> bool:
        """True when too few chains are effective for an estimate: the value is then a lower bound in expectation."""
        return self.effective_chains < MIN_EFFECTIVE

    @property
    def confident_low(self) -> float:
        """A lower bound of log Z with a probability of at least 95 %, however few chains are effective."""
        return self.value - MARKOV_MARGIN


def annealing_betas(count: int) -> list[float]:
    """Inverse temperatures β from 0 to 1, ``count`` steps (3 or more), finer towards 1."""
    betas = [0.0]
    for start, end, share in STRETCHES:
        steps = max(1, round(share * count))
        betas += [start + (end - start) * step / steps for step in range(1, steps + 1)]
    return betas


def estimate_log_z(
    machine: RestrictedBoltzmann,
    base_bias: Tensor,
    num_chains: int,
    num_temperatures: int,
    generator: torch.Generator | None,
) -> LogZ:
    """Return the result of ``annealing`` at once."""
    return _last(annealing(machine, base_bias, num_chains, num_temperatures, generator))


def _last(pieces: Iterator[Preparation | LogZ]) -> LogZ:
    *_, found = pieces
    assert isinstance(found, LogZ)
    return found


@torch.no_grad()
def annealing(
    machine: RestrictedBoltzmann,
    base_bias: Tensor,
    num_chains: int,
    num_temperatures: int,
    generator: torch.Generator | None,
) -> Iterator[Preparation | LogZ]:
    """Annealed importance sampling from independent sub-pixels to the machine: progress every few ms, then log Z.

    Args:
        machine: Boltzmann machine whose log Z is estimated.
        base_bias: b⁰, of the shape of the visible biases.
        num_chains: M, at least 2.
        num_temperatures: steps from β = 0 to 1.
        generator: source of all noise.

    Raises:
        ValueError: when there are too few chains or temperatures.
    """
    if num_chains < 2:
        raise ValueError(
            f"{num_chains} chains: annealed importance sampling needs at least 2, to estimate its standard error."
        )
    if num_temperatures < 1:
        raise ValueError(f"{num_temperatures} temperatures: annealed importance sampling needs at least 1.")
    units = machine.units
    drive_MV = torch.zeros(num_chains, units.num_statistics, device=base_bias.device, dtype=base_bias.dtype)
    base_logits = units.logits(base_bias, drive_MV)
    x_MD = machine.independent(num_chains, base_bias, generator)
    log_w_M = torch.zeros(num_chains, device=base_bias.device, dtype=widest(base_bias.device))
    betas, began = annealing_betas(num_temperatures), time.perf_counter()
    for number, (before, beta) in enumerate(pairwise(betas)):
        if time.perf_counter() - began > PIECE_S:
            yield Preparation(f"log Z, {num_temperatures:,} temperatures", number / num_temperatures)
            began = time.perf_counter()
        activation_MH = machine.activation(units.statistics(x_MD))
        log_w_M += (beta - before) * widened(units.score(machine.visible_bias - base_bias, x_MD))
        log_w_M += _hidden_sums(activation_MH, beta) - _hidden_sums(activation_MH, before)
        h_MH = bernoulli(torch.sigmoid(beta * activation_MH), generator)
        bias = torch.lerp(base_bias, machine.visible_bias, beta)
        x_MD = units.sample(units.logits(bias, beta * linear(h_MH, machine.weight_VH)), generator)
    log_base = float(units.log_normalizer(widened(base_logits[:1]))) + machine.num_hidden * math.log(2.0)
    yield _summary(log_base, log_w_M)._replace(num_temperatures=num_temperatures)


def anneal_until_effective(
    machine: RestrictedBoltzmann,
    base_bias: Tensor,
    num_chains: int,
    num_temperatures: int,
    generator: torch.Generator | None,
) -> Iterator[Preparation | LogZ]:
    """Repeat ``annealing`` with twice as many temperatures until ``MIN_EFFECTIVE`` chains are effective.

    After ``MAX_DOUBLINGS`` the last result is final, a lower bound. Yields progress, then the final log Z.
    """
    for doubling in range(MAX_DOUBLINGS + 1):
        for piece in annealing(machine, base_bias, num_chains, num_temperatures * 2**doubling, generator):
            if isinstance(piece, LogZ) and piece.is_lower_bound and doubling < MAX_DOUBLINGS:
                break
            yield piece
            if isinstance(piece, LogZ):
                return


def _hidden_sums(activation_MH: Tensor, beta: float) -> Tensor:
    """Σ_j softplus(β a_j), summed in the device's widest floats: (M,)."""
    return functional.softplus(beta * activation_MH).sum(1, dtype=widest(activation_MH.device))


def _summary(log_base: float, log_w_M: Tensor) -> LogZ:
    count = len(log_w_M)
    value = log_base + float(torch.logsumexp(log_w_M, dim=0)) - math.log(count)
    ratio_M = torch.exp(log_w_M - log_w_M.max())
    ratio_M = ratio_M / ratio_M.mean()
    three_errors = 3.0 * float(ratio_M.std()) / math.sqrt(count)
    low = value + math.log1p(-three_errors) if three_errors < 1.0 else -math.inf
    return LogZ(value, low, value + math.log1p(three_errors), float(count / ratio_M.square().mean()))


def describe_log_z(found: LogZ | None, num_chains: int) -> str:
    """Description of −F(x) − log Z as an estimate or a bound, with log Z where it is known."""
    method = f"annealed importance sampling with {num_chains} chains"
    if found is None:
        return f"estimate, log Z by {method}"
    method += f" and {found.num_temperatures:,} temperatures"
    chains = f"{found.effective_chains:.0f} of them effective"
    if found.is_lower_bound:
        return (
            f"upper bound in expectation, log Z ≥ {found.value:.2f} by {method}, only {chains}; with 95 % confidence "
            f"log Z ≥ {found.confident_low:.2f}"
        )
    interval = f"three sigma from {found.low:.2f} to {found.high:.2f}"
    return f"estimate, log Z by {method}: {found.value:.2f}, {interval}, {chains}"


def warning_on_log_z(found: LogZ | None) -> str:
    """Warning that the estimate is only a bound, with the remedy; empty where enough chains are effective."""
    if found is None or not found.is_lower_bound:
        return ""
    return (
        f"Only {found.effective_chains:.0f} annealing chains are effective, and an estimate takes {MIN_EFFECTIVE:.0f}: "
        "log Z is probably higher, and the log-likelihood lower, than shown. Ask for more chains by --samples."
    )


class LogZMemory:
    """Cache of the last log Z, valid while the weights and the number of chains stay the same.

    So batches of images that are scored one after another share one estimate.
    """

    def __init__(self) -> None:
        self._found: LogZ | None = None
        self._num_chains = 0
        self._weights: list[Tensor] = []

    def find(
        self,
        machine: RestrictedBoltzmann,
        base_bias: Tensor,
        num_chains: int,
        num_temperatures: int,
        generator: torch.Generator | None,
    ) -> LogZ:
        """Return the result of ``pieces`` at once."""
        return _last(self.pieces(machine, base_bias, num_chains, num_temperatures, generator))

    def pieces(
        self,
        machine: RestrictedBoltzmann,
        base_bias: Tensor,
        num_chains: int,
        num_temperatures: int,
        generator: torch.Generator | None,
    ) -> Iterator[Preparation | LogZ]:
        """Progress, then log Z: cached, else exact where it can be enumerated, else ``anneal_until_effective``."""
        weights = list(machine.parameters())
        known = self._found if machine.enumerable() else self.known(num_chains)
        is_same = len(weights) == len(self._weights) and all(
            old.device == new.device and torch.equal(old, new) for old, new in zip(self._weights, weights, strict=True)
        )
        if known is not None and is_same:
            yield known
            return
        if machine.enumerable():
            exact = machine.log_z_exact()
            found = LogZ(exact, exact, exact, math.inf)
        else:
            for piece in anneal_until_effective(machine, base_bias, num_chains, num_temperatures, generator):
                if isinstance(piece, LogZ):
                    found = piece
                else:
                    yield piece
        self._found, self._num_chains = found, num_chains
        self._weights = [w.detach().clone() for w in weights]
        yield found

    def known(self, num_chains: int) -> LogZ | None:
        """Latest estimate, if it used this number of chains."""
        return self._found if self._num_chains == num_chains else None
