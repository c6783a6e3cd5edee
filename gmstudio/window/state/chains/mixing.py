"""Mixing of Markov chains: autocorrelation and its time, and convergence of several chains.

Shapes: M frames, N chains, D numbers of a state (one metric, or pixels), K lags.

Source: Gelman et al. 2013, Bayesian Data Analysis, 3rd edition, sections 11.4 and 11.5 (between and within chains, R̂);
Sokal 1997, Monte Carlo Methods in Statistical Mechanics, section 3 (the integrated time and its window).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WINDOW = 5.0
"""The sum over lags ends at the lag that is this multiple of the time so far (Sokal's automatic window)."""
FEWEST = 8
BURN_IN = 0.2
"""Share of a chain that is left out at its start."""
MAX_VALUES = 2**16
"""Number of values above which chains and pixels are thinned out, so that the window stays responsive."""
STEPS_COMPARED = 32
"""Frames that are compared to find the pixels that vary."""
CONVERGED = 1.1
"""Largest R̂ of chains that count as converged."""


class Mixing(NamedTuple):
    """Mixing of chains, estimated from a metric or from pixels.

    Args:
        rho: (K,) autocorrelation from lag 0; empty where there are too few frames.
        time: integrated autocorrelation time in transitions: infinite where the chains are too short to estimate it,
            NaN where there is no autocorrelation.
        r_hat: √(variance over all chains / variance within a chain), 1 for converged chains; NaN for a single chain.
    """

    rho: Floats
    time: float
    r_hat: float


NOTHING = Mixing(np.zeros(0), float("nan"), float("nan"))


def mixing(values: NDArray[np.generic]) -> Mixing:
    """Estimate the mixing of chains, without their burn-in.

    Args:
        values: (M, N) of a metric, or (M, N, D) of pixels; the result is empty if a value is not finite.
    """
    kept = _thinned(values.reshape(*values.shape[:2], -1)[int(BURN_IN * len(values)) :])
    if len(kept) < FEWEST or not np.isfinite(kept).all():
        return NOTHING
    rho = autocorrelation(kept)
    return Mixing(rho, integrated_time(rho), r_hat(kept))


def autocorrelation(values: NDArray[np.generic]) -> Floats:
    """Autocorrelation over all chains together.

    ρ(k) = 1 - (W - γ(k)) / (W + B), with γ(k) = mean over chains of 1/M Σ_t (v_t - v̄)(v_{t+k} - v̄), W = γ(0), and B the
    variance of the chains' means v̄. So chains that explore different modes do not count as mixed. For one chain this is
    the usual γ(k) / γ(0), which falls towards 0 as k approaches M. Several numbers for each state are summed in
    numerator and denominator. Constant states have ρ = 1.

    Args:
        values: (M, N) or (M, N, D).

    Returns:
        (K,), from lag 0 to half the chain; empty for fewer than ``FEWEST`` frames.
    """
    length = len(values)
    if length < FEWEST:
        return np.zeros(0)
    lags = length // 2 + 1
    centred, between = _centred(values)
    spectrum = np.fft.rfft(centred, 2 * length, axis=0)
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=1).sum(axis=1)
    products = np.fft.irfft(power, 2 * length)[:lags] / length
    total = products[0] + between
    rho: Floats = 1.0 - (products[0] - products) / total if total > 0 else np.ones(lags)
    return rho


def r_hat(values: NDArray[np.generic]) -> float:
    """Potential scale reduction: √((W' (M - 1) / M + B) / W') with W' the variance within chains and B that of means.

    Args:
        values: (M, N) or (M, N, D), M ≥ 2; several numbers for each state are summed.

    Returns:
        About 1 for converged chains, more for others; NaN for one chain.
    """
    length, chains = values.shape[:2]
    if chains < 2:
        return float("nan")
    centred, between = _centred(values)
    within = float(np.square(centred).sum(axis=0).mean(axis=0).sum()) / (length - 1)
    if within <= 0:
        return float("inf") if between > 0 else 1.0
    return float(np.sqrt((within * (length - 1) / length + between) / within))


def integrated_time(rho: Floats) -> float:
    """Integrated autocorrelation time τ = 1 + 2 Σ_k ρ(k), in transitions: M frames are worth M / τ independent states.

    Args:
        rho: (K,) autocorrelation from lag 0.

    Returns:
        τ, at least 1; NaN without an autocorrelation, infinite when the chain is too short to estimate it.
    """
    if not len(rho):
        return float("nan")
    times = 2.0 * np.cumsum(rho) - 1.0
    ended = np.flatnonzero(np.arange(len(rho)) >= WINDOW * times)
    return max(1.0, float(times[ended[0]])) if len(ended) else float("inf")


def _centred(values: NDArray[np.generic]) -> tuple[Floats, float]:
    """Deviations from each chain's mean, (M, N, D), and the variance of these means, summed over D."""
    states = values.reshape(*values.shape[:2], -1).astype(np.float64)
    means = states.mean(axis=0)
    between = float(means.var(axis=0, ddof=1).sum()) if states.shape[1] > 1 else 0.0
    scale = np.square(means).sum() / len(means)
    return states - means, between if between > 1e-24 * scale else 0.0


def _thinned(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Select about ``MAX_VALUES`` of (M, N, D) numbers: fewer chains, and the pixels that vary most; all frames."""
    length, chains, numbers = values.shape
    room = max(1, MAX_VALUES // max(length, 1))
    if chains * numbers <= room:
        return values
    kept = values[:, : max(2, math.isqrt(room)) if numbers > 1 else room]
    if numbers > 1:  # variances are summed, so pixels that hardly vary hardly matter
        compared = kept[:: max(1, length // STEPS_COMPARED)].reshape(-1, numbers)
        most = np.argsort(-compared.var(axis=0), kind="stable")[: max(1, room // kept.shape[1])]
        kept = kept[:, :, np.sort(most)]
    return kept
