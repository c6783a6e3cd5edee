r"""Numbers of parameters of models of n binary pixels: by formula, and of models that are built and counted.

    full table 2ⁿ - 1     Markov chain 2n - 1     AR-k Σ_i 2^min(i, k)     FVBN n + n(n - 1)/2     NADE 2nH + H + n

(i from 0 to n - 1, H hidden units.) Source: the notes; Frey 1998 (FVBN); Larochelle & Murray 2011 (NADE).
"""

import math
from functools import lru_cache
from typing import Any

import torch

from gmstudio.families import FAMILIES
from gmstudio.protocol.images import MAX_SIDE, ImageSpec


def full_table(pixels: int) -> int:
    """2ⁿ - 1: every state but one."""
    return (1 << pixels) - 1


def autoregressive(pixels: int, order: int) -> int:
    """Σ_i 2^min(i, k): a table for each pixel, over the k pixels before it; order 1 gives 2n - 1."""
    growing = min(order, pixels)
    return full_table(growing) + (pixels - growing) * (1 << order)


def fvbn(pixels: int) -> int:
    """A bias for each pixel and a weight for each earlier one."""
    return pixels + pixels * (pixels - 1) // 2


def nade(pixels: int, hidden: int) -> int:
    """Shared weights into and out of H hidden units, and the biases of both."""
    return 2 * pixels * hidden + hidden + pixels


def picture_shape(pixels: int) -> tuple[int, int] | None:
    """Height and width of the most nearly square image of n pixels; None where it is too wide to be built."""
    height = max(d for d in range(1, math.isqrt(pixels) + 1) if pixels % d == 0)
    return (height, pixels // height) if pixels // height <= MAX_SIDE else None


@lru_cache(maxsize=64)
def built(family: str, pixels: int, setting: int) -> int | None:
    """Parameters of a model of the family, built for n binary pixels and counted; None: there is no such image.

    Args:
        family: ``markov``, ``fvbn`` or ``nade``.
        pixels: n.
        setting: order k of a Markov chain, hidden units of NADE; without effect for a FVBN.
    """
    shape = picture_shape(pixels)
    if shape is None:
        return None
    config: dict[str, Any] = {"markov": {"num_parents": setting}, "fvbn": {}, "nade": {"num_hidden": setting}}[family]
    kind = FAMILIES[family]
    image = ImageSpec(channels=1, height=shape[0], width=shape[1], levels=2)
    try:
        with torch.device("meta"):
            return kind(kind.Config(**config), image).num_parameters()
    except (RuntimeError, NotImplementedError):  # what torch raises where a constructor needs numbers
        with torch.random.fork_rng(devices=[]):
            return kind(kind.Config(**config), image).num_parameters()
