"""A diagnostic figure with its legend and description, in its place or large in a window of its own."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.training import FigureDrawn
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.plots.bar_figure import BarFigure
from gmstudio.window.gui.widgets.plots.map_grid import MapGrid, MapLegend, Maps
from gmstudio.window.state.training.curves import number

LARGE = QSize(880, 640)
SHARE_OF_SCREEN = 0.85
MAX_LINES = 3
LEAST = QSize(48, 48)
COUNT = "count"
"""Name of a table's column of whole numbers."""


class FigureView(QWidget):
    """One figure, the legend of its colours, and its description or what is under the pointer.

    Signals:
        clicked: the figure was clicked.
        entry_clicked: row and column of the entry of a map that was clicked.
    """

    clicked = Signal()
    entry_clicked = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.figure: FigureDrawn | None = None
        self._help = ""
        self.bars, self.images, self.maps = BarFigure(self), ImageGrid(self), MapGrid(self)
        self.table = QTableWidget(self)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSizeAdjustPolicy(QTableWidget.SizeAdjustPolicy.AdjustIgnored)
        self._pictures = QStackedWidget(self)
        self._pictures.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        for widget in (self.bars, self.images, self.maps, self.table):
            self._pictures.addWidget(widget)
            widget.setMinimumSize(LEAST)
            widget.setAccessibleName("Figure")
        self.legend = MapLegend(self)
        self._description = _Description(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self._pictures, 1)
        column.addWidget(self.legend)
        column.addWidget(self._description)
        self.bars.read.connect(self._read)
        self.maps.read.connect(self._read)
        self.images.hovered.connect(self._read_column)
        self.maps.entry_clicked.connect(self.entry_clicked)
        for signal in (self.bars.clicked, self.images.clicked, self.maps.clicked, self.table.cellDoubleClicked):
            signal.connect(lambda *_place: self.clicked.emit())
        self.clear("")

    def clear(self, placeholder: str) -> None:
        """Show no figure, and why."""
        self.figure = None
        self._help = ""
        self._pictures.setCurrentWidget(self.images)
        self.images.set_images(self.images.images[:0])
        self.images.set_placeholder(placeholder)
        self.legend.hide()
        self._description.write("")

    def show_figure(self, figure: FigureDrawn, step: int) -> None:
        """Show a figure of the weights of a step."""
        self.figure = figure
        columns = f" From the left: {list_columns(figure.series)}." if figure.kind == "images" and figure.series else ""
        self._help = f"{figure.help}{columns} (step {step:,})"
        self._description.write(self._help)
        self.legend.setVisible(figure.kind == "maps")
        if figure.kind == "images" and figure.images is not None:
            self._pictures.setCurrentWidget(self.images)
            self.images.set_columns(figure.columns or None)
            self.images.set_images(figure.images.numpy())
        elif figure.values is not None and figure.kind == "maps":
            self._show_maps(figure)
        elif figure.values is not None and figure.kind == "table":
            self._fill_table(figure)
        elif figure.values is not None:
            self._pictures.setCurrentWidget(self.bars)
            reference = None if figure.reference is None else figure.reference.numpy()
            if figure.kind == "histogram" and figure.edges is not None:
                self.bars.set_histogram(figure.values.numpy(), figure.edges.numpy(), figure.series, reference)
            else:
                self.bars.set_bars(figure.values.numpy(), figure.series, reference)

    def say(self, sentence: str) -> None:
        """Write a sentence in place of the description."""
        self._description.write(sentence)

    def _show_maps(self, figure: FigureDrawn) -> None:
        assert figure.values is not None
        maps = Maps(
            figure.values.numpy(),
            figure.labels,
            figure.classes,
            figure.unit,
            signed=figure.signed,
            each=figure.each,
            axes=figure.axes,
            mark=figure.mark,
        )
        self._pictures.setCurrentWidget(self.maps)
        self.maps.set_maps(maps, figure.columns or None)
        self.legend.set_maps(maps)

    def _fill_table(self, figure: FigureDrawn) -> None:
        assert figure.values is not None
        self._pictures.setCurrentWidget(self.table)
        values, table = figure.values.numpy(), self.table
        table.setColumnCount(len(figure.series))
        table.setHorizontalHeaderLabels(list(figure.series))
        table.setRowCount(len(figure.labels))
        table.setVerticalHeaderLabels(list(figure.labels))
        for column, entries in enumerate(values.tolist()):
            counts = figure.series[column] == COUNT
            for row, value in enumerate(entries):
                item = QTableWidgetItem(f"{value:,.0f}" if counts else number(value))
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                table.setItem(row, column, item)
        table.resizeColumnsToContents()

    def _read(self, reading: str) -> None:
        """Describe the bin or entry under the pointer; without one, the figure."""
        self._description.write(reading or self._help)

    def _read_column(self, index: int) -> None:
        """Name the image under the pointer."""
        series = self.figure.series if self.figure is not None else ()
        self._read(series[index % len(series)] if series and index >= 0 else "")


class _Description(QLabel):
    """Muted text of at most ``MAX_LINES`` lines, whole in the tooltip, so that a long one moves nothing."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "muted")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def write(self, text: str) -> None:
        """Set text and tooltip."""
        self.setText(text)
        self.setToolTip(text)

    def heightForWidth(self, width: int) -> int:
        """Height of all its lines up to the largest number."""
        return min(super().heightForWidth(width), self._most())

    def sizeHint(self) -> QSize:
        """Height of the largest number of lines at most."""
        return super().sizeHint().boundedTo(QSize(2**20, self._most()))

    def minimumSizeHint(self) -> QSize:
        """Height of the largest number of lines at most."""
        return super().minimumSizeHint().boundedTo(QSize(2**20, self._most()))

    def _most(self) -> int:
        return MAX_LINES * self.fontMetrics().lineSpacing()


class FigureWindow(QDialog):
    """A figure as large as the screen allows, with its title; it follows the training.

    Signals:
        closed: the window was closed.
    """

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setModal(False)
        self.view = FigureView(self)
        self._title = QLabel(self)
        self._title.setProperty("role", "heading")
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        layout = QVBoxLayout(self)
        layout.addWidget(self._title)
        layout.addWidget(self.view, 1)
        room = self.screen().availableSize() * SHARE_OF_SCREEN
        self.resize(LARGE.boundedTo(room) if room.width() < LARGE.width() else room.boundedTo(LARGE * 1.5))
        self.finished.connect(lambda _result: self.closed.emit())

    def show_figure(self, figure: FigureDrawn, step: int) -> None:
        """Show a figure of the weights of a step."""
        self.setWindowTitle(figure.title)
        self._title.setText(figure.title)
        self.view.show_figure(figure, step)


def list_columns(names: tuple[str, ...]) -> str:
    """List the names of a grid's columns; names that repeat are listed once."""
    for period in range(1, len(names) // 2 + 1):
        if len(names) % period == 0 and names == names[:period] * (len(names) // period):
            return f"{', '.join(names[:period])}, and so on"
    return ", ".join(names)
