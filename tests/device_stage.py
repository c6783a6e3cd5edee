"""Ground of the tests of a device: which one it is, noise that is the same on all of them, and little memory.

They are for a CUDA device. Without one the CPU stands in, so that no line runs for the first time on a GPU.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from benchmarks.gpu.measurements import SMALL as SMALL
from benchmarks.gpu.processes import DEVICE_VARIABLE
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec

DEVICE = torch.device(os.environ.get(DEVICE_VARIABLE) or ("cuda:0" if torch.cuda.is_available() else "cpu"))
IMAGE = ImageSpec(1, 4, 3, 2)
STAND_IN = ("made", "pixelcnn", "vae", "gan", "rbm", "ddpm")
"""Families that are tested where the CPU stands in: the others take the same lines."""


def chosen(families: Iterable[str]) -> list[str]:
    """Return the families that are tested on this device: all on a CUDA device."""
    return [family for family in families if DEVICE.type != "cpu" or family in STAND_IN]


LITTLE_BYTES = 2**25


def small_model(family: str, device: torch.device, image: ImageSpec = IMAGE) -> Any:
    """A small model with weights that are the same on every device."""
    torch.manual_seed(3)
    kind = FAMILIES[family]
    model: Family = kind(kind.Config(**SMALL.get(family, {})), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.to(device).eval()


class HostNoise(TorchDispatchMode):
    """Context in which all noise is drawn on the CPU, and so is the same on every device.

    Args:
        seed: of the noise.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)
        self.drawn = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **given)
        self.drawn += 1
        tensors = [value for value in args if isinstance(value, Tensor)]
        where = torch.device(given["device"]) if given.get("device") is not None else None
        where = where or (tensors[0].device if tensors else torch.device("cpu"))
        names = {argument.name for argument in func._schema.arguments}
        if "device" in names:
            given["device"] = torch.device("cpu")
        if "generator" in names:
            given["generator"] = self._generator
        positional = [argument.name for argument in func._schema.arguments if not argument.kwarg_only]
        host = [
            self._generator if name == "generator" else value for name, value in zip(positional, args, strict=False)
        ]
        if "generator" in positional:
            given.pop("generator")
            host += [None] * (positional.index("generator") + 1 - len(host))
            host[positional.index("generator")] = self._generator
        found = func(*tree_map(_on_host, host), **tree_map(_on_host, given))
        if func._schema.is_mutable:
            return tensors[0].copy_(found)
        return tree_map(lambda value: value.to(where) if isinstance(value, Tensor) else value, found)


def _on_host(value: Any) -> Any:
    return value.cpu() if isinstance(value, Tensor) else value


class _NoLargeTensors(TorchDispatchMode):
    """Context in which the CPU refuses tensors of more than ``LITTLE_BYTES``."""

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        if isinstance(found, Tensor) and found.numel() * found.element_size() > LITTLE_BYTES:
            raise torch.OutOfMemoryError(f"There is no room for {tuple(found.shape)}.")
        return found


@contextmanager
def little_memory(device: torch.device) -> Iterator[None]:
    """Context in which a device has hardly more memory than is in use."""
    if device.type != "cuda":
        with _NoLargeTensors():
            yield
        return
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(device) + LITTLE_BYTES) / total, device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
        torch.cuda.empty_cache()
