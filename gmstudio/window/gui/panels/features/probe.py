"""Probe page: how well a linear classifier and nearest neighbours do on features, by the number of labels."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.features.image_sheet import ImageSheet
from gmstudio.window.gui.panels.features.probe_settings import ProbeSettingsRow, count_text, labels_text
from gmstudio.window.gui.panels.features.probe_table import METHODS, ProbeTable
from gmstudio.window.gui.panels.features.space_row import space_words
from gmstudio.window.gui.panels.features.table_export import Cell, TableExport
from gmstudio.window.gui.panels.features.work_row import WorkRow
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.plots.line_plot import LinePlot, PlotLine
from gmstudio.window.gui.widgets.plots.matrix_view import MatrixView
from gmstudio.window.state.features.probe import LABEL_COUNTS, ProbeState
from gmstudio.window.state.features.state import FeaturesState

PROBE_TIP = (
    "Train linear classifiers on the features of labelled training images and test them on the test images, for each "
    "of the features in the table: those without results first, where all have them, all again."
)
KEEP_TIP = "Keep the chosen features in the table, to compare others with them"
REMOVE_TIP = "Remove the features of the chosen row from the table"
TABLE_TIP = "Test accuracies: mean ± standard deviation over the seeds. A cell shows its confusions at the right."
NO_ROW = "Choose a row of kept features; the first row is the present choice."
CONFUSION_TIP = (
    "Test images by label (row) and predicted class (column), of the linear probe with the first seed. A click, or "
    "Return, shows the images of a cell."
)
PLOT_TIP = "Mean test accuracy and its spread over the seeds: linear probe solid, k-nearest neighbours dashed."
NO_CONFUSION = "Choose a cell of the table to see which classes are confused."
NO_IMAGES = "Choose a cell of the matrix to see its images."
NO_RESULTS = "There are no results with {} yet."
NO_CONFUSED = "No test image is in this cell."
LEAST_PLOT_PX, LEAST_TABLE_PX = 26 * GRID, 15 * GRID
"""Heights below which the page scrolls."""
LEAST_END = 1000.0
"""Right end of the plot at least, so that it stays where it is while the accuracies arrive."""
HEADER = ("features", "classifier", "labels_per_class", "labels", "seed_number", "accuracy", "C")


class ProbePage(ActiveWidget):
    """Settings, accuracies as curves and as a table, confusions and their images.

    Args:
        panel: that it belongs to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: FeaturesState) -> None:
        super().__init__(panel)
        self._panel, self._owner = panel, state
        self._state = probe = state.page(ProbeState)
        self.settings = ProbeSettingsRow(panel, probe)
        add = panel.add_action
        self._begin = add("probe_start", "Probe", "P", probe.start, icon="play", tip=PROBE_TIP)
        self._stop = add("probe_stop", "Stop", "", probe.stop, icon="stop", tip="Stop; what was found stays")
        self._keep = add("probe_keep", "Add", "A", state.keep_space, icon="add", tip=KEEP_TIP)
        self._csv = add("probe_csv", "CSV", "", self._export, icon="save", tip="Save the accuracies as CSV")
        self.table = ProbeTable(state, probe)
        panel.name_widget(self.table, "probe_table", "Accuracies", TABLE_TIP)
        self._remove = add("probe_remove", "Remove", "Del", self._on_remove, tip=REMOVE_TIP, only_in=self.table)
        self.work = WorkRow(panel, "probe", self._begin, self._stop, (self._keep, self._remove, self._csv))
        self._exports = TableExport(panel, state, lambda words, bad: self.work.say(words, error=bad))
        self.plot = LinePlot("labelled training images a class", "test accuracy: linear solid, neighbours dashed")
        panel.name_widget(self.plot, "probe_plot", "Accuracy by labels a class", PLOT_TIP)
        self.plot.set_axes((0.0, 1.0), log_x=True)
        self.confusion = MatrixView("label", "predicted", least_row_px=12)
        panel.name_widget(self.confusion, "probe_confusion", "Confusion matrix", CONFUSION_TIP)
        self.confusion.set_placeholder(NO_CONFUSION)
        self.about = ElidedLabel()
        self.about.setProperty("role", "muted")
        self.reading = ElidedLabel()
        self.reading.setProperty("role", "muted")
        self.images = ImageSheet(panel, state, "probe_images", "Images of the chosen cell", "test")
        self._lay_out()
        self._connect()
        self._refresh()
        self._refresh_confusion()

    def _lay_out(self) -> None:
        matrix, images = QWidget(), QWidget()
        for holder, above, below in ((matrix, self.about, self.confusion), (images, self.reading, self.images)):
            column = QVBoxLayout(holder)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(GRID // 2)
            column.addWidget(above)
            column.addWidget(below, 1)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.setMinimumHeight(LEAST_PLOT_PX)
        self.table.setMinimumHeight(LEAST_TABLE_PX)
        self.split.setHandleWidth(2 * GRID)
        for part, share in ((self.plot, 4), (matrix, 3), (images, 3)):
            self.split.addWidget(part)
            self.split.setStretchFactor(self.split.count() - 1, share)
        self.split.setSizes([48 * GRID, 44 * GRID, 44 * GRID])
        self._panel.name_widget(self.split, "probe_split", "Accuracies, confusions and images", "")
        self._panel.remember(self.split)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID)
        page.addWidget(self.settings)
        page.addWidget(self.work)
        page.addWidget(self.split, 5)
        page.addWidget(self.table, 3)

    def _connect(self) -> None:
        state = self._state
        state.changed.connect(self._refresh)
        state.settings_changed.connect(self._refresh)
        state.cell_changed.connect(self._refresh_confusion)
        self._owner.run_changed.connect(self._refresh)
        self._owner.compared_changed.connect(self._refresh)
        self.table.picked.connect(state.choose_cell)
        self.table.currentCellChanged.connect(lambda *_: self._refresh_actions())
        self.confusion.chosen.connect(self._on_confusion_chosen)
        self.confusion.read.connect(self._show_reading)

    # ---- showing -----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        lines = self._lines()
        most = max((float(line.x.max()) for line in lines if len(line.x)), default=0.0)
        self.plot.set_lines(lines, (1.0, max(most, LEAST_END)))
        self._refresh_actions()
        state = self._state
        if state.running:
            about = "" if state.probing is None else space_words(self._owner, state.probing)
            self.work.show_work(state.progress, state.share, loading=state.loading, about=about)
        elif self.work.bar.isVisibleTo(self.work):
            self.work.show_work(None, 0.0)

    def _refresh_actions(self) -> None:
        panel, state = self._panel, self._state
        reason = "Choose a model first." if not self._owner.run else ""
        if not state.settings.labels_per_class:
            reason = reason or "Choose at least one number of labels a class."
        panel.allow(self._begin, "The probes are running." if state.running else reason)
        panel.allow(self._stop, "" if state.running else "Nothing is running.")
        kept = self._owner.space in self._owner.compared
        panel.allow(self._keep, "These features are in the table already." if kept else "")
        removable = self.table.space in self._owner.compared
        panel.allow(self._remove, "" if removable else NO_ROW)
        found = any(state.result(space, count) for space in state.spaces for count in LABEL_COUNTS)
        panel.allow(self._csv, "" if found else "There are no results yet.")

    def _lines(self) -> tuple[PlotLine, ...]:
        """Two lines for each space that has results."""
        lines = []
        for number, space in enumerate(self._state.spaces):
            probed = self._state.results.get(space)
            if probed is None or probed.found is None:
                continue
            found = probed.found
            num_classes = max(len(np.unique(found.test_labels.numpy())), 1)
            results = sorted(found.results, key=lambda result: result.num_labels)
            x = np.array([result.labels_per_class or result.num_labels / num_classes for result in results], float)
            for method, _title in METHODS:
                values = [getattr(result, method).numpy() for result in results]
                mean = np.array([np.mean(value) if len(value) else np.nan for value in values], float)
                spread = np.array([np.std(value, ddof=1) if len(value) > 1 else 0.0 for value in values], float)
                dashed = method != METHODS[0][0]
                name = "" if dashed else space_words(self._owner, space)
                lines.append(PlotLine(name, x, mean, mean - spread, mean + spread, dashed, dots=True, colour=number))
        return tuple(lines)

    def _refresh_confusion(self) -> None:
        counts, names = self._state.confusion(), self._state.class_names()
        if counts is None or self._state.cell is None:
            self.confusion.clear()
            cell = self._state.cell
            self.confusion.set_placeholder(NO_CONFUSION if cell is None else NO_RESULTS.format(labels_text(cell[1])))
            self.about.set_words("")
            self.images.show_indices(np.zeros(0, np.int64), NO_IMAGES)
            self.reading.set_words("")
            return
        space, labels = self._state.cell
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        self.confusion.set_matrix(shares, names, names, top=1.0, words=self._cell_words)
        result = self._state.result(space, labels)
        assert result is not None
        chosen = result.regularization.numpy()
        strengths = ", ".join(f"{value:.3g}" for value in dict.fromkeys(chosen.tolist()))
        title = space_words(self._owner, space)
        regularization = f" · C = {strengths}" if strengths else ""
        self.about.set_words(f"{title}, {labels_text(labels)}{regularization}")
        if self.confusion.marked is None:
            self.images.show_indices(np.zeros(0, np.int64), NO_IMAGES)
        else:
            self._on_confusion_chosen(*self.confusion.marked)

    def _cell_words(self, row: int, column: int) -> str:
        counts, names = self._state.confusion(), self._state.class_names()
        if counts is None or max(row, column) >= len(names):
            return ""
        share = counts[row, column] / max(counts[row].sum(), 1)
        return f"{names[row]} taken for {names[column]}: {counts[row, column]:,} images, {share:.1%} of the label"

    def _show_reading(self, words: str) -> None:
        marked = self.confusion.marked
        self.reading.set_words(words or (self._cell_words(*marked) if marked is not None else ""))

    def _on_confusion_chosen(self, row: int, column: int) -> None:
        self.confusion.set_marked((row, column))
        self._show_reading("")
        self.images.show_indices(self._state.confused(row, column), NO_CONFUSED)

    # ---- actions -----------------------------------------------------------------------------------------------

    def _on_remove(self) -> None:
        space = self.table.space
        if space is not None and space in self._owner.compared:
            self._owner.drop_space(space)

    def _export(self) -> None:
        rows: list[list[Cell]] = []
        for space in self._state.spaces:
            probed = self._state.results.get(space)
            if probed is None or probed.found is None:
                continue
            for result in probed.found.results:
                for method, title in METHODS:
                    strengths = result.regularization.numpy() if method == METHODS[0][0] else ()
                    for seed, accuracy in enumerate(getattr(result, method).numpy().tolist()):
                        strength: Cell = float(strengths[seed]) if seed < len(strengths) else ""
                        labels = count_text(result.labels_per_class)
                        name = space_words(self._owner, space)
                        rows.append([name, title, labels, result.num_labels, seed, accuracy, strength])
        self._exports.ask("probe", "Accuracies of probes", HEADER, rows)
