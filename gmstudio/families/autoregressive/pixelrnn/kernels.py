"""Masked kernels, the order of gates, and the cell of a sampling step, for the Row LSTM and the Diagonal BiLSTM.

An LSTM of S states has 4·S gates in the order i, f, o (input, forget, output), g (candidate), each with the S states'
colours in consecutive groups, so that a state's gates belong to its colour. A sampler computes one colour after another
and therefore stores the gates colour by colour (``for_stepping``).

*Folded factor.* Because σ(a) = ½ + ½ tanh(a/2), one call takes the hyperbolic tangent of all four gates, if i, f and o
come as a/2. ``for_stepping`` multiplies this factor, ``SIGMOID_SCALE``, into the weights and biases that compute them;
``cell_program`` does the rest.

Source: van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks, arXiv:1601.06759, section 3.1,
equation 3.
"""

import torch
from torch import Tensor, nn

from gmstudio.families.autoregressive.masked_conv import causal_mask, colour_groups, group_slices
from gmstudio.families.autoregressive.pixelrnn.wavefront_lstm import NUM_GATES
from gmstudio.nn.stepping.ops import Array, Program, StepOps

SIGMOID_SCALE = 0.5
"""Factor of the argument, and of the result, in σ(a) = ½ + ½ tanh(a/2)."""
NUM_SIGMOIDS = 3
"""The first gates, i, f and o, have a sigmoid; g has a hyperbolic tangent."""


class MaskedKernel(nn.Module):
    """A weight that is zero outside a mask.

    Args:
        mask: (M, F, …) bool; the first axis is the outputs.
        fan_in: number of inputs of an output, for the initial values; counted from the mask if 0.
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
    """Colour to which each gate belongs: (4·S,) int64."""
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


def for_stepping(weight_G: Tensor, num_groups: int = 1) -> Tensor:
    """Rearrange weights of gates for a sampler.

    Args:
        weight_G: (4·S, …), ordered by gate; an axis of weights or biases per gate comes first.
        num_groups: colours.

    Returns:
        (4·S, …), ordered by colour and within a colour by gate; those of i, f and o times ``SIGMOID_SCALE``.
    """
    num_states = len(weight_G) // NUM_GATES
    scaled = weight_G.detach().clone()
    scaled[: NUM_SIGMOIDS * num_states] *= SIGMOID_SCALE
    by_gate = scaled.unflatten(0, (NUM_GATES, num_states))
    return torch.cat([by_gate[:, states].flatten(0, 1) for states in group_slices(num_states, num_groups)])


def gate_slices(num_states: int, num_groups: int) -> tuple[slice, ...]:
    """Place of each colour's gates in the order of ``for_stepping``."""
    own = group_slices(num_states, num_groups)
    return tuple(slice(NUM_GATES * states.start, NUM_GATES * states.stop) for states in own)


def cell_program(
    ops: StepOps, gates: Array, cell_before: Array, cell: Array, scratch: Array, state: Array, axis: int = 0
) -> Program:
    """Calls that update LSTM cells: c = f ⊙ c' + i ⊙ g and h = o ⊙ tanh(c).

    Args:
        ops: the array operations.
        gates: the 4·S gates of some states before their nonlinearity, from weights of ``for_stepping``; overwritten.
        cell_before: the cells c'.
        cell: where the cells c are written; may be ``cell_before``.
        scratch: a buffer of the same shape.
        state: where the states h are written.
        axis: of the gates; 0, or 1 if another axis comes first.
    """
    num_states = gates.shape[axis] // NUM_GATES
    leading = (slice(None),) * axis
    i, f, o, g = (gates[(*leading, slice(n * num_states, (n + 1) * num_states))] for n in range(NUM_GATES))
    sigmoids = gates[(*leading, slice(NUM_SIGMOIDS * num_states))]
    half = ops.number(SIGMOID_SCALE)
    return [
        *ops.tanh(gates, gates),
        *ops.multiply(sigmoids, half, sigmoids),
        *ops.add(sigmoids, half, sigmoids),
        *ops.multiply(f, cell_before, scratch),
        *ops.multiply(i, g, g),
        *ops.add(scratch, g, cell),
        *ops.tanh(cell, scratch),
        *ops.multiply(o, scratch, state),
    ]
