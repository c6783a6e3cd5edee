"""The Row LSTM: an LSTM that goes down an image row by row, its states joined by a convolution along the row.

The gates of a pixel come from the inputs at and left of it (k×1, mask B) and from the states of the row above at the
k nearest columns (k×1, no mask); its cell continues from the cell right above. So the receptive field is a triangle
that opens upwards. States are expanded by a 1×1 convolution (mask B) and added to the input.

Letters: F features between layers, S states, G = 4·S gates, P pixels in raster order, B images, K kernel size; in the
receptive field, T target colours, C colours, H height, W width.

Source: van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks, arXiv:1601.06759, section 3.1.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.families.autoregressive.masked_conv import causal_mask, colour_groups
from gmstudio.families.autoregressive.pixelrnn.kernels import (
    MaskedKernel,
    expansion_mask,
    initial_gate_bias,
    input_mask,
)
from gmstudio.families.autoregressive.pixelrnn.sweep import Sweep, Wavefront
from gmstudio.families.autoregressive.pixelrnn.wavefront_lstm import NUM_GATES, residual_lstm


class RowLSTM(nn.Module):
    """A residual Row LSTM layer.

    Args:
        num_features: F.
        num_states: S.
        kernel_size: odd K, of input-to-state and of state-to-state.
        num_groups: colours.
        height: rows of the image; with a single one there is no state-to-state.
        width: columns of the image.
    """

    def __init__(
        self, num_features: int, num_states: int, kernel_size: int, num_groups: int, height: int, width: int
    ) -> None:
        super().__init__()
        reach = kernel_size // 2
        fan_in = num_features * (reach + 1) + num_states * kernel_size
        self.input_to_state = MaskedKernel(input_mask(num_states, num_features, kernel_size, num_groups), fan_in)
        has_rows_above = height > 1
        self.state_to_state = (
            MaskedKernel(torch.ones(NUM_GATES * num_states, num_states, kernel_size, dtype=torch.bool), fan_in)
            if has_rows_above
            else None
        )
        self.bias = nn.Parameter(initial_gate_bias(num_states))
        self.expand = MaskedKernel(expansion_mask(num_states, num_features, num_groups))
        self.kernel_size = kernel_size
        self._sweep = Sweep(
            wavefronts=[Wavefront(0, width, row * width) for row in range(height)],
            num_positions=width,
            input_shifts=tuple(range(reach, -1, -1)),
            state_shifts=tuple(range(-reach, reach + 1)) if has_rows_above else (),
        )

    def forward(self, x_FPB: Tensor) -> Tensor:
        """(F, P, B) → (F, P, B)."""
        kernels = [self.input_to_state()]
        if self.state_to_state is not None:
            kernels.append(self.state_to_state())
        weights = [kernel_GFK.transpose(1, 2).flatten(1) for kernel_GFK in kernels]
        weight_GK = torch.cat([*weights, self.bias.unsqueeze(1)], dim=1)
        one_way = (x_FPB.unsqueeze(0), weight_GK.unsqueeze(0), self.expand().unsqueeze(0))
        return residual_lstm(*one_way, self._sweep).squeeze(0)


def row_lstm_reach(reach_TCHW: Tensor, kernel_size: int) -> Tensor:
    """Inputs of a layer that the given outputs can depend on.

    Args:
        reach_TCHW: outputs, for each target colour; bool.
        kernel_size: K.

    Returns:
        (T, C, H, W) bool, the outputs' own positions included.
    """
    colours = reach_TCHW.shape[1]
    own = colour_groups(colours, colours)
    # At a state's own position, the mask includes earlier colours and its own.
    states_TCHW = _through(causal_mask("B", own, own, 1)[:, :, 0, 0], reach_TCHW)
    for row in range(reach_TCHW.shape[2] - 1, 0, -1):
        below_T1W = states_TCHW[:, :, row].any(1, keepdim=True).float()
        above_T1W = functional.max_pool1d(below_T1W, kernel_size, stride=1, padding=kernel_size // 2) > 0
        states_TCHW[:, :, row - 1] |= above_T1W
    seen_TCHW = states_TCHW.clone()
    any_T1HW = states_TCHW.any(1, keepdim=True)
    for tap in range(1, kernel_size // 2 + 1):
        seen_TCHW[..., :-tap] |= any_T1HW[..., tap:]
    return seen_TCHW


def _through(mask_oi: Tensor, reach_TCHW: Tensor) -> Tensor:
    return torch.einsum("oi,tohw->tihw", mask_oi.float(), reach_TCHW.float()) > 0
