"""Constants that the constructor of a model computes."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import torch
from torch import Tensor

P = ParamSpec("P")


def constant(compute: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Decorate a function that computes a constant of a model: on the CPU, from which the model takes it to its device.

    A model is also built without memory, on torch's meta device, to count its parameters. Arithmetic there gives no
    numbers, and its first operation imports torch's compiler, which takes a second.
    """

    @wraps(compute)
    def computed(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        with torch.device("cpu"):
            return compute(*args, **kwargs)

    return computed
