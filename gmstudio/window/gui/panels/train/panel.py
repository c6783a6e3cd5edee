"""Train panel: setup of a run, training, and its curves, samples, objective and diagnostics."""

from collections.abc import Iterator
from typing import ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.train.changing import ChangingView
from gmstudio.window.gui.panels.train.curves import TrainCurves
from gmstudio.window.gui.panels.train.diagnostics import DiagnosticsView
from gmstudio.window.gui.panels.train.kept import KeptCheckpoints
from gmstudio.window.gui.panels.train.objective import ObjectiveView
from gmstudio.window.gui.panels.train.pace import PaceView
from gmstudio.window.gui.panels.train.palette import setup_entries
from gmstudio.window.gui.panels.train.runs import RunsView
from gmstudio.window.gui.panels.train.samples import SampleView
from gmstudio.window.gui.panels.train.setup import SetupColumn, text_label
from gmstudio.window.gui.panels.train.status import StatusLine
from gmstudio.window.gui.progress_text import loading_text
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs, Tab
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.gui.widgets.sections import Section, Sections
from gmstudio.window.gui.widgets.style_property import set_style_property
from gmstudio.window.state.palette import PaletteEntry
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.state import TrainingState

COLUMN_WIDTH = 352
NARROW, NARROWEST = 1040, 680
"""Width below which new run and run shown are not side by side, and below which buttons have no text."""
QWIDGETSIZE_MAX = 2**24 - 1
"""Qt's width of a widget without a limit."""
TABS_WIDTH = 372
DIAGNOSTICS_TIP = "Figures of the model's internals: receptive fields, filters, reconstructions, losses by pixel"
CHANGING_TIP = "Settings of the run in training, to be changed while it trains, and more steps for a run"
PACE_TIP = "Training in slow motion, and which phases of a step are trained"

NEEDS = {
    "pause": "No run is in training, and the run shown has no steps left to make.",
    "stop": "No run is in training.",
    "step": "No run is in training.",
    "keep": "The run shown has no checkpoint yet.",
    "show_live": "The run in training is shown already, or none is in training.",
}
NOT_LOADED = "The data were not loaded, so the settings are not checked. Start loads them."
START_TIP = "Start a new run with these settings; it is shown at the right"
QUEUE_TIP = "Add a run with these settings to the queue, which trains one after another: page Queue of Runs"
QUEUED = "added to the queue"
BUSY_TIP = "One run trains at a time: stop the one in training first, or add this one to the queue"
PAUSE_TIP = "Pause after the current step"
STOP_TIP = "End the training with a checkpoint, to be resumed later"
STEP_TIP = "Make one parameter update, then pause"
TRAIN_ON_TIP = "Copy this example into your runs and train the copy on, with new optimizer state"
RESUME_TIP = "Continue training the run shown"


