"""Formula of the objective, its terms with their newest values, and the summary of the family."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from gmstudio.protocol.families import Objective, Term
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.train.setup import text_label
from gmstudio.window.gui.widgets.formula import Formula
from gmstudio.window.state.training.curves import number, shown_in_bits
from gmstudio.window.state.training.state import TrainingState

REFRESH_MS = 100
FORMULA_SIZE = 20
SYMBOL_SIZE = 15
COLUMNS = ("", "train", "validation", "")


class _TermRow:
    """Row of the table: symbol and values of a term."""

    def __init__(self, term: Term, grid: QGridLayout, row: int, parent: QWidget) -> None:
        self.term = term
        symbol = Formula(SYMBOL_SIZE, parent=parent)
        symbol.set_latex(term.latex)
        self.numbers = [QLabel("–", parent) for _ in range(2)]
        unit = QLabel(term.unit, parent)
        unit.setProperty("role", "muted")
        grid.addWidget(symbol, row, 0)
        for column, label in enumerate(self.numbers, start=1):
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(label, row, column)
        grid.addWidget(unit, row, 3)
        for widget in (symbol, *self.numbers, unit):
            widget.setToolTip(f"{term.title}: {term.help}")
        for label, split in zip(self.numbers, ("train", "valid"), strict=True):
            label.setObjectName(f"train.term.{term.name}.{split}")


class ObjectiveView(QScrollArea):
    """Objective of the setup, or of the selected run with its newest values.

    Args:
        state: state of training.
        panel: panel that names the controls.
    """

    def __init__(self, state: TrainingState, panel: Panel) -> None:
        super().__init__()
        self._state = state
        self._objective: Objective | None = None
        self._rows: list[_TermRow] = []
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        self._of = text_label("muted", inner)
        self._formula = Formula(FORMULA_SIZE, parent=inner)
        self._bits = text_label("muted", inner)
        self._table = QWidget(inner)
        self._summary = text_label("", inner)
        self._source = text_label("muted", inner)
        panel.name_widget(self._formula, "formula", "Objective", "Quantity that training minimizes.")
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(8)
        for widget in (self._of, self._formula, self._table, self._bits, self._summary, self._source):
            layout.addWidget(widget)
        layout.addStretch(1)
        self._layout = layout
        self.setWidget(inner)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._show_values)
        state.objective_changed.connect(self._show)
        state.setup.catalog_changed.connect(self._show)
        state.history_changed.connect(self._on_history_changed)
        self._show()

    def _on_history_changed(self, run: str) -> None:
        if run == self._state.objective_run and not self._timer.isActive():
            self._timer.start()

    def _show(self) -> None:
        objective, card = self._state.objective, self._state.card
        info = self._state.info if self._state.objective_run else None
        if card is not None:
            self._of.setText(
                f"{card.title} minimizes, in {info.title}:" if info else f"New run: {card.title} will minimize:"
            )
            self._summary.setText(card.summary)
            self._source.setText(card.source)
        if objective != self._objective:
            self._objective = objective
            self._formula.set_latex(objective.latex if objective else "")
            self._fill_table(objective.terms if objective else ())
        self._show_values()

    def _fill_table(self, terms: tuple[Term, ...]) -> None:
        table = QWidget(self.widget())
        grid = QGridLayout(table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        for column, text in enumerate(COLUMNS):
            head = QLabel(text, table)
            head.setProperty("role", "muted")
            head.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(head, 0, column)
        self._rows = [_TermRow(term, grid, row, table) for row, term in enumerate(terms, start=1)]
        self._layout.replaceWidget(self._table, table)
        self._table.hide()
        self._table.deleteLater()
        self._table = table

    def _show_values(self) -> None:
        """Write the newest values, and the first likelihood in bits per dimension too."""
        run = self._state.objective_run
        history = self._state.history(run)
        for row in self._rows:
            for label, split in zip(row.numbers, ("train", "valid"), strict=True):
                label.setText(number(history.last(split, row.term.name)))
        self._bits.setText(self._in_bits(run))
        self._bits.setVisible(bool(self._bits.text()))

    def _in_bits(self, run: str) -> str:
        info, history = self._state.info, self._state.history(run)
        terms = [row.term for row in self._rows if shown_in_bits(self._objective, row.term.name)]
        if not run or info is None or not terms:
            return ""
        train, valid = (info.image.bits_per_dim(history.last(split, terms[0].name)) for split in ("train", "valid"))
        return f"{terms[0].title} in bits per dimension: {number(train)} train, {number(valid)} validation"
