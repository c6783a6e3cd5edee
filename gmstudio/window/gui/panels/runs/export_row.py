"""Row of a page of the Runs panel: the report of the run that is shown, and its exports in all forms."""

from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu

from gmstudio.protocol.runs_exports import ExportForm
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.progress_line import ProgressLine
from gmstudio.window.gui.widgets.save_dialog import ask_path
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.runs.run_exports import RunExports
from gmstudio.window.state.runs.state import RunsState

BAR_PX = 16 * GRID
STEPS = 1000
NO_RUN = "Select a run first."
REPORT_TIP = (
    "Write a report of the selected run as HTML and PDF: curves, test value with its error, samples, settings, and the "
    "command that repeats the run"
)
EXPORT_TIP = "Write the selected run as one file, as a table, or as files of other programs"


class ExportRow(ActiveWidget):
    """Buttons for the report and the exports of the run that is shown; below them nothing moves.

    Args:
        panel: that the controls belong to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: RunsState) -> None:
        super().__init__()
        self._panel, self._owner = panel, state
        self._state = state.page(RunExports)
        add = panel.add_action
        self.report = add(
            "report", "Report…", "Ctrl+Shift+R", self._ask_report, icon="save", tip=REPORT_TIP, needs=NO_RUN
        )
        self.export = add(
            "export", "Export", "Ctrl+Shift+E", self._open_menu, icon="save", tip=EXPORT_TIP, needs=NO_RUN
        )
        self.end = add("export_stop", "Stop", "", self._state.stop, icon="stop", tip="End the export; nothing is left")
        self._lay_out()
        self._state.changed.connect(self._show)
        state.run_changed.connect(self._show)
        self._show()

    def _lay_out(self) -> None:
        self.bar = ProgressLine()
        self.bar.setRange(0, STEPS)
        self.bar.setFixedWidth(BAR_PX)
        self._panel.name_widget(self.bar, "export_bar", "Progress of the export", "Share of the export that is done.")
        self.line = ElidedLabel()
        self.line.setObjectName(f"{self._panel.name}.export_line")
        self.line.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        self._button = self._panel.button(self.export)
        for widget in (self._panel.button(self.report), self._button, self._panel.button(self.end), self.bar):
            row.addWidget(widget)
        row.addWidget(self.line, 1)

    def set_active(self, active: bool) -> None:
        """Learn the forms of the run while the row is on the screen."""
        if active:
            self._state.list_forms()

    def _show(self) -> None:
        state, has_run = self._state, bool(self._owner.run)
        self.report.setEnabled(has_run and bool(state.forms))
        self.export.setEnabled(has_run and bool(state.forms))
        self.end.setEnabled(state.busy)
        self.bar.setVisible(state.busy)
        self.bar.setValue(round(STEPS * state.share))
        set_role(self.line, error=state.failed)
        self.line.set_words(state.message)

    def _name(self) -> str:
        info = self._owner.library.info(self._owner.run)
        return info.title if info is not None else "run"

    def _ask_report(self) -> None:
        ask_path(self._panel, "Write the report as HTML and PDF", _file_name(self._name()), "html", self._state.report)

    def _open_menu(self) -> None:
        self.menu().popup(self._button.mapToGlobal(QPoint(0, self._button.height())))

    def menu(self) -> QMenu:
        """Create the menu of the forms; those that the run cannot have say why."""
        menu = QMenu(self)
        menu.setObjectName("runs.export_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        for form in self._state.forms:
            refusal = self._state.refusal(form)
            action = QAction(f"{form.title}…", menu)
            action.setToolTip(refusal or form.help)
            action.setEnabled(not refusal)
            action.triggered.connect(partial(self._ask, form))
            menu.addAction(action)
        return menu

    def _ask(self, form: ExportForm, _checked: bool = False) -> None:
        start = partial(self._state.start, form)
        if form.suffix:
            ask_path(self._panel, form.title, _file_name(self._name()), form.suffix.removeprefix("."), start)
            return
        dialog = QFileDialog(self._panel, f"{form.title}: choose an empty folder")
        dialog.setObjectName("export_folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(start)
        dialog.setModal(False)
        dialog.show()


def _file_name(title: str) -> str:
    """Name of a file made of a title: letters that some system refuses become spaces."""
    plain = "".join(letter if letter not in '\\/:*?"<>|' else " " for letter in title)
    return " ".join(plain.split())[:80] or "run"
