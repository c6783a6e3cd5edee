"""Statistics of one chain: autocorrelation, its integrated time, and the number of independent draws that it is worth.

Source: Geyer 1992, Practical Markov Chain Monte Carlo, Statistical Science 7, section 3.3 (initial positive sequence).
"""

import numpy as np

from gmstudio.labs.base import Numbers

FEWEST = 20


def autocorrelation(values: Numbers) -> Numbers:
    """Autocorrelation of (N,) values from lag 0 to half their number; ones where they are all equal."""
    length = len(values)
    centred = values - values.mean()
    spectrum = np.fft.rfft(centred, 2 * length)
    products = np.fft.irfft(np.abs(spectrum) ** 2, 2 * length)[: length // 2 + 1]
    if products[0] <= 1e-12 * length:
        return np.ones(length // 2 + 1)
    found: Numbers = products / products[0]
    return found


def integrated_time(rho: Numbers) -> float:
    """τ = 1 + 2 Σ_k ρ(k), summed while the sums of neighbouring pairs stay positive; at least a small positive number.

    Infinite where they stay positive to the end: the chain is too short.
    """
    pairs = rho[: len(rho) // 2 * 2].reshape(-1, 2).sum(1)
    ended = np.flatnonzero(pairs <= 0)
    if not len(ended):
        return float("inf")
    return max(1e-3, 2.0 * float(pairs[: ended[0]].sum()) - 1.0)
