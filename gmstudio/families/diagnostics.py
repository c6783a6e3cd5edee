"""Diagnostics of a model: figures of its internals, and the protocols of the families that draw some.

Shape legend: B batch, C channels, H height, W width, M maps or images, N bars, bins or rows, S series.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Figure:
    """A diagnostic picture of a model, redrawn while it trains.

    Args:
        kind: ``histogram`` (values are counts, (S, N), of N bins between N + 1 ``edges``), ``bars`` (values (S, N), one
            bar each), ``images`` (a grid, ``columns`` wide), ``maps`` (a grid of numbers in colours, ``columns`` wide)
            or ``table`` (values (S, N), columns of N rows).
        name: unique in the family, for example ``kl_per_dim``.
        title: heading, a few words with the unit.
        help: one sentence for a student.
        series: S names, for example ``("real", "fake")``; for images one for each column, or none.
        edges: (N + 1,) floats of a histogram.
        values: (S, N) floats of a histogram, of bars or of a table; (M, C, H, W) of maps, C being 1 or 3 colours, NaN
            where there is no value.
        images: (M, C, H, W) floats in [0, 1].
        columns: of the grid of images or maps; 0 leaves it to the window.
        reference: (N,) floats to compare the values with, for example the normal distribution's counts.
        labels: names of the M maps or of the N rows of a table.
        classes: names of the values 0, 1 … of maps; none: the values are numbers.
        unit: of the values of maps, for example ``nats``.
        signed: colours of maps range from −top to top, zero being neutral, instead of from the least to the largest.
        each: each map has a scale of its own.
        axes: names of a map's vertical and horizontal axis.
        mark: row and column of the entry that is outlined in every map.
    """

    kind: Literal["histogram", "bars", "images", "maps", "table"]
    name: str
    title: str
    help: str
    series: tuple[str, ...] = ()
    edges: Tensor | None = None
    values: Tensor | None = None
    images: Tensor | None = None
    columns: int = 0
    reference: Tensor | None = None
    labels: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    unit: str = ""
    signed: bool = False
    each: bool = False
    axes: tuple[str, str] = ("row", "column")
    mark: tuple[int, int] | None = None


@runtime_checkable
class Illustrated(Protocol):
    """Families that draw diagnostics."""

    def figures(self, batch: Tensor, generator: torch.Generator) -> tuple[Figure, ...]:
        """Figures for (B, C, H, W) integer validation images, within some tens of milliseconds; without gradients."""


@runtime_checkable
class IllustratedInPieces(Protocol):
    """Families whose diagnostics take long, of a batch and of a pixel."""

    def figure_pieces(self, batch: Tensor, generator: torch.Generator) -> Iterator[tuple[Figure, ...]]:
        """Yield those of ``figures`` after each piece of work; many pieces have none."""

    def pixel_figure_pieces(self, x: Tensor, row: int, column: int) -> Iterator[tuple[Figure, ...]]:
        """Yield those of ``pixel_figures`` after each piece of work."""


@runtime_checkable
class PixelIllustrated(Protocol):
    """Families that draw diagnostics of one image and of one of its pixels."""

    def pixel_figures(self, x: Tensor, row: int, column: int) -> tuple[Figure, ...]:
        """Figures for one integer image (1, C, H, W) and its pixel at a row and column; names as in ``figures``."""
