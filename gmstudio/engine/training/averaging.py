"""Moving average of a model's weights, which is what validation, samples, panels and exports have.

The model that everything else uses has the average as its parameters. Training moves those of a copy, so that neither
has to make way for the other between two steps, and addresses that a CUDA graph has captured stay. Buffers, such as
chains, counts and running statistics, are one and the same in both.

Source: Polyak & Juditsky 1992, Acceleration of Stochastic Approximation by Averaging.
"""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.families.base import Family
from gmstudio.nn.ema import MovingAverage, decay_after
from gmstudio.protocol.config import ConfigError

TRAINED = "trained"
"""Group of a checkpoint: the weights that are trained, where those of the model are their average."""


class AveragedModel:
    """A model with averaged weights, and the one that is trained; both are the same where nothing is averaged.

    Args:
        model: on its device, as it is at the start.
        decay: largest decay of the average; 0: none.

    Attributes:
        model: the one with the average.
        trained: the one whose weights are trained.
    """

    def __init__(self, model: Family, decay: float) -> None:
        self.model = self.trained = model
        self._decay = 0.0
        self._set_decay(decay)

    def change(self, decay: float, config: Any) -> None:
        """Train on with other settings.

        Args:
            decay: of the average, which begins with the present weights where there was none; 0: the model gets the
                weights that are trained.
            config: see ``Family.change_config``.
        """
        self.model.change_config(config)
        if self._decay:
            self.trained.change_config(config)
        self._set_decay(decay)

    def _set_decay(self, decay: float) -> None:
        if decay and not self._decay:
            self.trained = copy.deepcopy(self.model, {id(buffer): buffer for buffer in self.model.buffers()})
        elif self._decay and not decay:
            self._copy(self.trained, self.model)
            self.trained = self.model
        self._decay = decay
        self._averages = list(self.model.parameters()) if decay else []
        self._weights = list(self.trained.parameters()) if decay else []
        modules = zip(self.model.modules(), self.trained.modules(), strict=True) if decay else ()
        self._buffers = [(shown._buffers, kept._buffers) for shown, kept in modules if kept._buffers]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the weights after ``step`` (1, 2, …) into the average: w̄ ← w̄ + (1 - d) (w - w̄)."""
        if self._decay:
            share = 1.0 - decay_after(step, self._decay)
            torch._foreach_lerp_(_data(self._averages), _data(self._weights), share)
            for shown, kept in self._buffers:
                shown.update(kept)  # an update may have put other tensors in their place

    def trained_arrays(self) -> dict[str, NDArray[Any]]:
        """Return copies of the weights that are trained, by name; empty where they are those of the model."""
        if not self._decay:
            return {}
        return {name: value.detach().to("cpu", copy=True).numpy() for name, value in self.trained.named_parameters()}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a checkpoint whose weights the model has.

        Args:
            arrays: what ``trained_arrays`` returned then; empty: the model's weights are those to train.

        Raises:
            ValueError: when they are not the weights of this model; nothing is changed then.
        """
        if not arrays:
            self._copy(self.model, self.trained)
        else:
            load_parameters(self.trained, arrays)

    @torch.no_grad()
    def _copy(self, source: Family, target: Family) -> None:
        if source is not target:
            torch._foreach_copy_(_data(list(target.parameters())), _data(list(source.parameters())))


@torch.no_grad()
def load_parameters(model: Family, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Copy arrays into the parameters of a model.

    Raises:
        ValueError: when names or shapes differ; nothing is changed then.
    """
    parameters = dict(model.named_parameters())
    wrong = list(parameters.keys() ^ arrays.keys())
    wrong += [name for name in parameters.keys() & arrays.keys() if parameters[name].shape != arrays[name].shape]
    if wrong:
        raise ValueError(
            f"The weights in training of the checkpoint are not those of this model: {', '.join(sorted(wrong)[:3])}. "
            "Resume from another checkpoint, or train it again."
        )
    for name, parameter in parameters.items():
        parameter.copy_(torch.from_numpy(arrays[name]))


def refuse_second_average(model: Family, decay: float) -> None:
    """Check that weights are averaged once.

    Args:
        model: the model; it may have no memory for its weights.
        decay: ``Training.average``.

    Raises:
        ConfigError: when the family averages its network itself, which samples then use in place of the weights.
    """
    if decay and any(isinstance(module, MovingAverage) for module in model.modules()):
        text = (
            f"Average of weights is {decay:g}, but {model.card.title} averages its network itself, by a setting of its "
            "own. Use that one, and enter 0 here."
        )
        raise ConfigError({"training.average": text})


def _data(parameters: list[torch.nn.Parameter]) -> list[Tensor]:
    return [parameter.detach() for parameter in parameters]
