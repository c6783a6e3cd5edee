"""Grid of points: cells, their images and their coordinates.

Shapes: N points, D dimensions (1 or 2), L levels, R rows of the grid (L, or 1 on a line), M = R·L cells. Cells are
numbered row by row: x₂ is the row, x₁ the column.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.points import PointAxis

Floats = NDArray[np.floating[Any]]
Grid = NDArray[np.float64]


@dataclass(frozen=True)
class PlaneGrid:
    """Axes and levels of points.

    Args:
        axes: one or two.
        levels: of each axis.
    """

    axes: tuple[PointAxis, ...]
    levels: int

    @property
    def dims(self) -> int:
        """D."""
        return len(self.axes)

    @property
    def shape(self) -> tuple[int, int]:
        """(R, L) of a surface."""
        return (self.levels if self.dims == 2 else 1, self.levels)

    @property
    def num_cells(self) -> int:
        """M."""
        return self.shape[0] * self.shape[1]

    def images(self, device: torch.device | None = None) -> Tensor:
        """Images of all cells: (M, 1, 1, D) uint8."""
        return self.levels_of_cells(device).to(torch.uint8).view(-1, 1, 1, self.dims)

    def levels_of_cells(self, device: torch.device | None = None) -> Tensor:
        """Levels of all cells: (M, D) int64."""
        cells_M = torch.arange(self.num_cells, device=device)
        return torch.stack([cells_M % self.levels, cells_M // self.levels], dim=1)[:, : self.dims]

    def cells(self, images: NDArray[Any]) -> NDArray[np.int64]:
        """Numbers of the cells of images (N, 1, 1, D): (N,)."""
        levels_ND = images.reshape(-1, self.dims).astype(np.int64)
        return levels_ND[:, 0] if self.dims == 1 else levels_ND[:, 0] + self.levels * levels_ND[:, 1]

    def centres(self, axis: int) -> NDArray[np.float64]:
        """Centres of the cells along an axis: (L,)."""
        return np.array([self.axes[axis].centre(level, self.levels) for level in range(self.levels)])

    def points(self, images: NDArray[Any]) -> NDArray[np.float64]:
        """Centres of the cells of images (N, 1, 1, D): (N, D)."""
        return self.from_unit((images.reshape(-1, self.dims) + 0.5) / self.levels)

    def from_unit(self, y_ND: Floats) -> NDArray[np.float64]:
        """Coordinates of places on axes from 0 to 1: (N, D)."""
        low, high = self._ends()
        return low + (high - low) * np.asarray(y_ND, np.float64)

    def to_unit(self, points_ND: Floats) -> NDArray[np.float64]:
        """Places on axes from 0 to 1 of coordinates: (N, D)."""
        low, high = self._ends()
        return (np.asarray(points_ND, np.float64) - low) / (high - low)

    def snapped(self, points_ND: Floats) -> NDArray[np.uint8]:
        """Images of the cells of points, of the nearest ones for points outside: (N, 1, 1, D)."""
        levels_ND = np.floor(self.to_unit(points_ND) * self.levels).clip(0, self.levels - 1)
        return levels_ND.astype(np.uint8).reshape(-1, 1, 1, self.dims)

    def within_cells(self, images: NDArray[Any], seed: int) -> NDArray[np.float32]:
        """Places drawn uniformly within the cells of images (N, 1, 1, D): (N, D)."""
        levels_ND = images.reshape(-1, self.dims)
        places_ND = levels_ND + np.random.default_rng([seed, 7]).random(levels_ND.shape)
        return self.from_unit(places_ND / self.levels).astype(np.float32)

    def _ends(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.array([axis.low for axis in self.axes]), np.array([axis.high for axis in self.axes])


def is_points(image: ImageSpec) -> bool:
    """Return whether images can be points: a row of one or two sub-pixels."""
    return image.channels == 1 and image.height == 1 and image.width in (1, 2)


def grid_of(image: ImageSpec, axes: tuple[PointAxis, ...] = ()) -> PlaneGrid:
    """Return the grid of images that are points.

    Args:
        image: their format.
        axes: of the data; empty: from 0 to the number of levels.

    Raises:
        ValueError: when the images are no points.
    """
    if not is_points(image):
        raise ValueError(
            f"The images of this run have {image.num_dims:,} sub-pixels ({image}); the Plane shows models of points, "
            "which have one or two. Train a run on the data source points."
        )
    titles = ("x₁", "x₂")[: image.width]
    return PlaneGrid(axes or tuple(PointAxis(title, 0.0, float(image.levels)) for title in titles), image.levels)


def grid_of_data(model: Family, dataset: Dataset) -> PlaneGrid:
    """Return the grid of a model and the data that it was trained on, see ``grid_of``."""
    return grid_of(model.image, dataset.axes)
