"""Corruptions of images, as denoising autoencoders are trained on.

Source: Vincent et al., Stacked Denoising Autoencoders, JMLR 2010, section 3.3.
"""

from typing import Literal

import torch
from torch import Tensor

CorruptionName = Literal["none", "gaussian", "masking", "salt and pepper"]


def corrupt(grey_BCHW: Tensor, name: CorruptionName, level: float, generator: torch.Generator | None) -> Tensor:
    """Corrupt images; all channels of a pixel are masked, blackened or whitened together.

    Args:
        grey_BCHW: (B, C, H, W) floats, black 0 and white 1.
        name: ``gaussian`` adds noise to each sub-pixel, ``masking`` sets pixels to 0, ``salt and pepper`` to 0 or 1.
        level: standard deviation of the Gaussian noise; else the probability of a pixel to be set.
        generator: source of the noise; not touched for ``none``.

    Returns:
        (B, C, H, W) floats; Gaussian noise may leave [0, 1].
    """
    if name == "none":
        return grey_BCHW
    if name == "gaussian":
        return grey_BCHW + level * torch.randn(
            grey_BCHW.shape, generator=generator, dtype=grey_BCHW.dtype, device=grey_BCHW.device
        )
    pixels = (len(grey_BCHW), 1, *grey_BCHW.shape[2:])
    uniforms = torch.rand(pixels, generator=generator, dtype=grey_BCHW.dtype, device=grey_BCHW.device)
    value = (uniforms < 0.5 * level).to(grey_BCHW) if name == "salt and pepper" else torch.zeros_like(uniforms)
    return torch.where(uniforms < level, value, grey_BCHW)
