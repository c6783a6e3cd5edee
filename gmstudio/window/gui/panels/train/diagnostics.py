"""Diagnostics of the Train panel: the family's figures, one at a time, of a chosen image and pixel."""

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.train.figure_view import FigureView, FigureWindow
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.plots.map_grid import MapGrid, Maps
from gmstudio.window.state.training.diagnostics import Diagnostics

NO_FIGURES = "This family has no diagnostic figures."
NOT_YET = "Diagnostic figures of the model appear here."
FIGURE_TIP = "Diagnostic figure of the model"
IMAGE_TIP = "Validation image that figures of a single image show"
ROW_TIP = "Row of the pixel that figures of a single pixel show"
COLUMN_TIP = "Column of the pixel that figures of a single pixel show"
THUMBNAIL_TIP = "Chosen validation image; click a pixel to choose it"
LARGER_TIP = "Show the figure large, in a window of its own; a click on the figure does the same"
THUMBNAIL = 60


class DiagnosticsView(ActiveWidget):
    """Figure chosen among those of the family, and the image and pixel that it shows.

    Args:
        diagnostics: state of the diagnostics.
        panel: panel that names the controls.
    """

    def __init__(self, diagnostics: Diagnostics, panel: Panel) -> None:
        super().__init__(panel)
        self._diagnostics = diagnostics
        self._shown = ""
        self._window: FigureWindow | None = None
        self.figure = QComboBox()
        self.figure.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        panel.name_widget(self.figure, "figure", "Figure", FIGURE_TIP)
        self.view = FigureView(self)
        for name in ("bars", "images", "maps", "table"):
            panel.name_widget(getattr(self.view, name), f"figure.{name}", "Figure", "")
        self._larger = panel.add_action(
            "larger",
            "Larger",
            "Ctrl+Shift+D",
            self._enlarge,
            icon="zoom",
            tip=LARGER_TIP,
            needs="There is no figure to enlarge yet.",
        )
        self.image, self.row, self.column = (IntegerField(self) for _ in range(3))
        self.thumbnail = MapGrid(self)
        self.thumbnail.setFixedSize(THUMBNAIL, THUMBNAIL)
        for widget, name, title, tip in (
            (self.image, "figure.image", "Validation image", IMAGE_TIP),
            (self.row, "figure.row", "Row", ROW_TIP),
            (self.column, "figure.column", "Column", COLUMN_TIP),
            (self.thumbnail, "figure.thumbnail", "Chosen validation image", THUMBNAIL_TIP),
        ):
            panel.name_widget(widget, name, title, tip)
        self._lay_out(panel)
        self.figure.activated.connect(lambda index: self._choose(self.figure.itemData(index)))
        self.view.clicked.connect(self._enlarge)
        self.image.valueChanged.connect(diagnostics.choose_image)
        for field in (self.row, self.column):
            field.valueChanged.connect(self._on_pixel_typed)
        self.thumbnail.entry_clicked.connect(diagnostics.choose_pixel)
        diagnostics.drawn.connect(self._show_figures)
        diagnostics.changed.connect(self._show_problem)
        self._show_figures()
        self._show_problem()

    def set_active(self, active: bool) -> None:
        """Request figures only while they are on the screen, here or large."""
        large = self._window is not None and self._window.isVisible()
        self._diagnostics.set_active(active or large)

    def _lay_out(self, panel: Panel) -> None:
        top = QHBoxLayout()
        top.setSpacing(GRID // 2)
        top.addWidget(self.figure, 1)
        self._larger_button = panel.button(self._larger, icon_only=True)
        top.addWidget(self._larger_button)
        self._of_pixel = QWidget(self)
        below = QHBoxLayout(self._of_pixel)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(GRID // 2)
        below.addWidget(self.thumbnail)
        fields = QGridLayout()
        fields.setSpacing(GRID // 2)
        for line, (title, widgets) in enumerate((("Image", (self.image,)), ("Pixel", (self.row, self.column)))):
            label = QLabel(title, self)
            label.setBuddy(widgets[0])
            fields.addWidget(label, line, 0)
            for place, widget in enumerate(widgets, start=1):
                fields.addWidget(widget, line, place, 1, 3 - len(widgets))
        below.addLayout(fields, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(top)
        column.addWidget(self.view, 1)
        column.addWidget(self._of_pixel)

    def _choose(self, name: str) -> None:
        self._shown = name
        self._show_figures()

    def _show_figures(self) -> None:
        diagnostics = self._diagnostics
        figures = diagnostics.figures
        names = [figure.name for figure in figures]
        titles = [figure.title for figure in figures]
        if [self.figure.itemData(i) for i in range(self.figure.count())] != names:
            self.figure.clear()
            for drawn in figures:
                self.figure.addItem(drawn.title, drawn.name)
        for place, title in enumerate(titles):
            self.figure.setItemText(place, title)
        if self._shown not in names:
            self._shown = names[0] if names else ""
        self.figure.setCurrentIndex(self.figure.findData(self._shown))
        self.figure.setToolTip(f"{self.figure.currentText()}\n{FIGURE_TIP}".strip())
        for widget in (self.figure, self._larger_button):
            widget.setVisible(len(names) > 0)
        chosen = next((f for f in figures if f.name == self._shown), None)
        self._larger.setEnabled(chosen is not None)
        if chosen is None:
            self.view.clear(NOT_YET if diagnostics.illustrated or not diagnostics.run else NO_FIGURES)
        else:
            self.view.show_figure(chosen, diagnostics.step)
            if self._window is not None and self._window.isVisible():
                self._window.show_figure(chosen, diagnostics.step)
        self._show_choices()

    def _show_choices(self) -> None:
        """Show the chosen image and pixel, where the family has figures of them."""
        diagnostics, shown = self._diagnostics, self._diagnostics.shown
        self._of_pixel.setVisible(shown is not None)
        if shown is None:
            return
        height, width = shown.shape[1:]
        for field, last, value in (
            (self.image, diagnostics.num_images - 1, diagnostics.image),
            (self.row, height - 1, diagnostics.pixel[0]),
            (self.column, width - 1, diagnostics.pixel[1]),
        ):
            with QSignalBlocker(field):
                field.setRange(0, max(last, 0))
                if not field.hasFocus():
                    field.setValue(value)
        values = shown[np.newaxis].astype(np.float64) / 255
        self.thumbnail.set_maps(Maps(values, ("image",), grey=True, mark=diagnostics.pixel))

    def _on_pixel_typed(self) -> None:
        self._diagnostics.choose_pixel(self.row.value(), self.column.value())

    def _enlarge(self) -> None:
        """Show the figure in a window of its own."""
        if self.view.figure is None:
            return
        if self._window is None:
            self._window = FigureWindow(self)
            self._window.view.entry_clicked.connect(self._choose_in_window)
            self._window.closed.connect(lambda: self.set_active(self.active))
        self._window.show_figure(self.view.figure, self._diagnostics.step)
        if self._window.isVisible():
            self._window.raise_()
        self._window.show()
        self.set_active(self.active)

    def _choose_in_window(self, row: int, column: int) -> None:
        """Choose a pixel by a click on a map of the image."""
        figure, shown = self.view.figure, self._diagnostics.shown
        if figure is None or figure.mark is None or figure.values is None or shown is None:
            return
        if figure.values.shape[2:] == shown.shape[1:]:
            self._diagnostics.choose_pixel(row, column)

    def _show_problem(self) -> None:
        if self._diagnostics.problem:
            self.view.say(self._diagnostics.problem)
