r"""Drawing a value from a conditional so that it does not depend on how the conditional was computed.

A value is the inverse CDF at a uniform u: the number of levels l < L-1 with F(l) ≤ u. The samplers of a family compute
the same conditional by different sums, and their logits differ by rounding. Where u is so near to a threshold F(l) that
this could matter, the value is drawn from the conditional in double precision instead (``ExactConditionals``), which
all samplers share. So they give the same images, byte for byte.

If each logit is off by δ at most, the log-odds of F(l) are off by 2δ/T at most at temperature T. With two levels this
is compared directly: the value is 1 where z_1 - z_0 ≥ T log((1-u)/u).

Shape legend: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W), N conditionals.
"""

import copy
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gmstudio.nn.precision import widest
from gmstudio.nn.stepping.ops import FloatArray

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.base import AutoregressiveFamily

IntArray = NDArray[np.int64]

MARGIN = 2e-5
"""2δ, nats: how far the difference of two logits may be off. On trained models it was off by 7e-6, 1e-6 on average."""
RELATIVE_MARGIN = 1e-6
"""Addition to it in proportion to the difference."""
MARGIN_OF_MANY = 1e-5
"""2δ where there are more than two levels; with a threshold for each level, a larger one would often be met."""
SUM_MARGIN = 2e-7
"""How far a sum of probabilities may be off on top of that, where there are more than two levels."""
COLDEST = 1e-6
"""Below this temperature all probabilities are 0 or 1 in float32, so logits are compared instead."""
MAX_LOG_ODDS = 745.0
"""At a uniform of 0, a level of a probability that is 0 in double precision is passed, and no other."""
BELOW_ONE = np.nextafter(np.float32(1.0), np.float32(0.0))
DECISIVE = 20.0
"""Difference of logits, in temperatures, that decides whatever the uniform: those in float32 go up to 1 - 6e-8."""

MAX_KEPT = 2**22
"""Weights of the models whose copy in double precision is kept for later samples: 32 MB."""
_COPIES: "WeakKeyDictionary[nn.Module, AutoregressiveFamily]" = WeakKeyDictionary()


class ExactConditionals:
    """Conditionals of a model in double precision, each by a pass over one image.

    Args:
        model: the family's model.
        order_D3: the generation order.
        labels_B: labels that the images are conditioned on; None: none.
        keep_weights: the model's weights may change later; copy those of now.
    """

    def __init__(
        self, model: "AutoregressiveFamily", order_D3: Tensor, labels_B: Tensor | None, *, keep_weights: bool
    ) -> None:
        self._model = model
        self._order_D3 = order_D3
        self._labels_B = labels_B
        self._weights = [tensor.detach().clone() for tensor in _weights(model)] if keep_weights else None
        self._double: AutoregressiveFamily | None = None
        self._known: dict[tuple[int, int, bytes], NDArray[np.float64]] = {}

    def value(self, image_CHW: NDArray[np.uint8], index: int, step: int, uniform: float, temperature: float) -> int:
        """Draw the value of the sub-pixel at ``step`` given those before it; those from it on do not matter.

        Args:
            image_CHW: an image of the batch.
            index: its number in the batch.
            step: of the sub-pixel in the order.
            uniform: in [0, 1).
            temperature: divides the logits.
        """
        return inverse_cdf(self._logits(image_CHW, index, step), uniform, temperature)

    def _logits(self, image_CHW: NDArray[np.uint8], index: int, step: int) -> NDArray[np.float64]:
        before = tuple(self._order_D3[:step].T.numpy())
        context_CHW = np.zeros_like(image_CHW)
        context_CHW[before] = image_CHW[before]
        key = (index, step, context_CHW.tobytes())
        if key not in self._known:
            self._known[key] = self._computed(context_CHW, index, step)
        return self._known[key]

    def _computed(self, context_CHW: NDArray[np.uint8], index: int, step: int) -> NDArray[np.float64]:
        model = self._in_double()
        labels_1 = None if self._labels_B is None else self._labels_B[index : index + 1]
        with torch.inference_mode():
            levels_1CHW = torch.from_numpy(context_CHW).unsqueeze(0).to(model.device)
            components_KL = model.log_components(levels_1CHW, step, self._order_D3, labels_1)[0]
            logits_L: NDArray[np.float64] = components_KL.logsumexp(0).double().cpu().numpy()
        return logits_L

    def _in_double(self) -> "AutoregressiveFamily":
        if self._double is None:
            self._double = _copy_in_double(self._model, self._weights)
            self._weights = None
            if torch.equal(self._double.own_order, self._order_D3):
                self._order_D3 = self._double.own_order  # a family may know its own order by identity
        return self._double


def inverse_cdf(logits_L: NDArray[np.float64], uniform: float, temperature: float) -> int:
    """Value at a uniform: levels that are passed; at temperature 0 the (first) most likely one."""
    if temperature == 0.0:
        return int(logits_L.argmax())
    with np.errstate(over="ignore"):  # a level so much less likely that it overflows has probability zero
        cumulated_L = np.exp((logits_L - logits_L.max()) / temperature).cumsum()
    return int((cumulated_L[:-1] <= uniform * cumulated_L[-1]).sum())


