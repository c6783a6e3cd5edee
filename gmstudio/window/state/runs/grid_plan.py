"""Next grid of runs: its base, the fields that are varied and their values as they are typed."""

import datetime
from typing import Any, NamedTuple

import msgspec
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.grid_values import can_vary, parse_values
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs_grid import FAMILY, SEED, GridAxis, RunGrid, check_grid
from gmstudio.protocol.runs_queue import AddToQueue
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.queue import QueueState
from gmstudio.window.state.runs.state import RunsState

FORM = ""
"""Base of a grid: the present settings of Train."""
TITLES = {"config": "Model", "training": "Training", "data_config": "Data"}
FIELDS = ("name", "base", "columns", "columns_values", "rows", "rows_values", "seeds")


class GridField(NamedTuple):
    """Field that can be varied.

    Args:
        field: as in ``GridAxis``.
        title: with the part that it belongs to.
        prop: its property in the schema.
    """

    field: str
    title: str
    prop: dict[str, Any]


class GridPlan(QObject):
    """What is typed for the next grid.

    Args:
        owner: state of the panel.

    Attributes:
        values: each of ``FIELDS`` → its text; ``base`` is a run or ``FORM``, ``columns`` and ``rows`` are fields.
        problem: why the engine refused the grid; empty otherwise.

    Signals:
        changed: anything.
        added: name of a grid whose runs are in the queue now.
    """

    changed = Signal()
    added = Signal(str)

    def __init__(self, owner: RunsState) -> None:
        super().__init__(owner)
        self._owner, self._queue = owner, owner.page(QueueState)
        self.values: dict[str, str] = dict.fromkeys(FIELDS, "") | {
            "name": "grid-1",
            "columns": "training.learning_rate",
            "seeds": "0",
        }
        self.problem = ""
        self._adding = Request(owner.link, self)
        self._adding.replied.connect(self._on_added)
        self._adding.failed.connect(self._on_failed)
        self._adding.dropped.connect(self.changed)
        owner.edits.add_part("grid plan", lambda: dict(self.values), self._restore)
        owner.library.catalog_arrived.connect(self.changed)
        self._queue.changed.connect(self.changed)
        owner.keep("grid plan", lambda: dict(self.values), self._restore)

    # ---- what can be chosen --------------------------------------------------------------------------------------

    @property
    def base(self) -> RunSpec | None:
        """Settings that are varied; None: there are none yet."""
        if self.values["base"] == FORM:
            return self._owner.next_spec()
        info = self._owner.library.info(self.values["base"])
        return None if info is None else info.spec

    @property
    def fields(self) -> list[GridField]:
        """Fields of the base that can be varied."""
        base, catalog = self.base, self._owner.library.catalog
        if base is None or catalog is None:
            return []
        names = {entry.card.name: entry.card.title for entry in catalog.families}
        found = [GridField(FAMILY, "Family", {"title": "Family", "enum": list(names), "labels": names})]
        sources = {source.name: source.config_schema for source in catalog.data}
        schemas: dict[str, dict[str, Any]] = {
            "config": next((one.config_schema for one in catalog.families if one.card.name == base.family), {}),
            "training": catalog.training_schema,
            "data_config": sources.get(base.data, {}),
        }
        for part, schema in schemas.items():
            for name, prop in schema.get("properties", {}).items():
                if can_vary(prop):
                    title = f"{TITLES[part]} · {prop.get('title', name)}"
                    found.append(GridField(f"{part}.{name}", title, prop))
        return found

    def set(self, name: str, text: str) -> None:
        """Set what is typed or chosen for one of ``FIELDS``."""
        if self.values[name] != text:
            with self._owner.edits.recording("Change the grid", key=f"grid {name}"):
                self.values = self.values | {name: text}
                self.problem = ""
            self.changed.emit()

    # ---- the grid ------------------------------------------------------------------------------------------------

    def grid(self) -> RunGrid:
        """Return the grid that is typed.

        Raises:
            ValueError: names what is missing or cannot be, and the remedy.
        """
        base = self.base
        if base is None:
            raise ValueError("There are no settings to vary yet: choose a run as the base, or set up one in Train.")
        columns = self._axis("columns")
        if columns is None:
            raise ValueError("Choose a field for the columns.")
        rows = self._axis("rows")
        known = {field.field: field for field in self.fields}
        seeds = parse_values(self.values["seeds"] or "0", known[SEED].prop) if SEED in known else (0,)
        varied = {axis.field for axis in (columns, rows) if axis is not None}
        axes = [axis for axis in (columns, rows) if axis is not None]
        families = next((axis.values for axis in axes if axis.field == FAMILY), (base.family,))
        grid = RunGrid(
            name=self.values["name"].strip(),
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            columns=columns,
            rows=rows,
            seeds=seeds if SEED not in varied else seeds[:1],
            bases=tuple(self._base_of(family, base) for family in families),
        )
        check_grid(grid)
        return grid

    def _axis(self, name: str) -> GridAxis | None:
        field = next((one for one in self.fields if one.field == self.values[name]), None)
        if field is None:
            return None
        values = parse_values(self.values[f"{name}_values"], field.prop)
        title = str(field.prop.get("title", field.field))
        return GridAxis(
            field=field.field, title=title, values=values, labels=tuple(value_text(v, field.prop) for v in values)
        )

    def _base_of(self, family: str, base: RunSpec) -> RunSpec:
        """Settings of a family: the base's own, else the family's proposal on the same data."""
        if family == base.family:
            return base
        entry: FamilyEntry = self._owner.library.entry(family)
        training = entry.training_on(base.data)
        kept = {name: base.training[name] for name in ("steps", "seed") if name in base.training}
        return msgspec.structs.replace(
            base, family=family, config=entry.config_on(base.data), training={**training, **kept}
        )

    def specs(self, grid: RunGrid) -> list[RunSpec]:
        """Return the settings of all runs of a grid."""
        return [grid.spec(cell) for cell in grid.cells()]

    def seconds(self, grid: RunGrid) -> float:
        """Return the time that the grid takes, measured on runs like its own; negative: not known yet."""
        return self._queue.seconds_of(self.specs(grid))

    @property
    def busy(self) -> bool:
        """The grid is being added."""
        return self._adding.busy

    def add(self) -> None:
        """Add the runs of the grid to the queue."""
        try:
            grid = self.grid()
        except ValueError as error:
            self.problem = str(error)
            self.changed.emit()
            return
        labels = tuple(grid.label(cell) for cell in grid.cells())
        self._adding.send(AddToQueue(specs=tuple(self.specs(grid)), labels=labels, tags=(grid.tag,), grid=grid))
        self.changed.emit()

    # ---- events --------------------------------------------------------------------------------------------------

    def _on_added(self, _event: object) -> None:
        command = self._adding.command
        assert isinstance(command, AddToQueue) and command.grid is not None
        name = command.grid.name
        stem, _dash, number = name.rpartition("-")
        if number.isdecimal():
            self.values = self.values | {"name": f"{stem}-{int(number) + 1}"}
        self.added.emit(name)
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self.problem = failure.message
        self.changed.emit()

    def _restore(self, values: Any) -> None:
        known = {name: values[name] for name in FIELDS if isinstance(values.get(name), str)}
        self.values = self.values | known
        self.changed.emit()


def value_text(value: Any, prop: dict[str, Any]) -> str:
    """Write a value of an axis in words."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(prop.get("labels", {}).get(str(value), value))
