"""Masked convolution: a convolution whose output depends only on earlier pixels in raster order.

Raster order goes row by row, column by column and, within a pixel, through the colours (R → G → B). A convolution
is causal when its kernel is zero below the current row and right of the current column, and when, at the current
pixel itself, a feature of one colour reads only features of earlier colours (mask A) or of earlier colours and its own
(mask B). Features belong to colours in equal, consecutive groups.

Shapes: B batch, F features, G colour groups, H height, W width, K kernel size, R = K//2 + 1 kernel rows that can be
non-zero.

Source: van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks, arXiv:1601.06759, section 3.4
and figure 2.
"""

import math
from functools import cache
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

MaskKind = Literal["A", "B"]
FEW_FEATURES = 3
"""Input features up to which the windows of all pixels are written out."""


@cache
def group_slices(num_features: int, num_groups: int) -> tuple[slice, ...]:
    """Division of features among the colours: consecutive groups, as equal as they can be.

    Args:
        num_features: features to be divided.
        num_groups: colours, 1 (grey) or 3 (RGB).

    Returns:
        The slice of the feature axis that belongs to each colour.

    Raises:
        ValueError: when there are fewer features than groups.
    """
    if num_features < num_groups:
        raise ValueError(
            f"{num_features} features cannot be divided among {num_groups} colours; use {num_groups} or more."
        )
    starts = [math.ceil(group * num_features / num_groups) for group in range(num_groups + 1)]
    return tuple(slice(start, stop) for start, stop in pairwise(starts))


def colour_groups(num_features: int, num_groups: int) -> Tensor:
    """Colour of each feature, as ``group_slices`` divides them: (num_features,) int64."""
    sizes = torch.tensor([group.stop - group.start for group in group_slices(num_features, num_groups)])
    return torch.repeat_interleave(torch.arange(num_groups), sizes)


def causal_mask(kind: MaskKind, out_groups: Tensor, in_groups: Tensor, kernel_size: int) -> Tensor:
    """Mask of a kernel, without its rows below the centre, which would be zero.

    Args:
        kind: A excludes the centre for a feature of the same colour, B includes it.
        out_groups: (F_out,) colour of each output feature.
        in_groups: (F_in,) colour of each input feature.
        kernel_size: odd side K of the kernel.

    Returns:
        (F_out, F_in, K//2 + 1, K) bool; the centre is ``[:, :, -1, K//2]``.
    """
    centre = kernel_size // 2
    mask = torch.ones(len(out_groups), len(in_groups), centre + 1, kernel_size, dtype=torch.bool)
    mask[:, :, centre, centre + 1 :] = False
    earlier = in_groups < out_groups.unsqueeze(1)
    mask[:, :, centre, centre] = earlier if kind == "A" else earlier | (in_groups == out_groups.unsqueeze(1))
    return mask


