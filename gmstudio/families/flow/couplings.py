r"""Coupling layers: one part of the state is kept and determines the shift and scale of the other part.

    h'_kept = h_kept,    h'_moved = h_moved ⊙ exp(s(h_kept)) + t(h_kept),    log |det| = Σ s,

inverted by h_moved = (h'_moved - t) ⊙ exp(-s), however complicated s and t are. With s = 0 the coupling is additive and
keeps volume (NICE). As in the paper, s is a learned multiple of a hyperbolic tangent, so that it stays bounded. Any
other monotone map of each moved value will do: see ``mixture_cdf``.

Source: Dinh, Krueger & Bengio 2015, NICE, arXiv:1410.8516, section 3.2; Dinh, Sohl-Dickstein & Bengio 2017, Density
estimation using Real NVP, arXiv:1605.08803, sections 3.2 to 3.4 and 4.1.

Shapes: B batch, C channels, H height, W width, N vector entries.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from gmstudio.families.flow.layers import FlowLayer, Step, checkerboard
from gmstudio.families.flow.mixture_cdf import (
    mixture_forward,
    mixture_inverse,
    mixture_parameters,
    num_mixture_outputs,
)
from gmstudio.nn.stacks import dense_stack

CouplingKind = Literal["affine", "additive", "mixture"]
FIRST_OUTPUT = 0.1
"""Factor of the initial weights of a network's last layer, so that a coupling starts near the identity."""


class Motion(NamedTuple):
    """The map of the moved values.

    Args:
        kind: scale and shift, shift alone, or the distribution function of a mixture of logistics.
        num_components: of that mixture.
    """

    kind: CouplingKind
    num_components: int = 1

    @property
    def num_outputs(self) -> int:
        """Numbers that a network gives for each moved value."""
        return {"affine": 2, "additive": 1, "mixture": num_mixture_outputs(self.num_components)}[self.kind]


