"""Pace of the training: steps per second, which phases are trained, and the norms of their gradients."""

from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.train.setup import text_label
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider
from gmstudio.window.state.training.curves import number
from gmstudio.window.state.training.diagnostics import MAX_PACE_HZ, MIN_PACE_HZ, Diagnostics

SLOW_TIP = "Limit training to this number of steps per second, to follow every step"
PHASE_TIP = "Train all phases of a step, or a single one"
NORMS_TIP = "Norm of each phase's gradient before clipping; measured at every step while slow, else at every tenth"
NOT_TRAINING = "The pace can be set while the run shown is in training."
ONE_PHASE = "Its training has one phase."


class PaceView(QWidget):
    """Pace and phases of the run in training.

    Args:
        diagnostics: state of the diagnostics, which has the pace.
        panel: panel that names the controls.
    """

    def __init__(self, diagnostics: Diagnostics, panel: Panel) -> None:
        super().__init__(panel)
        self._diagnostics = diagnostics
        self.slow = QCheckBox("Slow down")
        panel.name_widget(self.slow, "slow", "Slow down", SLOW_TIP)
        self.pace = TypedSlider(MIN_PACE_HZ, MAX_PACE_HZ, decimals=1, log=True, suffix=" steps/s")
        self.pace.name("train.pace", "Steps per second", SLOW_TIP)
        self.only = QComboBox()
        panel.name_widget(self.only, "phase", "Phases", PHASE_TIP)
        self.norms = QLabel()
        self.norms.setWordWrap(True)
        self.norms.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        panel.name_widget(self.norms, "norms", "Gradient norms", NORMS_TIP)
        self._reason = text_label("muted", self)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(GRID)
        form.addRow(self.slow, self.pace)
        form.addRow("Train", self.only)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(form)
        column.addWidget(self.norms)
        column.addWidget(self._reason)
        column.addStretch(1)
        self.slow.toggled.connect(diagnostics.set_slow)
        self.pace.value_changed.connect(diagnostics.set_pace)
        self.only.activated.connect(lambda index: diagnostics.set_only(self.only.itemData(index)))
        diagnostics.changed.connect(self._show)
        diagnostics.measured.connect(self._show_norms)
        self._show()

    def _show(self) -> None:
        diagnostics = self._diagnostics
        self.slow.blockSignals(True)
        self.slow.setChecked(diagnostics.slow)
        self.slow.blockSignals(False)
        self.pace.set_value(diagnostics.pace_hz)
        names = ["", *diagnostics.phases]
        if [self.only.itemData(i) for i in range(self.only.count())] != names:
            self.only.clear()
            for name in names:
                self.only.addItem(f"only the {name}" if name else "all phases", name)
        self.only.setCurrentIndex(self.only.findData(diagnostics.only))
        several = len(diagnostics.phases) > 1
        for widget in (self.slow, self.pace):
            widget.setEnabled(diagnostics.live)
            widget.setToolTip(SLOW_TIP if diagnostics.live else f"{SLOW_TIP}. {NOT_TRAINING}")
        self.only.setEnabled(diagnostics.live and several)
        refused = NOT_TRAINING if not diagnostics.live else "" if several else ONE_PHASE
        self.only.setToolTip(f"{PHASE_TIP}. {refused}".strip())
        self._reason.setText(diagnostics.pace_problem or ("" if diagnostics.live else NOT_TRAINING))
        self._show_norms()

    def _show_norms(self) -> None:
        """Write the norm of each phase that is trained."""
        norms, only = self._diagnostics.norms, self._diagnostics.only
        trained = [phase for phase in self._diagnostics.phases if phase in norms and only in ("", phase)]
        parts = [f"{phase} {number(norms[phase], 3)}" for phase in trained]
        if not parts and "" in norms:
            parts = [number(norms[""], 3)]
        several = len(self._diagnostics.phases) > 1
        self.norms.setText(f"Gradient norm{'s' if several else ''}: {', '.join(parts)}")
        self.norms.setVisible(bool(parts))
