"""Row of the background model of a likelihood ratio: which one is used, and the training of another one."""

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.number_input import NumberField
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.density.background import BackgroundModels
from gmstudio.window.state.density.state import DensityState

NONE = "none yet"
SAMPLE = "μ = 0.15, 100,000 steps"
"""Text of usual length."""
MUTATION_TIP = (
    "Noise of the data that the background model is trained on: the probability μ that a sub-pixel is replaced by a "
    "random level (Ren et al. 2019)."
)


class BackgroundRow(QWidget):
    """Combo box of the background models of the first run; μ, and a button that trains one.

    Args:
        panel: names the controls.
        owner: state of the panel.
        state: of the background models.
    """

    def __init__(self, panel: Panel, owner: DensityState, state: BackgroundModels) -> None:
        super().__init__()
        self._panel, self._owner, self._state = panel, owner, state
        self.models, self.mutation, self.words = QComboBox(), NumberField(), ElidedLabel()
        panel.name_widget(
            self.models,
            "anomaly_background",
            "Background model",
            "Background model of the likelihood ratio: a model like the first one, trained on noised data.",
        )
        self.models.setMinimumContentsLength(len(SAMPLE))
        self.models.setMinimumWidth(16 * GRID)  # it gives way in a small window
        self.models.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        panel.name_widget(self.mutation, "anomaly_mutation", "Noise μ of the background's data", MUTATION_TIP)
        self.mutation.setRange(0.01, 1.0)
        self.mutation.setSingleStep(0.05)
        self.mutation.setPrefix("μ = ")
        self.mutation.setValue(state.mutation)
        self.train = panel.add_action(
            "anomaly_train_background",
            "Train a background model",
            "",
            state.train,
            icon="train",
            tip="Train a model like the first one on noised data, as a run of its own; watch it under Train",
        )
        panel.remember(self.mutation)
        title = QLabel("Background")
        title.setBuddy(self.models)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        row.addWidget(title)
        row.addWidget(self.models)
        row.addWidget(self.mutation)
        row.addWidget(panel.button(self.train))
        row.addSpacing(GRID)
        row.addWidget(self.words, 1)
        self.models.activated.connect(lambda index: state.choose(str(self.models.itemData(index) or "")))
        self.mutation.valueChanged.connect(self._on_mutation)
        state.changed.connect(self._show)
        owner.runs_changed.connect(self._show)
        owner.library.changed.connect(self._show)
        self._show()

    def _on_mutation(self, value: float) -> None:
        self._state.mutation = value

    def _show(self) -> None:
        state, library = self._state, self._owner.library
        with QSignalBlocker(self.models):
            self.models.clear()
            for path, mutation in state.existing.items():
                info = library.info(path)
                step = f", {info.step:,} steps" if info is not None else ""
                self.models.addItem(f"μ = {mutation:g}{step}", path)
            if not state.existing:
                self.models.addItem(NONE, "")
            self.models.setCurrentIndex(max(0, self.models.findData(state.chosen(self._owner.run))))
        self.models.setEnabled(bool(state.existing))
        self._panel.allow(self.train, state.unavailable)
        words = state.problem
        if not words and state.started and state.started == library.live:
            there = state.started in state.existing
            words = "In training, see Train; " + (
                "used as it is now." if there else "used from its first checkpoint on."
            )
        elif not words and len(self._owner.runs) > 1:
            words = f"The ensemble is the {len(self._owner.runs)} checked models."
        self.words.set_words(words)
        set_role(self.words, error=bool(state.problem))