class Thresholds(NamedTuple):
    """Both ends of an interval around what conditionals are compared with; rounding cannot leave it.

    Args:
        lower: log-odds of level 1 for two levels, cumulated probabilities for more.
        upper: likewise.
        temperature: divides the logits.
    """

    lower: FloatArray
    upper: FloatArray
    temperature: float

    def at(self, step: int) -> "Thresholds":
        """Those of one row."""
        return Thresholds(self.lower[step], self.upper[step], self.temperature)


def thresholds(uniforms: FloatArray, levels: int, temperature: float) -> Thresholds:
    """Thresholds at some uniforms in [0, 1), of any shape.

    Raises:
        ValueError: when the temperature is negative or not finite.
    """
    if not 0.0 <= temperature < np.inf:
        raise ValueError(f"The temperature is {temperature}; it must be 0 (the most likely value) or more.")
    with np.errstate(divide="ignore", over="ignore"):
        odds = np.maximum(np.log(uniforms / (1.0 - uniforms)), np.float32(-MAX_LOG_ODDS))
        if levels == 2:
            centre = np.float32(-temperature) * odds if temperature > 0.0 else np.zeros_like(odds)
            margin = np.float32(MARGIN) + np.float32(RELATIVE_MARGIN) * np.abs(centre)
            return Thresholds(centre - margin, centre + margin, temperature)
        shift = np.float32(MARGIN_OF_MANY / max(temperature, COLDEST))
        lower = 1.0 / (1.0 + np.exp(shift - odds)) - np.float32(SUM_MARGIN)
        upper = 1.0 / (1.0 + np.exp(-shift - odds)) + np.float32(SUM_MARGIN)
    # Levels of probability 0 are passed whatever the uniform, and the last level is not.
    return Thresholds(np.maximum(lower, 0.0), np.minimum(upper, BELOW_ONE), temperature)


def draw(logits_NL: FloatArray, limits: Thresholds) -> tuple[IntArray, list[int]]:
    """Draw a value from each of N conditionals, where there is no doubt.

    Args:
        logits_NL: log-probabilities of the levels, up to a constant.
        limits: thresholds at the N uniforms.

    Returns:
        (N,) values, and the indices of those that need ``ExactConditionals.value``.
    """
    if logits_NL.shape[1] == 2:
        difference_N = logits_NL[:, 1] - logits_NL[:, 0]
        if limits.temperature == 0.0:
            least_N, most_N = difference_N > limits.upper, difference_N > limits.lower
        else:
            least_N, most_N = difference_N >= limits.upper, difference_N >= limits.lower
    elif limits.temperature < COLDEST:
        return _most_likely(logits_NL, limits.temperature)
    else:
        cumulated_NL = _cumulated(logits_NL, limits.temperature)
        below_NL, total_N1 = cumulated_NL[:, :-1], cumulated_NL[:, -1:]
        least_N = np.add.reduce(below_NL <= limits.lower[:, np.newaxis] * total_N1, axis=1, dtype=np.int64)
        most_N = np.add.reduce(below_NL <= limits.upper[:, np.newaxis] * total_N1, axis=1, dtype=np.int64)
    if least_N.tobytes() == most_N.tobytes():
        return most_N.astype(np.int64), []
    return most_N.astype(np.int64), (least_N != most_N).nonzero()[0].tolist()


def _most_likely(logits_NL: FloatArray, temperature: float) -> tuple[IntArray, list[int]]:
    """``draw`` at temperatures near 0: the most likely levels, in doubt where another one is nearly as likely."""
    lead_N = np.subtract(*np.partition(logits_NL, -2, axis=1)[:, :-3:-1].T)
    return logits_NL.argmax(axis=1), (lead_N <= MARGIN_OF_MANY + DECISIVE * temperature).nonzero()[0].tolist()


def _cumulated(logits_NL: FloatArray, temperature: float) -> NDArray[np.float64]:
    """Cumulated probabilities of the levels at a temperature, not normalized; summed in double precision."""
    # `reduce` itself, because `max` costs twice as much on arrays this small.
    relative_NL = logits_NL - np.maximum.reduce(logits_NL, axis=1, keepdims=True)
    if temperature != 1.0:
        with np.errstate(over="ignore"):  # a level so much less likely that it overflows has probability zero
            relative_NL /= np.float32(temperature)
    cumulated_NL: NDArray[np.float64] = np.add.accumulate(np.exp(relative_NL), axis=1, dtype=np.float64)
    return cumulated_NL


def _copy_in_double(model: "AutoregressiveFamily", weights: list[Tensor] | None) -> "AutoregressiveFamily":
    """A copy of a model in double precision, with other weights if any are given; small ones are made only once."""
    kept = _COPIES.get(model)
    if kept is not None and weights is None and _has_weights_of(kept, model):
        return kept
    double = copy.deepcopy(model)
    if weights is not None:
        with torch.no_grad():
            for tensor, value in zip(_weights(double), weights, strict=True):
                tensor.copy_(value)
    double = double.to(widest(double.device))
    if weights is None and sum(tensor.numel() for tensor in _weights(model)) <= MAX_KEPT:
        _COPIES[model] = double
    return double


def _has_weights_of(double: nn.Module, model: nn.Module) -> bool:
    """Compare the numbers: torch's counts of changes leave out those by fused optimizers and by captured graphs."""
    pairs = zip(_weights(double), _weights(model), strict=True)
    return all(torch.equal(copied, tensor.to(copied.dtype)) for copied, tensor in pairs)


def _weights(model: nn.Module) -> Iterator[Tensor]:
    return chain(model.parameters(), model.buffers())
