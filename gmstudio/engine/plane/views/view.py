"""Base of the views of what a model has inside, and what they are drawn from.

A view is offered where the model has the methods that it needs; no view knows a family.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.plane.grid import Grid, PlaneGrid
from gmstudio.engine.plane.rules import rule_for, surface_pieces
from gmstudio.engine.plane.surface import SurfaceSlot
from gmstudio.families.base import Family
from gmstudio.protocol.array import Array
from gmstudio.protocol.plane import PlaneSlider, PlaneView
from gmstudio.protocol.plane_layers import Extent, PlaneLayer
from gmstudio.protocol.scenes import Number

Floats = NDArray[np.float64]
MAX_HANDLES = 64


@dataclass(frozen=True, eq=False)
class Drawing:
    """View as it is drawn.

    Args:
        layers: from back to front.
        numbers: computed beside them.
        note: one sentence; empty: none.
        done: it is the final one.
    """

    layers: tuple[PlaneLayer, ...]
    numbers: tuple[Number, ...] = ()
    note: str = ""
    done: bool = True


@dataclass(frozen=True, eq=False)
class ViewRequest:
    """What a view is drawn from.

    Args:
        model: in evaluation mode, whose weights don't change meanwhile.
        dataset: that it was trained on.
        grid: of the points.
        inputs: handles, guides and sliders: name → numbers.
        point: chosen point of the plane, (D,); None: none.
        seed: of all noise.
        slot: keeps the surface of the model.
    """

    model: Family
    dataset: Dataset
    grid: PlaneGrid
    inputs: Mapping[str, Floats]
    point: Floats | None
    seed: int
    slot: SurfaceSlot = field(default_factory=SurfaceSlot)

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        return self.model.device

    @property
    def extent(self) -> Extent:
        """Ends of a map over the whole grid."""
        first, last = self.grid.axes[0], self.grid.axes[-1]
        return (first.low, first.high, *((last.low, last.high) if self.grid.dims == 2 else (0.0, 1.0)))

    def generator(self, offset: int = 0) -> torch.Generator:
        """Source of noise, the same for the same seed and offset."""
        return torch.Generator(self.device).manual_seed(self.seed + 7919 * offset)

    @property
    def has_surface(self) -> bool:
        """The density of the model is computed without counting samples."""
        return rule_for(self.model).method not in (None, "histogram")

    def surface(self) -> Generator[None, None, Grid]:
        """Compute the density of the model over the grid in pieces, unless it is kept, and return it: (R, L)."""
        assert self.has_surface
        if self.slot.surface is None:
            pieces = surface_pieces(self.model, self.grid, self.seed, self.dataset.train.labels, quick=self.slot.quick)
            for surface in pieces:
                if surface is not None:
                    self.slot.surface = surface
                yield None
        assert self.slot.surface is not None
        return self.slot.surface.values

    # ---- inputs ------------------------------------------------------------------------------------------------

    def number(self, slider: PlaneSlider) -> float:
        """Value of a slider, within its range.

        Raises:
            ValueError: when it is no single number.
        """
        value = float(self._given(slider.name, (1,), np.array([slider.value]))[0])
        return min(max(value, slider.low), slider.high)

    def whole(self, slider: PlaneSlider) -> int:
        """Value of a slider of whole numbers."""
        return round(self.number(slider))

    def place(self, name: str, default: float) -> float:
        """Place of a guide."""
        return float(self._given(name, (1,), np.array([default]))[0])

    def handles(self, name: str, default_N2: Floats) -> Floats:
        """Places of handles: (N, 2).

        Raises:
            ValueError: when they have another shape, are not finite, or too many.
        """
        return self._given(name, None, default_N2)

    def _given(self, name: str, shape: tuple[int, ...] | None, default: Floats) -> Floats:
        values = self.inputs.get(name, default)
        fits = values.shape == shape if shape else values.ndim == 2 and values.shape[1] == 2
        if not fits or not np.isfinite(values).all() or len(values) > MAX_HANDLES:
            wanted = f"(N, 2) with N up to {MAX_HANDLES}" if shape is None else str(shape)
            raise ValueError(f"The input {name} has the shape {values.shape}; give finite numbers of shape {wanted}.")
        return np.asarray(values, np.float64)

    # ---- points and images ---------------------------------------------------------------------------------------

    def of_points(self, points_N2: Floats) -> Tensor:
        """Images of the cells of places of the plane, on the device: (N, 1, 1, D) uint8; on a line x₁ alone counts."""
        return torch.from_numpy(self.grid.snapped(points_N2[:, : self.grid.dims])).to(self.device)

    def means_to_points(self, means: Tensor) -> Floats:
        """Places of intensities, (N, 1, 1, D) in [0, 1], of which level l of L is l / (L − 1): (N, 2).

        On a line the second coordinate is 0.
        """
        levels = self.grid.levels
        y_ND = (means.flatten(1).cpu().double().numpy() * (levels - 1) + 0.5) / levels
        return flat(self.grid.from_unit(y_ND))

    def unit_to_points(self, y_ND: Tensor | Floats) -> Floats:
        """Places of the plane of coordinates along axes from 0 to 1: (N, 2); on a line the second one is 0."""
        array = y_ND.cpu().double().numpy() if isinstance(y_ND, Tensor) else y_ND
        return flat(self.grid.from_unit(array))

    def data_images(self, count: int, split: str = "valid") -> NDArray[np.uint8]:
        """First images of a split, of the training images where it has none: (N, 1, 1, D)."""
        images = self.dataset.split(split).images
        return (images if len(images) else self.dataset.train.images)[:count]

    def data_labels(self, count: int, split: str = "valid") -> NDArray[np.int64] | None:
        """Their labels; None: they have none."""
        chosen = self.dataset.split(split)
        labels = chosen.labels if len(chosen) else self.dataset.train.labels
        return None if labels is None else labels[:count]

    def spread_points(self, count: int) -> Floats:
        """Some points of the data far from each other, as default places of handles: (N, 2)."""
        points_N2 = flat(self.grid.points(self.data_images(500)))
        chosen = [0]
        apart_N = np.full(len(points_N2), np.inf)
        scale = np.array([1.0 / (axis.high - axis.low) for axis in self.grid.axes] + [0.0])[:2]
        for _ in range(count - 1):
            apart_N = np.minimum(apart_N, np.square((points_N2 - points_N2[chosen[-1]]) * scale).sum(1))
            chosen.append(int(apart_N.argmax()))
        return points_N2[chosen]


class View(ABC):
    """Base of the views."""

    name: str

    @abstractmethod
    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Return whether the model has what this view draws."""

    @abstractmethod
    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """Words, sliders and axes."""

    @abstractmethod
    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """Draw in pieces of at most some tens of milliseconds, under evaluation mode without gradients.

        Yields:
            None after each piece, and drawings, of which the last one is done.
        """


def flat(points_ND: Floats) -> Floats:
    """Points as (N, 2); those of a line get 0 as their second coordinate."""
    points_N2 = np.zeros((len(points_ND), 2))
    points_N2[:, : points_ND.shape[1]] = points_ND
    return points_N2


def array(values: Any) -> Array:
    """Numbers as float32 on the wire."""
    return Array.of(np.asarray(values, np.float32))


def groups(labels: NDArray[np.int64] | None) -> Array | None:
    """Labels as the colours of dots; None: one colour."""
    return None if labels is None else Array.of(labels.astype(np.int64))


def nats(value: float) -> str:
    """Number with its unit."""
    return f"{value:.4f} nats"
