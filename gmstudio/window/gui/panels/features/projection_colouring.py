"""Choice of what the points of a projection are coloured by, and the legend: classes to be hidden, or a scale."""

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QIcon, QPixmap, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.projection.colour_scale import ColourScale
from gmstudio.window.gui.widgets.projection.map_colours import (
    MapColours,
    class_codes,
    class_colour,
    value_codes,
    value_range,
)
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.features.projection import ProjectionState
from gmstudio.window.state.features.projection_colours import LABEL, NOTHING, ProjectionColours

BY_TIP = (
    "Quantity that colours the points: the label, a known factor of variation, or a statistic of the Density panel, "
    "which is computed for these images."
)
CLASSES_TIP = "Classes on the map: uncheck one to hide its points."
LOW_TIP = "Percent of the images that have the lowest colour."
HIGH_TIP = "Percent of the images below the highest colour."
SWATCH_PX = 12


class ProjectionColouring(QWidget):
    """Combo box of quantities, and the legend.

    Args:
        panel: names the controls.
        state: with the projection.
        colours: shown and changed.
    """

    def __init__(self, panel: Panel, state: ProjectionState, colours: ProjectionColours) -> None:
        super().__init__(panel)
        self._state, self._colours = state, colours
        self.by = QComboBox()
        self.by.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        panel.name_widget(self.by, "projection_colour", "Colour by", BY_TIP)
        self.classes = QListWidget()
        self.classes.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.classes.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.classes.setMinimumHeight(8 * GRID)
        panel.name_widget(self.classes, "projection_classes", "Classes", CLASSES_TIP)
        self.scale = ColourScale()
        panel.name_widget(self.scale, "projection_scale", "Colour scale", "Values of the lowest and highest colour.")
        self.low, self.high = IntegerField(), IntegerField()
        for field, control, title, tip in (
            (self.low, "low", "Quantile of the lowest colour", LOW_TIP),
            (self.high, "high", "Quantile of the highest colour", HIGH_TIP),
        ):
            field.setRange(0, 100)
            field.setSuffix(" %")
            field.setKeyboardTracking(False)
            panel.name_widget(field, f"projection_{control}", title, tip)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._listed: tuple[object, ...] = ()
        self._lay_out()
        self.by.activated.connect(lambda index: colours.choose(self.by.itemData(index)))
        self.classes.itemChanged.connect(self._on_checked)
        self.low.valueChanged.connect(self._on_range)
        self.high.valueChanged.connect(self._on_range)
        colours.options_changed.connect(self._fill)
        colours.changed.connect(self._show)
        theme().changed.connect(self._on_theme_changed)
        self._fill()
        panel.remember(self.low, self.high)  # the quantity is kept by the state, as statistics are listed later

    def _lay_out(self) -> None:
        label = QLabel("Colour by")
        label.setBuddy(self.by)
        top = QHBoxLayout()
        top.setSpacing(GRID // 2)
        top.addWidget(label)
        top.addWidget(self.by, 1)
        values = QWidget()
        column = QVBoxLayout(values)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.scale)
        ends = QHBoxLayout()
        ends.addWidget(self.low)
        ends.addStretch(1)
        ends.addWidget(self.high)
        column.addLayout(ends)
        column.addWidget(self.note)
        column.addStretch(1)
        self._legends = QStackedWidget()
        self._legends.addWidget(self.classes)
        self._legends.addWidget(values)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(GRID // 2)
        page.addLayout(top)
        page.addWidget(self._legends, 1)

    def map_colours(self) -> MapColours:
        """Colours of the points of the projection on display."""
        shown, colours = self._state.shown, self._colours
        if shown is None:
            return MapColours(np.zeros(0, np.uint8))
        count = len(shown.places)
        if colours.by == NOTHING:
            return class_codes(None, count)
        if colours.by == LABEL:
            return class_codes(shown.labels, count, colours.hidden)
        ends = self._ends()
        if colours.values is None or ends is None:
            return value_codes(np.full(count, np.nan), 0.0, 1.0)
        return value_codes(colours.values, *ends)

    def _ends(self) -> tuple[float, float] | None:
        colours = self._colours
        return None if colours.values is None else value_range(colours.values, colours.low, colours.high)

    def _fill(self) -> None:
        """List the quantities."""
        options = self._colours.options()
        with QSignalBlocker(self.by):
            self.by.clear()
            for option in options:
                self.by.addItem(option.title, option.key)
                row = self.by.count() - 1
                self.by.setItemData(row, option.tip, Qt.ItemDataRole.ToolTipRole)
                model = self.by.model()
                assert isinstance(model, QStandardItemModel)
                model.item(row).setEnabled(option.enabled)
        self._show()

    def _show(self) -> None:
        colours, shown = self._colours, self._state.shown
        with QSignalBlocker(self.by):
            self.by.setCurrentIndex(self.by.findData(colours.by))
        by_class = colours.by in (NOTHING, LABEL)
        self._legends.setCurrentIndex(0 if by_class else 1)
        self._show_classes()
        for field, value in ((self.low, colours.low), (self.high, colours.high)):
            with QSignalBlocker(field):
                field.setValue(round(value))
        self.scale.set_range(self._ends(), colours.unit)
        set_role(self.note, error=bool(colours.problem))
        waiting = "" if shown is not None else "Project images first."
        self.note.setText(colours.problem or colours.progress or waiting)

    def _show_classes(self) -> None:
        shown, colours = self._state.shown, self._colours
        labels = shown.labels if shown is not None and colours.by == LABEL else None
        present = () if labels is None else tuple(np.unique(labels, return_counts=True))
        known = tuple(tuple(part.tolist()) for part in present)
        content = (known, colours.hidden, () if shown is None else shown.label_names)
        if content == self._listed:
            return
        self._listed = content
        with QSignalBlocker(self.classes):
            self.classes.clear()
            for label, count in zip(*known, strict=True) if known else ():
                assert shown is not None
                item = QListWidgetItem(_swatch(label), f"{shown.label_name(label)} · {count:,}")
                flags = Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
                item.setFlags(flags)
                hidden = label in colours.hidden
                item.setCheckState(Qt.CheckState.Unchecked if hidden else Qt.CheckState.Checked)
                item.setData(Qt.ItemDataRole.UserRole, label)
                self.classes.addItem(item)

    def _on_checked(self, item: QListWidgetItem) -> None:
        label = item.data(Qt.ItemDataRole.UserRole)
        shown = item.checkState() == Qt.CheckState.Checked
        hidden = self._colours.hidden - {label} if shown else self._colours.hidden | {label}
        names = () if self._state.shown is None else self._state.shown.label_names
        self._listed = (self._listed[0], hidden, names)  # the list shows it already
        self._colours.set_hidden(hidden)

    def _on_range(self) -> None:
        self._colours.set_range(self.low.value(), self.high.value())

    def _on_theme_changed(self) -> None:
        self._listed = ()
        self._show_classes()


def _swatch(label: int) -> QIcon:
    picture = QPixmap(SWATCH_PX, SWATCH_PX)
    picture.fill(class_colour(label))
    return QIcon(picture)
