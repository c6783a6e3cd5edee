"""Curves of compared runs: one quantity of all runs in one plot, with the values at the cursor in a table."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QSlider,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gmstudio.media.provenance import Provenance
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.models_list import swatch
from gmstudio.window.gui.panels.runs.compare_saving import CompareSaving
from gmstudio.window.gui.panels.runs.compare_traces import ComparedTraces, signature
from gmstudio.window.gui.panels.train.curves import PLOT_TIP, smoothing_weight
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.table_height import show_all_rows
from gmstudio.window.state.runs.compare import AXES, CompareState
from gmstudio.window.state.runs.compare_grids import ComparedGrids
from gmstudio.window.state.runs.compare_provenance import compared_origin
from gmstudio.window.state.runs.compare_quantities import Measured
from gmstudio.window.state.runs.state import MAX_COMPARED
from gmstudio.window.state.training.curves import PER_UNIT, UNITS, number

if TYPE_CHECKING:
    from gmstudio.window.gui.widgets.plots.curve_line import Trace
    from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot

REFRESH_MS = 50
FIRST_SMOOTHING = 33
SMOOTHING_STEPS = 100
COLUMNS = (
    ("Run", "With the colour of its curves"),
    ("Train", "Training value at the cursor, else the newest one; the smoothed one where curves are smoothed"),
    ("Validation", "Validation value at the cursor, else the newest one; ≤ before an upper bound"),
    ("Best", "Lowest validation value of the whole run"),
    ("at", "Place of the best validation value on the horizontal axis"),
)
NO_RUNS = "Add two to four runs to compare them."
NOTHING, OPENING = "No curves yet.", "The runs are being opened …"
WIDEST = ("", "−0.00000", "≤ 0.00000", "≤ 0.00000", "1,000,000")


class CompareCurves(ActiveWidget):
    """Plot, its controls, and the table of values.

    Args:
        panel: that the controls belong to.
        state: the compared runs.
        grids: samples, whose step a click in the plot sets.
        saving: writes files.
    """

    def __init__(self, panel: Panel, state: CompareState, grids: ComparedGrids, saving: CompareSaving) -> None:
        super().__init__()
        self._panel, self._state, self._grids = panel, state, grids
        self._shown: list[Measured] = []
        self._drawn: object = None
        self._source = ComparedTraces(state)
        self.plot: CurvePlot | None = None
        self._saving = saving
        self._make_controls()
        self._lay_out()
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        for change in (state.curves_changed, state.runs_changed, theme().changed):
            change.connect(self._schedule)
        controls = (self.unit, self.axis, self.train, self.valid, self.smoothing, self.log)
        panel.remember(*controls)  # which may set them at once

    def set_active(self, active: bool) -> None:
        """Draw what arrived while the page was hidden."""
        if active:
            self._make_plot()
            self.refresh()

    # ---- controls ------------------------------------------------------------------------------------------------

    def _make_controls(self) -> None:
        name, state = self._panel.name_widget, self._state
        self.quantity, self.unit, self.axis = QComboBox(), QComboBox(), QComboBox()
        self.quantity.setMinimumContentsLength(18)
        self.quantity.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.unit.addItems(list(UNITS))
        self.unit.setCurrentText(state.unit)
        for axis, title in AXES.items():
            self.axis.addItem(title.removesuffix(", s"), axis)
        tip = "Quantity that is compared; only curves of the same quantity are drawn in one plot."
        name(self.quantity, "compare_quantity", "Quantity", tip)
        name(self.unit, "compare_unit", "Unit of likelihoods", "Nats per image, or bits per dimension (sub-pixel).")
        name(
            self.axis,
            "compare_axis",
            "Horizontal axis",
            "Training steps, images seen (steps × batch size), passes over the images, or time without pauses.",
        )
        self.train, self.valid = QCheckBox("Training"), QCheckBox("Validation")
        for box, split in ((self.train, "training"), (self.valid, "validation")):
            box.setChecked(True)
            name(box, f"compare_{split}", f"Curves of {split}", f"Draw the curves of {split}.")
            box.toggled.connect(self._schedule)
        self.smoothing = QSlider(Qt.Orientation.Horizontal)
        self.smoothing.setRange(0, SMOOTHING_STEPS)
        self.smoothing.setValue(FIRST_SMOOTHING)
        self.smoothing.setFixedWidth(9 * GRID)
        tip = "Weight of the past in a moving average of training curves, up to 0.999; at the left none."
        name(self.smoothing, "compare_smoothing", "Smoothing", tip)
        self.log = self._panel.add_action(
            "compare_log", "Log", "Ctrl+G", self._set_log, icon="log", tip="Logarithmic values", checkable=True
        )
        self.follow = self._panel.add_action(
            "compare_follow", "Show all", "", self._follow, icon="follow", tip="Show the curves whole"
        )
        self.quantity.activated.connect(lambda index: state.show(chosen=self.quantity.itemData(index)))
        self.unit.currentTextChanged.connect(lambda unit: state.show(unit=unit))
        self.axis.currentIndexChanged.connect(self._set_axis)
        self.smoothing.valueChanged.connect(self._smooth)

    def _lay_out(self) -> None:
        button = self._panel.button
        self.picture = self._panel.add_action(
            "compare_save_curves",
            "Save picture …",
            "Ctrl+S",
            self._save_picture,
            icon="save",
            tip="Save the plot and the table as PNG, with the runs and their settings inside",
            needs="There are no curves yet.",
        )
        self.table_file = self._panel.add_action(
            "compare_save_values",
            "Save values …",
            "",
            self._save_values,
            icon="copy",
            tip="Save all points of the curves as CSV, unsmoothed",
            needs="There are no curves yet.",
        )
        choice = group_of(self.quantity, self.unit, self.axis, spacing=GRID)
        view = group_of(
            self.train,
            self.valid,
            QLabel("Smoothing"),
            self.smoothing,
            button(self.log, icon_only=True),
            button(self.follow, icon_only=True),
            button(self.picture, icon_only=True),
            button(self.table_file, icon_only=True),
            spacing=GRID,
        )
        self.values, self.words = _ValuesTable(), QLabel()
        self._panel.name_widget(self.values, "compare_values", "Values of the curves", "")
        self.words.setWordWrap(True)
        self.words.setProperty("role", "muted")
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.words.setObjectName("runs.compare_words")
        self.body = QWidget()
        self._plot_place = QVBoxLayout()
        side = QVBoxLayout()
        side.setSpacing(GRID)
        side.addWidget(self.values)
        side.addWidget(self.words, 1)
        body = QHBoxLayout(self.body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(2 * GRID)
        body.addLayout(self._plot_place, 7)
        body.addLayout(side, 5)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID)
        page.addWidget(FoldingRow(choice, view, stretch=0))
        page.addWidget(self.body, 1)

    def _make_plot(self) -> None:
        """Create the plot when it is first shown: its library takes half a second to load."""
        if self.plot is not None:
            return
        from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot

        self.plot = plot = CurvePlot("")
        self._panel.name_widget(plot, "compare_plot", "Curves of the compared runs", PLOT_TIP)
        plot.hovered.connect(self._on_hovered)
        plot.clicked.connect(self._on_clicked)
        plot.follow_wanted.connect(plot.follow)
        plot.set_smoothing(smoothing_weight(self.smoothing.value()))
        plot.set_log(self.log.isChecked())
        self._plot_place.addWidget(plot)

    def _set_axis(self, index: int) -> None:
        self._state.show(axis=self.axis.itemData(index))
        self._follow()

    def _set_log(self, on: bool) -> None:
        if self.plot is not None:
            self.plot.set_log(on)

    def _smooth(self, position: int) -> None:
        if self.plot is not None:
            self.plot.set_smoothing(smoothing_weight(position))
            self._schedule()

    def _follow(self) -> None:
        if self.plot is not None:
            self.plot.follow()

    def _on_hovered(self, step: float | None) -> None:
        if self.plot is not None:
            self.plot.set_cursor(step)
            self._show_values()

    def _on_clicked(self, position: int) -> None:
        """Show the samples of the step that was clicked, on this page's tab of samples."""
        if self._state.axis == "step":
            self._grids.show_step(position)

    # ---- what is shown -------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        if self.active and not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Draw the curves; called by the timer."""
        plot, state = self.plot, self._state
        if plot is None:
            return
        self._fill_quantities()
        self._shown, sentences = state.overlaid()
        first = self._shown[0] if self._shown else None
        splits = [split for split, box in (("train", self.train), ("valid", self.valid)) if box.isChecked()]
        traces = self._source.make(self._shown, splits)
        plot.set_axis(AXES[state.axis], unit=PER_UNIT if state.axis in ("epoch", "time") else 1)
        none = NO_RUNS if not state.runs else OPENING if state.opening else NOTHING
        plot.set_title(first.title if first is not None else none)
        plot.set_unit(first.unit if first is not None else "")
        drawn = (signature(traces), state.axis, first, none if first is None else "")
        if drawn != self._drawn:
            self._drawn = drawn
            plot.set_traces(traces)
            plot.redraw()
        missing = self._source.without_places(self._shown)
        sentences += [f"{state.names()[run]} has no places on this axis." for run in missing]
        if len({one.bound for one in self._shown}) > 1:
            sentences.append("≤ marks upper bounds of the quantity; the others are exact.")
        problems = [f"{state.names().get(run, run)}: {text}" for run, text in state.problems.items()]
        self.words.setText("\n".join([*problems, *sentences]))
        for action in (self.picture, self.table_file):
            action.setEnabled(bool(traces))
        self.unit.setEnabled(first is None or first.unit in UNITS)
        self._show_values()

    def _fill_quantities(self) -> None:
        quantities = self._state.quantities()
        lines = {key: f"{curves[0].title} ({len(curves)})" for key, curves in quantities.items()}
        if [self.quantity.itemData(i) for i in range(self.quantity.count())] != list(lines):
            with QSignalBlocker(self.quantity):
                self.quantity.clear()
                for key, line in lines.items():
                    self.quantity.addItem(line, key)
        for index, line in enumerate(lines.values()):
            self.quantity.setItemText(index, line)
        chosen = max(self.quantity.findData(self._state.chosen), 0 if lines else -1)
        if not self.quantity.view().isVisible() and chosen != self.quantity.currentIndex():
            with QSignalBlocker(self.quantity):
                self.quantity.setCurrentIndex(chosen)

    def _show_values(self) -> None:
        """Write the values at the cursor."""
        if self.plot is None:
            return
        readings = {(r.trace.key[0], r.trace.split): r for r in self.plot.readings()
                    if isinstance(r.trace.key, tuple)}  # fmt: skip
        names, rows = self._state.names(), []
        for measured in self._shown:
            bound = "≤ " if measured.bound else ""
            train, valid = readings.get((measured.run, "train")), readings.get((measured.run, "validation"))
            best = self._state.history(measured.run).best(measured.name) if measured.lower_is_better else None
            smoothed = train.smoothed if train is not None and math.isfinite(train.smoothed) else None
            rows.append(
                (
                    names[measured.run],
                    number(smoothed if smoothed is not None else train.value) if train is not None else "",
                    f"{bound}{number(valid.value)}" if valid is not None else "",
                    f"{bound}{number(best[1] * measured.factor)}" if best is not None else "",
                    self._place(measured.run, best[0]) if best is not None else "",
                )
            )
        colours = [theme().series(self._state.colour(one.run)) for one in self._shown]
        self.values.show_rows(rows, [swatch(colour) for colour in colours])

    def _place(self, run: str, step: int) -> str:
        """Position of a step on the axis, in words."""
        place = self._source.place(run, step)
        if place is None:
            return ""
        return f"{place:,}" if self._state.axis in ("step", "images") else f"{place / PER_UNIT:,.1f}"

    # ---- files ---------------------------------------------------------------------------------------------------

    def origin(self) -> Provenance:
        """Origin of the plot and of its values."""
        infos = self._state.infos
        shown = [infos[run] for run in dict.fromkeys(one.run for one in self._shown)]
        title, unit = (self._shown[0].title, self._shown[0].unit) if self._shown else ("", "")
        details = {"Quantity": f"{title}, {unit}".strip(", "), "Axis": AXES[self._state.axis]}
        return compared_origin(shown, "curves of compared runs", details)

    def _save_picture(self) -> None:
        from gmstudio.window.gui.widgets.save_forms import picture_of

        self._saving.picture(picture_of(self.body), "compared curves", self.origin())

    def _save_values(self) -> None:
        from gmstudio.window.gui.widgets.save_forms import table_of

        if self.plot is not None and self._shown:
            named = [_named(trace, self._shown[0].title) for trace in self.plot.traces]
            self._saving.table(partial(table_of, named, AXES[self._state.axis]), "compared curves", self.origin())


