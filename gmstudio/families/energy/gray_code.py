r"""Gray code: levels as bits, of which neighbouring levels differ in one.

Level l has the bits of l XOR ⌊l/2⌋. All patterns of bits are levels, so that levels whose bits are independent given
something, p = ∏ p(bit), are a distribution over levels without a normalizer.

Source: Gray 1953, Pulse code communication, US patent 2,632,058.

Shapes: L levels, N bits of a level, 2^N = L.
"""

import torch
from torch import Tensor


def num_bits(levels: int) -> int:
    """Bits of a level.

    Raises:
        ValueError: when the number of levels is no power of two.
    """
    if levels & (levels - 1):
        raise ValueError(
            f"The images have {levels} levels; a Gray code needs a power of two, so that all patterns of bits are "
            "levels. Choose 2, 4, 8, … levels for the data, or one unit per sub-pixel."
        )
    return levels.bit_length() - 1


def gray_bits(levels: int) -> Tensor:
    """Bits of all levels, the highest bit first: (L, N) floats 0 or 1.

    Raises:
        ValueError: when the number of levels is no power of two.
    """
    count = num_bits(levels)
    level_L = torch.arange(levels)
    code_L = level_L ^ (level_L >> 1)
    places_N = torch.arange(count - 1, -1, -1)
    return ((code_L.unsqueeze(1) >> places_N) & 1).float()


def levels_of_bits(bits: Tensor) -> Tensor:
    """Levels of patterns of bits: (…, N) floats 0 or 1, the highest bit first → (…,) int64."""
    binary = bits.long().cumsum(-1) % 2  # bit n of the level is the parity of the code's bits down to n
    places_N = torch.arange(bits.shape[-1] - 1, -1, -1, device=bits.device)
    return (binary << places_N).sum(-1)


def mean_level(logits: Tensor, bits_LN: Tensor) -> Tensor:
    """Expected level divided by L - 1, in [0, 1], of independent bits with these logits: (…, N) → (…,)."""
    values_L = torch.linspace(0.0, 1.0, len(bits_LN), dtype=logits.dtype, device=logits.device)
    shares = torch.softmax(logits @ bits_LN.T.to(logits), dim=-1)
    return (shares.to(values_L.dtype) @ values_L).clamp(0.0, 1.0)
