"""One tile: a run's density over the plane, with its title, method and step."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout

from gmstudio.protocol.plane_layers import Heat, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.plane import layers as drawn
from gmstudio.window.gui.panels.plane.tile_canvas import TileCanvas
from gmstudio.window.gui.panels.plane.titles import method_badges
from gmstudio.window.gui.panels.plane.view_hands import ViewHands
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.overlay_note import OverlayNote
from gmstudio.window.state.plane.state import PlaneState
from gmstudio.window.state.plane.tile import PlaneTile

TIP = (
    "Drag pans and the wheel zooms all planes; a double click shows all. A click chooses a point, which the arrow keys "
    "then move by a cell."
)
MARGIN = 3


class TitleLabel(ElidedLabel):
    """Elided label that is as wide as its text where there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Size of the whole text."""
        hint = super().sizeHint()
        return QSize(self.fontMetrics().horizontalAdvance(self.words) + 2, hint.height())

    def minimumSizeHint(self) -> QSize:
        """Width of a few letters."""
        return QSize(6 * GRID, super().minimumSizeHint().height())


class TileFrame(QFrame):
    """Title line and a plane; outlined where it is the chosen one.

    Args:
        panel: panel that names the controls.
        control: name of the canvas among the panel's controls.
        state: state of the panel.
    """

    def __init__(self, panel: Panel, control: str, state: PlaneState) -> None:
        super().__init__(panel)
        self.state = state
        self.chosen = False
        self.title, self.badge = TitleLabel(), ElidedLabel()
        self.title.setProperty("role", "heading")
        self.badge.setProperty("role", "muted")
        self.badge.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.swatch = QLabel()
        self.swatch.setFixedSize(GRID, GRID)
        self.canvas = TileCanvas()
        panel.name_widget(self.canvas, control, "Plane", TIP)
        self.note = OverlayNote(self.canvas)
        line = QHBoxLayout()
        line.setSpacing(GRID // 2)
        line.setContentsMargins(0, 0, GRID // 2, 0)
        line.addWidget(self.swatch)
        line.addWidget(self.title)
        line.addWidget(self.badge, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(0)
        column.addLayout(line)
        column.addWidget(self.canvas, 1)
        self.canvas.clicked.connect(lambda x, y: state.set_point((x, y)))
        self.canvas.point_stepped.connect(state.move_point)
        self.canvas.point_removed.connect(lambda: state.set_point(None))

    def set_chosen(self, chosen: bool) -> None:
        """Outline the tile, or not."""
        if chosen != self.chosen:
            self.chosen = chosen
            self.update()

    def set_series(self, series: int | None) -> None:
        """Show the colour of the run's curves; None: it has none."""
        colour = "transparent" if series is None else theme().series(series).name()
        self.swatch.setStyleSheet(f"background: {colour}; border-radius: {GRID // 2}px;")

    def paintEvent(self, event: QPaintEvent) -> None:
        """Outline the chosen tile."""
        super().paintEvent(event)
        if self.chosen:
            with QPainter(self) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(QPen(theme().color("accent"), 1.5))
                painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), 4, 4)

    def set_plane(self, axes: tuple[PointAxis, ...], top: float) -> bool:
        """Set the axes of the points; those on a line get a vertical axis for p. Returns whether they are others."""
        before = self.canvas.axes
        if len(axes) == 2:
            self.canvas.set_axes(axes[0], axes[1], square=axes[0].unit == axes[1].unit and _alike(axes))
        elif axes:
            self.canvas.set_axes(axes[0], drawn.height_axis(self.state.options, top))
        self.canvas.setAccessibleName(f"Plane of {self.title.words}")
        return self.canvas.axes != before

    def point_layers(self) -> list[PlaneLayer]:
        """The chosen point."""
        point, axes = self.state.point, self.state.axes
        self.canvas.has_point = point is not None
        if point is None or len(point) != len(axes):
            return []
        return [drawn.marker(point) if len(axes) == 2 else drawn.line_marker(point, self.canvas.axes[1])]