class MaskedConv2d(nn.Module):
    """A convolution with mask A or B that keeps height and width.

    The weight has only the kernel rows that can be non-zero, so the rows below cost nothing.

    Args:
        kind: A for the first layer, which must not read the pixel that it predicts; B for all others.
        in_features: input features, divided among the colours by ``colour_groups``.
        out_features: output features, likewise.
        kernel_size: odd side K of the kernel.
        num_groups: colours, 1 (grey) or 3 (RGB).
        batch_last: in memory, where windows are written out, the output's batch comes last instead of its channels.

    Raises:
        ValueError: when the kernel size is even, or there are fewer features than colours.
    """

    mask: Tensor

    def __init__(
        self,
        kind: MaskKind,
        in_features: int,
        out_features: int,
        kernel_size: int = 1,
        num_groups: int = 1,
        *,
        batch_last: bool = False,
    ) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"A masked kernel has a centre, so its size is odd, not {kernel_size}.")
        mask = causal_mask(
            kind, colour_groups(out_features, num_groups), colour_groups(in_features, num_groups), kernel_size
        )
        self.kernel_size, self._batch_last = kernel_size, batch_last
        self.register_buffer("mask", mask, persistent=False)
        self.weight = nn.Parameter(torch.empty(mask.shape))
        self.bias = nn.Parameter(torch.empty(out_features))
        self._masks_nothing = bool(mask.all())
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases uniformly within ±1/√(inputs within the feature's mask)."""
        fan_in_F = self.mask.flatten(1).sum(1).clamp(min=1)
        bound_F = 1.0 / fan_in_F.to(self.bias.dtype).sqrt()
        with torch.no_grad():
            self.weight.uniform_(-1.0, 1.0).mul_(bound_F.view(-1, 1, 1, 1)).mul_(self.mask)
            self.bias.uniform_(-1.0, 1.0).mul_(bound_F)

    def masked_weight(self) -> Tensor:
        """(F_out, F_in, R, K), zero outside the mask."""
        return self.weight if self._masks_nothing else self.weight * self.mask

    def forward(self, features_BFHW: Tensor) -> Tensor:
        """(B, F_in, H, W) → (B, F_out, H, W); outside the image everything is zero."""
        padding = self.kernel_size // 2
        if not padding:
            return functional.conv2d(features_BFHW, self.masked_weight(), self.bias)
        if len(self.weight[0]) <= FEW_FEATURES and features_BFHW.device.type == "cpu":
            return self._by_windows(features_BFHW)
        out_BFHW = functional.conv2d(features_BFHW, self.masked_weight(), self.bias, padding=padding)
        # The kernel has no rows below its centre, so padding there yields `padding` rows too many.
        return out_BFHW[:, :, : features_BFHW.shape[2]]

    def _by_windows(self, features_BFHW: Tensor) -> Tensor:
        """The convolution as a product with the window of each pixel; its channels or batch are last in memory.

        For images of one channel the kernels of the CPU take four times as long for the gradient of the weights.
        """
        (batch, _, height, width), padding = features_BFHW.shape, self.kernel_size // 2
        padded = functional.pad(features_BFHW, (padding, padding, padding, 0))
        windows = padded.unfold(2, padding + 1, 1).unfold(3, self.kernel_size, 1)
        weight_FK = self.masked_weight().flatten(1)
        if self._batch_last:
            windows_KN = windows.permute(1, 4, 5, 2, 3, 0).reshape(weight_FK.shape[1], height * width * batch)
            out_FN = torch.addmm(self.bias.unsqueeze(1), weight_FK, windows_KN)
            return out_FN.view(len(weight_FK), height, width, batch).permute(3, 0, 1, 2)
        windows_NK = windows.permute(0, 2, 3, 1, 4, 5).reshape(batch * height * width, weight_FK.shape[1])
        out_NF = torch.addmm(self.bias, windows_NK, weight_FK.T)
        return out_NF.view(batch, height, width, len(weight_FK)).permute(0, 3, 1, 2)

    def extra_repr(self) -> str:
        """Description of this layer in ``print(model)``."""
        out_features, in_features = self.weight.shape[:2]
        return f"{in_features}, {out_features}, kernel_size={self.kernel_size}"


class CausalReach:
    """Receptive field of a stack of masked convolutions, computed from the masks alone.

    It is the same pattern around every position, cut off at the image's border: for every path of dependence that
    leaves the image there is another along the border that does not. So the pattern is computed once.

    Args:
        num_groups: colours G.
        height: H, rows of the image.
        width: W, columns of the image.
        layers: kind and kernel size of each convolution, from the input on. Skip connections over layers of mask
            B change nothing, because mask B includes the position itself.
    """

    def __init__(self, num_groups: int, height: int, width: int, layers: list[tuple[MaskKind, int]]) -> None:
        groups = colour_groups(num_groups, num_groups)
        self._shape = (num_groups, height, width)
        # One target per colour, at the bottom of a canvas that reaches as far left and right as any image position can.
        reach_TGHW = torch.zeros(num_groups, num_groups, height, 2 * width - 1)
        reach_TGHW[groups, groups, -1, width - 1] = 1.0
        for kind, size in reversed(layers):
            mask = causal_mask(kind, groups, groups, size).float()
            padding = size // 2
            padded = functional.pad(reach_TGHW, (0, 0, 0, padding))  # the rows that the forward pass crops
            reach_TGHW = (functional.conv_transpose2d(padded, mask, padding=padding) > 0).float()
        self._pattern_TGHW = reach_TGHW > 0

    def seen_from(self, channel: int, row: int, column: int) -> Tensor:
        """Sub-pixels on which the output at a position can depend: (G, H, W) bool."""
        _, height, width = self._shape
        seen_GHW = torch.zeros(self._shape, dtype=torch.bool)
        columns = slice(width - 1 - column, 2 * width - 1 - column)
        seen_GHW[:, : row + 1] = self._pattern_TGHW[channel, :, height - 1 - row :, columns]
        return seen_GHW
