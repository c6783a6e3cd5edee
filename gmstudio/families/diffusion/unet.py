"""A small U-Net for images of any size, with a sinusoidal embedding of the time.

Features pass through residual blocks, are halved in size and pass through wider blocks, and are upsampled again, where
skip connections add the features of the same size. At the lowest resolution there is self-attention.

Differences from the paper: one block in the middle, and attention only there; one linear map of the time embedding
computes the shifts of all blocks at once, so that a sampler computes them for all its steps beforehand.

Source: Ho, Jain & Abbeel 2020, Denoising diffusion probabilistic models, arXiv:2006.11239, section 4 and appendix B;
Ronneberger, Fischer & Brox 2015, U-Net, arXiv:1505.04597.

Shapes: B batch, C channels, H height, W width, S shifts of all blocks.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.families.diffusion.denoiser import Denoiser, TimeEmbedding
from gmstudio.nn.stacks import map_sizes

FIRST_OUTPUT = 0.1


class UNetSizes(NamedTuple):
    """Sizes of a U-Net.

    Args:
        num_channels: of the maps at the image's size; twice as many below.
        num_blocks: residual blocks at each resolution, on the way down and on the way up.
        num_scales: largest number of resolutions; fewer where the smaller side would fall below 4.
        attention: self-attention between the positions at the lowest resolution.
    """

    num_channels: int
    num_blocks: int
    num_scales: int
    attention: bool


class UNet(Denoiser):
    """Noisy images and their times → a prediction of the image's shape.

    Args:
        image_shape: (C, H, W).
        sizes: see ``UNetSizes``.
    """

    def __init__(self, image_shape: tuple[int, int, int], sizes: UNetSizes) -> None:
        super().__init__()
        channels, height, width = image_shape
        num_levels = len(map_sizes(height, width)[: sizes.num_scales])
        narrow, wide = sizes.num_channels, 2 * sizes.num_channels
        widths = [narrow] + [wide] * (num_levels - 1)
        self.first = nn.Conv2d(channels, narrow, 3, padding=1)
        self.down_blocks = nn.ModuleList(_blocks(of, of, sizes.num_blocks) for of in widths)
        self.narrower = nn.ModuleList(
            nn.Conv2d(above, below, 3, stride=2, padding=1) for above, below in pairwise(widths)
        )
        self.middle = ResidualBlock(widths[-1], widths[-1])
        self.attention: nn.Module = nn.Identity()
        if sizes.attention and height * width > 1:
            self.attention = Attention(widths[-1])
        self.up_blocks = nn.ModuleList(_blocks(2 * of, of, sizes.num_blocks) for of in widths)
        self.wider = nn.ModuleList(nn.Conv2d(below, above, 3, padding=1) for above, below in pairwise(widths))
        self.last_norm = _norm(narrow)
        self.last = nn.Conv2d(narrow, channels, 3, padding=1)
        with torch.no_grad():
            self.last.weight.mul_(FIRST_OUTPUT)
        going_down = [of for of in widths for _ in range(sizes.num_blocks)]
        self._shift_sizes = [*going_down, widths[-1], *going_down[::-1]]
        self.time = TimeEmbedding(4 * narrow, sum(self._shift_sizes))

    def with_shifts(self, x_BCHW: Tensor, shifts_BS: Tensor) -> Tensor:
        """See ``Denoiser``."""
        shifts = iter(shifts_BS[:, :, None, None].split(self._shift_sizes, dim=1))
        maps = self.first(x_BCHW)
        set_aside = []
        for level, blocks in enumerate(self.down_blocks):
            if level:
                maps = self.narrower[level - 1](maps)
            for block in _modules(blocks):
                maps = block(maps, next(shifts))
                set_aside.append(maps)
        maps = self.attention(self.middle(maps, next(shifts)))
        for level in reversed(range(len(self.up_blocks))):
            for block in _modules(self.up_blocks[level]):
                maps = block(torch.cat([maps, set_aside.pop()], dim=1), next(shifts))
            if level:
                maps = self.wider[level - 1](functional.interpolate(maps, size=set_aside[-1].shape[2:]))
        out: Tensor = self.last(functional.silu(self.last_norm(maps)))
        return out.to(x_BCHW.dtype)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions, with a time-dependent shift between them and a residual connection."""

    def __init__(self, num_in: int, num_out: int) -> None:
        super().__init__()
        self.num_out = num_out
        self.norm1, self.norm2 = _norm(num_in), _norm(num_out)
        self.conv1 = nn.Conv2d(num_in, num_out, 3, padding=1)
        self.conv2 = nn.Conv2d(num_out, num_out, 3, padding=1)
        self.direct: nn.Module = nn.Identity() if num_in == num_out else nn.Conv2d(num_in, num_out, 1)
        with torch.no_grad():
            self.conv2.weight.mul_(FIRST_OUTPUT)

    def forward(self, x_BCHW: Tensor, shift_BC11: Tensor) -> Tensor:
        """(B, num_in, H, W) and (B or 1, num_out, 1, 1) → (B, num_out, H, W)."""
        inner = self.conv1(functional.silu(self.norm1(x_BCHW))) + shift_BC11
        out: Tensor = self.direct(x_BCHW) + self.conv2(functional.silu(self.norm2(inner)))
        return out


class Attention(nn.Module):
    """Self-attention between all positions of a map, with one head and a residual connection."""

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.norm = _norm(num_channels)
        self.queries_keys_values = nn.Conv2d(num_channels, 3 * num_channels, 1, bias=False)
        self.out = nn.Conv2d(num_channels, num_channels, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) → the same shape."""
        parts = self.queries_keys_values(self.norm(x_BCHW)).flatten(2).transpose(1, 2).chunk(3, dim=2)
        attended = functional.scaled_dot_product_attention(*parts)
        out: Tensor = x_BCHW + self.out(attended.transpose(1, 2).reshape(x_BCHW.shape))
        return out


def _blocks(num_in: int, num_out: int, count: int) -> nn.ModuleList:
    return nn.ModuleList(ResidualBlock(num_in, num_out) for _ in range(count))


def _modules(blocks: nn.Module) -> nn.ModuleList:
    assert isinstance(blocks, nn.ModuleList)
    return blocks


def _norm(channels: int) -> nn.GroupNorm:
    """Group normalization with 4 channels per group or more."""
    groups = max(1, min(8, channels // 4))
    while channels % groups:
        groups -= 1
    return nn.GroupNorm(groups, channels)
