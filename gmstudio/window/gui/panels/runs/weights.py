"""Import weights: a file of another program, the family that it fills, and the mapping of its names."""

from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.forms.form_slot import FormSlot
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.state.runs.state import RunsState
from gmstudio.window.state.runs.weights import PARTS, WeightsState

FORM_PX = 320
QUIET_MS = 300
FILTER = "Weights (*.safetensors *.pt *.pth *.ckpt *.bin);;All files (*)"
MAPPING_TIP = (
    'TOML: "theirs" = "ours", or { to = "ours", transpose = [1, 0], reshape = [8, 64] }; ignore names theirs that are '
    "left out, keep ours that stay as the model begins."
)
NO_FILE = "Choose a file of weights: safetensors, or of torch after a warning. Nothing of it is executed."


class WeightsPage(ActiveWidget):
    """File above, family and settings at the left, mapping and differences at the right.

    Args:
        panel: that it belongs to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: RunsState) -> None:
        super().__init__(panel)
        self._panel = panel
        self._state = state.page(WeightsState)
        self._forms = {part: FormSlot(f"runs.weights.{part}", self) for part in PARTS}
        self._add_controls(panel)
        self._timer = QTimer(self, singleShot=True, interval=QUIET_MS)
        self._timer.timeout.connect(lambda: self._state.set_mapping(self.mapping.toPlainText()))
        self._lay_out(panel)
        self.mapping.textChanged.connect(self._timer.start)
        self.family.activated.connect(lambda index: self._state.choose_family(str(self.family.itemData(index))))
        self.data.activated.connect(lambda index: self._state.choose_data(str(self.data.itemData(index))))
        self._state.chosen.connect(self._show_choices)
        self._state.changed.connect(self._show_state)
        self._state.imported.connect(lambda _run: state.page_wanted.emit("library"))
        self._show_choices()
        self._show_state()

    def _add_controls(self, panel: Panel) -> None:
        self.choose = panel.add_action(
            "weights_choose", "Choose file …", "", self._choose, icon="folder", tip="Choose a file of weights"
        )
        self.accept = panel.add_action(
            "weights_accept",
            "Read this file of torch",
            "",
            self._state.accept,
            tip="Read it by torch.load(weights_only=True), which refuses all but arrays and plain values",
            needs="Only for files of torch (.pt, .pth).",
        )
        self.propose = panel.add_action(
            "weights_propose", "Propose", "", self._state.propose, tip="Map by equal names, shapes and places again"
        )
        self.action = panel.add_action(
            "weights_import",
            "Import",
            "",
            self._state.import_run,
            icon="add",
            tip="Make a run at step 0 of these weights",
            needs="The mapping does not fill the model yet.",
        )
        self.path = ElidedLabel()
        self.family, self.data = QComboBox(), QComboBox()
        self.mapping, self.differences = QPlainTextEdit(), QPlainTextEdit()
        panel.name_widget(self.family, "weights_family", "Family", "Family that the weights are of.")
        panel.name_widget(
            self.data, "weights_data", "Data", "Data whose images the model takes: their size and levels."
        )
        panel.name_widget(self.mapping, "weights_mapping", "Mapping of names", MAPPING_TIP)
        panel.name_widget(
            self.differences, "weights_differences", "Differences", "What is missing, left over or of another shape."
        )
        self.differences.setReadOnly(True)
        self.mapping.setTabChangesFocus(True)
        self.differences.setTabChangesFocus(True)
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        for text in (self.mapping, self.differences):
            text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
            text.setFont(fixed)

    def _lay_out(self, panel: Panel) -> None:
        first = QHBoxLayout()
        first.setSpacing(GRID)
        first.addWidget(panel.button(self.choose))
        first.addWidget(self.path, 1)
        first.addWidget(panel.button(self.accept))
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.note.setFixedHeight(self.note.fontMetrics().lineSpacing() * 2 + 2)
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop)
        both = QHBoxLayout()
        both.setSpacing(2 * GRID)
        both.addWidget(self._left())
        both.addLayout(self._right(panel), 1)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(GRID)
        page.addLayout(first)
        page.addWidget(self.note)
        page.addLayout(both, 1)

    def _left(self) -> QWidget:
        left = QWidget()
        left.setFixedWidth(scaled_px(self, FORM_PX))
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        for text, box in (("Family", self.family), ("Data", self.data)):
            label = QLabel(text)
            label.setBuddy(box)
            row = QHBoxLayout()
            row.addWidget(label)
            row.addWidget(box, 1)
            column.addLayout(row)
        inner = QWidget()
        forms = QVBoxLayout(inner)
        forms.setContentsMargins(0, 0, GRID, 0)
        for part, form in self._forms.items():
            forms.addWidget(form)
            form.changed.connect(partial(self._take, part))
        forms.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inner)
        column.addWidget(scroll, 1)
        return left

    def _right(self, panel: Panel) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(GRID)
        buttons = QHBoxLayout()
        label = QLabel("Theirs = ours")
        label.setBuddy(self.mapping)
        buttons.addWidget(label, 1)
        buttons.addWidget(panel.button(self.propose))
        button = panel.button(self.action)
        button.setProperty("primary", True)
        buttons.addWidget(button)
        column.addLayout(buttons)
        column.addWidget(self.mapping, 3)
        column.addWidget(QLabel("Differences"))
        column.addWidget(self.differences, 1)
        return column

    # ---- showing ---------------------------------------------------------------------------------------------------

    def _show_choices(self) -> None:
        state = self._state
        families = [(one.card.title, one.card.name) for one in state.families]
        sources = [(one.title, one.name) for one in state.sources]
        for box, entries, chosen in ((self.family, families, state.family), (self.data, sources, state.data)):
            with QSignalBlocker(box):
                box.clear()
                for title, name in entries:
                    box.addItem(title, name)
                box.setCurrentIndex(box.findData(chosen))
        self.path.setText(state.file)
        for part, form in self._forms.items():
            form.set_schema(state.schema(part))
            form.set_values(state.values[part])

    def _take(self, part: str, values: dict[str, object], errors: dict[str, str]) -> None:
        if not errors:
            self._state.set_values(part, values)

    def _show_state(self) -> None:
        state, found = self._state, self._state.preview
        self._panel.allow(self.choose, state.elsewhere)
        self.accept.setEnabled(found is not None and bool(found.unaccepted))
        self.propose.setEnabled(found is not None and bool(found.theirs))
        self.action.setEnabled(state.can_import)
        if found is not None and not self.mapping.hasFocus() and found.mapping != self.mapping.toPlainText():
            with QSignalBlocker(self.mapping):
                self.mapping.setPlainText(found.mapping)
        lines = "\n".join(found.differences) if found is not None else ""
        if lines != self.differences.toPlainText():
            self.differences.setPlainText(lines)
        self.note.setText(self._words())

    def _words(self) -> str:
        state, found = self._state, self._state.preview
        if state.problem:
            return state.problem
        if not state.file or found is None:
            return state.elsewhere or NO_FILE
        if state.share >= 0:
            return f"Importing … {state.share:.0%}"
        if found.unaccepted or found.problem:
            return found.unaccepted or found.problem
        count = len(found.differences)
        return (
            f"{count:,} differences to resolve." if count else "Every array has its place: the weights can be imported."
        )

    def _choose(self) -> None:
        """Open a non-modal file dialog."""
        dialog = QFileDialog(self, "Choose weights", "", FILTER)
        dialog.setObjectName("weights_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._state.choose_file)
        dialog.finished.connect(dialog.deleteLater)
        dialog.setModal(False)
        dialog.show()
