"""Combo box of the runs that a panel can show: the one in training first, the examples under a heading at the end."""

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.gui.run_text import RunLines, run_name, run_tip
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.elided_combo_box import ElidedComboBox
from gmstudio.window.state.runs.library import RunLibrary

STEP_ROLE = Qt.ItemDataRole.UserRole + 1
"""Step of a kept checkpoint; None on the line of the run itself."""
MINIMUM_LETTERS = 20
WISHED_LETTERS = 56
"""Letters that the closed list shows where there is room; longer lines are elided in the middle."""
MAX_POPUP_WIDTH = 720
TIP = "Trained model on display. The run in training is marked and comes first."
EXAMPLES = "Examples"
MAX_LISTED = 200
"""Runs of the user in the list; older ones are found in the Runs panel, and are listed while they are shown."""
OLDER = "{:,} older runs: choose them in the Runs panel"
NO_RUN = "No trained run yet: start one under Train"
WAITING = "Waiting for the engine …"


class _Entry(NamedTuple):
    """Line of the list: a run with its newest weights, or (``step``) with those of a kept checkpoint; or a heading."""

    info: RunInfo | None
    line: str
    step: int | None
    live: bool


class RunChooser(ElidedComboBox):
    """Choice among the runs of the library that have weights and a capability.

    Kept checkpoints are listed below their run; choosing one, or the run itself, sets the weights for every panel.
    It stays with its run. Only where it has none, or an example that nobody chose, it takes the first run of the user;
    where ``RunLibrary.follows`` is on, it takes a run that starts training.

    Args:
        library: library of runs.
        capability: one of ``cards.CAPABILITIES``; empty: any run.
        prefer: capability of the ready model that is shown where the user has no run; empty: the first ready model.
        accepts: further condition on a run; None: there is none.

    Signals:
        chosen: name of the run chosen by the user or by following; "" when there is none.
    """

    chosen = Signal(str)

    def __init__(
        self,
        library: RunLibrary,
        capability: str,
        parent: QWidget | None = None,
        *,
        prefer: str = "",
        accepts: Callable[[RunInfo], bool] | None = None,
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._capability, self._prefer, self._accepts = capability, prefer, accepts
        self._chosen = ""
        self._by_default = True
        """The chosen run was the first one there, and not chosen by the user."""
        self._pinned = ""
        """Run that was chosen from elsewhere, which is listed however old it is."""
        self._heading = _Entry(None, EXAMPLES, None, False)
        self._shown: list[_Entry] = []
        self._entries_of: dict[str, tuple[_Entry, ...]] = {}
        self._lines = RunLines()
        self._longest = ""
        self.setAccessibleName("Run")
        self.setToolTip(TIP)
        self.setMinimumContentsLength(MINIMUM_LETTERS)
        self.setSizeAdjustPolicy(ElidedComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.activated.connect(self._on_activated)
        library.turns.add(self._fill)
        library.live_changed.connect(self._on_live_changed)
        theme().changed.connect(self._on_theme_changed)
        self._fill()

    def current(self) -> str:
        """Path of the chosen run, or ""."""
        return self._chosen

    def choose(self, run: str) -> None:
        """Choose a run as the user would; a run that is not in the list is ignored."""
        if run and self.findData(run) < 0 and any(info.run == run for info in self._able()):
            self._pinned = run
            self._fill()
        if run and self.findData(run) >= 0:
            self._by_default = False
            self._select(run)

    def sizeHint(self) -> QSize:
        """Width of the longest line, up to ``WISHED_LETTERS``."""
        hint, metrics = super().sizeHint(), self.fontMetrics()
        wished = min(metrics.horizontalAdvance(self._longest), WISHED_LETTERS * metrics.averageCharWidth())
        extra = max(wished - MINIMUM_LETTERS * metrics.horizontalAdvance("X"), 0)
        return QSize(hint.width() + extra, hint.height())

    def minimumSizeHint(self) -> QSize:
        """Width of ``MINIMUM_LETTERS``."""
        return QSize(super().sizeHint().width(), super().minimumSizeHint().height())

    def showPopup(self) -> None:
        """Open the list, as wide as its lines up to a limit."""
        wanted = self.view().sizeHintForColumn(0) + self.view().verticalScrollBar().sizeHint().width()
        self.view().setMinimumWidth(min(wanted, MAX_POPUP_WIDTH))
        super().showPopup()

    def hidePopup(self) -> None:
        """Close the list, and fill it with what changed meanwhile."""
        super().hidePopup()
        QTimer.singleShot(0, self, self._fill)  # after the line that was chosen is reported

    def _on_activated(self, index: int) -> None:
        run = str(self.itemData(index))
        self._library.checkpoints.choose(run, self.itemData(index, STEP_ROLE))
        self.choose(run)

    def _on_live_changed(self, run: str) -> None:
        """Take a run that starts training; the list follows ``RunLibrary.changed``, which comes next."""
        if run and self._library.follows:
            self._fill()
            self.choose(run)

    def _on_theme_changed(self) -> None:
        self._shown = []
        self._fill()

    def _fill(self) -> None:
        """Rebuild the list, keeping the choice where it still exists; only lines that changed are written.

        An open list stays as it is, so that no line moves under the pointer; it is filled when it closes.
        """
        if self.view().isVisible():
            return
        able = self._able()
        runs = listed_runs(able, (self._chosen, self._pinned))
        self.setPlaceholderText(NO_RUN if self._library.home else WAITING)
        lines = self._lines.of(runs, self._library.live)
        entries = [entry for info, line in zip(runs, lines, strict=True) for entry in self._entries(info, line)]
        first = next((place for place, entry in enumerate(entries) if entry.info and entry.info.example), None)
        if first is not None:
            entries.insert(first, self._heading)
        if len(runs) < len(able):
            older = _Entry(None, OLDER.format(len(able) - len(runs)), None, False)
            entries.insert(len(entries) if first is None else first, older)
        self.blockSignals(True)
        if list(map(_identity, entries)) != list(map(_identity, self._shown)):
            self._write_lines(entries)
        for index, entry in enumerate(entries):
            if index >= len(self._shown) or entry is not self._shown[index]:
                self._describe(index, entry)
        self._shown = entries
        self.blockSignals(False)
        longest = max((entry.line for entry in entries), key=len, default=self.placeholderText())
        if longest != self._longest:
            self._longest = longest
            self.updateGeometry()
        self.setEnabled(bool(runs))
        self._keep_choice(runs)

    def _able(self) -> list[RunInfo]:
        """Runs that the panel can show."""
        runs = self._library.runs_with(self._capability)
        return runs if self._accepts is None else [run for run in runs if self._accepts(run)]

    def _keep_choice(self, runs: list[RunInfo]) -> None:
        """Stay with the chosen run where it still exists; see ``RunChooser``."""
        chosen = next((info for info in runs if info.run == self._chosen), None)
        if chosen is None or (chosen.example and self._by_default):
            self._by_default = True
            self._select(self._first(runs))
        else:
            self._select(chosen.run)

    def _first(self, runs: list[RunInfo]) -> str:
        """Run that is shown at first: the newest of the user, else a ready model, of the preferred kind if possible."""
        if not runs:
            return ""
        preferred = (run for run in runs if runs[0].example and self._prefer in run.capabilities)
        return next(preferred, runs[0]).run

    def _write_lines(self, entries: list[_Entry]) -> None:
        """Make a line for each entry, still without words; the heading cannot be chosen."""
        self.clear()
        self._shown = []
        for entry in entries:
            self.addItem("", entry.info.run if entry.info else None)
            self.setItemData(self.count() - 1, entry.step, STEP_ROLE)
            model = self.model()
            if entry.info is None and isinstance(model, QStandardItemModel):
                model.item(self.count() - 1).setEnabled(False)

    def _entries(self, info: RunInfo, line: str) -> tuple[_Entry, ...]:
        """Lines of a run: its newest weights, then its kept checkpoints; the same objects while they read the same."""
        known = self._entries_of.get(info.run)
        if known is None or known[0].info is not info or known[0].line is not line:
            live = info.run == self._library.live
            name = f"{run_name(info)} · kept checkpoint, step"
            kept = (_Entry(info, f"{name} {step:,}", step, live) for step in info.kept_steps)
            known = self._entries_of[info.run] = (_Entry(info, line, None, live), *kept)
        return known

    def _describe(self, index: int, entry: _Entry) -> None:
        self.setItemText(index, entry.line)
        if entry.info is None:
            return
        icon = "mark" if entry.step is not None else "live" if entry.live else "runs"
        self.setItemIcon(index, theme().icon(icon, "accent" if icon == "live" else "muted"))
        self.setItemData(index, run_tip(entry.info), Qt.ItemDataRole.ToolTipRole)

    def _index_of(self, run: str) -> int:
        """Line of a run and its chosen checkpoint; that of its newest weights where this is not kept any more."""
        step = self._library.checkpoints.steps.get(run)
        shown = enumerate(self._shown)
        wanted = [i for i, e in shown if e.info is not None and e.info.run == run and e.step in (None, step)]
        return wanted[-1] if wanted else -1

    def _select(self, run: str) -> None:
        self.blockSignals(True)
        self.setCurrentIndex(self._index_of(run))
        self.blockSignals(False)
        info = self._library.info(run)
        self.setToolTip(TIP if info is None else f"{TIP}\n\n{run_tip(info)}")
        if run != self._chosen:
            self._chosen = run
            self.chosen.emit(run)


def listed_runs(runs: list[RunInfo], wanted: tuple[str, ...]) -> list[RunInfo]:
    """Return the runs of a list that are offered: the first ``MAX_LISTED`` of the user, the wanted ones, the examples.

    Args:
        runs: in the order of the list.
        wanted: runs that are listed wherever they are.
    """
    if len(runs) <= MAX_LISTED:
        return runs
    rest = [info for info in runs[MAX_LISTED:] if info.example or info.run in wanted]
    return [*runs[:MAX_LISTED], *rest]


def _identity(entry: _Entry) -> tuple[str, int | None]:
    """What an entry is a line of."""
    return (entry.info.run if entry.info else entry.line, entry.step)
