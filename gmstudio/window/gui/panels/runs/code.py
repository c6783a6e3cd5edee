"""Code page: the model of a run as one file of PyTorch, to be read, copied and saved."""

from functools import partial
from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout

from gmstudio.protocol.runs_exports import ExportForm
from gmstudio.window.client.background_task import Background
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.code_view import CodeView
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.save_dialog import ask_path
from gmstudio.window.state.runs.code import CodeState
from gmstudio.window.state.runs.run_exports import RunExports
from gmstudio.window.state.runs.state import RunsState

WEIGHTS = ExportForm(name="safetensors", title="Weights", help="Those that the code reads.", suffix=".safetensors")
NO_CODE = "There is no code yet."
WRITING = "The code is being written and compared with the model…"
NO_RUN = "Choose a run; its model is written as one file of PyTorch."


class CodePage(ActiveWidget):
    """Run and actions above, the file below.

    Args:
        panel: that it belongs to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: RunsState) -> None:
        super().__init__(panel)
        self._runs = state
        self._state = state.page(CodeState)
        self.run = RunChooser(state.library, "")
        panel.name_widget(self.run, "code_run", "Run", "Run whose model is shown as code.")
        self.view = CodeView()
        panel.name_widget(
            self.view, "code_text", "Code", "The model as one file that needs torch and safetensors alone."
        )
        self.note = ElidedLabel()
        self.note.setProperty("role", "muted")
        add = panel.add_action
        again = "Write the code again, and compare it with the present weights."
        self.again = add("code_again", "Write again", "", self._state.write, icon="refresh", tip=again, needs=NO_RUN)
        self.copy = add("code_copy", "Copy code", "", self._copy, icon="copy", needs=NO_CODE)
        tip = "Save the file, and beside it the weights that it reads, under the same name with .safetensors"
        self.save = add("code_save", "Save code…", "", self._ask, icon="save", tip=tip, needs=NO_CODE)
        self._background = Background(self)
        self._background.done.connect(self._write_weights)
        self._background.failed.connect(self.note.set_words)
        self.weights = RunExports(state, lists=False)
        self.weights.changed.connect(self._show_weights)
        self._lay_out(panel)
        self.run.chosen.connect(state.choose_run)
        state.run_changed.connect(self._show_run)
        self._state.changed.connect(self._show)
        self._show()

    def _lay_out(self, panel: Panel) -> None:
        label = QLabel("Run")
        label.setBuddy(self.run)
        first = QHBoxLayout()
        first.setSpacing(GRID)
        first.addWidget(label)
        first.addWidget(self.run, 1)
        for action in (self.again, self.copy, self.save):
            first.addWidget(panel.button(action))
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(GRID)
        page.addLayout(first)
        page.addWidget(self.view, 1)
        page.addWidget(self.note)

    def set_active(self, active: bool) -> None:
        """Have the code written only while the page is on the screen."""
        if active:
            if not self._runs.run:
                self._runs.choose_run(self.run.current())
            self._show_run()

    def _show_run(self) -> None:
        if self._runs.run:
            self.run.choose(self._runs.run)
        if self.active:
            self._state.show()

    def _show(self) -> None:
        state = self._state
        self.view.show_code(state.text)
        self.again.setEnabled(bool(state.run) and not state.busy)
        for action in (self.copy, self.save):
            action.setEnabled(bool(state.text))
        written = f"Compared with the model of step {state.step:,}: same scores, same samples for the same seed."
        words = state.problem or (WRITING if state.busy else written if state.text else NO_RUN)
        self.note.set_words(words)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._state.text)
        self.note.set_words("The code is on the clipboard.")

    def _ask(self) -> None:
        ask_path(self, "Save code", "model", "py", partial(self._write, self._state.run, self._state.text))

    def _write(self, run: str, text: str, path: str) -> None:
        def work(_stopped: object) -> tuple[str, Path]:
            weights = Path(path).with_suffix(WEIGHTS.suffix)
            if weights.exists() and not Path(path).exists():
                raise ValueError(f"{weights} exists, and may be of another model. Save the code under another name.")
            Path(path).write_text(text, encoding="utf-8")
            return run, weights

        self._background.start(work)

    def _write_weights(self, written: tuple[str, Path]) -> None:
        run, weights = written
        self.weights.start(WEIGHTS, str(weights), run=run)

    def _show_weights(self) -> None:
        state = self.weights
        written = state.message and not (state.busy or state.failed)
        self.note.set_words(f"{state.message}, and the code beside it." if written else state.message)
