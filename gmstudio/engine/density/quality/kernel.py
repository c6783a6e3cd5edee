"""Kernel distance (KID): squared maximum mean discrepancy with a cubic polynomial kernel, without bias.

With k(x, y) = (x·y / F + 1)³ and m samples and m images in a block,

    MMD² = 1/(m(m−1)) Σ_{i≠j} [k(xᵢ, xⱼ) + k(yᵢ, yⱼ)] − 2/m² Σ_{ij} k(xᵢ, yⱼ)

Its mean over disjoint blocks has the standard error of independent values. It may be negative, as it has no bias.

Source: Bińkowski et al. 2018, Demystifying MMD GANs, arXiv:1801.01401, section 4.

Shapes: N samples, M images, F features.
"""

import math
from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.density.quality.neighbours import Share
from gmstudio.engine.runtime.beside import in_blocks

NUM_BLOCKS = 10
LARGEST_BLOCK = 1000


def kernel_distance(
    real_MF: NDArray[np.floating], fake_NF: NDArray[np.floating], seed: int
) -> Generator[None, None, Share]:
    """Compute the mean over disjoint blocks and its standard error in threads; yields while they run.

    Args:
        real_MF: features of real images.
        fake_NF: features of samples.
        seed: of the division into blocks.

    Raises:
        ValueError: for fewer than two of either.
    """
    least = min(len(real_MF), len(fake_NF))
    if least < 2:
        raise ValueError(f"A kernel distance needs 2 images or more of both sets; one has {least}.")
    random = np.random.default_rng([seed, 4])
    real, fake = (random.permutation(np.asarray(side, np.float64), axis=0) for side in (real_MF, fake_NF))
    size = min(LARGEST_BLOCK, max(least // NUM_BLOCKS, 2))
    values = np.zeros(least // size)

    def work(blocks: slice) -> None:
        rows = slice(blocks.start * size, blocks.start * size + size)
        values[blocks.start] = squared_discrepancy(real[rows], fake[rows])

    yield from in_blocks(len(values), 1, work)
    error = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Share(float(values.mean()), error)


def squared_discrepancy(x_MF: NDArray[np.float64], y_NF: NDArray[np.float64]) -> float:
    """Compute the unbiased squared discrepancy of two sets of two or more features."""
    m, n, width = len(x_MF), len(y_NF), x_MF.shape[1]

    def kernel(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        values: NDArray[np.float64] = (a @ b.T / width + 1.0) ** 3
        return values

    own_x, own_y = kernel(x_MF, x_MF), kernel(y_NF, y_NF)
    within = (own_x.sum() - np.trace(own_x)) / (m * (m - 1)) + (own_y.sum() - np.trace(own_y)) / (n * (n - 1))
    return float(within - 2 * kernel(x_MF, y_NF).mean())
