"""Settings of compared runs side by side: a row for each setting, differences marked."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
)

from gmstudio.media.provenance import Provenance, comment_lines
from gmstudio.protocol.runs_compare import SettingDescribed
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.models_list import swatch
from gmstudio.window.gui.panels.runs.compare_saving import CompareSaving
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.state.runs.compare import CompareState
from gmstudio.window.state.runs.compare_provenance import compared_origin
from gmstudio.window.state.runs.compare_settings import DASH, ComparedSettings, SettingRow, TableForm

SHARE = 0.2
"""Weight of the accent colour behind values that differ."""
ALIKE = "All settings agree."
NO_RUNS = "Add runs to compare their settings."


class CompareSettings(ActiveWidget):
    """Table of the settings.

    Args:
        panel: that the controls belong to.
        state: the compared runs.
        settings: of these runs.
        saving: writes files.
    """

    def __init__(self, panel: Panel, state: CompareState, settings: ComparedSettings, saving: CompareSaving) -> None:
        super().__init__()
        self._panel, self._state, self._settings, self._saving = panel, state, settings, saving
        self._written: object = None
        self.grid, self.words = QTableWidget(), ElidedLabel()
        panel.name_widget(self.grid, "compare_settings", "Settings of the compared runs", "")
        self.grid.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.grid.setTabKeyNavigation(False)
        self.grid.setWordWrap(False)
        self.grid.verticalHeader().hide()
        self.grid.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + GRID)
        self.grid.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.grid.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.only = QCheckBox("Only differences")
        tip = "Leave out the settings in which all runs agree."
        panel.name_widget(self.only, "compare_only", "Only differences", tip)
        self.only.toggled.connect(settings.set_only_differences)
        self._lay_out()
        for change in (settings.changed, state.runs_changed, theme().changed):
            change.connect(self._show)
        panel.remember(self.only)  # which may set it at once
        self._show()

    def set_active(self, active: bool) -> None:
        """Request only while the table is on the screen."""
        self._settings.set_active(active)
        if active:
            self._show()

    def origin(self) -> Provenance:
        """Origin of the table."""
        return compared_origin(list(self._state.infos.values()), "settings of compared runs", {})

    def _lay_out(self) -> None:
        add, needs = self._panel.add_action, "There are no settings to copy yet."
        top = QHBoxLayout()
        top.setSpacing(GRID)
        top.addWidget(self.only)
        top.addWidget(self.words, 1)
        forms: tuple[tuple[TableForm, str, str], ...] = (
            ("text", "Copy", "Copy the table as text with tabs, which spreadsheets take"),
            ("csv", "Copy CSV", "Copy the table as comma-separated values"),
            ("markdown", "Copy Markdown", "Copy the table as Markdown"),
        )
        for form, text, tip in forms:
            slot = partial(self._copy, form)
            action = add(f"compare_copy_{form}", text, "", slot, icon="copy", tip=tip, needs=needs)
            top.addWidget(self._panel.button(action))
        self.save = add(
            "compare_save_settings",
            "Save CSV …",
            "",
            self._save,
            icon="save",
            tip="Save the table as CSV, with all settings of the runs before it",
            needs=needs,
        )
        top.addWidget(self._panel.button(self.save))
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID)
        page.addLayout(top)
        page.addWidget(self.grid, 1)

    def _copy(self, form: TableForm) -> None:
        QGuiApplication.clipboard().setText(self._settings.table(form))
        self.words.set_words("Copied.")

    def _save(self) -> None:
        text = self._settings.table("csv")
        self._saving.table(lambda texts: comment_lines(texts) + text, "compared settings", self.origin())

    # ---- what is shown -------------------------------------------------------------------------------------------

    def _show(self) -> None:
        if not self.active:
            return
        rows, names = self._settings.rows(), self._state.names()
        runs = self._state.runs
        written = (rows, names, runs, [self._state.colour(run) for run in runs], theme().dark)
        if written != self._written:
            self._written = written
            self._write(rows, [names.get(run, run) for run in runs])
        problems = [f"{names.get(run, run)}: {text}" for run, text in self._settings.problems.items() if run in runs]
        differing = sum(row.differs for row in rows)
        summary = f"{differing} of {len(rows)} settings differ." if rows and len(runs) > 1 else ""
        if not rows:
            summary = NO_RUNS if not runs else ALIKE if self._settings.only_differences and len(runs) > 1 else ""
        self.words.set_words(" ".join(problems) or summary)

    def _write(self, rows: list[SettingRow], names: list[str]) -> None:
        """Write the table anew; the place of its scroll bar stays."""
        scrolled = self.grid.verticalScrollBar().value()
        self.grid.setUpdatesEnabled(False)
        self.grid.clear()
        self.grid.clearSpans()
        sections = list(dict.fromkeys(row.section for row in rows))
        self.grid.setRowCount(len(rows) + len(sections))
        self.grid.setColumnCount(1 + len(names))
        self.grid.setHorizontalHeaderItem(0, _left("Setting"))
        for column, name in enumerate(names):
            item = _left(name)
            item.setIcon(swatch(theme().series(self._state.colour(self._state.runs[column]))))
            item.setToolTip(name)
            self.grid.setHorizontalHeaderItem(column + 1, item)
        place = 0
        for section in sections:
            self._write_heading(place, section)
            for row in (row for row in rows if row.section == section):
                place += 1
                self._write_row(place, row)
            place += 1
        self.grid.setUpdatesEnabled(True)
        self.grid.verticalScrollBar().setValue(scrolled)

    def _write_heading(self, place: int, section: str) -> None:
        item = _left(section)
        font = QFont(self.grid.font())
        font.setBold(True)
        item.setFont(font)
        item.setBackground(theme().color("raised"))
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        self.grid.setItem(place, 0, item)
        if self.grid.columnCount() > 1:
            self.grid.setSpan(place, 0, 1, self.grid.columnCount())

    def _write_row(self, place: int, row: SettingRow) -> None:
        title = _left(row.title)
        title.setForeground(theme().color("text" if row.differs else "muted"))
        self.grid.setItem(place, 0, title)
        for column, (text, cell) in enumerate(zip(row.texts(), row.cells, strict=True)):
            item = _left(text)
            item.setToolTip(_tip(text, cell))
            muted = text == DASH or (not row.differs and (cell is None or cell.usual))
            item.setForeground(theme().color("muted" if muted else "text"))
            if row.conflicts and text != DASH:
                item.setBackground(theme().blend("base", "accent", SHARE))
            self.grid.setItem(place, column + 1, item)


def _left(text: str) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return item


def _tip(text: str, cell: SettingDescribed | None) -> str:
    """Tooltip of a cell: the whole value, and what is to be said of it."""
    if cell is None:
        return "This run has no such setting."
    if cell.idle:
        return f"{cell.text}, without an effect beside the other settings."
    return text if cell.usual else f"{text}; differs from the default."
