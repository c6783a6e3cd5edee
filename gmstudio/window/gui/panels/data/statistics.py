"""Statistics of the data set that is open: counts, classes, levels of the pixels, mean image, duplicates."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.protocol.data import SPLIT_TITLES, SPLITS, DataMeasured, SplitName
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.content import kind_of, pictures_of
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.plots.bar_figure import BarFigure
from gmstudio.window.gui.widgets.plots.class_bars import ClassBars, ClassRow
from gmstudio.window.state.data.state import DataState

LEVELS_TITLE = "Levels of the pixels (% of all)"
SERIES_OF_CHANNEL = (5, 2, 0)
"""Reddish, green and blue of the theme's series."""
MOST_BARS = 64
FIGURE_HEIGHT = 128
MEAN_SIDE = 128
CHANNELS: dict[int, tuple[str, ...]] = {1: (), 3: ("red", "green", "blue")}


class LevelFigure(BarFigure):
    """Histogram of levels: the share of all sub-pixels that have each, by channel; several levels a bar of many."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._levels_a_bar = 1

    def set_counts(self, counts: NDArray[np.int64]) -> None:
        """Show (C, levels) numbers of sub-pixels."""
        self._levels_a_bar = max(1, counts.shape[1] // MOST_BARS)
        summed = counts.reshape(len(counts), -1, self._levels_a_bar).sum(axis=2)
        shares = 100 * summed / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        edges = np.arange(shares.shape[1] + 1) * float(self._levels_a_bar) - 0.5
        self.set_histogram(shares, edges, CHANNELS[len(counts)])

    def color(self, number: int) -> QColor:
        """Colours like those of the channels."""
        return QColor(theme().series(SERIES_OF_CHANNEL[number] if len(self._values) > 1 else 0))

    def labelled(self) -> tuple[float, ...]:
        """First, middle and last level."""
        last = self._values.shape[1] * self._levels_a_bar - 1
        return tuple(float(level) for level in sorted({0, last // 2, last}))

    def words_at(self, x: float) -> str:
        """Share of the level at a position of the horizontal axis."""
        each = self._levels_a_bar
        bar = min(max(int((x + 0.5) / each), 0), self._values.shape[1] - 1)
        names = self._series or ("",) * len(self._values)
        shares = zip(names, self._values[:, bar], strict=True)
        levels = f"Level {bar}" if each == 1 else f"Levels {bar * each}–{bar * each + each - 1}"
        return f"{levels}: " + ", ".join(f"{name} {share:.2f} %".strip() for name, share in shares)


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
        self._counts.setTextFormat(Qt.TextFormat.RichText)
        self._classes = ClassBars(self)
        self._levels = LevelFigure(self)
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
            (LEVELS_TITLE, (self._levels, self._read)),
            ("Mean image", (self._mean,)),
            ("Duplicates", (self._duplicates,)),
        ):
            heading = QLabel(title, inner)
            heading.setProperty("role", "heading")
            self._titles[title] = heading
            layout.addWidget(heading)
            for widget in widgets:
                layout.addWidget(widget)
        titles = (self._titles[title] for title in (LEVELS_TITLE, "Mean image", "Duplicates"))
        self._of_images: list[QWidget] = [*titles, self._levels, self._read, self._mean, self._duplicates]
        layout.addStretch(1)
        self._read.setMinimumHeight(self._read.fontMetrics().height())
        self.setWidget(inner)

    # ---- content -------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        stats = self._state.opened.stats
        self._titles["Images"].setText(_progress(stats, "Points" if self._state.points.is_open else "Images"))
        self._counts.setText("" if stats is None else _counts_text(stats))
        rows = () if stats is None else _class_rows(stats)
        for widget in (self._classes, self._titles["Classes"]):
            widget.setVisible(bool(rows))
        for of_images in self._of_images:  # of points, the plane shows more
            of_images.setVisible(not self._state.points.is_open)
        self._classes.set_rows(rows, [SPLIT_TITLES[split] for split in SPLITS])
        self._show_selected()
        if stats is None:
            self._levels.set_bars(np.zeros((0, 0)), ())
            self._mean.set_images(np.zeros((0, 1, 1, 1), np.uint8))
            self._duplicates.setText("")
            return
        histogram = stats.histogram.numpy()
        self._levels.set_counts(histogram)
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


def _progress(stats: DataMeasured | None, title: str) -> str:
    if stats is not None and stats.done < stats.total:
        return f"{title} (measured {100 * stats.done // stats.total} %)"
    return title


def _counts_text(stats: DataMeasured) -> str:
    """Sizes of the splits, with the colours of their bars, as rich text."""
    lines = [
        f'<span style="color:{theme().series(number).name()}">■</span>&nbsp;{stats.splits[split].size:,}&nbsp;{title}'
        for number, (split, title) in enumerate(SPLIT_TITLES.items())
        if split in stats.splits
    ]
    text = " &nbsp; ".join(lines)
    if stats.resampled:
        text += "<br>Training images are sampled again in each epoch; figures are of one sampling."
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
                f"{_images(count, split)} ({share:.1f} %) {_are(count)} equal to {SPLIT_TITLES[earlier]} images."
            )
        if found.repeated:
            count = found.repeated
            sentences.append(f"{_images(count, split)} {_are(count)} equal to another one of that split.")
    if not sentences:
        return "None so far." if stats.done < stats.total else "No two images are equal."
    return "\n".join(sentences)


def _images(count: int, split: SplitName) -> str:
    return f"{count:,} {SPLIT_TITLES[split]} image{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
