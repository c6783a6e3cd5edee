r"""Gated layers with a vertical and a horizontal stack: masked convolution without a blind spot.

The vertical stack reads all rows above, to both sides, with a rectangular kernel; the horizontal stack reads the row
itself, left of the pixel, and the vertical stack's features of the row above:

    v' = \tanh(V_f v) \odot \sigma(V_g v)
    h' = h + W (\tanh(H_f h + L_f V v) \odot \sigma(H_g h + L_g V v))

where V is (K//2 + 1)×K ending at the row itself, H is 1×K and masked, L and W are 1×1, and V v enters the horizontal
stack shifted down by one row. f and g are the first and the second half of a convolution's output features.

A label adds a vector of its own to the input of either gate, the same one at every pixel.

Source: van den Oord et al. 2016, Conditional Image Generation with PixelCNN Decoders, arXiv:1606.05328, sections 2.1
and 2.2, figure 2; labels: section 2.3.

Shape legend: B batch, F features, G colour groups, H height, W width, K kernel size, P = K // 2.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.families.autoregressive.masked_conv import MaskedConv2d, MaskKind, causal_mask, colour_groups

GATE_GAIN = 2.5
"""Factor of the initial weights before the vertical stack's gates, beyond those that keep the variance. A gate of small
inputs a and b is about a/2: without this factor the signal would vanish after ten layers."""


class HorizontalConv2d(nn.Module):
    """A 1×K convolution over its own row up to the centre; its output is split in halves, each with all colours.

    The weight has only the taps that can be non-zero: those left of the centre and the centre. It has no bias.

    Args:
        kind: mask A or B, see ``causal_mask``.
        in_features: input features, divided among the colours.
        half_features: output features of each half, likewise.
        kernel_size: odd K.
        num_groups: colours G.
    """

    mask: Tensor

    def __init__(self, kind: MaskKind, in_features: int, half_features: int, kernel_size: int, num_groups: int) -> None:
        super().__init__()
        out_groups = colour_groups(half_features, num_groups).repeat(2)
        mask = causal_mask(kind, out_groups, colour_groups(in_features, num_groups), kernel_size)
        self.kind = kind
        self.padding = kernel_size // 2
        self.register_buffer("mask", mask[:, :, -1:, : self.padding + 1].contiguous(), persistent=False)
        self.weight = nn.Parameter(torch.empty(self.mask.shape))
        fan_in_F = self.mask.flatten(1).sum(1).clamp(min=1)
        with torch.no_grad():
            self.weight.normal_().mul_(fan_in_F.rsqrt().view(-1, 1, 1, 1)).mul_(self.mask)
        self._masks_nothing = bool(self.mask.all())

    def masked_weight(self) -> Tensor:
        """(2F_half, F_in, 1, P + 1), zero outside the mask."""
        return self.weight if self._masks_nothing else self.weight * self.mask

    def forward(self, features_BFHW: Tensor) -> Tensor:
        """(B, F_in, H, W) → (B, 2F_half, H, W)."""
        out_BFHW = functional.conv2d(features_BFHW, self.masked_weight(), padding=(0, self.padding))
        # There are no taps right of the centre, so padding there yields `padding` columns too many.
        return out_BFHW[..., : features_BFHW.shape[3]]


class GatedLayer(nn.Module):
    """One layer of both stacks.

    Args:
        kind: A for the first layer, which must not read the pixel that it predicts; B for all others.
        in_features: input features of either stack.
        num_features: p, output features of either stack; those of the horizontal one are divided among the colours.
        kernel_size: odd K.
        num_groups: colours G.
        is_last: no layer follows that reads the vertical stack, so its gate is left out.
        num_labels: number of values of the labels; 0: no labels.
    """

    def __init__(
        self,
        kind: MaskKind,
        in_features: int,
        num_features: int,
        kernel_size: int,
        num_groups: int,
        *,
        is_last: bool = False,
        num_labels: int = 0,
    ) -> None:
        super().__init__()
        self.padding = padding = kernel_size // 2
        self.is_residual = kind == "B"
        self.is_last = is_last
        self.vertical = nn.Conv2d(in_features, 2 * num_features, (padding + 1, kernel_size), padding=padding)
        self.link = nn.Conv2d(2 * num_features, 2 * num_features, 1)
        self.horizontal = HorizontalConv2d(kind, in_features, num_features, kernel_size, num_groups)
        self.out = MaskedConv2d("B", num_features, num_features, 1, num_groups)
        self.vertical_labels = self.horizontal_labels = None
        if num_labels:
            self.vertical_labels = None if is_last else nn.Parameter(torch.zeros(num_labels, 2 * num_features))
            self.horizontal_labels = nn.Parameter(torch.zeros(num_labels, 2 * num_features))
        with torch.no_grad():
            self.vertical.weight.normal_().mul_(GATE_GAIN / math.sqrt(self.vertical.weight[0].numel()))
            self.link.weight.normal_().mul_(1.0 / math.sqrt(2 * num_features))

    def forward(
        self, vertical_BFHW: Tensor, horizontal_BFHW: Tensor, labels_B: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Both stacks' features (B, F, H, W) → those of the next layer; the last layer uses only the second."""
        rows = horizontal_BFHW.shape[2]
        # The kernel has no rows below its centre, so padding there yields `padding` rows too many.
        before_gate_BFHW = self.vertical(vertical_BFHW)[:, :, :rows]
        above_BFHW = self.link(functional.pad(before_gate_BFHW, (0, 0, 1, 0))[:, :, :rows])
        of_vertical_BF, of_horizontal_BF = self.label_features(labels_B)
        if of_horizontal_BF is not None:
            above_BFHW = above_BFHW + of_horizontal_BF[:, :, None, None]
        if of_vertical_BF is not None:
            before_gate_BFHW = before_gate_BFHW + of_vertical_BF[:, :, None, None]
        gated_BFHW = self.out(gate(self.horizontal(horizontal_BFHW) + above_BFHW))
        if self.is_residual:
            gated_BFHW = horizontal_BFHW + gated_BFHW
        return vertical_BFHW if self.is_last else gate(before_gate_BFHW), gated_BFHW

    def label_features(self, labels_B: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        """Terms that labels add before the vertical and the horizontal gate, (B, 2p) each; None without labels."""
        tables = (self.vertical_labels, self.horizontal_labels)
        vertical_BF, horizontal_BF = (None if t is None or labels_B is None else t[labels_B] for t in tables)
        return vertical_BF, horizontal_BF


def gate(features_BFHW: Tensor) -> Tensor:
    """Gated activation tanh(a) ⊙ σ(b) of the halves a and b: (B, 2p, H, W) → (B, p, H, W)."""
    values, gates = features_BFHW.chunk(2, dim=1)
    return torch.tanh(values) * torch.sigmoid(gates)
