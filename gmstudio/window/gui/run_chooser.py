"""Combo box of the runs that a panel can show, the one in training first."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QComboBox, QSizePolicy, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.gui.run_text import run_lines, run_tip
from gmstudio.window.gui.theme import theme
from gmstudio.window.state.runs.library import RunLibrary

MINIMUM_LETTERS = 20
WISHED_LETTERS = 56
"""Letters that the closed list shows where there is room; longer lines are elided in the middle."""
MAX_POPUP_WIDTH = 720
TIP = "Trained model on display. The run in training is marked and comes first."
NO_RUN = "No trained run yet: start one under Train"
WAITING = "Waiting for the engine …"


class RunChooser(QComboBox):
    """Choice among the runs of the library that have weights and a capability.

    It stays with its run. Only where it has none, or ``RunLibrary.follows`` is on, it takes a run that starts training.

    Args:
        library: library of runs.
        capability: one of ``cards.CAPABILITIES``; empty: any run.

    Signals:
        chosen: path of the run chosen by the user or by following; "" when there is none.
    """

    chosen = Signal(str)

    def __init__(self, library: RunLibrary, capability: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._capability = capability
        self._chosen = ""
        self.setAccessibleName("Run")
        self.setToolTip(TIP)
        self.setMinimumContentsLength(MINIMUM_LETTERS)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.activated.connect(self._on_activated)
        library.changed.connect(self._fill)
        library.live_changed.connect(self._on_live_changed)
        theme().changed.connect(self._fill)
        self._fill()

    def current(self) -> str:
        """Path of the chosen run, or ""."""
        return self._chosen

    def choose(self, run: str) -> None:
        """Choose a run as the user would; a run that is not in the list is ignored."""
        if self.findData(run) >= 0:
            self._select(run)

    def sizeHint(self) -> QSize:
        """Width of the longest line, up to ``WISHED_LETTERS``."""
        hint, metrics = super().sizeHint(), self.fontMetrics()
        lines = [self.itemText(index) for index in range(self.count())]
        longest = max((metrics.horizontalAdvance(line) for line in lines), default=0)
        letters = metrics.horizontalAdvance("x")
        extra = min(longest, WISHED_LETTERS * letters) - MINIMUM_LETTERS * letters
        return QSize(hint.width() + max(extra, 0), hint.height())

    def minimumSizeHint(self) -> QSize:
        """Width of ``MINIMUM_LETTERS``."""
        return QSize(super().sizeHint().width(), super().minimumSizeHint().height())

    def showPopup(self) -> None:
        """Open the list, as wide as its lines up to a limit."""
        wanted = self.view().sizeHintForColumn(0) + self.view().verticalScrollBar().sizeHint().width()
        self.view().setMinimumWidth(min(wanted, MAX_POPUP_WIDTH))
        super().showPopup()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the closed list with its line elided in the middle: runs differ at both ends."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        if self.currentIndex() < 0:
            option.currentText = self.placeholderText()
        parts = QStyle.SubControl
        room = (
            self.style()
            .subControlRect(QStyle.ComplexControl.CC_ComboBox, option, parts.SC_ComboBoxEditField, self)
            .width()
        )
        if not option.currentIcon.isNull():
            room -= option.iconSize.width() + 8
        elided = self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideMiddle, room)
        option.currentText = elided
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def _on_activated(self, index: int) -> None:
        self.choose(str(self.itemData(index)))

    def _on_live_changed(self, run: str) -> None:
        self._fill()
        if run and self._library.follows and self.findData(run) >= 0:
            self._select(run)

    def _fill(self) -> None:
        """Rebuild the list, keeping the choice where it still exists."""
        runs = self._library.runs_with(self._capability)
        self.setPlaceholderText(NO_RUN if self._library.home else WAITING)
        self.blockSignals(True)
        if [r.run for r in runs] != [self.itemData(i) for i in range(self.count())]:
            self.clear()
            for info in runs:
                self.addItem("", info.run)
        for index, (info, line) in enumerate(zip(runs, run_lines(runs, self._library.live), strict=True)):
            self._describe(index, info, line)
        self.blockSignals(False)
        self.setEnabled(bool(runs))
        paths = [r.run for r in runs]
        if self._chosen in paths:
            self._select(self._chosen)
        else:
            self._select(paths[0] if paths else "")

    def _describe(self, index: int, info: RunInfo, line: str) -> None:
        live = info.run == self._library.live
        if line != self.itemText(index):
            self.setItemText(index, line)
            self.updateGeometry()
        self.setItemIcon(index, theme().icon("live" if live else "runs", "accent" if live else "muted"))
        self.setItemData(index, run_tip(info), Qt.ItemDataRole.ToolTipRole)

    def _select(self, run: str) -> None:
        self.blockSignals(True)
        self.setCurrentIndex(self.findData(run) if run else -1)
        self.blockSignals(False)
        info = self._library.info(run)
        self.setToolTip(TIP if info is None else f"{TIP}\n\n{run_tip(info)}")
        if run != self._chosen:
            self._chosen = run
            self.chosen.emit(run)
