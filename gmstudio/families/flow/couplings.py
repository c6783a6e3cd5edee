r"""Coupling layers: one part of the state is kept and determines the shift and scale of the other part.

    h'_kept = h_kept,    h'_moved = h_moved ⊙ exp(s(h_kept)) + t(h_kept),    log |det| = Σ s,

inverted by h_moved = (h'_moved - t) ⊙ exp(-s), however complicated s and t are. With s = 0 the coupling is additive and
keeps volume (NICE). As in the paper, s is a learned multiple of a hyperbolic tangent, so that it stays bounded.

Source: Dinh, Krueger & Bengio 2015, NICE, arXiv:1410.8516, section 3.2; Dinh, Sohl-Dickstein & Bengio 2017, Density
estimation using Real NVP, arXiv:1605.08803, sections 3.2 to 3.4 and 4.1.

Shapes: B batch, C channels, H height, W width, N vector entries.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from gmstudio.families.flow.layers import FlowLayer, Step, checkerboard
from gmstudio.nn.stacks import dense_stack

CouplingKind = Literal["affine", "additive"]
FIRST_OUTPUT = 0.1
"""Factor of the initial weights of a network's last layer, so that a coupling starts near the identity."""


class ResidualNet(nn.Module):
    """3×3 convolutions with residual blocks between: (B, num_in, H, W) → (B, num_out, H, W).

    On the CPU the blocks' maps are stored with their channels last, which makes training 10 % faster.

    Args:
        num_in: channels of the input.
        num_channels: channels of the blocks.
        num_blocks: residual blocks of two convolutions each.
        num_out: channels of the output.
    """

    def __init__(self, num_in: int, num_channels: int, num_blocks: int, num_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(num_in, num_channels, 3, padding=1)
        self.blocks = nn.ModuleList(_ResidualBlock(num_channels) for _ in range(num_blocks))
        self.last = _small(nn.Conv2d(num_channels, num_out, 3, padding=1))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, num_out, H, W)."""
        maps = self.first(x_BCHW)
        if maps.device.type == "cpu":
            maps = maps.contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            maps = block(maps)
        out: Tensor = self.last(torch.relu(maps))
        return out.contiguous()


class _ResidualBlock(nn.Module):
    """x + conv(relu(conv(relu(x))))."""

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(num_channels, num_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(num_channels, num_channels, 3, padding=1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        inner = torch.relu(self.conv1(torch.relu(x_BCHW)))
        out: Tensor = x_BCHW + self.conv2(inner)
        return out


class ChannelCoupling(FlowLayer):
    """Coupling that keeps the first half of the channels (or vector entries) and moves the second, or vice versa.

    Args:
        num_channels: channels of the state, 2 or more; of an odd number the first part has one more.
        swap: keep the second part and move the first.
        network: maps the kept channels to shifts, and to as many raw log-scales where the coupling is affine.
        kind: affine or additive.
        num_axes: axes of the state after that of the channels: 2 for maps, 0 for vectors.
    """

    def __init__(self, num_channels: int, swap: bool, network: nn.Module, kind: CouplingKind, num_axes: int) -> None:
        super().__init__()
        self._parts = (num_channels - num_channels // 2, num_channels // 2)
        self._swap = swap
        self.network = network
        self.gain: nn.Parameter | None = None
        if kind == "affine":
            num_moved = self._parts[0] if swap else self._parts[1]
            self.gain = nn.Parameter(torch.ones(num_moved, *[1] * num_axes))

    def forward(self, h: Tensor) -> Step:
        """See ``FlowLayer``."""
        kept, moved = self._split(h)
        shift, log_scale = _shift_and_log_scale(self.network(kept).to(h.dtype), self.gain)
        if log_scale is None:
            return self._joined(kept, moved + shift), h.new_zeros(())
        return self._joined(kept, torch.addcmul(shift, moved, log_scale.exp())), log_scale.flatten(1).sum(1)

    def inverse(self, h: Tensor) -> Step:
        """See ``FlowLayer``."""
        kept, moved = self._split(h)
        shift, log_scale = _shift_and_log_scale(self.network(kept).to(h.dtype), self.gain)
        if log_scale is None:
            return self._joined(kept, moved - shift), h.new_zeros(())
        return self._joined(kept, (moved - shift) * torch.exp(-log_scale)), -log_scale.flatten(1).sum(1)

    def _split(self, h: Tensor) -> tuple[Tensor, Tensor]:
        first, second = h.split(self._parts, dim=1)
        return (second, first) if self._swap else (first, second)

    def _joined(self, kept: Tensor, moved: Tensor) -> Tensor:
        return torch.cat([moved, kept] if self._swap else [kept, moved], dim=1)


class CheckerboardCoupling(FlowLayer):
    """Coupling that keeps the pixels of one colour of a checkerboard and moves those of the other.

    Args:
        image_shape: (C, H, W) of the state, with 2 pixels or more.
        swap: keep the other colour.
        network: maps the state, 0 where it is moved (and the context after it), to shifts of all pixels, and to as many
            raw log-scales where the coupling is affine.
        kind: affine or additive.
    """

    kept: Tensor

    def __init__(
        self, image_shape: tuple[int, int, int], swap: bool, network: nn.Module, kind: CouplingKind = "affine"
    ) -> None:
        super().__init__()
        mask_HW = checkerboard((1, *image_shape[1:]))[0]
        self.register_buffer("kept", 1.0 - mask_HW if swap else mask_HW, persistent=False)
        self.network = network
        self.gain = nn.Parameter(torch.ones(image_shape[0], 1, 1)) if kind == "affine" else None

    def forward(self, h: Tensor, context: Tensor | None = None) -> Step:
        """See ``FlowLayer``; ``context`` (B, K, H, W) is what the network sees besides."""
        shift, log_scale = self._shift_and_log_scale(h, context)
        if log_scale is None:
            return h + shift, h.new_zeros(())
        return torch.addcmul(shift, h, log_scale.exp()), log_scale.flatten(1).sum(1)

    def inverse(self, h: Tensor, context: Tensor | None = None) -> Step:
        """See ``FlowLayer``; ``context`` as in ``forward``."""
        shift, log_scale = self._shift_and_log_scale(h, context)
        if log_scale is None:
            return h - shift, h.new_zeros(())
        return (h - shift) * torch.exp(-log_scale), -log_scale.flatten(1).sum(1)

    def _shift_and_log_scale(self, h: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor | None]:
        seen = h * self.kept
        out = self.network(seen if context is None else torch.cat([seen, context], dim=1)).to(h.dtype)
        shift, log_scale = _shift_and_log_scale(out, self.gain)
        moved = 1.0 - self.kept
        return shift * moved, None if log_scale is None else log_scale * moved


def dense_network(num_in: int, num_hidden: int, num_layers: int, num_out: int) -> nn.Module:
    """A stack of dense layers whose output starts small: (B, num_in) → (B, num_out)."""
    stack = dense_stack(num_in, num_hidden, num_layers, num_out)
    _small(stack[-1])
    return stack


def _small(layer: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(FIRST_OUTPUT)
    return layer


def _shift_and_log_scale(out: Tensor, gain: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Split a network's output into t and s; s is None without a gain, in an additive coupling."""
    if gain is None:
        return out, None
    shift, raw = out.chunk(2, dim=1)
    return shift, gain * torch.tanh(raw)
