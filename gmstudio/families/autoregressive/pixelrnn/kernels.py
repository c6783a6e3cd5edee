"""What the Row LSTM and the Diagonal BiLSTM share: masked kernels, the order of gates, the cell of a sampling step.

An LSTM of S states has 4·S gates in the order i, f, o, g, each with the S states' colours in consecutive groups, so
that a state's gates belong to its colour. A sampler computes one colour after another and therefore keeps the gates
colour by colour, and halves the weights of i, f and o, because σ(a) = ½ + ½ tanh(a/2) makes one tanh serve all four.

Source: van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks, arXiv:1601.06759, section 3.1,
equation 3.
"""

import torch
from torch import Tensor, nn

from gmstudio.families.autoregressive.masked_conv import causal_mask, colour_groups, group_slices
from gmstudio.families.autoregressive.pixelrnn.wavefront_lstm import NUM_GATES
from gmstudio.nn.stepping.ops import Array, Program, StepOps


class MaskedKernel(nn.Module):
    """A weight that is zero where a mask hides.

    Args:
        mask: (M, F, …) bool; the first axis is the outputs.
        fan_in: the inputs of an output, for the initial values; counted from the mask if 0.
    """

    mask: Tensor

    def __init__(self, mask: Tensor, fan_in: int = 0) -> None:
        super().__init__()
        self.register_buffer("mask", mask, persistent=False)
        self._masks_nothing = bool(mask.all())
        seen_M = mask.flatten(1).sum(1) if fan_in == 0 else torch.full((len(mask),), fan_in)
        bound_M = seen_M.clamp(min=1).to(torch.get_default_dtype()).rsqrt()
        bound = bound_M.view(-1, *(1 for _ in mask.shape[1:]))
        self.weight = nn.Parameter(torch.empty(mask.shape).uniform_(-1.0, 1.0) * bound * mask)

    def forward(self) -> Tensor:
        """The weight with its mask multiplied in."""
        return self.weight if self._masks_nothing else self.weight * self.mask


def gate_groups(num_states: int, num_groups: int) -> Tensor:
    """The colour to which each gate belongs: (4·S,) int64."""
    return colour_groups(num_states, num_groups).repeat(NUM_GATES)


def input_mask(num_states: int, num_features: int, kernel_size: int, num_groups: int) -> Tensor:
    """Mask B for the pixels left of the current one, up to half the kernel's size away, and itself: (4·S, F, taps)."""
    colours = colour_groups(num_features, num_groups)
    mask = causal_mask("B", gate_groups(num_states, num_groups), colours, kernel_size)
    return mask[:, :, -1, : kernel_size // 2 + 1]


def expansion_mask(num_states: int, num_features: int, num_groups: int) -> Tensor:
    """Mask B for the 1×1 convolution from states to features: (F, S)."""
    states, features = colour_groups(num_states, num_groups), colour_groups(num_features, num_groups)
    return causal_mask("B", features, states, 1)[:, :, 0, 0]


def initial_gate_bias(num_states: int) -> Tensor:
    """(4·S,): 1 for the forget gates, so that an LSTM begins by remembering; 0 for the others."""
    bias_G = torch.zeros(NUM_GATES * num_states)
    bias_G[num_states : 2 * num_states] = 1.0
    return bias_G


def for_stepping(gates_first: Tensor, num_groups: int = 1) -> Tensor:
    """Weights of gates as a sampler wants them: (4·S, …), colour by colour, those of i, f and o halved."""
    num_states = len(gates_first) // NUM_GATES
    halved = gates_first.detach().clone()
    halved[: 3 * num_states] *= 0.5
    by_gate = halved.unflatten(0, (NUM_GATES, num_states))
    own = group_slices(num_states, num_groups)
    return torch.cat([by_gate[:, states].flatten(0, 1) for states in own])


def gate_slices(num_states: int, num_groups: int) -> tuple[slice, ...]:
    """Where ``for_stepping`` put each colour's gates."""
    own = group_slices(num_states, num_groups)
    return tuple(slice(NUM_GATES * states.start, NUM_GATES * states.stop) for states in own)


def cell_program(
    ops: StepOps, gates: Array, before: Array, cell: Array, squashed: Array, state: Array, axis: int = 0
) -> Program:
    """The calls that update LSTM cells, once the gates are there before their nonlinearity.

    Args:
        ops: the array operations.
        gates: 4·S gates on ``axis``, from halved weights; overwritten.
        before: the cells c'.
        cell: where the cells c go; may be ``before``.
        squashed: room of the same shape.
        state: where the states h go.
        axis: 0, or 1 if another axis comes first.
    """
    num_states = gates.shape[axis] // NUM_GATES
    leading = (slice(None),) * axis
    i, f, o, g = (gates[(*leading, slice(n * num_states, (n + 1) * num_states))] for n in range(NUM_GATES))
    sigmoids = gates[(*leading, slice(3 * num_states))]
    half = ops.load(torch.tensor([0.5]))
    return [
        *ops.tanh(gates, gates),
        *ops.multiply(sigmoids, half, sigmoids),
        *ops.add(sigmoids, half, sigmoids),
        *ops.multiply(f, before, squashed),
        *ops.multiply(i, g, g),
        *ops.add(squashed, g, cell),
        *ops.tanh(cell, squashed),
        *ops.multiply(o, squashed, state),
    ]
