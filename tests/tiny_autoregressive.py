"""The smallest model with an exact chain rule: logits are a masked linear map of the earlier sub-pixels."""

import torch
from torch import Tensor, nn

from gmstudio.protocol.images import ImageSpec


class TinyAutoregressive(nn.Module):
    def __init__(self, image: ImageSpec, seed: int = 0) -> None:
        super().__init__()
        self.image = image
        generator = torch.Generator().manual_seed(seed)
        size = image.num_dims
        self.weight = nn.Parameter(torch.randn(size, size, image.levels, generator=generator))
        self.bias = nn.Parameter(torch.randn(size, image.levels, generator=generator))

    @property
    def device(self) -> torch.device:
        return self.bias.device

    def raster(self) -> Tensor:
        channels, height, width = self.image.shape
        grid = torch.cartesian_prod(torch.arange(height), torch.arange(width), torch.arange(channels)).view(-1, 3)
        return grid[:, [2, 0, 1]]

    def logits(self, values_BD: Tensor, step: int) -> Tensor:
        """(B, L) of the sub-pixel at ``step`` from (B, ≥ step) earlier values in order."""
        scaled = values_BD[:, :step].float() / (self.image.levels - 1) - 0.5
        return self.bias[step] + torch.einsum("bi,il->bl", scaled, self.weight[step, :step])

    def log_prob(self, x: Tensor) -> Tensor:
        channel, row, column = self.raster().T
        values = x[:, channel, row, column].long()
        total = torch.zeros(len(x))
        for step in range(self.image.num_dims):
            total = total + self.logits(values, step).log_softmax(1).gather(1, values[:, step : step + 1])[:, 0]
        return total

    def pixel_session(
        self, batch: int, order: object = None, generator: torch.Generator | None = None
    ) -> "TinySession":
        return TinySession(self, batch, generator)


class TinySession:
    def __init__(self, model: TinyAutoregressive, batch: int, generator: torch.Generator | None) -> None:
        self._model = model
        self.images = torch.zeros(batch, *model.image.shape, dtype=torch.uint8)
        self.order = model.raster()
        self.uniforms = torch.rand(len(self.order), batch, generator=generator)
        self.step = 0

    @property
    def position(self) -> tuple[int, int, int] | None:
        if self.step == len(self.order):
            return None
        channel, row, column = self.order[self.step].tolist()
        return channel, row, column

    def conditional(self) -> Tensor:
        return self._tempered(1.0)

    def draw(self, temperature: float = 1.0) -> Tensor:
        if temperature == 0:
            return self.conditional().argmax(1)
        below = self._tempered(temperature).cumsum(1) <= self.uniforms[self.step][:, None]
        return below.sum(1).clamp_max(self._model.image.levels - 1)

    def place(self, values: Tensor) -> None:
        channel, row, column = self.order[self.step]
        self.images[:, channel, row, column] = values.to(torch.uint8)
        self.step += 1

    def rewind(self, step: int) -> None:
        assert 0 <= step <= self.step
        channel, row, column = self.order[step:].T
        self.images[:, channel, row, column] = 0
        self.step = step

    def context(self) -> Tensor:
        seen = torch.zeros(self._model.image.shape, dtype=torch.bool)
        channel, row, column = self.order[: self.step].T
        seen[channel, row, column] = True
        return seen

    def _tempered(self, temperature: float) -> Tensor:
        channel, row, column = self.order.T
        values = self.images[:, channel, row, column]
        return (self._model.logits(values, self.step) / temperature).softmax(1)