AFFINE = Motion("affine")


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
        network: maps the kept channels to as many numbers per moved channel as the motion takes: all shifts first, then
            all raw log-scales, where the coupling is affine.
        motion: of the moved part.
        num_axes: axes of the state after that of the channels: 2 for maps, 0 for vectors.
    """

    def __init__(self, num_channels: int, swap: bool, network: nn.Module, motion: Motion, num_axes: int) -> None:
        super().__init__()
        self._parts = (num_channels - num_channels // 2, num_channels // 2)
        self._swap, self._motion = swap, motion
        self.network = network
        self.gain: nn.Parameter | None = None
        if motion.kind != "additive":
            num_moved = self._parts[0] if swap else self._parts[1]
            self.gain = nn.Parameter(torch.ones(num_moved, *[1] * num_axes))

    def forward(self, h: Tensor) -> Step:
        """See ``FlowLayer``."""
        return self._run(h, inverse=False)

    def inverse(self, h: Tensor) -> Step:
        """See ``FlowLayer``."""
        return self._run(h, inverse=True)

    def _run(self, h: Tensor, *, inverse: bool) -> Step:
        first, second = h.split(self._parts, dim=1)
        kept, moved = (second, first) if self._swap else (first, second)
        moved, log_slope = _moved(moved, self.network(kept).to(h.dtype), self._motion, self.gain, inverse=inverse)
        joined = torch.cat([moved, kept] if self._swap else [kept, moved], dim=1)
        return joined, h.new_zeros(()) if log_slope is None else log_slope.flatten(1).sum(1)


class CheckerboardCoupling(FlowLayer):
    """Coupling that keeps the pixels of one colour of a checkerboard and moves those of the other.

    Args:
        image_shape: (C, H, W) of the state, with 2 pixels or more.
        swap: keep the other colour.
        network: maps the state, 0 where it is moved (and the context after it), to numbers for all pixels, ordered as
            for ``ChannelCoupling``.
        motion: of the moved pixels.
    """

    kept: Tensor

    def __init__(
        self, image_shape: tuple[int, int, int], swap: bool, network: nn.Module, motion: Motion = AFFINE
    ) -> None:
        super().__init__()
        mask_HW = checkerboard((1, *image_shape[1:]))[0]
        self.register_buffer("kept", 1.0 - mask_HW if swap else mask_HW, persistent=False)
        self._motion = motion
        self.network = network
        self.gain = nn.Parameter(torch.ones(image_shape[0], 1, 1)) if motion.kind != "additive" else None

    def forward(self, h: Tensor, context: Tensor | None = None) -> Step:
        """See ``FlowLayer``; ``context`` (B, K, H, W) is what the network sees besides."""
        if self._motion.kind == "mixture":
            return self._blended(h, context, inverse=False)
        shift, log_scale = self._shift_and_log_scale(h, context)
        if log_scale is None:
            return h + shift, h.new_zeros(())
        return torch.addcmul(shift, h, log_scale.exp()), log_scale.flatten(1).sum(1)

    def inverse(self, h: Tensor, context: Tensor | None = None) -> Step:
        """See ``FlowLayer``; ``context`` as in ``forward``."""
        if self._motion.kind == "mixture":
            return self._blended(h, context, inverse=True)
        shift, log_scale = self._shift_and_log_scale(h, context)
        if log_scale is None:
            return h - shift, h.new_zeros(())
        return (h - shift) * torch.exp(-log_scale), -log_scale.flatten(1).sum(1)

    def _shift_and_log_scale(self, h: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Shift and log-scale of all pixels, 0 where they are kept."""
        shift, log_scale = _shift_and_log_scale(self._outputs(h, context), self.gain)
        moved = 1.0 - self.kept
        return shift * moved, None if log_scale is None else log_scale * moved

    def _blended(self, h: Tensor, context: Tensor | None, *, inverse: bool) -> Step:
        """All pixels moved, and those of the kept colour put back."""
        moved, log_slope = _moved(h, self._outputs(h, context), self._motion, self.gain, inverse=inverse)
        assert log_slope is not None
        is_kept = self.kept > 0
        return torch.where(is_kept, h, moved), torch.where(is_kept, 0.0, log_slope).flatten(1).sum(1)

    def _outputs(self, h: Tensor, context: Tensor | None) -> Tensor:
        seen = h * self.kept
        out: Tensor = self.network(seen if context is None else torch.cat([seen, context], dim=1))
        return out.to(h.dtype)


def dense_network(num_in: int, num_hidden: int, num_layers: int, num_out: int, *, smooth: bool) -> nn.Module:
    """A stack of dense layers whose output starts small: (B, num_in) → (B, num_out).

    Args:
        num_in: entries of the input vector.
        num_hidden: units of a hidden layer.
        num_layers: hidden layers.
        num_out: entries of the output vector.
        smooth: SiLU in place of ReLU, whose kinks would be kinks of the density.
    """
    stack = dense_stack(num_in, num_hidden, num_layers, num_out, nn.SiLU if smooth else nn.ReLU)
    _small(stack[-1])
    return stack


def _small(layer: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(FIRST_OUTPUT)
    return layer


def _moved(
    h: Tensor, out: Tensor, motion: Motion, gain: Tensor | None, *, inverse: bool
) -> tuple[Tensor, Tensor | None]:
    """The moved part and its log-slopes, None where a motion has none; from the outputs of a network."""
    if motion.kind == "mixture":
        assert gain is not None
        parameters = mixture_parameters(out.unflatten(1, (motion.num_outputs, h.shape[1])), gain)
        return (mixture_inverse if inverse else mixture_forward)(h, parameters)
    shift, log_scale = _shift_and_log_scale(out, gain)
    if log_scale is None:
        return (h - shift if inverse else h + shift), None
    if inverse:
        return (h - shift) * torch.exp(-log_scale), -log_scale
    return torch.addcmul(shift, h, log_scale.exp()), log_scale


def _shift_and_log_scale(out: Tensor, gain: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Split a network's output into t and s; s is None without a gain, in an additive coupling."""
    if gain is None:
        return out, None
    shift, raw = out.chunk(2, dim=1)
    return shift, gain * torch.tanh(raw)
