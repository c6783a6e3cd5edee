"""The Train panel: choose a family and data, train, and watch curves, samples and objective."""

from typing import ClassVar

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QGridLayout,
    QSizePolicy,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.train.curves import TrainCurves
from gmstudio.window.gui.panels.train.diagnostics import DiagnosticsView
from gmstudio.window.gui.panels.train.objective import ObjectiveView
from gmstudio.window.gui.panels.train.runs import RunsView
from gmstudio.window.gui.panels.train.samples import SampleView
from gmstudio.window.gui.panels.train.setup import SetupColumn, text_label
from gmstudio.window.gui.panels.train.status import StatusLine
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.state import TrainingState

COLUMN_WIDTH = 352
TABS_WIDTH = 288


class TrainPanel(Panel):
    """Pick, train, watch.

    Args:
        session: what training is.
        library: the runs.
    """

    name: ClassVar[str] = "train"

    def __init__(self, session: TrainingState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._actions = self._make_actions()
        self._verdict = text_label("muted", self)
        self.name_widget(self._verdict, "verdict", "What the engine says of the settings", "")
        column = SetupColumn(session.setup, self)
        left = QWidget(self)
        left.setFixedWidth(COLUMN_WIDTH)
        left_layout = QVBoxLayout(left)
        left_layout.setContentsMargins(0, 0, 0, 8)
        left_layout.setSpacing(8)
        left_layout.addWidget(column, 1)
        left_layout.addWidget(self._footer())
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 8, 8)
        layout.setHorizontalSpacing(8)
        layout.addWidget(left, 0, 0)
        layout.addWidget(self._monitor(library), 0, 1)
        layout.setColumnStretch(1, 1)
        session.status_changed.connect(self._show_status)
        self._show_status()

    # ---- layout -------------------------------------------------------------------------------------------------

    def _make_actions(self) -> dict[str, QAction]:
        session = self._session
        rows = (
            ("start", "Start", "Ctrl+Return", session.start, "Begin a new run with these settings"),
            ("pause", "Pause", "Space", session.pause, "Stand still after the current step"),
            ("resume", "Resume", "Space", session.resume, "Go on after a pause, or with the run chosen under Runs"),
            ("stop", "Stop", "Ctrl+.", session.stop, "End the run here and keep it; it can be resumed later"),
            ("step", "One step", "Ctrl+Right", session.step, "Make one parameter update, then pause"),
            ("mark", "Mark", "Ctrl+M", session.mark, "Keep a checkpoint of this run for good"),
        )
        icons = {"start": "play"}
        return {
            name: self.add_action(name, text, key, slot, icon=icons.get(name, name), tip=tip)
            for name, text, key, slot, tip in rows
        }

    def _footer(self) -> QWidget:
        """The verdict and the buttons, always in sight."""
        footer = QWidget(self)
        grid = QGridLayout(footer)
        grid.setContentsMargins(8, 0, 8, 0)
        grid.setSpacing(4)
        grid.addWidget(self._verdict, 0, 0, 1, 3)
        for index, (name, action) in enumerate(self._actions.items()):
            button = self.button(action)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setProperty("primary", name == "start")
            grid.addWidget(button, 1 + index // 3, index % 3)
        return footer

    def _monitor(self, library: RunLibrary) -> QWidget:
        """The run: status above, samples and objective side by side, curves below."""
        session = self._session
        tabs = QTabWidget(self)
        tabs.setDocumentMode(True)
        tabs.tabBar().setDrawBase(False)
        tabs.addTab(ObjectiveView(session, self), "Objective")
        tabs.addTab(DiagnosticsView(session.diagnostics, self), "Inside")
        tabs.addTab(RunsView(session, library, self), "Runs")
        tabs.setTabToolTip(0, "The objective's formula and its terms")
        tabs.setTabToolTip(1, "What goes on inside: reconstructions, filters, histograms; slow down, one player only")
        tabs.setTabToolTip(2, "Compare runs, look at them, resume them")
        tabs.setMinimumWidth(TABS_WIDTH)
        self.name_widget(tabs, "tabs", "Objective and runs", "")
        above = QSplitter(Qt.Orientation.Horizontal, self)
        above.addWidget(SampleView(session.samples, self))
        above.addWidget(tabs)
        above.setStretchFactor(0, 3)
        above.setStretchFactor(1, 2)
        above.setSizes([520, 320])
        both = QSplitter(Qt.Orientation.Vertical, self)
        both.addWidget(above)
        both.addWidget(TrainCurves(session, library, self))
        both.setStretchFactor(0, 3)
        both.setStretchFactor(1, 2)
        both.setSizes([430, 260])
        for splitter in (above, both):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(8)
        monitor = QWidget(self)
        layout = QVBoxLayout(monitor)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(StatusLine(session, self))
        layout.addWidget(both, 1)
        return monitor

    # ---- state --------------------------------------------------------------------------------------------------

    def _show_status(self) -> None:
        """What can be done now, and what the engine says of the settings."""
        session = self._session
        can = {
            "start": session.can_start,
            "pause": session.can_pause,
            "resume": session.can_resume,
            "stop": session.can_stop,
            "step": session.can_stop,
            "mark": session.can_mark,
        }
        for name, possible in can.items():
            self._actions[name].setEnabled(possible)
        setup = session.setup
        if setup.problem:
            words, role = setup.problem, "error"
        elif setup.described is not None:
            counted = f"{setup.described.num_parameters:,} parameters, {setup.described.image}"
            words, role = "\n".join((counted, *setup.described.remarks)), "muted"
        else:
            words, role = "Checking the settings …" if setup.catalog else "Waiting for the engine …", "muted"
        self._verdict.setText(words)
        if self._verdict.property("role") != role:
            self._verdict.setProperty("role", role)
            self._verdict.style().unpolish(self._verdict)
            self._verdict.style().polish(self._verdict)

    def event(self, event: QEvent) -> bool:
        """Leave Space to the buttons, lists and images that have the focus; elsewhere it pauses and resumes."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            focus = QApplication.focusWidget()
            takes_space = isinstance(focus, QAbstractButton | QComboBox | QAbstractItemView | ImageGrid)
            if event.key() == Qt.Key.Key_Space and takes_space:
                event.accept()
                return True
        return super().event(event)
