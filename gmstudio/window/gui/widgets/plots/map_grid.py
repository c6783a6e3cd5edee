"""Grid of maps: numbers or classes as colours, with their values under the pointer, and the legend of the colours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.overlays import diverging_table
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.images.heat import heat_table

CHANNELS = ("red", "green", "blue")
CLASS_ROLES = ("grid", "accent", "warning", "border", "text")
"""Colour roles of the classes of a map."""
SMALLEST_MARK = 3.0
"""Pixels of the screen from which an entry is outlined."""
SWATCH = 11
BAR_HEIGHT = 9

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Maps:
    """Maps of one grid.

    Args:
        values: (M, C, H, W), C being 1 or 3 colours; NaN where there is no value.
        labels: M names.
        classes: names of the values 0, 1 …; none: the values are numbers.
        unit: of the numbers.
        signed: colours range from −top to top; otherwise from the least to the largest value.
        each: each map has a scale of its own.
        axes: names of the vertical and the horizontal axis.
        grey: shades of grey, 0 being black and 1 white, instead of colours of a scale.
        mark: row and column of the entry that is outlined in every map.
    """

    values: NDArray[np.floating]
    labels: tuple[str, ...]
    classes: tuple[str, ...] = ()
    unit: str = ""
    signed: bool = False
    each: bool = False
    axes: tuple[str, str] = ("row", "column")
    grey: bool = False
    mark: tuple[int, int] | None = None

    def scale(self) -> tuple[float, float]:
        """Values at the two ends of the common scale."""
        if self.grey:
            return 0.0, 1.0
        known = self.values[np.isfinite(self.values)]
        if not known.size:
            return (-1.0, 1.0) if self.signed else (0.0, 1.0)
        low, high = float(known.min()), float(known.max())
        top = max(-low, high) or 1.0
        return (-top, top) if self.signed else (low, high if high > low else low + 1.0)

    def colours(self) -> NDArray[np.uint8]:
        """Colours of all entries, (M, 3, H, W) uint8; entries without a value have the window's colour."""
        empty = _rgb(theme().color("window"))
        if self.classes:
            table = np.array([_rgb(class_colour(index, len(self.classes))) for index in range(len(self.classes))])
            colours = table[np.nan_to_num(self.values[:, 0]).astype(np.int64)]
            colours[np.isnan(self.values[:, 0])] = empty
            classes: NDArray[np.uint8] = np.moveaxis(colours, -1, 1).astype(np.uint8)
            return classes
        low, high = self._ends()
        share = (np.nan_to_num((self.values - low) / (high - low)).clip(0.0, 1.0) * 255).round().astype(np.uint8)
        missing = np.isnan(self.values).all(1)
        if self.grey or self.values.shape[1] == 3:
            shown = np.repeat(share, 3 // share.shape[1], axis=1)
        else:
            shown = np.moveaxis((diverging_table() if self.signed else heat_table())[share[:, 0]], -1, 1)
        np.moveaxis(shown, 1, -1)[missing] = empty
        return np.ascontiguousarray(shown)

    def words_at(self, index: int, row: int, column: int) -> str:
        """Map, place and value of an entry."""
        values = self.values[index, :, row, column]
        place = f"{self.axes[0]} {row}, {self.axes[1]} {column}"
        if np.isnan(values).all():
            shown = "masked" if self.signed else "no value"
        elif self.classes:
            shown = self.classes[int(values[0])]
        elif len(values) == 1:
            shown = f"{values[0]:.4g} {self.unit}".strip()
        else:
            shown = ", ".join(f"{name} {value:.4g}" for name, value in zip(CHANNELS, values, strict=True))
        return f"{self.labels[index]} · {place}: {shown}"

    def _ends(self) -> tuple[Floats | float, Floats | float]:
        if not self.each:
            return self.scale()
        known = np.nan_to_num(self.values)
        if self.signed:
            top = np.abs(known).max(axis=(1, 2, 3), keepdims=True)
            top[top == 0] = 1.0
            return -top, top
        low, high = known.min(axis=(1, 2, 3), keepdims=True), known.max(axis=(1, 2, 3), keepdims=True)
        return low, np.where(high > low, high, low + 1.0)


class MapGrid(ImageGrid):
    """Grid of maps.

    Signals:
        read: map, place and value under the pointer, or "".
        entry_clicked: row and column of the entry that was clicked.
    """

    read = Signal(str)
    entry_clicked = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._maps: Maps | None = None
        theme().changed.connect(self._recolour)

    @property
    def maps(self) -> Maps | None:
        """The maps on display."""
        return self._maps

    def set_maps(self, maps: Maps, columns: int | None = None) -> None:
        """Show maps, in a number of columns."""
        self._maps = maps
        self.set_columns(columns)
        self._recolour()

    def entry_at(self, position: QPoint) -> tuple[int, int, int] | None:
        """Map, row and column at a point of the widget; None outside the maps."""
        index = self.index_at(position)
        if index < 0 or self._maps is None:
            return None
        rect = self.image_rect(index)
        height, width = self._maps.values.shape[2:]
        row = int((position.y() - rect.top()) / rect.height() * height)
        column = int((position.x() - rect.left()) / rect.width() * width)
        return (index, row, column) if 0 <= row < height and 0 <= column < width else None

    def _recolour(self) -> None:
        if self._maps is not None:
            self.set_images(self._maps.colours())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the maps, and outline the marked entry in each."""
        super().paintEvent(event)
        if self._maps is None or self._maps.mark is None:
            return
        with QPainter(self) as painter:
            painter.setPen(QPen(theme().color("mark"), 1.5))
            (row, column), (height, width) = self._maps.mark, self._maps.values.shape[2:]
            for index in range(len(self._maps.values)):
                rect = self.image_rect(index)
                wide, high = rect.width() / width, rect.height() / height
                if min(wide, high) >= SMALLEST_MARK:
                    painter.drawRect(QRectF(rect.left() + column * wide, rect.top() + row * high, wide, high))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Emit the value under the pointer."""
        super().mouseMoveEvent(event)
        entry = self.entry_at(event.position().toPoint())
        self.read.emit("" if entry is None or self._maps is None else self._maps.words_at(*entry))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Emit the entry that is clicked, before the map."""
        entry = self.entry_at(event.position().toPoint())
        if entry is not None and event.button() == Qt.MouseButton.LeftButton:
            self.entry_clicked.emit(*entry[1:])
        super().mousePressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Emit that no value is under the pointer."""
        super().leaveEvent(event)
        self.read.emit("")


class MapLegend(QWidget):
    """Legend of maps: a swatch for each class that occurs, or the scale of the numbers with its ends."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._maps: Maps | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def set_maps(self, maps: Maps) -> None:
        """Show the legend of these maps."""
        self._maps = maps
        self.setAccessibleDescription(", ".join(self.texts()))
        self.updateGeometry()
        self.update()

    def texts(self) -> tuple[str, ...]:
        """Names of the classes that occur, or the ends of the scale."""
        if self._maps is None:
            return ()
        if self._maps.classes:
            return tuple(self._maps.classes[index] for index in self._classes())
        low, high = self._maps.scale()
        if self._maps.each:
            return ("− largest of each map" if self._maps.signed else "least of each map", "largest")
        return f"{low:.3g}", f"{high:.3g} {self._maps.unit}".strip()

    def _classes(self) -> list[int]:
        assert self._maps is not None
        return [int(value) for value in np.unique(self._maps.values[np.isfinite(self._maps.values)])]

    def sizeHint(self) -> QSize:
        """A line for a scale; as many as needed for classes in the present width."""
        line = self.fontMetrics().height() + 4
        rows = self._places()[-1][1] // line + 1 if self._maps is not None and self._maps.classes else 1
        return QSize(120, rows * line)

    def resizeEvent(self, event: QEvent) -> None:
        """Wrap the classes into the new width."""
        self.updateGeometry()

    def _places(self) -> list[tuple[int, int]]:
        """Left and top of each class."""
        places, left, top = [], 0, 0
        for text in self.texts():
            width = SWATCH + 6 + self.fontMetrics().horizontalAdvance(text) + 14
            if left and left + width > max(self.width(), 1):
                left, top = 0, top + self.fontMetrics().height() + 4
            places.append((left, top))
            left += width
        return places or [(0, 0)]

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint swatches or the scale."""
        if self._maps is None:
            return
        metrics, texts = self.fontMetrics(), self.texts()
        with QPainter(self) as painter:
            if self._maps.classes:
                for (left, top), index, text in zip(self._places(), self._classes(), texts, strict=True):
                    swatch = QRectF(left + 0.5, top + (metrics.height() - SWATCH) / 2 + 0.5, SWATCH, SWATCH)
                    painter.fillRect(swatch, class_colour(index, len(self._maps.classes)))
                    painter.setPen(theme().color("muted"))
                    painter.drawRect(swatch)
                    painter.drawText(left + SWATCH + 6, top + metrics.ascent(), text)
                return
            left, right = (metrics.horizontalAdvance(text) + 8 for text in texts)
            bar = QRectF(
                left, (metrics.height() - BAR_HEIGHT) / 2 + 0.5, max(self.width() - left - right, 24), BAR_HEIGHT
            )
            table = diverging_table() if self._maps.signed else heat_table()
            for step in range(64):
                part = QRectF(bar.left() + bar.width() * step / 64, bar.top(), bar.width() / 64 + 1, bar.height())
                painter.fillRect(part.intersected(bar), QColor(*table[step * 4 + 2].tolist()))
            painter.setPen(theme().color("muted"))
            painter.drawRect(bar)
            painter.drawText(0, metrics.ascent(), texts[0])
            painter.drawText(int(bar.right()) + 8, metrics.ascent(), texts[1])


def class_colour(index: int, count: int) -> QColor:
    """Colour of a class among ``count``."""
    return theme().color(CLASS_ROLES[min(index, len(CLASS_ROLES) - 1)] if count > 2 else ("border", "accent")[index])


def _rgb(color: QColor) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()
