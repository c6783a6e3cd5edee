"""Grids of runs: two fields and seeds that are varied, the settings of each cell, and messages about kept grids."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.run_spec import RunSpec

MAX_CELLS = 400
"""Runs of a grid."""
MAX_VALUES = 50
"""Values of an axis."""
MAX_GRID_NAME = 40
FAMILY, SEED = "family", "training.seed"
PARTS = ("config", "training", "data_config")
"""Parts of a ``RunSpec`` that have fields; an axis names them as ``config.beta``."""
TAG = "grid:"
"""Begins the tag that all runs of a grid share, before the grid's name."""


class GridAxis(msgspec.Struct, frozen=True, kw_only=True):
    """Field that is varied.

    Args:
        field: ``family``, or part and name of a setting, for example ``config.beta``.
        title: its label.
        values: plain values, all different.
        labels: texts of the values.
    """

    field: str
    title: str
    values: tuple[Any, ...]
    labels: tuple[str, ...]


class GridCell(NamedTuple):
    """Place of a run in a grid: index of its column, row and seed."""

    column: int
    row: int
    seed: int


class RunGrid(msgspec.Struct, frozen=True, kw_only=True):
    """Grid of runs.

    Args:
        name: letters, digits, ``-`` and ``_``; unique in the library.
        created: ISO 8601 in UTC.
        columns: field that changes from column to column.
        rows: field that changes from row to row; None: there is one row.
        seeds: each combination is trained with each of these seeds.
        bases: settings that are varied; of several families, one for each.
    """

    name: str
    created: str
    columns: GridAxis
    bases: tuple[RunSpec, ...]
    rows: GridAxis | None = None
    seeds: tuple[int, ...] = (0,)

    @property
    def tag(self) -> str:
        """Tag of its runs."""
        return f"{TAG}{self.name}"

    @property
    def axes(self) -> tuple[GridAxis, ...]:
        """Columns, then rows where they differ."""
        return (self.columns,) if self.rows is None else (self.columns, self.rows)

    def cells(self) -> Iterator[GridCell]:
        """Places row by row, the seeds of one together."""
        for row in range(1 if self.rows is None else len(self.rows.values)):
            for column in range(len(self.columns.values)):
                for seed in range(len(self.seeds)):
                    yield GridCell(column, row, seed)

    def spec(self, cell: GridCell) -> RunSpec:
        """Return the settings of a cell."""
        wanted = self._wanted(cell)
        family = wanted.get(FAMILY, self.bases[0].family)
        spec = next(base for base in self.bases if base.family == family)
        for field, value in wanted.items():
            spec = with_value(spec, field, value)
        return spec

    def label(self, cell: GridCell) -> str:
        """Return what differs in a cell, in words."""
        words = [f"{self.columns.title} {self.columns.labels[cell.column]}"]
        words += [f"{self.rows.title} {self.rows.labels[cell.row]}"] if self.rows is not None else []
        words += [f"seed {self.seeds[cell.seed]}"] if len(self.seeds) > 1 else []
        return " · ".join(words)

    def places(self) -> dict[tuple[Any, ...], GridCell]:
        """Return varied values → the cell that has them, see ``key_of``."""
        return {self._key(self._wanted(cell)): cell for cell in self.cells()}

    def key_of(self, spec: RunSpec) -> tuple[Any, ...]:
        """Return the values that a run has of the varied fields."""
        return tuple(value_of(spec, field) for field in self._fields)

    def cell_of(self, spec: RunSpec) -> GridCell | None:
        """Return the cell whose varied values a run has; None: it has others."""
        return self.places().get(self.key_of(spec))

    @property
    def _fields(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((SEED, *(axis.field for axis in self.axes))))

    def _key(self, wanted: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(wanted[field] for field in self._fields)

    def _wanted(self, cell: GridCell) -> dict[str, Any]:
        found = {self.columns.field: self.columns.values[cell.column]}
        if self.rows is not None:
            found[self.rows.field] = self.rows.values[cell.row]
        return {SEED: self.seeds[cell.seed]} | found


def value_of(spec: RunSpec, field: str) -> Any:
    """Return the value of a field of an axis; None where the run has none."""
    if field == FAMILY:
        return spec.family
    part, _dot, name = field.partition(".")
    return getattr(spec, part).get(name)


def with_value(spec: RunSpec, field: str, value: Any) -> RunSpec:
    """Return settings with another value of a field."""
    if field == FAMILY:
        return spec
    part, _dot, name = field.partition(".")
    return msgspec.structs.replace(spec, **{part: {**getattr(spec, part), name: value}})


def check_grid(grid: RunGrid) -> None:
    """Check that a grid can be trained, but for the values of its fields.

    Raises:
        ValueError: names what cannot be, and the remedy.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", grid.name) or len(grid.name) > MAX_GRID_NAME:
        raise ValueError(
            f"{grid.name[: 2 * MAX_GRID_NAME]!r} is no name of a grid; use letters, digits, - and _, "
            f"{MAX_GRID_NAME} at most."
        )
    for axis in grid.axes:
        part, _dot, name = axis.field.partition(".")
        if axis.field != FAMILY and (part not in PARTS or not name):
            raise ValueError(f"{axis.field!r} is no field; name one as family, config.beta or training.learning_rate.")
        if not 1 <= len(axis.values) <= MAX_VALUES or len(axis.labels) != len(axis.values):
            raise ValueError(f"{axis.title} has {len(axis.values)} values; enter 1 to {MAX_VALUES}.")
        if any(value in axis.values[:index] for index, value in enumerate(axis.values)):
            raise ValueError(f"A value of {axis.title} is there twice; leave one of them out.")
    if len({axis.field for axis in grid.axes}) < len(grid.axes):
        raise ValueError(f"{grid.columns.title} is varied twice; choose another field for the rows.")
    if any(axis.field == SEED for axis in grid.axes) and len(grid.seeds) > 1:
        raise ValueError("The seed is varied by an axis; leave one value in the list of seeds.")
    if len(set(grid.seeds)) < len(grid.seeds) or not grid.seeds:
        raise ValueError("The seeds must be different, one at least.")
    families = {axis.field: axis.values for axis in grid.axes}.get(FAMILY, (grid.bases[0].family,))
    if missing := [family for family in families if all(base.family != family for base in grid.bases)]:
        raise ValueError(f"The grid has no settings of {missing[0]}.")
    count = sum(1 for _ in grid.cells())
    if count > MAX_CELLS:
        raise ValueError(f"The grid has {count:,} runs; vary less, {MAX_CELLS} at most.")


class ListGrids(Command, frozen=True, kw_only=True):
    """List the grids of the library; answered with ``GridsListed``."""


class ForgetGrid(Command, frozen=True, kw_only=True):
    """Remove the definition of a grid; its runs stay. Answered with ``GridsListed``."""

    name: str


class KeepGrid(Command, frozen=True, kw_only=True):
    """Keep the definition of a grid, for example one that was removed; answered with ``GridsListed``."""

    grid: RunGrid


class GridsListed(Event, frozen=True, kw_only=True):
    """Grids of the library, the newest first.

    Args:
        grids: their definitions.
        problems: one sentence for each file that cannot be read.
    """

    grids: tuple[RunGrid, ...]
    problems: tuple[str, ...] = ()
