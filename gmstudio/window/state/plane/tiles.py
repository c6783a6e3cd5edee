"""Runs of points side by side: which ones, in which order, and the chosen one."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.runs import RunInfo
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.plane.tile import PlaneTile
from gmstudio.window.state.runs.library import RunLibrary

MAX_TILES = 4


def has_points(info: RunInfo) -> bool:
    """Return whether the data of a run are points: images of one row and one or two sub-pixels."""
    return info.image.channels == 1 and info.image.height == 1 and info.image.width in (1, 2)


def same_data(first: RunInfo, second: RunInfo) -> bool:
    """Return whether two runs were set up on the same points."""
    one, other = first.spec, second.spec
    return (one.data, one.data_config, first.image) == (other.data, other.data_config, second.image)


class PlaneTiles(QObject):
    """Up to ``MAX_TILES`` runs on the same points.

    Args:
        events: connection to the engine.
        library: library of runs.

    Attributes:
        events: connection to the engine.
        run: path of the chosen tile's run, or "".
        tiles: from left to right.

    Signals:
        run_changed: another tile is chosen, or another run is in it.
        tiles_changed: tiles were added, removed, or moved.
        tile_changed: the ``PlaneTile`` that shows something else now.
        made: the ``PlaneTile`` of a run that was not shown before.
        left: all runs on the points before were removed.
        opened: a tile's run was opened.
        recorded: a tile has other recorded surfaces.
        described: a tile says something else of the point.
    """

    run_changed = Signal()
    tiles_changed = Signal()
    tile_changed = Signal(object)
    made = Signal(object)
    left = Signal()
    opened = Signal()
    recorded = Signal()
    described = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = ""
        self.tiles: list[PlaneTile] = []
        self._series_due: dict[str, int] = {}
        self.events, self._library = events, library

    @property
    def chosen(self) -> PlaneTile | None:
        """The chosen tile; None where there is none."""
        return self.tile(self.run)

    def tile(self, run: str) -> PlaneTile | None:
        """Tile of a run; None where it has none."""
        return next((tile for tile in self.tiles if tile.run == run), None)

    def info(self, tile: PlaneTile) -> RunInfo | None:
        """Description of the run of a tile."""
        return self._library.info(tile.run)

    def companions(self) -> list[RunInfo]:
        """Runs that can stand beside the present ones: on the same points, and not shown yet."""
        shown = {tile.run for tile in self.tiles}
        if len(self.tiles) >= MAX_TILES:
            return []
        return [info for info in self._on_same_points() if info.run not in shown]

    def _on_same_points(self) -> list[RunInfo]:
        first = self.info(self.tiles[0]) if self.tiles else None
        if first is None:
            return []
        return [info for info in self._library.runs_with("") if has_points(info) and same_data(first, info)]

    def choose_run(self, run: str) -> None:
        """Choose the tile of a run; one that has none replaces the chosen one, and those on other data."""
        if run == self.run:
            return
        if self.tile(run) is None:
            self._replace(run)
        self.run = run
        self.run_changed.emit()

    def add_run(self, run: str) -> None:
        """Show a run beside the others; no effect where it is shown already, or ``MAX_TILES`` are."""
        if self.tile(run) is None and len(self.tiles) < MAX_TILES:
            self.tiles.append(self._make(run))
            self._announce()
            if not self.run:
                self.run = run
                self.run_changed.emit()

    def show_run(self, run: str) -> None:
        """Show a run beside the others where it is on the same points and there is room; else in their place."""
        if run in {info.run for info in self.companions()}:
            self.add_run(run)
        self.choose_run(run)

    def remove_run(self, run: str) -> None:
        """Remove a tile; the last one stays."""
        tile = self.tile(run)
        if tile is None or len(self.tiles) == 1:
            return
        index = self.tiles.index(tile)
        self.tiles.remove(tile)
        self._drop(tile)
        self._announce()
        if self.run == run:
            self.run = self.tiles[min(index, len(self.tiles) - 1)].run
            self.run_changed.emit()

    def move_run(self, run: str, by: int) -> None:
        """Move a tile forward or back among the others."""
        tile = self.tile(run)
        if tile is None:
            return
        index = self.tiles.index(tile)
        target = min(max(index + by, 0), len(self.tiles) - 1)
        if target != index:
            self.tiles.insert(target, self.tiles.pop(index))
            self._announce()

    def show_beside(self, runs: tuple[str, ...]) -> None:
        """Show these runs in this order; those on other data than the present ones, or gone, are left out."""
        able = {info.run for info in self._on_same_points()}
        order = [run for run in runs if run in able][:MAX_TILES]
        if not order or order == [tile.run for tile in self.tiles]:
            return
        for tile in [tile for tile in self.tiles if tile.run not in order]:
            self._drop(tile)
        self.tiles = [tile for tile in self.tiles if tile.run in order]
        for run in order:
            if self.tile(run) is None:
                self.tiles.append(self._make(run))
        self.tiles.sort(key=lambda tile: order.index(tile.run))
        self._announce()
        if self.run not in order:
            self.run = order[0]
            self.run_changed.emit()

    def forget_missing(self) -> None:
        """Remove the tiles of runs that are not in the library any more."""
        for tile in [tile for tile in self.tiles if self.info(tile) is None]:
            if len(self.tiles) > 1:
                self.remove_run(tile.run)
            else:
                self._replace("")
                self.run = ""
                self.run_changed.emit()

    @property
    def axes(self) -> tuple[PointAxis, ...]:
        """Axes of the first run that is open; none before."""
        return next((tile.axes for tile in self.tiles if tile.axes), ())

    # ---- changing ------------------------------------------------------------------------------------------------

    def _replace(self, run: str) -> None:
        """Put a run in place of the chosen tile, and remove those on other data; no run: remove all."""
        info, chosen = self._library.info(run), self.chosen
        index = self.tiles.index(chosen) if chosen is not None else len(self.tiles)
        before = list(self.tiles)
        fit = [t for t in before if t is not chosen and info is not None and self._fits(t, info)]
        if not fit:
            self.left.emit()
        self.tiles = fit
        for tile in before:
            if tile not in fit:
                self._drop(tile)
        if run:
            at = sum(before.index(tile) < index for tile in fit)
            self.tiles.insert(at, self._make(run))
        self._announce()

    def _fits(self, tile: PlaneTile, info: RunInfo) -> bool:
        other = self.info(tile)
        return other is not None and same_data(info, other)

    def _make(self, run: str) -> PlaneTile:
        taken = {tile.series for tile in self.tiles}
        free = [number for number in range(MAX_TILES + 1) if number not in taken]
        due = self._series_due.pop(run, -1)
        series = due if due in free else free[0]
        tile = PlaneTile(self.events, self._library, run, series, self)
        tile.changed.connect(lambda: self.tile_changed.emit(tile))
        tile.opened_changed.connect(self._on_opened)
        tile.recorded_changed.connect(self.recorded)
        tile.described_changed.connect(self.described)
        self.made.emit(tile)
        return tile

    def _drop(self, tile: PlaneTile) -> None:
        tile.close()
        tile.deleteLater()

    def _announce(self) -> None:
        self._compare_axes()
        self.recorded.emit()
        self.tiles_changed.emit()

    def _on_opened(self) -> None:
        self._compare_axes()
        self.opened.emit()

    def _compare_axes(self) -> None:
        """Say of each tile whose axes are not those of the first one that it does not compare."""
        first = self.axes
        for tile in self.tiles:
            before, tile.mismatch = tile.mismatch, ""
            if tile.axes and tile.axes != first:
                tile.mismatch = f"Its axes are {_ranges(tile.axes)}; those of the first run are {_ranges(first)}."
            if tile.mismatch != before:
                tile.changed.emit()


def _ranges(axes: tuple[PointAxis, ...]) -> str:
    return ", ".join(f"{axis.title} from {axis.low:g} to {axis.high:g}" for axis in axes)