class TruthView(TileFrame):
    """Tile of the true p*."""

    def __init__(self, panel: Panel, state: PlaneState) -> None:
        super().__init__(panel, "truth", state)
        self.title.set_words("True distribution p*")
        self.set_series(None)
        self._heat: tuple[object, PlaneLayer] | None = None

    def refresh(self, top: float) -> None:
        """Draw p* on the scale of the others."""
        truth, axes, options = self.state.truth, self.state.axes, self.state.options
        if truth is None or not axes:
            self.canvas.set_layers(())
            return
        self.set_plane(axes, top or float(truth.max()))
        own_top = top if options.common_scale else 0.0
        source = next(tile.opened for tile in self.state.tiles if tile.opened is not None)
        key = (source, options.quantity, options.contours, own_top)
        if self._heat is None or self._heat[0] != key:
            if len(axes) == 2:
                layer: PlaneLayer = drawn.heat_of(truth, axes, options, own_top, true=True)
            else:
                title, series = drawn.TRUE_TITLES[options.quantity], drawn.TRUTH_SERIES
                layer = drawn.steps_of(truth, axes[0], options.quantity, title, series, filled=True)
            self._heat = key, layer
        contours: list[PlaneLayer] = []
        if len(axes) == 2 and options.contours and options.quantity == "log p":
            contours.append(drawn.log_contours(truth, axes, own_top))
        self.canvas.set_layers((self._heat[1], *contours, *self.point_layers()))
        metrics = next((tile.metrics for tile in self.state.tiles if tile.metrics is not None), None)
        known = metrics is not None and np.isfinite(metrics.entropy)
        self.badge.set_words(f"H = {metrics.entropy:.3f} nats" if metrics is not None and known else "")


