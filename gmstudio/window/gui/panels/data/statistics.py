"""Statistics of the data set that is open: counts, classes, levels of the pixels, mean image, duplicates."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.protocol.data import SPLIT_TITLES, SPLITS, DataMeasured
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.content import kind_of, pictures_of
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.plots.bar_figure import BarFigure
from gmstudio.window.gui.widgets.plots.class_bars import ClassBars, ClassRow
from gmstudio.window.state.data.state import DataState

FIGURE_HEIGHT = 128
MEAN_SIDE = 128
CHANNELS = {1: (), 3: ("red", "green", "blue")}


class StatisticsView(QScrollArea):
    """Statistics, as far as they are computed.

    Args:
        state: state of the panel.
        panel: panel that names the controls.
    """

    def __init__(self, state: DataState, panel: Panel) -> None:
        super().__init__()
        self._state = state
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._counts = text_label(self)
        self._classes = ClassBars(self)
        self._levels = BarFigure(self)
        self._levels.setFixedHeight(FIGURE_HEIGHT)
        self._read = text_label(self, "muted")
        self._mean = ImageGrid(self)
        self._mean.setFixedHeight(MEAN_SIDE)
        self._mean.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._duplicates = text_label(self)
        for widget, name, words, tip in (
            (
                self._counts,
                "counts",
                "Images of each split",
                "Number of images of each split.",
            ),
            (self._classes, "classes", "Images of each class", "Number of images of each class; click one to see it."),
            (self._levels, "levels", "Histogram of levels", "How many pixels of all images have each level."),
            (self._mean, "mean", "Mean image", "Mean of all images."),
            (self._duplicates, "duplicates", "Duplicates", "Images whose pixels are all equal, after quantization."),
        ):
            panel.name_widget(widget, name, words, tip)
        self._levels.read.connect(self._read.setText)
        self._classes.chosen.connect(self._on_class_chosen)
        self._lay_out()
        state.opened.stats_changed.connect(self._show)
        state.opened.opened.connect(self._show)
        state.opened.page_changed.connect(self._show_selected)
        theme().changed.connect(self._show)
        self._show()

    def _lay_out(self) -> None:
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(GRID, GRID, GRID, GRID)
        layout.setSpacing(GRID)
        self._titles = {}
        for title, widgets in (
            ("Images", (self._counts,)),
            ("Classes", (self._classes,)),
            ("Levels of the pixels", (self._levels, self._read)),
            ("Mean image", (self._mean,)),
            ("Duplicates", (self._duplicates,)),
        ):
            heading = QLabel(title, inner)
            heading.setProperty("role", "heading")
            self._titles[title] = heading
            layout.addWidget(heading)
            for widget in widgets:
                layout.addWidget(widget)
        layout.addStretch(1)
        self._read.setMinimumHeight(self._read.fontMetrics().height())
        self.setWidget(inner)

    # ---- content -------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        stats = self._state.opened.stats
        self._titles["Images"].setText(_progress(stats))
        self._counts.setText("" if stats is None else _counts_text(stats))
        rows = () if stats is None else _class_rows(stats)
        for widget in (self._classes, self._titles["Classes"]):
            widget.setVisible(bool(rows))
        self._classes.set_rows(rows, [SPLIT_TITLES[split] for split in SPLITS])
        self._show_selected()
        if stats is None:
            self._levels.set_bars(np.zeros((0, 0)), ())
            self._mean.set_images(np.zeros((0, 1, 1, 1), np.uint8))
            self._duplicates.setText("")
            return
        histogram = stats.histogram.numpy()
        edges = np.arange(histogram.shape[1] + 1, dtype=np.float64)
        self._levels.set_histogram(histogram, edges, CHANNELS[stats.image.channels])
        mean = np.rint(stats.mean.numpy()[None]).astype(np.uint8)
        if kind_of(stats.image) == "images":
            mean = np.rint(stats.mean.numpy()[None] * 255 / (stats.image.levels - 1)).astype(np.uint8)
            self._mean.set_images(mean)
        else:
            self._mean.set_images(pictures_of(mean, stats.image))
        self._duplicates.setText(_duplicates_text(stats))

    def _show_selected(self) -> None:
        self._classes.set_selected(self._state.opened.label)

    def _on_class_chosen(self, label: int) -> None:
        """Show the class; once more: all classes."""
        opened = self._state.opened
        opened.choose(opened.split, None if label == opened.label else label)


def text_label(parent: QWidget, role: str = "") -> QLabel:
    """Create a wrapping label of text that can be selected."""
    label = QLabel(parent)
    label.setWordWrap(True)
    if role:
        label.setProperty("role", role)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def _progress(stats: DataMeasured | None) -> str:
    if stats is None:
        return "Images"
    if stats.done < stats.total:
        return f"Images (measured {100 * stats.done // stats.total} %)"
    return "Images"


def _counts_text(stats: DataMeasured) -> str:
    lines = [f"{stats.splits[split].size:,} {SPLIT_TITLES[split]}" for split in SPLITS if split in stats.splits]
    text = " · ".join(lines)
    if stats.resampled:
        text += "\nTraining images are binarized anew in each epoch; figures are of one sampling."
    return text


def label_text(label: int, names: tuple[str, ...]) -> str:
    """Name of a class; its number where it has none."""
    return names[label] if 0 <= label < len(names) and names[label] else str(label)


def _class_rows(stats: DataMeasured) -> tuple[ClassRow, ...]:
    labels = sorted({label for split in stats.splits.values() for label in split.labels})
    return tuple(
        ClassRow(
            label,
            label_text(label, stats.label_names),
            tuple(stats.splits[split].labels.get(label, 0) for split in SPLITS if split in stats.splits),
        )
        for label in labels
    )


def _duplicates_text(stats: DataMeasured) -> str:
    sentences = []
    for split in SPLITS:
        found = stats.splits[split]
        for earlier, count in found.shared.items():
            share = 100 * count / max(found.size, 1)
            sentences.append(
                f"{count:,} {SPLIT_TITLES[split]} images ({share:.1f} %) are equal to {SPLIT_TITLES[earlier]} images."
            )
        if found.repeated:
            sentences.append(f"{found.repeated:,} {SPLIT_TITLES[split]} images are equal to another one of that split.")
    if not sentences:
        return "None so far." if stats.done < stats.total else "No two images are equal."
    return "\n".join(sentences)
