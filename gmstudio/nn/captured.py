"""Outputs of a module inside a network, without the work after it."""

from collections.abc import Callable
from typing import Any

from torch import nn


class _ReachedError(Exception):
    """The output is there; the rest of the network is not needed."""


def output_of(module: nn.Module, run: Callable[[], object]) -> Any:
    """Return the first output of a module while a function runs the network, which ends there.

    Args:
        module: part of the network.
        run: runs the network.

    Raises:
        ValueError: when the network does not reach the module.
    """
    found: list[Any] = []

    def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
        found.append(output)
        raise _ReachedError

    handle = module.register_forward_hook(keep)
    try:
        run()
    except _ReachedError:
        return found[0]
    finally:
        handle.remove()
    raise ValueError(f"The network does not reach its module {type(module).__name__}.")
