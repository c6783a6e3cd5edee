"""Samples of a model on a contact sheet, and the training images nearest to the chosen one."""

import math

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from gmstudio.media.levels import to_display
from gmstudio.protocol.density_samples import DrawnSamplesFetched
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.samples_table import NameOf
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.contact_sheet import ContactSheet
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.state.density.samples import SamplesState

NEAREST_PX = 15 * GRID
INTRODUCTION = "Samples appear here once they are measured; click one to see the training images nearest to it."


class SampleSheet(QWidget):
    """Samples, and the nearest training images of one of them.

    Args:
        panel: that names the controls.
        state: of the page.
        name_of: short name of a run.
    """

    def __init__(self, panel: Panel, state: SamplesState, name_of: NameOf) -> None:
        super().__init__()
        self._state, self._name_of = state, name_of
        self._shown: object = None
        self.run, self.order = QComboBox(), QComboBox()
        panel.name_widget(self.run, "samples_run", "Model of the samples", "Model whose samples are shown below")
        self.order.addItem("As drawn", "drawn")
        self.order.addItem("Nearest to training images first", "nearest")
        panel.name_widget(self.order, "samples_order", "Order", "Order of the samples")
        panel.remember(self.order)
        for chooser in (self.run, self.order):  # in a narrow window they shorten their texts
            chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            chooser.setMinimumContentsLength(4)
        self.sheet, self.nearest = ContactSheet(), ImageGrid()
        panel.name_widget(
            self.sheet, "samples_sheet", "Samples", "The samples; a click shows the training images nearest to one"
        )
        panel.name_widget(
            self.nearest,
            "samples_nearest",
            "Sample and nearest training images",
            "The chosen sample, and the five training images nearest to it in pixels",
        )
        self.sheet.set_placeholder(INTRODUCTION)
        self.nearest.setFixedHeight(NEAREST_PX)
        self.reading = ElidedLabel()
        self.reading.setProperty("role", "muted")
        top = QHBoxLayout()
        top.setSpacing(GRID)
        top.addWidget(self.run, 1)
        top.addWidget(self.order, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(top)
        column.addWidget(self.sheet, 1)
        column.addWidget(self.reading)
        column.addWidget(self.nearest)
        self.run.activated.connect(lambda index: state.show_run(self.run.itemData(index)))
        self.order.currentIndexChanged.connect(lambda _index: self._reorder())
        self.sheet.wanted.connect(state.fetch)
        self.sheet.opened.connect(state.choose)
        self.sheet.set_tips(self._tip)
        state.changed.connect(self._show_runs)
        state.shown_changed.connect(self._show_samples)
        state.pictures_arrived.connect(self._show_pictures)
        state.chosen_changed.connect(self._show_chosen)
        self._show_runs()
        self._show_samples()
        self._show_chosen()

    def _show_runs(self) -> None:
        runs = [run for run, _ in self._state.measured]
        shown = tuple((run, self._name_of(run)) for run in runs)
        if shown != self._shown:
            self._shown = shown
            with QSignalBlocker(self.run):
                self.run.clear()
                for run, name in shown:
                    self.run.addItem(name, run)
        with QSignalBlocker(self.run):
            self.run.setCurrentIndex(self.run.findData(self._state.shown))
        self.run.setEnabled(len(runs) > 1)

    def _show_samples(self) -> None:
        self._show_runs()
        report = self._state.report
        self.sheet.set_count(0 if report is None else report.count)
        self._reorder()

    def _reorder(self) -> None:
        if self._state.report is not None:
            self.sheet.set_order(self._state.order(self.order.currentData()))

    def _show_pictures(self, reply: DrawnSamplesFetched) -> None:
        self.sheet.show_images(reply.indices.numpy(), reply.images.numpy(), reply.image.levels)
        if self._state.chosen in reply.indices.numpy():
            self._show_chosen()

    def _show_chosen(self) -> None:
        state, report = self._state, self._state.report
        self.sheet.set_selected(state.chosen)
        if report is None or state.chosen < 0:
            self.nearest.set_images(np.zeros((0, 1, 1, 1), np.uint8))
            self.reading.set_words(state.picture_problem or ("Click a sample." if report is not None else ""))
            return
        self.reading.set_words(state.picture_problem or self._describe(state.chosen))
        own = self.sheet.pixels(state.chosen)
        if state.nearest is None or own is None:
            return  # what was shown before stays until the pictures are there
        reply = state.nearest
        images = to_display(reply.images.numpy(), reply.image.levels)
        images = np.repeat(images, 3, axis=1) if images.shape[1] == 1 else images
        distances = report.memorization[0].distances.numpy()[state.chosen]
        labels = None if reply.labels is None else reply.labels.numpy()
        self.nearest.set_images(np.concatenate((own[None], images)))
        self.nearest.set_columns(1 + len(images))
        self.nearest.set_captions(["sample", *(self._caption(i, distances, labels) for i in range(len(images)))])

    def _caption(self, number: int, distances: np.ndarray, labels: np.ndarray | None) -> str:
        names = self._state.report.label_names if self._state.report is not None else ()
        label = None if labels is None else int(labels[number])
        words = "" if label is None else f"{names[label] if label < len(names) else label} · "
        return f"{words}{distances[number]:.2f}"

    def _describe(self, index: int) -> str:
        """Words on a sample's distances."""
        report = self._state.report
        assert report is not None
        parts = [f"Sample {index}"]
        for found in report.memorization:
            percentile = float(found.percentiles.numpy()[index])
            share = "" if math.isnan(percentile) else f", percentile {percentile:.1f} of held-out images"
            parts.append(f"{found.distances.numpy()[index, 0]:.3g} in {found.space.partition(',')[0]}{share}")
        return " · ".join(parts)

    def _tip(self, index: int) -> str:
        return self._describe(index) if self._state.report is not None else ""
