"""Painting of the layers of a plane that do not move by hand."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QPolygonF

from gmstudio.protocol.plane_layers import Arrows, Dots, Ellipses, Heat, Mesh, Paths, PlaneLayer, Profile
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.overlays import diverging_table
from gmstudio.window.gui.widgets.plane.dot_stamps import paint_discs
from gmstudio.window.gui.widgets.plane.heat_picture import contour_lines
from gmstudio.window.gui.widgets.plane.plane_view import Mapping
from gmstudio.window.gui.widgets.polylines import draw_polylines

SMALL_DOT, DOT, LARGE_DOT = 3.0, 4.0, 9.0
"""Diameters of points, pixels."""
MANY = 500
"""Points from which they are drawn small."""
RIM = 1.0
"""Width of their rims, pixels."""
LINE = 1.8
"""Width of paths, pixels."""
HEAD = 7.0
"""Length of the head of an arrow, pixels; a shorter arrow has a shorter one."""
PROFILE_SHARE = 0.16
"""Part of the area that a density along an edge takes."""
ELLIPSE_POINTS = 64
LABEL_GAP = 4

Floats = NDArray[np.float64]
NO_PEN, NO_BRUSH = Qt.PenStyle.NoPen, Qt.BrushStyle.NoBrush


def series_colour(series: int) -> QColor:
    """Colour of a series; -1: the muted colour."""
    return theme().color("muted") if series < 0 else theme().series(series)


class LayerPainter:
    """Painter of layers over one view of the plane.

    Args:
        painter: of the picture.
        mapping: places of the plane in the picture.
        vector: the picture is a drawing of shapes, and not of pixels.
    """

    def __init__(self, painter: QPainter, mapping: Mapping, *, vector: bool = False) -> None:
        self._painter, self._map, self._vector = painter, mapping, vector
        self._labels: list[QRectF] = []

    def paint(self, layers: Sequence[PlaneLayer]) -> None:
        """Paint all layers but maps, handles, guides and profiles: of maps only the contour lines."""
        self._painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for layer in layers:
            match layer:
                case Heat():
                    self._contours(layer)
                case Dots():
                    self._dots(layer)
                case Arrows():
                    self._arrows(layer)
                case Paths():
                    self._paths(layer)
                case Mesh():
                    self._mesh(layer)
                case Ellipses():
                    self._ellipses(layer)

    def paint_profiles(self, layers: Sequence[PlaneLayer]) -> None:
        """Paint the densities along the edges of the area."""
        self._painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for layer in layers:
            if isinstance(layer, Profile):
                self._profile(layer)

    def labels(self, places: Floats, texts: Sequence[str], gap: float = LABEL_GAP) -> None:
        """Write texts beside points, (N, 2) pixels; one that would cover another one is left out."""
        metrics = self._painter.fontMetrics()
        for (x, y), text in zip(places.tolist(), texts, strict=False):
            size = metrics.size(0, text)
            for left, top in ((x + gap, y - size.height()), (x - gap - size.width(), y - size.height()), (x + gap, y)):
                rect = QRectF(left, top, size.width(), size.height())
                if text and self._map.area.contains(rect) and not any(rect.intersects(o) for o in self._labels):
                    self._labels.append(rect)
                    self._outlined(rect.bottomLeft() - QPointF(0, metrics.descent()), text)
                    break

    # ---- layers ------------------------------------------------------------------------------------------------

    def _contours(self, heat: Heat) -> None:
        segments = contour_lines(heat)
        if not len(segments):
            return
        ends = self._pixels(segments.reshape(-1, 2)).reshape(segments.shape)
        draw_polylines(self._painter, ends, theme().blend("text", "base", 0.35), 1.0)

    def _dots(self, dots: Dots) -> None:
        points = _finite(dots.points.numpy())
        size = LARGE_DOT if dots.large else DOT if len(points) < MANY else SMALL_DOT
        if dots.groups is None:
            groups, colours = np.zeros(len(points), np.int64), {0: series_colour(dots.series)}
        else:
            groups = dots.groups.numpy()
            colours = {int(group): series_colour(int(group)) for group in np.unique(groups)}
        for group, colour in colours.items():
            self.spots(points[groups == group], size, colour, RIM)
        if dots.labels:
            self.labels(self._pixels(points), dots.labels, size / 2 + LABEL_GAP)

    def spots(self, points: Floats, size: float, colour: QColor, rim: float = 0.0) -> None:
        """Fill circles around points (N, 2) of the plane.

        Args:
            points: their centres.
            size: diameter, pixels.
            colour: of the circles.
            rim: width of a rim in the colour of the ground, pixels.
        """
        pixels, ground = self._pixels(points), theme().color("base")
        if not self._vector:
            colours = (colour, ground)
            paint_discs(self._painter, pixels, self._map.area, size=size, rim=rim, colours=colours)
            return
        area = self._map.area.adjusted(-size, -size, size, size)
        inside = (pixels >= (area.left(), area.top())).all(1) & (pixels <= (area.right(), area.bottom())).all(1)
        self._painter.setPen(QPen(ground, rim) if rim else NO_PEN)
        self._painter.setBrush(colour)
        for x, y in pixels[inside].tolist():
            self._painter.drawEllipse(QPointF(x, y), (size + rim) / 2, (size + rim) / 2)
        self._painter.setBrush(NO_BRUSH)

    def _arrows(self, arrows: Arrows) -> None:
        colour = series_colour(arrows.series)
        starts, ends = self._pixels(arrows.starts.numpy()), self._pixels(arrows.ends.numpy())
        good = np.isfinite(starts).all(1) & np.isfinite(ends).all(1)
        starts, ends = starts[good], ends[good]
        lengths = np.hypot(*(ends - starts).T)[:, None]
        along = (ends - starts) / np.maximum(lengths, 1e-9)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        head = np.minimum(HEAD, 0.5 * lengths)
        back = ends - head * along
        draw_polylines(self._painter, np.stack([starts, back], axis=1), colour, 1.4)
        self._painter.setPen(NO_PEN)
        self._painter.setBrush(colour)
        heads = QPainterPath()
        for corners in np.stack([ends, back + 0.45 * head * across, back - 0.45 * head * across], axis=1):
            heads.addPolygon(_polygon(corners))
        self._painter.drawPath(heads)
        self._painter.setBrush(NO_BRUSH)

    def _paths(self, paths: Paths) -> None:
        colour, points = series_colour(paths.series), paths.points.numpy().astype(np.float64)
        if paths.filled:
            self._fill_below(points, colour)
        pixels = self._pixels(points.reshape(-1, 2)).reshape(points.shape)
        draw_polylines(self._painter, pixels, colour, LINE, dashed=paths.dashed)
        if paths.marked:
            known = [path[np.isfinite(path).all(1)] for path in points]
            starts = np.array([path[0] for path in known if len(path)]).reshape(-1, 2)
            lasts = np.array([path[-1] for path in known if len(path)]).reshape(-1, 2)
            self.spots(starts, 6.0, colour)
            self.spots(starts, 3.0, theme().color("base"))  # a ring where it begins, a disc where it ends
            self.spots(lasts, 6.0, colour)

    def _fill_below(self, points: Floats, colour: QColor) -> None:
        shade = QColor(colour)
        shade.setAlpha(60)
        self._painter.setPen(NO_PEN)
        self._painter.setBrush(shade)
        # Three times as fast; its edge lies below the line.
        self._painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for path in points:
            known = path[np.isfinite(path).all(1)]
            if len(known):
                ground = np.array([[known[0, 0], 0.0], *known.tolist(), [known[-1, 0], 0.0]])
                self._painter.drawPolygon(_polygon(self._pixels(ground)))
        self._painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._painter.setBrush(NO_BRUSH)

    def _mesh(self, mesh: Mesh) -> None:
        points = mesh.points.numpy().astype(np.float64)
        pixels = self._pixels(points.reshape(-1, 2)).reshape(points.shape)
        if mesh.shade is not None:
            self._fill_cells(pixels, mesh.shade.numpy())
        for lines in (pixels, np.swapaxes(pixels, 0, 1)):
            draw_polylines(self._painter, lines, theme().blend("text", "base", 0.4), 1.0)

    def _fill_cells(self, pixels: Floats, shade: NDArray[np.floating]) -> None:
        top = float(np.nanmax(np.abs(shade), initial=0.0)) or 1.0
        table = diverging_table()
        index = (((np.nan_to_num(shade / top) + 1) / 2).clip(0, 1) * 255).round().astype(np.uint8)
        corners = np.stack([pixels[:-1, :-1], pixels[:-1, 1:], pixels[1:, 1:], pixels[1:, :-1]], axis=2)
        known = np.isfinite(corners).all((2, 3))
        order = np.argsort(index[known], kind="stable")
        cells = zip(index[known][order].tolist(), corners[known][order].tolist(), strict=True)
        self._painter.setPen(NO_PEN)
        self._painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # no gaps between the cells
        for value, alike in groupby(cells, key=lambda cell: cell[0]):
            red, green, blue = table[value].tolist()
            self._painter.setBrush(QColor(red, green, blue, 170))
            for _, cell in alike:  # each by itself: Qt takes five times as long for a path of all
                self._painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in cell]), Qt.FillRule.WindingFill)
        self._painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._painter.setBrush(NO_BRUSH)

    def _ellipses(self, ellipses: Ellipses) -> None:
        angles = np.linspace(0.0, 2 * np.pi, ELLIPSE_POINTS + 1)
        circle = np.stack([np.cos(angles), np.sin(angles)])
        means = ellipses.means.numpy().astype(np.float64)
        for number, (mean, covariance) in enumerate(zip(means, ellipses.covariances.numpy(), strict=True)):
            values, vectors = np.linalg.eigh(covariance.astype(np.float64))
            outline = (vectors * np.sqrt(values.clip(0.0))) @ circle
            colour = theme().series(ellipses.series + number)
            shade = QColor(colour)
            for deviations, alpha in ((2, 30), (1, 60)):
                shade.setAlpha(alpha)
                self._painter.setPen(
                    QPen(colour, 1.4, Qt.PenStyle.SolidLine if deviations == 1 else Qt.PenStyle.DashLine)
                )
                self._painter.setBrush(shade)
                self._painter.drawPolygon(_polygon(self._pixels(mean + deviations * outline.T)))
            self._painter.setBrush(NO_BRUSH)
            self.spots(mean[None], 5.0, colour)
        if ellipses.labels:
            self.labels(self._pixels(means), ellipses.labels)

    def _profile(self, profile: Profile) -> None:
        heights, places = profile.heights.numpy().astype(np.float64), profile.places.numpy().astype(np.float64)
        good = np.isfinite(heights) & np.isfinite(places)
        if not good.any():
            return
        heights, places = heights[good], places[good]
        share = PROFILE_SHARE * heights / (float(heights.max()) or 1.0)
        area, colour = self._map.area, series_colour(profile.series)
        if profile.axis == "x":
            x, y = self._map.xs(places), area.bottom() - share * area.height()
            ground = [(x[0], area.bottom()), *zip(x.tolist(), y.tolist(), strict=True), (x[-1], area.bottom())]
        else:
            x, y = area.left() + share * area.width(), self._map.ys(places)
            ground = [(area.left(), y[0]), *zip(x.tolist(), y.tolist(), strict=True), (area.left(), y[-1])]
        shade = QColor(colour)
        shade.setAlpha(110)
        self._painter.setPen(NO_PEN)
        self._painter.setBrush(QBrush(shade))
        self._painter.drawPolygon(_polygon(np.array(ground)))
        self._painter.setBrush(NO_BRUSH)
        draw_polylines(self._painter, np.stack([x, y], axis=1)[None], colour, LINE)

    # ---- places ------------------------------------------------------------------------------------------------

    def _pixels(self, points: NDArray[np.floating]) -> Floats:
        places: Floats = points.reshape(-1, 2).astype(np.float64)
        return np.stack([self._map.xs(places[:, 0]), self._map.ys(places[:, 1])], axis=1)

    def _outlined(self, place: QPointF, text: str) -> None:
        path = QPainterPath()
        path.addText(place, self._painter.font(), text)
        self._painter.setPen(QPen(theme().color("base"), 3))
        self._painter.drawPath(path)
        self._painter.fillPath(path, theme().color("text"))


def _finite(points: NDArray[np.floating]) -> Floats:
    """Points (N, 2) with those that have no place moved far outside, so that their number stays."""
    return np.nan_to_num(points.reshape(-1, 2).astype(np.float64), nan=1e30, posinf=1e30, neginf=-1e30)


def _polygon(pixels: Floats) -> QPolygonF:
    from pyqtgraph.functions import arrayToQPolygonF  # type: ignore[import-untyped]

    polygon: QPolygonF = arrayToQPolygonF(np.ascontiguousarray(pixels[:, 0]), np.ascontiguousarray(pixels[:, 1]))
    return polygon
