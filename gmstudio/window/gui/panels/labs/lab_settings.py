"""Settings column of a laboratory: actions, form, runs, random numbers, sources."""

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.labs import LabCard
from gmstudio.window.gui.forms.form import Form
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.run_text import RunLines
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.gui.widgets.wrapping_row import WrappingRow
from gmstudio.window.state.labs.state import LabsState

WIDTH, SEED_WIDTH = 322, 120
"""The form of any lab, and beside it a scroll bar."""
MAX_SEED = 2**31 - 1
READY = "Ready example"
NO_MODEL = "No model yet: the lab trains its own"


class LabSettingsColumn(QScrollArea):
    """Column of the lab that is shown.

    Args:
        state: state of the panel.
        panel: names the controls.
        actions: Other random numbers and Reset, which belong to the panel.
    """

    def __init__(self, state: LabsState, panel: Panel, actions: dict[str, QAction]) -> None:
        super().__init__(panel)
        self._state, self._panel = state, panel
        self.form: Form | None = None
        self._choosers: dict[str, QComboBox] = {}
        self._lines = RunLines()
        self.buttons = WrappingRow(self)
        self.seed = IntegerField()
        self.seed.setRange(0, MAX_SEED)
        self.seed.setPrefix("seed ")
        self.seed.setKeyboardTracking(False)
        self.seed.setFixedWidth(scaled_px(self, SEED_WIDTH))
        panel.name_widget(self.seed, "seed", "Seed", "Seed of all random numbers of the lab; another one restarts it.")
        self._other, self._reset = panel.button(actions["other"], icon_only=True), panel.button(actions["reset"])
        self._fold, self._sources = QToolButton(self), QLabel(self)
        self._lay_out()
        self.seed.valueChanged.connect(state.set_seed)
        state.work.lab_changed.connect(self._show_lab)
        state.work.changed.connect(self._show_settings)

    def _lay_out(self) -> None:
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 2, 0)
        self._column.setSpacing(GRID)
        self._runs = QVBoxLayout()
        self._runs.setSpacing(GRID // 2)
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        for widget in (self.seed, self._other, self._reset):
            row.addWidget(widget)
        row.addStretch(1)
        self._fold.setText("Sources")
        self._fold.setCheckable(True)
        self._fold.setProperty("flat", True)
        self._fold.setArrowType(Qt.ArrowType.RightArrow)
        self._fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._fold.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._panel.name_widget(self._fold, "sources", "Sources", "Places in the course notes and in a book or paper.")
        self._fold.toggled.connect(self._unfold)
        self._sources.setWordWrap(True)
        self._sources.setProperty("role", "muted")
        self._sources.setTextFormat(Qt.TextFormat.PlainText)
        self._sources.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._sources.hide()
        self._column.addWidget(self.buttons)
        self._column.addLayout(row)
        self._column.addLayout(self._runs)
        self._column.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addWidget(self._sources)
        self._column.addStretch(1)
        self.setWidget(inner)
        self.setFixedWidth(scaled_px(self, WIDTH))

    def in_tab_order(self) -> list[QWidget]:
        """Widgets that take the focus, from top to bottom."""
        form = self.form.in_tab_order() if self.form is not None else []
        return [*self.buttons.widgets, self.seed, self._other, self._reset, *form, *self._choosers.values(), self._fold]

    # ---- showing -------------------------------------------------------------------------------------------------

    def _show_lab(self) -> None:
        """Replace the form, the choosers of runs and the sources by those of another lab."""
        entry = self._state.work.entry
        if self.form is not None:
            self.form.retire()
            self.form = None
        if entry is None:
            return
        self.form = form = Form(entry.config_schema, "labs.config", self.widget(), hide_idle=True)
        form.changed.connect(lambda: self._state.set_config(form.values(), form.errors()))
        self._column.insertWidget(2, form)
        self._make_choosers(entry.card.families)
        self._sources.setText(sources_of(entry.card))
        self._show_settings()

    def _make_choosers(self, families: tuple[str, ...]) -> None:
        while (item := self._runs.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._choosers = {}
        for family in families:
            chooser = QComboBox(self.widget())
            tip = "Trained model that the lab uses; another one restarts it."
            title = self._state.family_title(family)
            self._panel.name_widget(chooser, f"model.{family}", f"Run: {title}", tip)
            label = QLabel(f"Model: {title}", self.widget())
            label.setProperty("role", "muted")
            self._runs.addWidget(label)
            chooser.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            chooser.activated.connect(lambda _i, c=chooser, f=family: self._state.set_model(f, str(c.currentData())))
            self._runs.addWidget(chooser)
            self._choosers[family] = chooser
        self.fill_runs()

    def fill_runs(self) -> None:
        """List the runs of the families again."""
        chosen = self._state.work.settings.models
        for family, chooser in self._choosers.items():
            runs = self._state.runs_for(family)
            lines = [(READY if any(info.example for info in runs) else NO_MODEL, "")]
            own = [info for info in runs if not info.example]
            lines += zip(self._lines.of(own, ""), (info.run for info in own), strict=True)
            with QSignalBlocker(chooser):
                if [chooser.itemText(i) for i in range(chooser.count())] != [line for line, _ in lines]:
                    chooser.clear()
                    for line, run in lines:
                        chooser.addItem(line, run)
                chooser.setCurrentIndex(max(chooser.findData(chosen.get(family, "")), 0))

    def _show_settings(self) -> None:
        work = self._state.work
        if self.form is not None and work.entry is not None and work.settings.config:
            if not self.form.errors():
                self.form.set_values(work.settings.config)
            self.form.set_refusals(work.refusals)
        if not self.seed.hasFocus() or not self.seed.is_typed:
            with QSignalBlocker(self.seed):
                self.seed.setValue(work.settings.seed)
        for family, chooser in self._choosers.items():
            chooser.setCurrentIndex(max(chooser.findData(work.settings.models.get(family, "")), 0))

    def _unfold(self, on: bool) -> None:
        self._sources.setVisible(on)
        self._fold.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)


def sources_of(card: LabCard) -> str:
    """Places where the lab's subject is treated, a line each."""
    parts = (f"Course notes: {card.notes}." if card.notes else "", f"{card.book}." if card.book else "")
    return "\n".join(part.replace("..", ".") for part in parts if part)
