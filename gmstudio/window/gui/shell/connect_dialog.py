"""Dialog "Connect to…": the command of an engine on another machine, tested before the window goes on with it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gmstudio.window.client.engine_command import LOCAL, split_command
from gmstudio.window.gui.theme import GRID
from gmstudio.window.state.connection_test import ConnectionTest

WIDTH = 560
RESULT_LINES = 4
ABOUT = (
    "The engine trains and computes; it may run on another machine that ssh reaches without a password. Write the "
    "machine's name, or the whole command. The runs, the data and the files are then those of that machine."
)


class ConnectDialog(QDialog):
    """Asks for the command of an engine; not modal.

    Args:
        recent: commands that were used last, the last one first.
        test: tests what is written; it outlives the dialog, as its engine takes a moment to end.
        machine: name of the machine of the present engine; "": this computer.

    Signals:
        chosen: the command to go on with, as a list, and its text; ``LOCAL`` and "" for this computer.
    """

    chosen = Signal(object, str)

    def __init__(
        self, recent: Sequence[str], test: ConnectionTest, machine: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("connect_dialog")
        self.setWindowTitle("Connect to an engine")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(False)
        self.test = test
        self.command = QComboBox()
        self.command.setEditable(True)
        self.command.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.command.addItems([*recent])
        self.command.setCurrentText(next(iter(recent), ""))
        self.result_text = QLabel()
        self._buttons = {
            "test": QPushButton("&Test"),
            "connect": QPushButton("&Connect"),
            "local": QPushButton("This com&puter"),
            "close": QPushButton("Close"),
        }
        self._name_controls(machine)
        self._lay_out()
        self.command.editTextChanged.connect(self._on_edited)
        self.test.changed.connect(self._update)
        self._buttons["test"].clicked.connect(self._start_test)
        self._buttons["connect"].clicked.connect(self._connect)
        self._buttons["local"].clicked.connect(self._go_back)
        self._buttons["close"].clicked.connect(self.close)
        self.finished.connect(self.test.stop)
        self._show_possible()

    def _name_controls(self, machine: str) -> None:
        here = "The engine runs on this computer already." if not machine else "Go on with this computer's engine"
        self.command.setObjectName("connect.command")
        self.command.setAccessibleName("Machine or command of the engine")
        self.command.setToolTip("A machine's name, or a command such as ssh gpu-box gmstudio engine")
        edit = self.command.lineEdit()
        assert edit is not None, "it is editable"
        edit.setPlaceholderText("gpu-box, or ssh gpu-box gmstudio engine")
        for name, tip in (
            ("test", "Start the engine there once, and say what is found"),
            ("connect", "Save a checkpoint of the run in training here, and go on with that engine"),
            ("local", here),
            ("close", "Change nothing"),
        ):
            button = self._buttons[name]
            button.setObjectName(f"connect.{name}")
            button.setAccessibleName(button.text().replace("&", ""))
            button.setToolTip(tip)
        self._buttons["local"].setEnabled(bool(machine))
        self._buttons["connect"].setDefault(True)

    def _lay_out(self) -> None:
        about = QLabel(ABOUT)
        about.setWordWrap(True)
        about.setProperty("role", "muted")
        self.result_text.setWordWrap(True)
        self.result_text.setObjectName("connect.result")
        self.result_text.setAccessibleName("Result of the test")
        self.result_text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.result_text.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.result_text.setMinimumHeight(RESULT_LINES * self.fontMetrics().lineSpacing())
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self._buttons["local"])
        row.addStretch(1)
        for name in ("test", "connect", "close"):
            row.addWidget(self._buttons[name])
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        column.addWidget(about)
        column.addWidget(self.command)
        column.addWidget(self.result_text, 1)
        column.addLayout(row)
        self.setMinimumWidth(WIDTH)

    def _parsed(self) -> list[str] | None:
        """Command that was written; None: it is none, which is said."""
        try:
            return split_command(self.command.currentText())
        except ValueError as error:
            self.result_text.setText(str(error))
            return None

    def _start_test(self) -> None:
        command = self._parsed()
        if command is not None:
            self.test.start(command)

    def _connect(self) -> None:
        command = self._parsed()
        if command is not None:
            self.chosen.emit(command, self.command.currentText().strip())
            self.close()

    def _go_back(self) -> None:
        self.chosen.emit(list(LOCAL), "")
        self.close()

    def _on_edited(self) -> None:
        self.test.stop()
        self.result_text.clear()
        self._show_possible()

    def _update(self) -> None:
        self.result_text.setText(self.test.text)
        self._show_possible()

    def _show_possible(self) -> None:
        written = bool(self.command.currentText().strip())
        self._buttons["test"].setEnabled(written and not self.test.running)
        self._buttons["connect"].setEnabled(written)
