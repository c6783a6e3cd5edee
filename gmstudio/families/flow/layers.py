"""Invertible layers with a known log-determinant, and the ways to nest them.

A layer maps a state h one to one onto a state h' of the same shape, and computes log |det ∂h'/∂h|. Layers that only
rearrange the state (squeeze, flatten, keep half) contain other layers and undo the rearrangement after them, so that
every state, between any two layers, has the layout of the image.

Source: Dinh, Krueger & Bengio 2015, NICE, arXiv:1410.8516, section 3.3 (scaling); Dinh, Sohl-Dickstein & Bengio 2017,
Density estimation using Real NVP, arXiv:1605.08803, section 3.6 and figure 3 (squeeze), figure 4 (multi-scale).

Shapes: B batch, C channels, H height, W width, D = C·H·W.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from gmstudio.nn.constants import constant

LOG_SCALE_GAIN = 3.0
"""Factor by which learned logarithms of scales move faster than other parameters: data may need them far from 0."""

Step = tuple[Tensor, Tensor]
"""A state, and the log-determinant of the map to it: (B, …) and (B,) or 0-dim, nats."""


class FlowLayer(nn.Module, ABC):
    """A one-to-one map between states of one shape, for each image independently of the others in the batch."""

    @abstractmethod
    def forward(self, h: Tensor) -> Step:
        """Towards the noise: the new state and log |det| of this map."""

    @abstractmethod
    def inverse(self, h: Tensor) -> Step:
        """Towards the image: the new state and log |det| of the inverse map."""

    @property
    def num_steps(self) -> int:
        """Number of elementary layers."""
        return 1

    def trail(self, h: Tensor, *, inverse: bool) -> Iterator[Step]:
        """State after each elementary layer, with log |det| since ``h``."""
        yield self.inverse(h) if inverse else self(h)


class Diagonal(FlowLayer):
    """A learned scale and shift: h' = exp(a) ⊙ h + b; the identity before training.

    Args:
        shape: of the parameters, for example (C, 1, 1) or (C, H, W).
        image_shape: (C, H, W) of the state.
    """

    def __init__(self, shape: tuple[int, ...], image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(shape))
        self.shift = nn.Parameter(torch.zeros(shape))
        num_dims = image_shape[0] * image_shape[1] * image_shape[2]
        self._repeats = num_dims / self.log_scale.numel()

    def forward(self, h: Tensor) -> Step:
        """See ``FlowLayer``."""
        log_scale = LOG_SCALE_GAIN * self.log_scale
        return torch.addcmul(self.shift, h, log_scale.exp()), self._repeats * log_scale.sum()

    def inverse(self, h: Tensor) -> Step:
        """See ``FlowLayer``."""
        log_scale = LOG_SCALE_GAIN * self.log_scale
        return (h - self.shift) * torch.exp(-log_scale), -self._repeats * log_scale.sum()


class Chain(FlowLayer):
    """Layers one after another; no layers are the identity."""

    def __init__(self, layers: Sequence[FlowLayer]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, h: Tensor) -> Step:
        """See ``FlowLayer``."""
        total = h.new_zeros(())
        for layer in self.layers:
            h, log_det = layer(h)
            total = total + log_det
        return h, total

    def inverse(self, h: Tensor) -> Step:
        """See ``FlowLayer``."""
        total = h.new_zeros(())
        for layer in reversed(self.layers):
            assert isinstance(layer, FlowLayer)
            h, log_det = layer.inverse(h)
            total = total + log_det
        return h, total

    @property
    def num_steps(self) -> int:
        """See ``FlowLayer``."""
        return sum(layer.num_steps for layer in self.layers if isinstance(layer, FlowLayer))

    def trail(self, h: Tensor, *, inverse: bool) -> Iterator[Step]:
        """See ``FlowLayer``."""
        before = h.new_zeros(())
        for layer in reversed(self.layers) if inverse else self.layers:
            assert isinstance(layer, FlowLayer)
            total = before
            for state, log_det in layer.trail(h, inverse=inverse):
                h, total = state, before + log_det
                yield h, total
            before = total


class Rearranged(FlowLayer, ABC):
    """Other layers, applied to the state in another arrangement, or to a part of it."""

    def __init__(self, inner: FlowLayer) -> None:
        super().__init__()
        self.inner = inner

    @abstractmethod
    def take(self, h: Tensor) -> Tensor:
        """Part of the state that the inner layers transform."""

    @abstractmethod
    def put(self, part: Tensor, h: Tensor) -> Tensor:
        """State ``h`` with its inner part replaced."""

    def forward(self, h: Tensor) -> Step:
        """See ``FlowLayer``."""
        part, log_det = self.inner(self.take(h))
        return self.put(part, h), log_det

    def inverse(self, h: Tensor) -> Step:
        """See ``FlowLayer``."""
        part, log_det = self.inner.inverse(self.take(h))
        return self.put(part, h), log_det

    @property
    def num_steps(self) -> int:
        """See ``FlowLayer``."""
        return self.inner.num_steps

    def trail(self, h: Tensor, *, inverse: bool) -> Iterator[Step]:
        """See ``FlowLayer``."""
        for part, log_det in self.inner.trail(self.take(h), inverse=inverse):
            yield self.put(part, h), log_det


class Squeezed(Rearranged):
    """Inner layers act on blocks of pixels as channels: (C, H, W) as (C·f_h·f_w, H/f_h, W/f_w).

    Args:
        inner: layers for the squeezed shape.
        factors: (f_h, f_w), which divide height and width.
    """

    def __init__(self, inner: FlowLayer, factors: tuple[int, int]) -> None:
        super().__init__(inner)
        self._factors = factors

    def take(self, h: Tensor) -> Tensor:
        """The squeezed state; channels of one pixel of the block stay together."""
        rows, columns = self._factors
        batch, channels, height, width = h.shape
        blocks = h.reshape(batch, channels, height // rows, rows, width // columns, columns)
        return blocks.permute(0, 3, 5, 1, 2, 4).reshape(
            batch, rows * columns * channels, height // rows, width // columns
        )

    def put(self, part: Tensor, h: Tensor) -> Tensor:
        """The state with its blocks unfolded again."""
        rows, columns = self._factors
        batch, _, height, width = part.shape
        blocks = part.reshape(batch, rows, columns, h.shape[1], height, width)
        return blocks.permute(0, 3, 4, 1, 5, 2).reshape(h.shape)


class OnHalf(Rearranged):
    """Inner layers act on the first half of the channels; the other half is factored out unchanged."""

    def take(self, h: Tensor) -> Tensor:
        """The half that continues."""
        return h[:, : h.shape[1] // 2]

    def put(self, part: Tensor, h: Tensor) -> Tensor:
        """Both halves."""
        return torch.cat([part, h[:, h.shape[1] // 2 :]], dim=1)


class Flattened(Rearranged):
    """Inner layers act on vectors (B, D), the pixels of one colour of a checkerboard before those of the other.

    Args:
        inner: layers for vectors.
        image_shape: (C, H, W).
    """

    order: Tensor
    back: Tensor

    def __init__(self, inner: FlowLayer, image_shape: tuple[int, int, int]) -> None:
        super().__init__(inner)
        order = torch.argsort(checkerboard(image_shape).flatten(), descending=True, stable=True)
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("back", torch.argsort(order), persistent=False)

    def take(self, h: Tensor) -> Tensor:
        """(B, C, H, W) → (B, D)."""
        return h.flatten(1)[:, self.order]

    def put(self, part: Tensor, h: Tensor) -> Tensor:
        """(B, D) → (B, C, H, W)."""
        return part[:, self.back].view(h.shape)


@constant
def checkerboard(image_shape: tuple[int, int, int]) -> Tensor:
    """(C, H, W) of 1 where channel + row + column is even and 0 elsewhere."""
    places = [torch.arange(side) for side in image_shape]
    c_C11, row_H1, column_W = places[0][:, None, None], places[1][:, None], places[2]
    return ((c_C11 + row_H1 + column_W) % 2 == 0).float()
