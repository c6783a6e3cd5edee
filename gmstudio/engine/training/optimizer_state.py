"""State of the optimizers as flat arrays: checked for the shapes of a phase's parameters when it is read back."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.nn.soap import state_shapes

ADAM_NAMES = ("step", "exp_avg", "exp_avg_sq")
"""Adam's state of a parameter: updates made (a scalar), and the two moments, which have the parameter's shape."""
States = dict[int, dict[str, Tensor]]
"""Index of a parameter → name → tensor."""
Arrays = Mapping[str, NDArray[Any]]


def shapes_of_state(parameter: Tensor, *, soap: bool) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of what SOAP or Adam keeps of a parameter; SOAP keeps nothing of vectors."""
    if soap:
        return state_shapes(parameter) if parameter.dim() > 1 else {}
    return {name: () if name == "step" else tuple(parameter.shape) for name in ADAM_NAMES}


def as_arrays(phase: str, states: States) -> dict[str, NDArray[Any]]:
    """Return copies as ``<phase>/<parameter index>/<name>`` → array."""
    return {
        f"{phase}/{index}/{name}": value.detach().to("cpu", copy=True).numpy()
        for index, state in states.items()
        for name, value in state.items()
    }


def from_arrays(phase: str, parameters: Sequence[Tensor], soap_at: Collection[int], arrays: Arrays) -> States:
    """Return the states in what ``as_arrays`` returned; arrays of other phases are ignored.

    Args:
        phase: name of the phase.
        parameters: of the phase.
        soap_at: indices of those that SOAP updates now; Adam updates the others.
        arrays: whatever is in a checkpoint.

    Returns:
        States of the parameters whose optimizer is the one of then.

    Raises:
        ValueError: when they are not those of these parameters. Adam's kernels do not look at shapes, and would read
            and write beyond an array that is too small.
    """
    found: dict[int, dict[str, NDArray[Any]]] = {}
    for key, value in arrays.items():
        name, _, rest = key.partition("/")
        if name == phase:
            number, _, part = rest.partition("/")
            if not (number.isascii() and number.isdecimal() and int(number) < len(parameters)):
                raise _unfit(f"{key} is unknown")
            found.setdefault(int(number), {})[part] = value
    states: States = {}
    for index, state in found.items():
        soap = index in soap_at
        of_other = state.keys() == shapes_of_state(parameters[index], soap=not soap).keys()
        _check(f"{phase}/{index}", state, shapes_of_state(parameters[index], soap=soap != of_other))
        if not of_other:
            states[index] = {name: torch.from_numpy(value) for name, value in state.items()}
    return states


def _check(where: str, state: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> None:
    for name, value in state.items():
        if name not in shapes:
            raise _unfit(f"{where}/{name} is unknown")
        if value.shape != shapes[name] or value.dtype.kind != "f":
            raise _unfit(f"{where}/{name} is {value.dtype} {value.shape} instead of float {shapes[name]}")
    missing = [name for name in shapes if name not in state]
    if missing:
        raise _unfit(f"{where} is without {', '.join(missing)}")


def _unfit(what: str) -> ValueError:
    return ValueError(
        f"The optimizer's state in the checkpoint is not that of this model: {what}. Open the run with the version "
        "that trained it, resume from another checkpoint, or train it again."
    )
