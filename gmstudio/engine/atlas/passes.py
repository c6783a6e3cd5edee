"""Passes through a network that a sample takes, counted while one is drawn.

A pass uses every weight once, so the passes are the uses of the weight that is used most often: each operation of
torch is observed that reads a weight matrix or kernel, also through a view of it. An autoregressive model needs one
pass for each sub-pixel; its sampler keeps what earlier passes computed and works outside torch, so there the length of
the order counts.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from msgspec import Struct
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gmstudio.engine.runtime.inspection import exploring
from gmstudio.engine.runtime.models import Loaded
from gmstudio.engine.sampling.grids import labels_in_turn
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.base import Family, Latent, Sampler
from gmstudio.families.generation import sample_in_pieces
from gmstudio.protocol.atlas import MeasureSampling, SamplingMeasured
from gmstudio.protocol.base import Event

PRODUCTS = frozenset(
    (
        *("mm", "addmm", "bmm", "baddbmm", "mv", "addmv", "dot", "linear", "matmul", "embedding"),
        *("convolution", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    )
)
"""Operations that apply weights to features; others, such as a copy or a transposition, are no use of them."""


class WeightUses(TorchDispatchMode):
    """Context in which the uses of a model's weights are counted.

    Args:
        model: the model; its buffers count too, since averaged weights are kept in them.
    """

    def __init__(self, model: Family) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._storages = {_storage(value) for value in model.state_dict().values() if value.dim() > 1}
        self._uses: Counter[int] = Counter()

    @property
    def passes(self) -> int:
        """Uses of the weight that was used most often; 0: none was."""
        return max(self._uses.values(), default=0)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count the weights among the inputs of a product, and compute it."""
        if func.overloadpacket.__name__ in PRODUCTS:
            inputs = {_storage(value) for value in args if isinstance(value, Tensor)}
            self._uses.update(inputs & self._storages)
        return func(*args, **(kwargs or {}))


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def measure_sampling(loaded: Loaded, command: MeasureSampling) -> Iterator[Event | None]:
    """Count the passes of one sample: yields None after each small piece, then ``SamplingMeasured``."""
    model = loaded.model
    passes, by_pixel = 0, isinstance(model, AutoregressiveFamily)
    if isinstance(model, AutoregressiveFamily):
        passes = len(model.own_order)
    elif isinstance(model, Sampler | Latent):
        for counted in count_passes(model):
            if counted is None:
                yield None
            else:
                passes = counted
    yield SamplingMeasured(
        request=command.request,
        run=command.run,
        passes=passes,
        by_pixel=by_pixel,
        num_parameters=model.num_parameters(),
        latent_dims=model.latent.num_dims if isinstance(model, Latent) else 0,
    )


def count_passes(model: Family, sampler: Struct | None = None) -> Iterator[int | None]:
    """Draw one image of a model that is not autoregressive: None after each small piece, then the passes it took.

    Args:
        model: any other model that generates, or decodes.
        sampler: settings of sampling, where the family has them; None: the defaults.
    """
    uses = WeightUses(model)
    generator = torch.Generator(model.device).manual_seed(0)
    if not isinstance(model, Sampler):
        assert isinstance(model, Latent)
        with exploring(model), uses:
            model.decode(torch.randn((1, model.latent.num_dims), generator=generator, device=model.device))
        yield uses.passes
        return
    pieces = sample_in_pieces(model, 1, generator, labels_in_turn(model, 1), sampler)
    drawn = None
    while drawn is None:
        with uses:
            drawn = next(pieces)
        if drawn is None:
            yield None
    yield uses.passes
