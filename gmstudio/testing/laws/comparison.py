"""Comparisons that fail with a readable sentence."""

import torch
from torch import Tensor


def demand(condition: bool, sentence: str) -> None:
    """Fail unless a condition holds.

    Args:
        condition: what the law demands.
        sentence: what is wrong where it does not hold.

    Raises:
        AssertionError: with the sentence.
    """
    if not condition:
        raise AssertionError(sentence)


def demand_close(found: Tensor, expected: Tensor, sentence: str, *, atol: float, rtol: float = 0.0) -> None:
    """Fail unless two tensors of one shape agree everywhere within ``atol + rtol · |expected|``.

    Raises:
        AssertionError: with the sentence and the largest deviation.
    """
    demand(
        found.shape == expected.shape,
        f"{sentence} The shapes are {tuple(found.shape)} and {tuple(expected.shape)}.",
    )
    found, expected = found.detach().double(), expected.detach().double()
    if not torch.allclose(found, expected, rtol=rtol, atol=atol, equal_nan=False):
        apart = (found - expected).abs()
        worst = int(apart.flatten().nan_to_num(nan=float("inf")).argmax())
        raise AssertionError(
            f"{sentence} The largest deviation is {float(apart.flatten()[worst]):.3g} "
            f"({float(found.flatten()[worst]):.6g} instead of {float(expected.flatten()[worst]):.6g}); allowed are "
            f"{atol:g} + {rtol:g} of the value."
        )


def demand_equal(found: Tensor, expected: Tensor, sentence: str) -> None:
    """Fail unless two tensors are equal, bit for bit.

    Raises:
        AssertionError: with the sentence and the number of entries that differ.
    """
    demand(
        found.shape == expected.shape,
        f"{sentence} The shapes are {tuple(found.shape)} and {tuple(expected.shape)}.",
    )
    if not torch.equal(found, expected):
        raise AssertionError(f"{sentence} {int((found != expected).sum())} of {found.numel()} entries differ.")
