"""Row of the settings of probes: numbers of labels, seeds, neighbours."""

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.sliders.typed_slider import fit_width
from gmstudio.window.state.features.probe import LABEL_COUNTS, MAX_NEIGHBOURS, MAX_SEEDS, ProbeState

SEEDS_TIP = "Choices of the labelled images at random: the mean and the spread of the accuracies are over these."
NEIGHBOURS_TIP = "k of the k-nearest neighbours, which need no training; with fewer labels than k, all of them."


class ProbeSettingsRow(QWidget):
    """Check boxes and fields.

    Args:
        panel: that the controls belong to.
        state: shown and changed.
    """

    def __init__(self, panel: Panel, state: ProbeState) -> None:
        super().__init__(panel)
        self._state = state
        self._boxes: dict[int, QCheckBox] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(QLabel("Labels a class"))
        for count in LABEL_COUNTS:
            box = self._boxes[count] = QCheckBox(count_text(count))
            tip = (
                "All training images with their labels"
                if not count
                else f"{count} labelled training {'image' if count == 1 else 'images'} a class"
            )
            panel.name_widget(box, f"probe_labels_{count_text(count)}", f"Labels a class: {count_text(count)}", tip)
            box.clicked.connect(self._on_boxes)
            row.addWidget(box)
        row.addSpacing(GRID)
        self.seeds = self._field(panel, row, "seeds", "Seeds", SEEDS_TIP, MAX_SEEDS)
        self.neighbours = self._field(panel, row, "neighbours", "Neighbours", NEIGHBOURS_TIP, MAX_NEIGHBOURS)
        row.addStretch(1)
        self.seeds.valueChanged.connect(lambda value: state.set_settings(num_seeds=value))
        self.neighbours.valueChanged.connect(lambda value: state.set_settings(neighbours=value))
        state.settings_changed.connect(self._show)
        self._show()
        panel.remember(*self._boxes.values(), self.seeds, self.neighbours)

    @staticmethod
    def _field(panel: Panel, row: QHBoxLayout, control: str, name: str, tip: str, most: int) -> IntegerField:
        field = IntegerField()
        field.setRange(1, most)
        panel.name_widget(field, f"probe_{control}", name, tip)
        fit_width(field, "100")
        label = QLabel(name)
        label.setBuddy(field)
        row.addWidget(label)
        row.addWidget(field)
        return field

    def _on_boxes(self) -> None:
        self._state.set_settings(labels_per_class=tuple(n for n in LABEL_COUNTS if self._boxes[n].isChecked()))

    def _show(self) -> None:
        settings = self._state.settings
        for count, box in self._boxes.items():
            box.setChecked(count in settings.labels_per_class)
        for field, value in ((self.seeds, settings.num_seeds), (self.neighbours, settings.neighbours)):
            field.blockSignals(True)
            field.setValue(value)
            field.blockSignals(False)


def labels_text(labels_per_class: int) -> str:
    """Number of labels a class with its noun: ``1 label a class``, ``10 labels a class``, ``all labels``."""
    if not labels_per_class:
        return "all labels"
    return f"{labels_per_class:,} {'label' if labels_per_class == 1 else 'labels'} a class"


def count_text(labels_per_class: int) -> str:
    """Number of labels a class in words: ``10``, ``all``."""
    return str(labels_per_class) if labels_per_class else "all"
