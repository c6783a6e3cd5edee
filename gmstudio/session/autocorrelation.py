"""How fast a chain forgets where it was.

Shapes: M moments, N chains, K lags.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WINDOW = 5.0
"""The sum over lags ends where the lag is this many times the time found so far (Sokal's automatic window)."""
FEWEST = 8


def autocorrelation(values: NDArray[np.floating], max_lag: int | None = None) -> Floats:
    """Autocorrelation of chains of numbers, averaged over the chains.

    ρ(k) = Σ_t (v_t - v̄)(v_{t+k} - v̄) / Σ_t (v_t - v̄)², with each chain's own mean; the biased estimator, which falls
    towards 0 as k nears the chain's length. Chains that stand still count as ρ = 1.

    Args:
        values: (M, N).
        max_lag: the largest lag wanted; by default half the chain.

    Returns:
        (K,), from lag 0; empty for fewer than ``FEWEST`` moments.
    """
    length = len(values)
    if length < FEWEST:
        return np.zeros(0)
    lags = min(length // 2 if max_lag is None else max_lag, length - 1) + 1
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    spectrum = np.fft.rfft(centred, 2 * length, axis=0)
    products = np.fft.irfft(spectrum * spectrum.conj(), 2 * length, axis=0)[:lags]
    total = products[0]
    still = total <= 1e-12 * length
    rho = np.where(still, 1.0, products / np.where(still, 1.0, total))
    mean: Floats = rho.mean(axis=1)
    return mean


def integrated_time(rho: Floats) -> float:
    """τ = 1 + 2 Σ_k ρ(k), in transitions: about so many of them give one independent state.

    Args:
        rho: (K,) autocorrelation from lag 0.

    Returns:
        τ, at least 1; not a number when there is no autocorrelation, infinite when the chain is too short to tell.
    """
    if not len(rho):
        return float("nan")
    times = 2.0 * np.cumsum(rho) - 1.0
    ended = np.flatnonzero(np.arange(len(rho)) >= WINDOW * times)
    return max(1.0, float(times[ended[0]])) if len(ended) else float("inf")
