r"""A Boltzmann machine without connections inside its layers: energy, free energy, block Gibbs steps, exact log Z.

    E(x, h) = -Σ_d b_d(x_d) - Σ_j c_j h_j - φ(x)ᵀ W h,      p(x, h) = exp(-E(x, h)) / Z,
    F(x) = -log Σ_h exp(-E(x, h)) = -Σ_d b_d(x_d) - Σ_j softplus(c_j + (φ(x)ᵀ W)_j),   p(x) = exp(-F(x)) / Z.

Source: Hinton, Training Products of Experts by Minimizing Contrastive Divergence, Neural Computation 14, 2002;
Salakhutdinov, Mnih & Hinton, Restricted Boltzmann Machines for Collaborative Filtering, ICML 2007, section 2 (softmax
units); Besag, Statistical Analysis of Non-Lattice Data, The Statistician 24, 1975 (pseudo-likelihood).
Shapes: B batch, D sub-pixels, V visible statistics, H hidden units (binary), L levels.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.families.energy.visible_units import BinaryUnits, VisibleKind, bernoulli, visible_units
from gmstudio.nn.precision import widened
from gmstudio.nn.products import linear, product

MAX_ENUMERATED_BITS = 20
"""The smaller layer may have at most 2^20 states for log Z to be summed exactly."""
MAX_FLOATS = 2**22


class RestrictedBoltzmann(nn.Module):
    """Parameters of the machine, with energies, conditionals and chains.

    Args:
        num_dims: D.
        levels: L.
        num_hidden: H.
        deviation: standard deviation of the initial weights.
        visible: kind of visible units.
    """

    def __init__(
        self, num_dims: int, levels: int, num_hidden: int, deviation: float = 0.01, visible: VisibleKind = "levels"
    ) -> None:
        super().__init__()
        self.units = visible_units(num_dims, levels, visible)
        self.num_hidden = num_hidden
        self.weight_VH = nn.Parameter(torch.randn(self.units.num_statistics, num_hidden).mul_(deviation))
        self.visible_bias = nn.Parameter(torch.zeros(self.units.bias_shape))
        self.hidden_bias_H = nn.Parameter(torch.zeros(num_hidden))

    def activation(self, statistics_BV: Tensor) -> Tensor:
        """Input of each hidden unit, c + φ(x)ᵀ W: (B, H); p(h_j = 1 | x) is its sigmoid."""
        inputs_BH = product(statistics_BV, self.weight_VH)
        return inputs_BH.to(statistics_BV.dtype).add_(self.hidden_bias_H)

    def visible_logits(self, h_BH: Tensor) -> Tensor:
        """Logits of p(x|h), the input of the visible units' methods."""
        drive_BV = linear(h_BH, self.weight_VH).to(h_BH.dtype)
        return self.units.logits(self.visible_bias, drive_BV)

    def free_energy(self, x_BD: Tensor, activation_BH: Tensor) -> Tensor:
        """F(x): (B,), nats, from states and their ``activation``."""
        return -self.units.score(self.visible_bias, x_BD) - functional.softplus(activation_BH).sum(1)

    def draw_hidden(self, x_BD: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draw from p(h|x): (B, H) floats 0 or 1."""
        return bernoulli(torch.sigmoid(self.activation(self.units.statistics(x_BD))), generator)

    def draw_visible(self, h_BH: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draw from p(x|h): (B, D) states."""
        return self.units.sample(self.visible_logits(h_BH), generator)

    @torch.no_grad()
    def independent(self, n: int, bias: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draw states (n, D) of visible units with these biases and without hidden units."""
        drive_NV = torch.zeros(n, self.units.num_statistics, device=bias.device, dtype=bias.dtype)
        return self.units.sample(self.units.logits(bias, drive_NV), generator)

    @torch.no_grad()
    def gibbs_step(self, x_BD: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Draw h ~ p(h|x), then x ~ p(x|h): the new states and the means they were drawn from, each (B, D)."""
        logits = self.visible_logits(self.draw_hidden(x_BD, generator))
        return self.units.sample(logits, generator), self.units.mean(logits)

    @torch.no_grad()
    def annealed_step(self, x_BD: Tensor, beta: float, base_bias: Tensor, generator: torch.Generator | None) -> Tensor:
        """One block Gibbs step at inverse temperature β, between independent pixels (0) and the machine itself (1)."""
        h_BH = bernoulli(torch.sigmoid(beta * self.activation(self.units.statistics(x_BD))), generator)
        bias = torch.lerp(base_bias, self.visible_bias, beta)
        return self.units.sample(self.units.logits(bias, beta * linear(h_BH, self.weight_VH)), generator)

    def pseudo_nll(
        self, x_BD: Tensor, activation_BH: Tensor, most_rows: int, generator: torch.Generator | None
    ) -> Tensor:
        """-D log p(x_i | all other sub-pixels), with i drawn for each image: 0-dim, nats per image.

        Args:
            x_BD: states.
            activation_BH: theirs.
            most_rows: largest number of hidden layers to compute, one per level of an image; further images are left
                out.
            generator: source of i.
        """
        some = slice(max(1, most_rows // self.units.levels))
        i_B = torch.randint(self.units.num_dims, (len(x_BD),), generator=generator, device=x_BD.device)[some]
        x_BD, activation_BH = x_BD[some], activation_BH[some]
        value_B = x_BD.gather(1, i_B.unsqueeze(1)).squeeze(1)
        if isinstance(self.units, BinaryUnits):
            nats_B = functional.softplus(self._gain_of_flip(activation_BH, i_B, value_B))
            return self.units.num_dims * nats_B.mean()
        return self.units.num_dims * self._level_entropy(activation_BH, i_B, value_B.long())

    def _gain_of_flip(self, activation_BH: Tensor, i_B: Tensor, value_B: Tensor) -> Tensor:
        """F(x) - F(x with binary sub-pixel i flipped): (B,), nats."""
        sign_B = 1.0 - 2.0 * value_B
        flipped_BH = torch.addcmul(activation_BH, sign_B.unsqueeze(1), self.weight_VH[i_B])
        gained_B = (functional.softplus(flipped_BH) - functional.softplus(activation_BH)).sum(1)
        return torch.addcmul(gained_B, sign_B, self.visible_bias[i_B, 0])

    def _level_entropy(self, activation_BH: Tensor, i_B: Tensor, value_B: Tensor) -> Tensor:
        """-log p(x_i | all other sub-pixels), averaged: 0-dim, nats."""
        units, weight = self.units, self.weight_VH
        phi_LF = units.level_features().to(weight)
        weight_BFH = weight.unflatten(0, (units.num_dims, units.num_features))[i_B]
        change_BLF = phi_LF - phi_LF[value_B].unsqueeze(1)
        activation_BLH = activation_BH.unsqueeze(1) + (change_BLF @ weight_BFH).to(activation_BH.dtype)
        score_BL = units.level_scores(self.visible_bias)[i_B] + functional.softplus(activation_BLH).sum(2)
        return functional.cross_entropy(score_BL, value_B)

    # ---- log Z by enumeration ------------------------------------------------------------------------------

    def enumerable(self) -> bool:
        """The smaller layer has few enough states to sum over."""
        return min(self.num_hidden, self._visible_bits()) <= MAX_ENUMERATED_BITS

    @torch.no_grad()
    def log_z_exact(self) -> float:
        """Log Z in nats, by summing over all states of the smaller layer in the device's widest floats.

        Raises:
            ValueError: when both layers have too many states.
        """
        if not self.enumerable():
            raise ValueError(
                f"{self.num_hidden} hidden units and {self.units.num_dims} sub-pixels of {self.units.levels} levels: "
                f"log Z can be summed exactly only where one layer has at most 2^{MAX_ENUMERATED_BITS} states. "
                "Estimate it by annealed importance sampling."
            )
        over_hidden = self.num_hidden <= self._visible_bits()
        parts = self._sums_over_visible() if over_hidden else self._sums_over_hidden()
        return float(torch.logsumexp(torch.cat(list(parts)), dim=0))

    def _visible_bits(self) -> float:
        return self.units.num_dims * math.log2(self.units.levels)

    def _sums_over_visible(self) -> Iterator[Tensor]:
        """Log Σ_x exp(-E(x, h)) of every hidden state, in chunks."""
        units, weight = self.units, widened(self.weight_VH)
        rows = max(1, MAX_FLOATS // (units.num_dims * units.levels))
        for h_NH in _all_states(self.num_hidden, 2, rows, weight.device):
            h_NH = widened(h_NH)
            drive = (h_NH @ weight.T).unflatten(1, (units.num_dims, units.num_features))
            logits_NDL = drive @ units.level_features().to(drive).T + units.level_scores(widened(self.visible_bias))
            yield torch.logsumexp(logits_NDL, dim=-1).sum(1) + h_NH @ widened(self.hidden_bias_H)

    def _sums_over_hidden(self) -> Iterator[Tensor]:
        """-F(x) of every image, in chunks."""
        units, weight = self.units, widened(self.weight_VH)
        phi_LF = units.level_features().to(weight)
        scores_DL = units.level_scores(widened(self.visible_bias))
        rows = max(1, MAX_FLOATS // max(units.num_statistics, self.num_hidden))
        for x_ND in _all_states(units.num_dims, units.levels, rows, weight.device):
            activation_NH = phi_LF[x_ND].flatten(1) @ weight + widened(self.hidden_bias_H)
            score_N = scores_DL[torch.arange(units.num_dims, device=x_ND.device), x_ND].sum(1)
            yield score_N + functional.softplus(activation_NH).sum(1)


def _all_states(num_units: int, levels: int, rows: int, device: torch.device) -> Iterator[Tensor]:
    """Every assignment of ``levels`` values to the units, (N, units) int64, at most ``rows`` at a time."""
    powers = levels ** torch.arange(num_units, device=device)
    for start in range(0, levels**num_units, rows):
        numbers = torch.arange(start, min(start + rows, levels**num_units), device=device)
        yield (numbers.unsqueeze(1) // powers) % levels