def _named(trace: "Trace", title: str) -> "Trace":
    """Copy of a curve with the label that a table needs."""
    return replace(trace, label=title)


class _ValuesTable(QTableWidget):
    """Rows of all runs that can be compared, whose height never changes."""

    def __init__(self) -> None:
        super().__init__(MAX_COMPARED, len(COLUMNS))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        for column, (title, tip) in enumerate(COLUMNS):
            item = QTableWidgetItem(title)
            item.setToolTip(tip)
            right = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            item.setTextAlignment(right | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, item)
        heading, metrics = self.horizontalHeader(), self.fontMetrics()
        heading.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        heading.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, widest in enumerate(WIDEST):
            text = max(widest, COLUMNS[column][0], key=metrics.horizontalAdvance)
            self.setColumnWidth(column, metrics.horizontalAdvance(text) + 2 * GRID)
        self.verticalHeader().setDefaultSectionSize(metrics.height() + GRID)
        show_all_rows(self, MAX_COMPARED)
        self.setMinimumWidth(sum(self.columnWidth(column) for column in range(1, len(COLUMNS))) + 10 * GRID)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_rows(self, rows: Sequence[tuple[str, ...]], icons: Sequence[QIcon]) -> None:
        """Write the rows; those that are missing stay empty."""
        for row in range(MAX_COMPARED):
            for column in range(len(COLUMNS)):
                self._write(row, column, rows[row][column] if row < len(rows) else "")
            item = self.item(row, 0)
            if item is not None:
                item.setData(Qt.ItemDataRole.DecorationRole, icons[row] if row < len(rows) else None)

    def _write(self, row: int, column: int, text: str) -> None:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            right = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            item.setTextAlignment(right | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, column, item)
        if item.text() != text:
            item.setText(text)
            item.setToolTip(text if column == 0 else "")
