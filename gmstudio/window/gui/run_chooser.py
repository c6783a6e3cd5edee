"""Combo box of the runs that a panel can show, the one in training first."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.gui.theme import theme
from gmstudio.window.state.runs.library import RunLibrary

MINIMUM_LETTERS = 24
NO_RUN = "No trained run yet: start one under Train"
WAITING = "Waiting for the engine …"


class RunChooser(QComboBox):
    """Choice among the runs of the library that have weights and a capability.

    It follows newly started runs until the user chooses another run; choosing the one in training makes it follow
    again.

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
        self._following = True
        self.setAccessibleName("Run")
        self.setToolTip("Trained model on display. The run in training is marked and comes first.")
        self.setMinimumContentsLength(MINIMUM_LETTERS)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
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
            self._following = run == self._library.live
            self._select(run)

    def _on_activated(self, index: int) -> None:
        self.choose(str(self.itemData(index)))

    def _on_live_changed(self, run: str) -> None:
        self._fill()
        if run and self._following and self.findData(run) >= 0:
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
        for index, info in enumerate(runs):
            self._describe(index, info)
        self.blockSignals(False)
        self.setEnabled(bool(runs))
        paths = [r.run for r in runs]
        if self._chosen in paths:
            self._select(self._chosen)
        else:
            self._following = True
            self._select(paths[0] if paths else "")

    def _describe(self, index: int, info: RunInfo) -> None:
        live = info.run == self._library.live
        state = "in training" if live else f"{info.step:,} steps"
        self.setItemText(index, f"{info.title} · {state}")
        self.setItemIcon(index, theme().icon("live" if live else "runs", "accent" if live else "muted"))
        self.setItemData(index, f"{info.family_title}, {info.image}\n{info.run}", Qt.ItemDataRole.ToolTipRole)

    def _select(self, run: str) -> None:
        self.blockSignals(True)
        self.setCurrentIndex(self.findData(run) if run else -1)
        self.blockSignals(False)
        if run != self._chosen:
            self._chosen = run
            self.chosen.emit(run)
