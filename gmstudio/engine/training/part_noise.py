"""Noise of a batch that is computed in parts: drawn for the whole batch, and cut.

A loss draws its noise from a generator, in the shape of its batch. Drawn for each part by itself, it would be other
noise than that of the whole batch, and the sequence would depend on the number of parts. So each draw is made in the
shape that it has for the whole batch, of which a part takes its rows. The entries of a shape that are the batch's are
found by computing the loss of a few images in two sizes (``part_check``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gmstudio.nn.batch_part import BatchPart

SIZES_LAST = (torch.randint,)
SIZED = (torch.rand, torch.randn)
COUNTED = (torch.randperm,)


class UncutNoiseError(ValueError):
    """Noise that cannot be cut; the message is a phrase that gives the reason."""


@dataclass(frozen=True)
class Draw:
    """A draw of a loss.

    Args:
        name: of torch's function.
        shape: of the result.
    """

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Cut:
    """Dependence of a draw on the batch.

    Args:
        name: of torch's function.
        dim: dimension that counts the batch's images; −1: none, and all parts have the same noise.
        factor: entries of that dimension for each image, as blocks of the whole batch.
    """

    name: str
    dim: int = -1
    factor: int = 1

    def of(self, whole: Tensor, part: BatchPart) -> Tensor:
        """Return the entries of a part, in a tensor of its own."""
        if self.dim < 0:
            return whole.clone()
        blocks = whole.unflatten(self.dim, (self.factor, part.total))
        rows = blocks.narrow(self.dim + 1, part.start, part.size)
        cut: Tensor = rows.flatten(self.dim, self.dim + 1).clone()
        return cut

    def whole_shape(self, shape: Sequence[int], part: BatchPart) -> tuple[int, ...]:
        """Shape for the whole batch of a draw that has ``shape`` for a part.

        Raises:
            UncutNoiseError: when the shape is not the one that the draw of a few images leads one to expect.
        """
        if self.dim < 0:
            return tuple(shape)
        if len(shape) <= self.dim or shape[self.dim] != self.factor * part.size:
            raise UncutNoiseError(f"a draw by {self.name} has the shape {tuple(shape)} for {part.size} images")
        return (*shape[: self.dim], self.factor * part.total, *shape[self.dim + 1 :])


def cut_of(small: Draw, large: Draw, sizes: tuple[int, int]) -> Cut:
    """Find the dependence on the batch from a draw for two sizes of it.

    Raises:
        UncutNoiseError: when there is more than one dimension that depends on it, or in another way.
    """
    if small.name != large.name or len(small.shape) != len(large.shape):
        raise UncutNoiseError("its draws depend on the number of images")
    dims = [dim for dim, (a, b) in enumerate(zip(small.shape, large.shape, strict=True)) if a != b]
    if not dims:
        return Cut(small.name)
    factor, rest = divmod(small.shape[dims[0]], sizes[0])
    if len(dims) > 1 or rest or large.shape[dims[0]] != factor * sizes[1]:
        raise UncutNoiseError(
            f"a draw by {small.name} has the shapes {small.shape} and {large.shape} for {sizes} images"
        )
    if small.name not in {one.__name__ for one in (*SIZED, *SIZES_LAST, *COUNTED)}:
        raise UncutNoiseError(f"it draws by {small.name}")
    return Cut(small.name, dims[0], factor)


def cuts_of(small: Sequence[Draw], large: Sequence[Draw], sizes: tuple[int, int]) -> tuple[Cut, ...]:
    """Find the dependence on the batch of all draws of a loss.

    Args:
        small: draws for the smaller batch.
        large: for the larger one.
        sizes: number of images of both.

    Raises:
        UncutNoiseError: when one cannot be cut.
    """
    if len(small) != len(large):
        raise UncutNoiseError("its draws depend on the number of images")
    return tuple(cut_of(a, b, sizes) for a, b in zip(small, large, strict=True))


class DrawRecorder(TorchFunctionMode):
    """Context that records the draws from a generator.

    Args:
        generator: the generator.
    """

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator
        self.draws: list[Draw] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call a function of torch, and note it where it draws."""
        result = func(*args, **(kwargs or {}))
        if kwargs and kwargs.get("generator") is self._generator:
            shape = tuple(result.shape) if isinstance(result, Tensor) else ()
            self.draws.append(Draw(getattr(func, "__name__", str(func)), shape))
        return result


class PartNoise(TorchFunctionMode):
    """Context in which draws from a generator are a part's, of those for the whole batch.

    Args:
        generator: the generator.
        cuts: of all draws, in their order.
        part: the part.
        drawn: draws for the whole batch, which the first part adds and further ones take.
    """

    def __init__(self, generator: torch.Generator, cuts: Sequence[Cut], part: BatchPart, drawn: list[Tensor]) -> None:
        super().__init__()
        self._generator, self._cuts, self._part, self._drawn = generator, cuts, part, drawn
        self._number = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call a function of torch, or draw for the whole batch and cut."""
        kwargs = kwargs or {}
        if kwargs.get("generator") is not self._generator:
            return func(*args, **kwargs)
        if self._number == len(self._cuts) or self._cuts[self._number].name != getattr(func, "__name__", ""):
            raise UncutNoiseError("its draws differ from step to step")
        cut, index = self._cuts[self._number], self._number
        self._number += 1
        if index == len(self._drawn):
            self._drawn.append(self._draw(func, cut, args, kwargs))
        return cut.of(self._drawn[index], self._part)

    def _draw(self, func: Callable[..., Tensor], cut: Cut, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        if cut.dim < 0:
            return func(*args, **kwargs).clone()
        if "size" in kwargs:
            return func(*args, **{**kwargs, "size": cut.whole_shape(kwargs["size"], self._part)})
        if func in COUNTED:
            return func(*cut.whole_shape(args[:1], self._part), **kwargs)
        if func in SIZES_LAST:
            return func(*(*args[:-1], cut.whole_shape(args[-1], self._part)), **kwargs)
        shape = args if isinstance(args[0], int) else args[0]
        return func(cut.whole_shape(shape, self._part), **kwargs)