class TrainPanel(Panel):
    """Panel for setting up, starting and following runs.

    Args:
        state: state of training.
        library: library of runs.
    """

    name: ClassVar[str] = "train"

    def __init__(self, state: TrainingState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._library = library
        self._actions = self._make_actions()
        self._action_buttons: dict[str, QToolButton] = {}
        self._holds_focus = self._presenting = False
        self._verdict = text_label("muted", self)
        self.name_widget(self._verdict, "verdict", "Check of the settings", "")
        column = SetupColumn(state.setup, self)
        left = self._left = QWidget(self)
        left_layout = QVBoxLayout(left)
        left_layout.setContentsMargins(0, 8, 0, 8)
        left_layout.setSpacing(8)
        title = self._title = QLabel("New run", self)
        title.setProperty("role", "heading")
        title.setIndent(8)  # a style sheet resets the margins of a label
        left_layout.addWidget(title)
        left_layout.addWidget(column, 1)
        left_layout.addWidget(self._footer())
        self._hidden_in_presentation: list[QWidget] = []
        sections = (
            Section("new", "New run", "Family, data and settings of the next run", left, stretch=0),
            Section("shown", "Run shown", "Samples, curves and terms of a run", self._framed(self._monitor(library))),
        )
        self.sections = Sections(sections, Qt.Orientation.Horizontal, 8)
        self.name_widget(self.sections.bar, "sections", "New run, or run shown", "")
        self.sections.arranged.connect(self._fit_left)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 8, 8)
        layout.addWidget(self.sections)
        self._fit_left()
        self.record_edits(state.edits)
        self.record_edits(state.changes.edits, of_controls=False)
        state.run_changed.connect(lambda: self.sections.open("shown") if state.run else None)
        state.setup.family_changed.connect(lambda: None if state.setup.arriving else self.sections.open("new"))
        state.status_changed.connect(self._show_status)
        self._show_status()

    def _framed(self, monitor: QWidget) -> QWidget:
        """The run shown, with a line between it and the settings of the next one."""
        framed = QWidget(self)
        layout = QHBoxLayout(framed)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        self._between = QFrame(self)
        self._between.setFrameShape(QFrame.Shape.VLine)
        layout.addWidget(self._between)
        layout.addWidget(monitor, 1)
        return framed

    def _fit_left(self) -> None:
        """Give the settings their column, or the whole width where they are shown alone."""
        width = scaled_px(self, COLUMN_WIDTH)
        alone = self.sections.compact
        self._left.setMinimumWidth(width)
        self._left.setMaximumWidth(QWIDGETSIZE_MAX if alone else width)
        self._between.setVisible(not alone and not self._presenting)
        self._title.setVisible(not alone)  # which the tab says

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the settings of the next run or the run shown alone, in a narrow window."""
        self._status.set_narrow(event.size().width() < NARROWEST)
        self.sections.set_compact(event.size().width() < NARROW)
        super().resizeEvent(event)

    # ---- layout -------------------------------------------------------------------------------------------------

    def _make_actions(self) -> dict[str, QAction]:
        state = self._state
        rows = (
            (
                "start",
                "Start",
                "Ctrl+Return",
                state.start,
                START_TIP,
            ),
            ("queue", "Add to queue", "Ctrl+Alt+Return", state.queue, QUEUE_TIP),
            ("pause", "Pause", "Space", self._pause_or_resume, PAUSE_TIP),
            ("stop", "Stop", "Ctrl+.", state.stop, STOP_TIP),
            ("step", "One step", "Ctrl+Right", state.step, STEP_TIP),
            (
                "keep",
                "Keep checkpoint",
                "Ctrl+M",
                state.keep_checkpoint,
                "Keep a checkpoint of this step from being deleted",
            ),
            ("show_live", "Show run in training", "Ctrl+R", state.show_live, "Show the run that is in training"),
        )
        icons = {"start": "play", "queue": "add", "keep": "mark", "show_live": "live"}
        return {
            name: self.add_action(name, text, key, slot, icon=icons.get(name, name), tip=tip, needs=NEEDS.get(name, ""))
            for name, text, key, slot, tip in rows
        }

    def reason(self, action: QAction) -> str:
        """Return why an action is disabled; starting may be kept by the training or by the settings."""
        if action not in (self._actions["start"], self._actions["queue"]) or action.isEnabled():
            return super().reason(action)
        if self._state.status != "idle" and action is self._actions["start"]:
            return f"{BUSY_TIP}."
        return self._state.setup.problem or "The engine has not reported its families yet."

    def palette_entries(self) -> Iterator[PaletteEntry]:
        """Families and data sources as entries of the command palette."""
        yield from setup_entries(self._state.setup, lambda: self.sections.open("new"))

    def _footer(self) -> QWidget:
        """Check of the settings and the button that starts a run with them, below the part that scrolls."""
        footer = QWidget(self)
        column = QVBoxLayout(footer)
        column.setContentsMargins(8, 0, 8, 0)
        column.setSpacing(4)
        column.addWidget(self._verdict)
        start = self._action_button("start")
        start.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        start.setProperty("primary", True)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(start, 1)
        row.addWidget(self._action_button("queue"))
        column.addLayout(row)
        return footer

    def _action_button(self, name: str) -> QToolButton:
        button = self._action_buttons[name] = self.button(self._actions[name])
        return button

    def _monitor(self, library: RunLibrary) -> QWidget:
        """Run shown: header above, samples and tabs side by side, curves below."""
        state = self._state
        tabs = LazyTabs(
            (
                Tab("objective", "Objective", "Formula of the objective, and its terms", self._objective),
                Tab("diagnostics", "Diagnostics", DIAGNOSTICS_TIP, self._diagnostics),
                Tab("pace", "Pace", PACE_TIP, lambda: PaceView(state.diagnostics, self)),
                Tab("changing", "Change", CHANGING_TIP, lambda: ChangingView(state, self)),
                Tab("runs", "Runs", "Compare, select and resume runs", lambda: RunsView(state, library, self)),
            ),
            parent=self,
        )
        tabs.setMinimumWidth(TABS_WIDTH)
        self.name_widget(tabs, "tabs", "Objective, diagnostics, pace, changes and runs", "")
        self.remember(tabs)
        above = QSplitter(Qt.Orientation.Horizontal, self)
        above.addWidget(SampleView(state.samples, self))
        above.addWidget(tabs)
        self._hidden_in_presentation.append(tabs)
        above.setStretchFactor(0, 3)
        above.setStretchFactor(1, 2)
        above.setSizes([470, 380])
        both = QSplitter(Qt.Orientation.Vertical, self)
        both.addWidget(above)
        curves = self._curves = TrainCurves(state, library, self)
        curves.enlarged.connect(lambda on: above.setVisible(not on))
        both.addWidget(curves)
        both.setStretchFactor(0, 1)
        both.setStretchFactor(1, 1)
        both.setSizes([420, 270])
        for splitter in (above, both):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(8)
        self.name_widget(above, "samples_split", "Samples and tabs", "")
        self.name_widget(both, "curves_split", "Samples above curves", "")
        self.remember(above, both)
        monitor = QWidget(self)
        layout = QVBoxLayout(monitor)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(8)
        buttons: list[QWidget] = [self._action_button(name) for name in self._actions if name not in ("start", "queue")]
        self._status = StatusLine(state, self, [*buttons, KeptCheckpoints(state, library, self)])
        layout.addWidget(self._status)
        layout.addWidget(both, 1)
        return monitor

    def _objective(self) -> QWidget:
        return ObjectiveView(self._state, self)

    def _diagnostics(self) -> QWidget:
        return DiagnosticsView(self._state.diagnostics, self)

    def set_presenting(self, presenting: bool) -> None:
        """Show title, samples and curves alone in presentation mode."""
        self._presenting = presenting
        self.sections.set_only("shown" if presenting else "")
        for widget in self._hidden_in_presentation:
            widget.setVisible(not presenting)
        self._status.set_buttons_shown(not presenting)
        self._curves.set_controls_shown(not presenting)

    def _pause_or_resume(self) -> None:
        if self._state.can_pause:
            self._state.pause()
        else:
            self._state.resume()

    # ---- state --------------------------------------------------------------------------------------------------

    def _show_status(self) -> None:
        """Enable the actions that are possible, and write the check of the settings."""
        state = self._state
        can = {
            "start": state.can_start,
            "queue": state.can_queue,
            "pause": state.can_pause or state.can_resume,
            "stop": state.can_stop,
            "step": state.is_live,
            "keep": state.can_keep_checkpoint,
            "show_live": state.shows_another,
        }
        self._show_pause(resumes=state.can_resume)
        self._keep_focus(can)
        for name, possible in can.items():
            self._actions[name].setEnabled(possible)
        self._action_buttons["show_live"].setVisible(state.shows_another)
        self._name_live()
        self.set_action_tip(self._actions["start"], START_TIP if state.status == "idle" else BUSY_TIP)
        setup = state.setup
        if setup.problem:
            text, role = setup.problem, "error"
        elif setup.described is not None:
            counted = f"{setup.described.num_parameters:,} parameters, {setup.described.image}"
            times = f" {state.queued} times" if state.queued > 1 else ""
            counted += f" · {QUEUED}{times}" if state.queued else ""
            text, role = "\n".join((counted, *setup.described.remarks)), "muted"
        else:
            text, role = self._pending_check(), "muted"
        self._verdict.setText(text)
        set_style_property(self._verdict, "role", role)

    def _pending_check(self) -> str:
        """Sentence on settings that are not checked yet."""
        setup = self._state.setup
        if setup.catalog is None:
            return "Waiting for the engine …"
        loading = self._state.loading or setup.loading
        if loading is not None:
            return loading_text(loading)
        return NOT_LOADED if setup.cancelled else "Checking the settings …"

    def _show_pause(self, *, resumes: bool) -> None:
        """Give the toggle of pause and resume the text of what it does now."""
        toggle = self._actions["pause"]
        info = self._state.info
        copies = resumes and self._state.status == "idle" and info is not None and info.example
        toggle.setText("Train on" if copies else "Resume" if resumes else "Pause")
        self.set_action_icon(toggle, "resume" if resumes else "pause")
        self.set_action_tip(toggle, TRAIN_ON_TIP if copies else RESUME_TIP if resumes else PAUSE_TIP)

    def _name_live(self) -> None:
        """Say in the tooltips which run is paused or stopped, where that is not the one shown."""
        live = self._library.info(self._state.live) if self._state.shows_another else None
        of_live = "" if live is None else f". In training: {live.title}"
        for name, tip in (("stop", STOP_TIP), ("step", STEP_TIP)):
            self.set_action_tip(self._actions[name], tip + of_live)
        if self._state.can_pause:
            self.set_action_tip(self._actions["pause"], PAUSE_TIP + of_live)

    def _keep_focus(self, can: dict[str, bool]) -> None:
        """Give the focus of a button that is about to be disabled to the toggle, not to whichever button is next.

        While the toggle is disabled too, for instance until a run has started, the panel holds the focus for it.
        """
        focused = next((name for name, button in self._action_buttons.items() if button.hasFocus()), "")
        lost = bool(focused) and not can[focused]
        if lost or (self._holds_focus and self.hasFocus()):
            self._actions["pause"].setEnabled(can["pause"])
            (self._action_buttons["pause"] if can["pause"] else self).setFocus()
            self._holds_focus = not can["pause"]
