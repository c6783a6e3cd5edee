"""Samples of a model of points as a table, for ``gmstudio sample --out FILE.csv``."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gmstudio.cli.run_data import load_data_for, with_options
from gmstudio.media import comment_lines
from gmstudio.media.levels import quantize
from gmstudio.media.png import check_picture_name
from gmstudio.media.writing import put_in_place

if TYPE_CHECKING:
    from gmstudio.engine.plane.grid import PlaneGrid
    from gmstudio.engine.runtime.models import Loaded

TABLE = ".csv"


def is_table(path: Path) -> bool:
    """Return whether samples are to be written as a table."""
    return path.suffix.lower() == TABLE


def grid_for(loaded: "Loaded", path: Path, data_dir: str) -> "PlaneGrid":
    """Return the grid of the points that a run was trained on.

    Args:
        loaded: the model and its run.
        path: table to be written.
        data_dir: folder of the run's data, where they are elsewhere now.

    Raises:
        ValueError: when the run's data are images, or the table cannot have this path.
    """
    from gmstudio.engine.plane.grid import grid_of_data, is_points

    check_picture_name(path.with_suffix(".png"))
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a file in it that ends in {TABLE}.")
    if not is_points(loaded.model.image):
        raise ValueError(f"{path} would be a table of points, and this run's samples are images; end it in .png.")
    with with_options():
        return grid_of_data(loaded.model, load_data_for(loaded, folder=data_dir))


def write_points(images: NDArray[np.uint8], path: Path, grid: "PlaneGrid", texts: Mapping[str, str]) -> None:
    """Write a line for each sample, with the centre of its cell in the units of the axes.

    Args:
        images: (N, 1, 1, D), 0 … 255.
        path: of the table, which is replaced.
        grid: of the points.
        texts: written before the table.
    """
    table = io.StringIO()
    table.write(comment_lines(texts))
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(axis.title for axis in grid.axes)
    for point in grid.points(quantize(images, 255, grid.levels)):
        writer.writerow(f"{coordinate:.7g}" for coordinate in point)
    with put_in_place(path, overwrite=True) as partial_path:
        partial_path.write_bytes(table.getvalue().encode())
