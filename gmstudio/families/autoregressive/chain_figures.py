"""Figures of every autoregressive family: losses by pixel, receptive fields, and those of its weights.

Shape legend: B batch, C channels, H height, W width, D sub-pixels (C·H·W).
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor

from gmstudio.families.autoregressive.figures import LOSS_IMAGES, image_loss, loss_map, receptive_fields
from gmstudio.families.diagnostics import Figure

PIECE_S = 0.01
"""Duration of a piece of the figures' work below which the next has twice as many images."""


class ChainFigures(ABC):
    """What the figures are computed from, and the figures."""

    @property
    @abstractmethod
    def own_order(self) -> Tensor:
        """(D, 3) int64 rows (channel, row, column): the order in which the model is trained and generates."""

    @abstractmethod
    def log_prob_per_dim(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Log-probability log p(x_i | x_<i) of each sub-pixel's own value: (B, C, H, W), nats."""

    @abstractmethod
    def receptive_field(self, step: int, order_D3: Tensor) -> Tensor:
        """(C, H, W) bool: sub-pixels that the conditional at ``step`` can depend on."""

    def figures(self, batch: Tensor, generator: torch.Generator) -> tuple[Figure, ...]:
        """Loss by pixel, and ``weight_figures``; see ``Illustrated``."""
        return tuple(chain.from_iterable(self.figure_pieces(batch, generator)))

    def pixel_figures(self, x: Tensor, row: int, column: int) -> tuple[Figure, ...]:
        """Receptive field of the pixel, and the image's loss by pixel; see ``PixelIllustrated``."""
        return tuple(chain.from_iterable(self.pixel_figure_pieces(x, row, column)))

    @torch.no_grad()
    def figure_pieces(self, batch: Tensor, generator: torch.Generator) -> Iterator[tuple[Figure, ...]]:
        """The loss is computed image by image, or of more at once where one is quick; see ``IllustratedInPieces``."""
        parts: list[Tensor] = []
        start, rows, count = 0, 1, min(LOSS_IMAGES, len(batch))
        while start < count:
            began = time.perf_counter()
            parts.append(-self.log_prob_per_dim(batch[start : min(start + rows, count)], self.own_order))
            start += rows
            if time.perf_counter() - began < PIECE_S:
                rows *= 2
            yield ()
        yield (loss_map(torch.cat(parts)),)
        yield self.weight_figures()

    @torch.no_grad()
    def pixel_figure_pieces(self, x: Tensor, row: int, column: int) -> Iterator[tuple[Figure, ...]]:
        """See ``IllustratedInPieces``; a family adds its own after those that all have."""
        yield (receptive_fields(self, row, column),)
        yield (image_loss(-self.log_prob_per_dim(x, self.own_order), row, column),)

    def weight_figures(self) -> tuple[Figure, ...]:
        """Figures of the weights alone, like masks and filters; a family that has any overrides this."""
        return ()
