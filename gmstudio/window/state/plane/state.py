"""State of the Plane panel: runs of points side by side, the place in their training, a chosen point."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.plane import SurfaceRecorded
from gmstudio.protocol.training import TrainingChanged
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.plane.inside import Inputs
from gmstudio.window.state.plane.options import ShowOptions, options_from
from gmstudio.window.state.plane.recorded import Axis
from gmstudio.window.state.plane.tile import PlaneTile
from gmstudio.window.state.plane.tiles import PlaneTiles, has_points, same_data
from gmstudio.window.state.plane.transport import TrainingPlace
from gmstudio.window.state.runs.library import RunLibrary

MAX_SEED = 2**31 - 1
Point = tuple[float, ...]


class PlaneState(PlaneTiles):
    """State of the Plane panel; the runs side by side are in ``PlaneTiles``.

    Attributes:
        options: what the tiles draw.
        place: place in the training that all tiles show.
        point: chosen point, in the units of the axes, at the centre of its cell; None: none.
        seed: seed of the samples.
        edits: the runs side by side, the chosen point and the inputs of views, to be undone.

    Signals:
        options_changed: ``options`` changed.
        point_changed: ``point`` changed.
        recorded_changed: the places at which something was recorded, or their metrics, changed.
    """

    options_changed = Signal()
    point_changed = Signal()
    recorded_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(events, library, parent)
        self.options = ShowOptions()
        self.point: Point | None = None
        self.seed = 0
        self.place = TrainingPlace(self)
        self._active = False
        self._beside_due: tuple[str, ...] = ()
        self._views_due: dict[str, str] = {}
        self.edits = EditRecorder(self)
        self.edits.add_part("runs", lambda: tuple(tile.run for tile in self.tiles), self.show_beside)
        self.edits.add_part("point", lambda: self.point, self._restore_point)
        self.edits.add_part("inputs", self._snapshot_inputs, self._restore_inputs)
        self.edits.about_run(lambda: self.run, self.choose_run, library.has_run, self._is_ready)
        self.made.connect(self._set_up)
        self.left.connect(self._on_left)
        self.tile_changed.connect(lambda _tile: self._on_tile_changed())
        self.recorded.connect(self._on_recorded_changed)
        self.place.moved.connect(self._show_place)
        events.on(SurfaceRecorded).connect(self._on_recorded)
        events.on(TrainingChanged).connect(self._on_training_changed)
        self.run_changed.connect(self._restore_beside)
        library.changed.connect(self._on_library_changed)
        library.catalog_arrived.connect(self._on_engine_started)
        library.checkpoint_chosen.connect(self._on_checkpoint_chosen)
        library.live_changed.connect(self._on_live_changed)

    # ---- runs, as a user chooses them ----------------------------------------------------------------------------

    def add_run(self, run: str) -> None:
        """Show a run beside the others; no effect where it is shown already, or ``MAX_TILES`` are."""
        self._beside_due = ()
        with self.edits.recording("Add a run"):
            super().add_run(run)

    def remove_run(self, run: str) -> None:
        """Remove a tile; the last one stays."""
        tile = self.tile(run)
        with self.edits.recording("Remove a run"):
            if tile is not None and tile.view_name:
                self._views_due[run] = tile.view_name
            super().remove_run(run)

    def move_run(self, run: str, by: int) -> None:
        """Move a tile forward or back among the others."""
        with self.edits.recording("Move a run", key=f"move {run}"):
            super().move_run(run, by)

    # ---- settings ------------------------------------------------------------------------------------------------

    @property
    def levels(self) -> int:
        """Levels of each axis; 0 before a run is open."""
        return next((tile.opened.levels for tile in self.tiles if tile.opened is not None), 0)

    @property
    def truth(self) -> NDArray[np.float64] | None:
        """True p* on the grid, (L₂, L₁); None: it is unknown."""
        found = (tile.opened.truth for tile in self.tiles if tile.opened is not None)
        truth = next(found, None)
        return None if truth is None else truth.numpy()

    @property
    def common_top(self) -> float:
        """Probability of the strongest colour where all tiles have the same one; 0 before there is any.

        The largest p* where that is known, so that colours stay while models train; else the largest p of all tiles.
        """
        truth = self.truth
        grids = [tile.surface.values for tile in self.tiles if tile.surface is not None] if truth is None else [truth]
        return max((float(np.nanmax(grid, initial=0.0)) for grid in grids), default=0.0)

    def set_options(self, **changes: Any) -> None:
        """Change what the tiles draw: fields of ``ShowOptions``."""
        options = msgspec.structs.replace(self.options, **changes)
        if options != self.options:
            self.options = options
            self.options_changed.emit()

    def draw_samples_again(self) -> None:
        """Draw other samples from all models, and show them."""
        self.draw_samples((self.seed + 1) % MAX_SEED)

    def draw_samples(self, seed: int) -> None:
        """Draw the samples of a seed from all models, and show them."""
        self.seed = min(max(seed, 0), MAX_SEED)
        for tile in self.tiles:
            tile.feed.refresh(self.seed)
        self.set_options(samples=True)

    def set_axis(self, axis: Axis) -> None:
        """Move the slider by training step or by training time."""
        self.place.set_axis(axis, self._stops(axis))

    def choose_view(self, name: str) -> None:
        """Choose a view of what the chosen tile's model has inside; "": none."""
        if self.chosen is not None:
            self.chosen.choose_view(name)

    def set_input(self, run: str, name: str, values: NDArray[np.float64], *, gesture: int = 0) -> None:
        """Set a handle, a guide or a slider of a tile's view.

        Args:
            run: path of the tile's run.
            name: of the input.
            values: its numbers.
            gesture: number of the drag, whose moves are one step of the history.
        """
        tile = self.tile(run)
        if tile is not None:
            with self.edits.recording("Move in the view", key=f"{run} {name} {gesture}"):
                tile.inside.set_input(name, values)

    def reset_inputs(self) -> None:
        """Set all inputs of the chosen tile's view to their defaults."""
        if self.chosen is not None:
            with self.edits.recording("Reset the view"):
                self.chosen.inside.set_inputs({})

    # ---- the point -----------------------------------------------------------------------------------------------

    def set_point(self, point: Point | None, *, gesture: str = "") -> None:
        """Choose the point whose numbers are shown: the centre of the cell around it; None: none.

        Args:
            point: coordinates, in the units of the axes.
            gesture: consecutive choices of the same one are one step of the history.
        """
        axes, levels = self.axes, self.levels
        if point is not None:
            if len(point) < len(axes) or not levels:
                return
            point = tuple(a.centre(a.level(x, levels), levels) for a, x in zip(axes, point, strict=False))
        with self.edits.recording("Choose a point" if point is not None else "Remove the point", key=gesture):
            self._restore_point(point)

    def move_point(self, across: int, up: int = 0) -> None:
        """Move the point by cells; without one, choose the middle of the plane."""
        axes, levels = self.axes, self.levels
        if not levels:
            return
        if self.point is None:
            self.set_point(tuple(axis.centre(levels // 2, levels) for axis in axes))
            return
        moved = zip(axes, self.point, (across, up), strict=False)
        cells = [(axis, min(max(axis.level(x, levels) + by, 0), levels - 1)) for axis, x, by in moved]
        self.set_point(tuple(axis.centre(level, levels) for axis, level in cells), gesture="move")

    def _restore_point(self, point: Point | None) -> None:
        if point != self.point:
            self.point = point
            for tile in self.tiles:
                tile.set_point(point)
            self.point_changed.emit()

    def _snapshot_inputs(self) -> dict[str, Inputs]:
        """Inputs of the views of all tiles: run and view → inputs."""
        shown = [tile.inside for tile in self.tiles if tile.inside.view is not None]
        return {f"{inside.run}\n{inside.view.name if inside.view else ''}": dict(inside.inputs) for inside in shown}

    def _restore_inputs(self, content: dict[str, Inputs]) -> None:
        for key, inputs in content.items():
            run, _, view = key.partition("\n")
            tile = self.tile(run)
            if tile is not None and tile.inside.view is not None and tile.inside.view.name == view:
                tile.inside.set_inputs(inputs)

    # ---- following -----------------------------------------------------------------------------------------------

    def set_active(self, active: bool) -> None:
        """Request only while the panel is on the screen."""
        self._active = active
        if not active:
            self.place.pause()
        for tile in self.tiles:
            tile.set_active(active)

    def choices(self) -> dict[str, Any]:
        """Runs side by side, views and toggles as JSON values, kept from one start of the window to the next."""
        return {
            "runs": [tile.run for tile in self.tiles] or list(self._beside_due),
            "series": [tile.series for tile in self.tiles] or list(self._series_due.values()),
            "views": self._views_due | {tile.run: tile.view_name for tile in self.tiles if tile.view_name},
            "options": msgspec.to_builtins(self.options),
            "axis": self.place.axis,
        }

    def restore_choices(self, values: dict[str, Any]) -> None:
        """Take choices that were kept; the runs follow once they are listed."""
        runs, views = values.get("runs", []), values.get("views", {})
        self._beside_due = tuple(filter(lambda run: isinstance(run, str), runs)) if isinstance(runs, list) else ()
        series = values.get("series", [])
        if isinstance(series, list) and len(series) == len(self._beside_due):
            kept = zip(self._beside_due, series, strict=True)
            self._series_due = {run: number for run, number in kept if isinstance(number, int)}
        self._views_due = {str(run): str(view) for run, view in views.items()} if isinstance(views, dict) else {}
        self.options = options_from(values.get("options"))
        if values.get("axis") in ("step", "time"):
            self.place.axis = values["axis"]
        self.options_changed.emit()

    def _restore_beside(self) -> None:
        """Show the runs again that were side by side, once one of them is chosen: first it may be the newest run."""
        if self._library.home and self.run in self._beside_due:
            due, self._beside_due = self._beside_due, ()
            self.show_beside(due)

    def _set_up(self, tile: PlaneTile) -> None:
        """Show in a new tile what the others show."""
        tile.feed.refresh(self.seed)
        tile.choose_view(self._views_due.pop(tile.run, ""))
        tile.set_point(self.point)
        tile.show_at(self.place.place, self.place.axis)
        tile.set_active(self._active)

    def _on_left(self) -> None:
        """Forget the point and the place in training, which belong to the points before."""
        self.place.pause()
        self.place.go(None)
        self.point = None
        self.point_changed.emit()

    def _stops(self, axis: Axis) -> NDArray[np.float64]:
        places = [tile.recorded.positions(axis) for tile in self.tiles]
        return np.unique(np.concatenate([np.zeros(0), *places]))

    def _show_place(self) -> None:
        for tile in self.tiles:
            tile.show_at(self.place.place, self.place.axis)
        self._set_waiting()

    def _set_waiting(self) -> None:
        self.place.waiting = any(tile.feed.busy for tile in self.tiles)

    def _on_tile_changed(self) -> None:
        self._set_waiting()
        if self._is_ready():
            self.edits.settle()

    def _is_ready(self) -> bool:
        """Views and points of the chosen run can be restored."""
        return self.chosen is not None and self.chosen.opened is not None

    def _on_recorded_changed(self) -> None:
        self.place.set_stops(self._stops(self.place.axis))
        self.recorded_changed.emit()

    def _on_recorded(self, event: SurfaceRecorded) -> None:
        tile = self.tile(event.run)
        if tile is not None:
            tile.recorded.append(event)
            self._on_recorded_changed()

    def _on_training_changed(self, event: TrainingChanged) -> None:
        tile = self.tile(event.run)
        if tile is not None:
            tile.feed.refresh()
            if event.status not in ("running", "paused"):
                tile.list_recorded()  # the last steps, too

    def _on_checkpoint_chosen(self, run: str) -> None:
        tile = self.tile(run)
        if tile is not None:
            tile.feed.refresh()

    def _on_live_changed(self, run: str) -> None:
        """Show the run that begins to train where there is none yet, or beside the others where it fits."""
        info = self._library.info(run)
        if run and info is not None and has_points(info) and self.tile(run) is None:
            first = self.info(self.tiles[0]) if self.tiles else None
            if first is not None and same_data(first, info):
                with self.edits.unrecorded():
                    self.add_run(run)
            elif not self.tiles:
                self.choose_run(run)

    def _on_library_changed(self) -> None:
        if self._library.home:
            with self.edits.unrecorded():
                self.forget_missing()
        for tile in self.tiles:
            tile.open()

    def _on_engine_started(self) -> None:
        for tile in self.tiles:
            tile.reopen()