class TileView(TileFrame):
    """Tile of a run.

    Args:
        panel: panel that names the controls.
        number: of the tile among all that were made, for the names of its controls.
        state: state of the panel.
        tile: state of the run.

    Signals:
        chosen_wanted: name of the run, whose tile was pressed.
    """

    chosen_wanted = Signal(str)

    def __init__(self, panel: Panel, number: int, state: PlaneState, tile: PlaneTile) -> None:
        super().__init__(panel, f"tile{number}", state)
        self.tile = tile
        self.set_series(tile.series)
        self._kept: dict[str, tuple[object, PlaneLayer]] = {}
        self.canvas.pressed.connect(lambda: self.chosen_wanted.emit(tile.run))
        self.hands = ViewHands(self.canvas, state, lambda: tile.run)
        theme().changed.connect(self._recolour)

    def _recolour(self) -> None:
        self.set_series(self.tile.series)

    # ---- showing -------------------------------------------------------------------------------------------------

    def refresh(self, top: float) -> bool:
        """Draw what arrived.

        Args:
            top: probability of the strongest colour on the common scale.

        Returns:
            Whether the plane has other axes than before, all of which is shown.
        """
        tile = self.tile
        self.note.set_sentence(tile.problem)
        self._write_badge()
        axes = tile.axes
        if not axes:
            return False
        others = self.set_plane(axes, self._height(top))
        layers = self._plane_layers() if len(axes) == 2 else self._line_layers()
        self.canvas.set_layers([*layers, *self.point_layers()])
        return others

    def _height(self, top: float) -> float:
        surface = self.tile.surface
        own = float(np.nanmax(surface.values, initial=0.0)) if surface is not None else 0.0  # NaN: it has no density
        return top if self.state.options.common_scale and top else own

    def _write_badge(self) -> None:
        tile, surface = self.tile, self.tile.surface
        forms = method_badges(tile.opened, surface)
        room, advance = self.badge.width(), self.badge.fontMetrics().horizontalAdvance
        words = tile.loading or next((form for form in forms if advance(form) <= room), forms[-1])
        self.badge.set_words(words)
        help_text = tile.opened.method_help if tile.opened is not None else ""
        note = surface.note if surface is not None else ""
        self.badge.setToolTip("\n".join(filter(None, (forms[0], help_text, note))))

    def _over(self) -> tuple[PlaneLayer, ...]:
        """Layers of the view and of the point that lie over the density."""
        tile = self.tile
        found: tuple[PlaneLayer, ...] = ()
        view, inside = tile.inside.view, tile.inside.drawn
        if view is not None and not view.axes and inside is not None and tile.present:
            found = inside.layers
        described = tile.described.layers if tile.described is not None and tile.present else ()
        return (*found, *described)

    def _plane_layers(self) -> list[PlaneLayer]:
        tile, options, axes = self.tile, self.state.options, self.tile.axes
        over, layers = self._over(), []
        surface = tile.surface
        if surface is not None and surface.method is not None and not drawn.has_map(over):
            top = self.state.common_top if options.common_scale else 0.0
            key = (surface, options.quantity, options.contours, top)
            layers.append(self._keep("heat", key, lambda: drawn.heat_of(surface.values, axes, options, top)))
            if options.contours and options.quantity == "log p":
                layers.append(self._keep("contours", key, lambda: drawn.log_contours(surface.values, axes, top)))
        truth = self.state.truth
        if options.truth == "contours" and truth is not None:
            layers.append(self._keep("truth", tile.opened, lambda: drawn.truth_contours(truth, axes)))
        maps = [layer for layer in over if isinstance(layer, Heat)]
        return [*maps, *layers, *self._dots(), *(layer for layer in over if not isinstance(layer, Heat))]

    def _dots(self) -> list[PlaneLayer]:
        tile, options = self.tile, self.state.options
        layers: list[PlaneLayer] = []
        points = self._points()
        if points is not None and tile.opened is not None:
            labels = tile.opened.labels.get(options.points) if options.points != "none" and options.labels else None
            name = "training data" if options.points == "train" else "validation data"
            key = (tile.opened, options.points, options.labels)
            numbers = None if labels is None else labels.numpy()
            axes, levels = tile.axes, tile.opened.levels
            layers.append(self._keep("points", key, lambda: drawn.point_dots(points, numbers, name, axes, levels)))
        samples = tile.surface.samples if tile.surface is not None else None
        if options.samples and samples is not None and len(samples):
            layers.append(self._keep("samples", tile.surface, lambda: drawn.sample_dots(samples)))
        return layers

    def _points(self) -> NDArray[np.floating] | None:
        opened, shown = self.tile.opened, self.state.options.points
        if opened is None or shown == "none" or shown not in opened.points:
            return None
        return opened.points[shown].numpy()

    def _line_layers(self) -> list[PlaneLayer]:
        tile, options, axis = self.tile, self.state.options, self.tile.axes[0]
        quantity, levels = options.quantity, self.state.levels
        layers: list[PlaneLayer] = []

        def add(name: str, key: object, values: NDArray[np.floating], title: str, series: int, filled: bool) -> None:
            layer = self._keep(
                name, (key, quantity), lambda: drawn.steps_of(values, axis, quantity, title, series, filled=filled)
            )
            layers.append(layer)

        points = self._points()
        if points is not None:
            counted = drawn.histogram(points, axis, levels)
            title = "training data" if options.points == "train" else "validation data"
            add("points", (tile.opened, options.points), counted, title, -1, True)
        if tile.surface is not None and tile.surface.method is not None:
            title, series = drawn.TITLES[quantity], drawn.LINE_SERIES
            add("heat", tile.surface, tile.surface.values, title, series, True)
        samples = tile.surface.samples if tile.surface is not None else None
        if options.samples and samples is not None and len(samples):
            counted = drawn.histogram(samples, axis, levels)
            add("samples", tile.surface, counted, "samples", drawn.SAMPLE_SERIES, False)
        truth = self.state.truth
        if options.truth != "none" and truth is not None:
            add("truth", tile.opened, truth, drawn.TRUE_TITLES[quantity], drawn.TRUTH_SERIES, False)
        return [*layers, *self._over()]

    def _keep(self, name: str, key: object, make: Callable[[], PlaneLayer]) -> PlaneLayer:
        """Return a layer that was made for the same content, or make it."""
        known = self._kept.get(name)
        if known is None or known[0] != key:
            known = self._kept[name] = key, make()
        return known[1]


def _alike(axes: tuple[PointAxis, ...]) -> bool:
    """The axes are about as long as each other, so that a unit can be as long on both."""
    spans = sorted(axis.high - axis.low for axis in axes)
    return spans[1] <= 2.5 * spans[0]
