"""Tiles of the Plane panel in a grid, on one view of the plane, refreshed as news arrive."""

import time

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.plane.tile_canvas import TileCanvas
from gmstudio.window.gui.panels.plane.tile_view import TileFrame, TileView, TruthView
from gmstudio.window.gui.panels.plane.titles import tile_titles
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.plane.plane_view import PlaneView
from gmstudio.window.state.plane.state import PlaneState
from gmstudio.window.state.plane.tile import PlaneTile

REFRESH_MS = 16
REFRESH_BUDGET_S = 0.008
"""Longest time that tiles are drawn before the window paints, but for the last of them."""
BESIDE_PX, ABOVE_PX = 80, 90
"""Width and height of a tile besides the area of its plane, about: axes, title, legend."""


def best_columns(count: int, width: float, height: float) -> int:
    """Columns of a grid of ``count`` planes in which the smaller side of each is largest."""

    def side(columns: int) -> float:
        rows = -(-count // columns)
        return min(width / columns - BESIDE_PX, height / rows - ABOVE_PX)

    return max(range(1, count + 1), key=side) if count else 1


class Stage(QWidget):
    """Grid of tiles, and p* as a further one.

    Args:
        panel: panel that names the controls.
        state: state of the panel.

    Signals:
        refreshed: tiles were drawn.
    """

    refreshed = Signal()

    def __init__(self, panel: Panel, state: PlaneState) -> None:
        super().__init__(panel)
        self._panel, self._state = panel, state
        self._made = 0
        self._columns = 1
        self._view: PlaneView | None = None
        """Part of the plane that the user chose; None: all of it."""
        self.views: dict[str, TileView] = {}
        self._old: list[TileView] = []
        self.truth = TruthView(panel, state)
        self.truth.hide()
        self._link(self.truth)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GRID // 2)
        self._grid.setSizeConstraint(QLayout.SizeConstraint.SetDefaultConstraint)
        self._dirty: set[str] = set()
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._refresh_some)
        state.tiles_changed.connect(self._arrange)
        state.run_changed.connect(self._outline)
        state.tile_changed.connect(self._on_tile_changed)
        state.options_changed.connect(self._arrange)
        state.opened.connect(self._arrange)
        state.left.connect(self._forget_view)
        for changed in (state.point_changed, state.described, state.place.moved):
            changed.connect(self._refresh_all)
        self._arrange()

    @property
    def frames(self) -> list[TileFrame]:
        """Tiles that are shown, in their order; that of p* is the last."""
        shown: list[TileFrame] = [self.views[tile.run] for tile in self._state.tiles if tile.run in self.views]
        return [*shown, self.truth] if self._shows_truth else shown

    @property
    def _shows_truth(self) -> bool:
        state = self._state
        return state.options.truth == "tile" and len(state.axes) == 2 and state.truth is not None

    def fit(self) -> None:
        """Show the whole plane."""
        self._view = None
        for frame in self.frames:
            frame.canvas.fit()
        self._view = None

    def refresh(self) -> None:
        """Draw all tiles that changed."""
        while self._dirty:
            self._refresh_one()
        self._finish()

    def _refresh_some(self) -> None:
        """Draw tiles that changed for a limited time, so that the window paints between them."""
        deadline = time.monotonic() + REFRESH_BUDGET_S
        while self._dirty and time.monotonic() < deadline:
            self._refresh_one()
        if self._dirty:
            self._timer.start(0)
        else:
            self._finish()

    def _refresh_one(self) -> None:
        run = self._dirty.pop()
        view = self.views.get(run)
        if view is not None and view.refresh(self._state.common_top) and self._view is not None:
            view.canvas.set_view(self._view)

    def _finish(self) -> None:
        self._timer.stop()
        if self._shows_truth:
            self.truth.refresh(self._state.common_top)
        self.refreshed.emit()

    # ---- arranging -----------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Make and remove tiles, and put them into the grid."""
        state = self._state
        runs = [tile.run for tile in state.tiles]
        for run in [run for run, view in self.views.items() if run not in runs or view.tile not in state.tiles]:
            view = self.views.pop(run)
            view.hide()
            self._grid.removeWidget(view)
            view.deleteLater()
        for tile in state.tiles:
            if tile.run not in self.views:
                self.views[tile.run] = self._make(tile)
        self._write_titles()
        self._place()
        self._outline()
        self._refresh_all()

    def _make(self, tile: PlaneTile) -> TileView:
        self._made += 1
        view = TileView(self._panel, self._made, self._state, tile)
        self._link(view)
        view.chosen_wanted.connect(self._state.choose_run)
        return view

    def _link(self, frame: TileFrame) -> None:
        canvas = frame.canvas
        canvas.view_changed.connect(lambda view: self._follow(canvas, view))

    def _follow(self, source: TileCanvas, view: PlaneView) -> None:
        """Show the view of one canvas in all."""
        self._view = view
        for frame in (*self.views.values(), self.truth):
            if frame.canvas is not source:
                frame.canvas.set_view(view)

    def _write_titles(self) -> None:
        tiles = self._state.tiles
        for tile, title in zip(tiles, tile_titles([self._state.info(tile) for tile in tiles]), strict=True):
            info = self._state.info(tile)
            self.views[tile.run].title.set_words(title)
            self.views[tile.run].canvas.setAccessibleName(f"Plane of {title}")
            if info is not None:
                self.views[tile.run].title.setToolTip(f"{title}\n{info.title}")

    def _place(self) -> None:
        frames = self.frames
        self.truth.setVisible(self._shows_truth)
        self._columns = columns = best_columns(len(frames), self.width(), self.height())
        for frame in (*self.views.values(), self.truth):
            self._grid.removeWidget(frame)
        for index, frame in enumerate(frames):
            self._grid.addWidget(frame, index // columns, index % columns)
            frame.show()
        rows = -(-len(frames) // columns)
        for line in range(self._grid.rowCount()):
            self._grid.setRowStretch(line, int(line < rows))
        for line in range(self._grid.columnCount()):
            self._grid.setColumnStretch(line, int(line < columns))

    def _outline(self) -> None:
        several = len(self._state.tiles) > 1
        for run, view in self.views.items():
            view.set_chosen(several and run == self._state.run)

    def _forget_view(self) -> None:
        """Show all of other points."""
        self._view = None

    def _on_tile_changed(self, tile: PlaneTile) -> None:
        self._dirty.add(tile.run)
        if not self._timer.isActive():
            self._timer.start(REFRESH_MS)

    def _refresh_all(self) -> None:
        self._dirty |= set(self.views)
        if not self._timer.isActive():
            self._timer.start(REFRESH_MS)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose the number of columns that gives the largest planes."""
        super().resizeEvent(event)
        if best_columns(len(self.frames), self.width(), self.height()) != self._columns:
            self._place()
