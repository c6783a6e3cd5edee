"""Form of the next grid: base, fields that are varied, their values, seeds, and how many runs that makes."""

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.progress_text import duration_text
from gmstudio.window.gui.run_text import run_name
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.runs.grid_plan import FORM, GridPlan
from gmstudio.window.state.runs.state import RunsState

VALUES_TIP = "Values between commas, 0.1, 1, 10; or a range, first : last : number, with : log for equal factors."
MAX_BASES = 200
"""Runs that are offered as the base, the newest ones."""
LABELS = {
    "name": ("Name", "Name of the grid", "Letters, digits, - and _; the runs get the tag grid:NAME."),
    "base": ("Settings of", "Settings that are varied", "The form of Train, or a run of the library."),
    "columns": ("Columns", "Field of the columns", "Field that changes from column to column."),
    "columns_values": ("Values", "Values of the columns", VALUES_TIP),
    "rows": ("Rows", "Field of the rows", "Field that changes from row to row."),
    "rows_values": ("Values", "Values of the rows", VALUES_TIP),
    "seeds": ("Seeds", "Seeds", "Each combination is trained with each of these seeds: 0, 1, 2."),
}
COMBOS = ("base", "columns", "rows")


class GridForm(QWidget):
    """Fields of the form, what they make, and the button.

    Args:
        panel: that the controls belong to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: RunsState) -> None:
        super().__init__()
        self._panel, self._owner, self._plan = panel, state, state.page(GridPlan)
        self.combos = {name: QComboBox() for name in COMBOS}
        self.texts = {name: QLineEdit() for name in LABELS if name not in COMBOS}
        self.add = panel.add_action(
            "grid_add",
            "Add to queue",
            "Ctrl+Return",
            self._plan.add,
            icon="add",
            tip="Add the runs of the grid to the queue; the page Queue starts it",
        )
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.note.setFixedHeight(3 * self.note.fontMetrics().lineSpacing() + 2)
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop)
        panel.name_widget(self.note, "grid_note", "What the grid is made of", "")
        self._lay_out()
        for name in ("columns_values", "rows_values"):
            self.texts[name].setPlaceholderText("0.1, 1, 10  or  0.1 : 10 : 3 : log")
        for name, combo in self.combos.items():
            combo.activated.connect(lambda index, name=name: self._choose(name, index))
        for name, text in self.texts.items():
            text.textEdited.connect(lambda typed, name=name: self._plan.set(name, typed))
        self._plan.changed.connect(self.show_plan)
        state.library.changed.connect(self._fill_bases)
        self.show_plan()

    def _lay_out(self) -> None:
        fields = QGridLayout()
        fields.setHorizontalSpacing(GRID)
        fields.setVerticalSpacing(GRID)
        first = (("name", 0, 0), ("base", 0, 2), ("columns", 1, 0), ("columns_values", 1, 2))
        places = (*first, ("rows", 2, 0), ("rows_values", 2, 2), ("seeds", 3, 0))
        for name, row, column in places:
            title, accessible, tip = LABELS[name]
            widget: QWidget = self.combos[name] if name in COMBOS else self.texts[name]
            self._panel.name_widget(widget, f"grid_{name}", accessible, tip)
            label = QLabel(title)
            label.setBuddy(widget)
            fields.addWidget(label, row, column)
            fields.addWidget(widget, row, column + 1)
            widget.setMinimumWidth(18 * GRID)
        fields.setColumnStretch(1, 1)
        fields.setColumnStretch(3, 1)
        for combo in self.combos.values():
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        button = self._panel.button(self.add)
        button.setProperty("primary", True)
        column_box = QVBoxLayout(self)
        column_box.setContentsMargins(0, 0, 0, 0)
        column_box.setSpacing(GRID)
        column_box.addLayout(fields)
        column_box.addWidget(self.note)
        column_box.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        column_box.addStretch(1)

    def _choose(self, name: str, index: int) -> None:
        self._plan.set(name, str(self.combos[name].itemData(index)))

    def show_plan(self) -> None:
        """Show what is typed, and what it makes or why it cannot be."""
        self._fill_bases()
        for name in ("columns", "rows"):
            self._fill(name, [(one.title, one.field) for one in self._plan.fields], empty=name == "rows")
        for name, text in self.texts.items():
            if text.text() != self._plan.values[name]:
                text.setText(self._plan.values[name])
        self.texts["rows_values"].setEnabled(bool(self._plan.values["rows"]))
        problem, words = self._plan.problem, ""
        try:
            grid = self._plan.grid()
            count, seconds = sum(1 for _ in grid.cells()), self._plan.seconds(grid)
            time = f"about {duration_text(seconds)}" if seconds >= 0 else "time: known when the first has trained"
            words = f"{count} run{'s' if count != 1 else ''} · {time} · tag {grid.tag}"
        except ValueError as error:
            words = str(error)
            self._panel.allow(self.add, words)
        else:
            self._panel.allow(self.add, "The grid is being added." if self._plan.busy else "")
        self.note.setText(problem or words)
        set_role(self.note, error=bool(problem))

    def _fill_bases(self) -> None:
        runs = [info for info in self._owner.library.runs if not info.archived][:MAX_BASES]
        named = [(f"{run_name(info)} · {info.data_label}", info.run) for info in runs]
        self._fill("base", [("Form of Train", FORM), *named])

    def _fill(self, name: str, items: list[tuple[str, str]], *, empty: bool = False) -> None:
        """Offer items, where they are others than those that are offered, and show which one is chosen."""
        combo = self.combos[name]
        items = [("None: one row", ""), *items] if empty else items
        known = [(combo.itemText(index), combo.itemData(index)) for index in range(combo.count())]
        with QSignalBlocker(combo):
            if known != items:
                combo.clear()
                for title, data in items:
                    combo.addItem(title, data)
            combo.setCurrentIndex(combo.findData(self._plan.values[name]))
