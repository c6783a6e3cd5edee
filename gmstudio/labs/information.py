"""Measures of information of distributions over finitely many states, in nats.

A state of probability 0 adds nothing to an expectation; where q is 0 and p is not, cross-entropy and KL are infinite.

Source: Cover & Thomas 2006, Elements of Information Theory, sections 2.1-2.4; MacKay 2003, sections 2.4-2.6.
"""

import numpy as np

from gmstudio.labs.base import Numbers


def entropy(p: Numbers) -> float:
    """H(p) = -Σ p log p of probabilities of any shape, nats."""
    return cross_entropy(p, p)


def cross_entropy(p: Numbers, q: Numbers) -> float:
    """H(p, q) = -Σ p log q, nats; infinite where q lacks a state of p."""
    there = p > 0
    if (q[there] <= 0).any():
        return float("inf")
    return -float((p[there] * np.log(q[there])).sum())


def kl(p: Numbers, q: Numbers) -> float:
    """KL(p ‖ q) = Σ p log(p / q), nats, 0 or more; infinite where q lacks a state of p."""
    there = p > 0
    if (q[there] <= 0).any():
        return float("inf")
    return max(0.0, float((p[there] * np.log(p[there] / q[there])).sum()))  # rounding may fall below 0


def total_variation(p: Numbers, q: Numbers) -> float:
    """½ Σ |p - q|: the largest difference of the two probabilities of one event, 0 to 1."""
    return 0.5 * float(np.abs(p - q).sum())
