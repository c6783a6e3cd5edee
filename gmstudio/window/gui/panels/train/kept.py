"""Button with the kept checkpoints of the run shown: whose weights the panels use, and release."""

from functools import partial

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.gui.panel import Panel
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.state import TrainingState

TIP = "Weights of the run shown that all panels use: the newest ones, or those of a kept checkpoint"
NONE_KEPT = "No checkpoint of this run is kept yet: Keep checkpoint keeps one, to be opened in every panel"


class KeptCheckpoints(QToolButton):
    """Button that says whose weights the panels use, with a menu of the kept checkpoints.

    Args:
        state: state of training.
        library: library of runs.
        panel: panel that names the control.
    """

    def __init__(self, state: TrainingState, library: RunLibrary, panel: Panel) -> None:
        super().__init__(panel)
        self._state, self._library = state, library
        self._listed: tuple[RunInfo | None, int | None] | None = None
        self._menu = QMenu(self)
        self._group = QActionGroup(self._menu)
        self._menu.setToolTipsVisible(True)
        self.setMenu(self._menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        panel.name_widget(self, "kept", "Kept checkpoints", TIP)
        library.changed.connect(self.refresh)
        state.run_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Write whose weights are used, and list the kept checkpoints."""
        info = self._state.info
        chosen = self._library.checkpoints.steps.get(self._state.run)
        if self._listed == (info, chosen):
            return
        self._listed = (info, chosen)
        kept = info.kept_steps if info is not None else ()
        self.setVisible(info is not None)
        self.setEnabled(bool(kept) or chosen is not None)
        self.setToolTip(TIP if kept else NONE_KEPT)
        self.setText(
            f"Weights of step {chosen:,}" if chosen is not None else f"{len(kept)} kept" if kept else "None kept"
        )
        self._menu.clear()
        if info is not None:
            self._fill(info.run, kept, chosen)

    def _fill(self, run: str, kept: tuple[int, ...], chosen: int | None) -> None:
        for step in (None, *kept):
            text = "Newest weights" if step is None else f"Kept checkpoint, step {step:,}"
            action = QAction(text, self._menu)
            action.setCheckable(True)
            action.setChecked(step == chosen)
            action.triggered.connect(partial(self._choose, run, step))
            self._group.addAction(action)  # which it leaves when the menu is cleared
            self._menu.addAction(action)
        self._menu.addSeparator()
        for step in kept:
            release = self._menu.addAction(f"Release step {step:,}")
            release.setToolTip("Let newer checkpoints replace it")
            release.triggered.connect(partial(self._release, run, step))

    def _choose(self, run: str, step: int | None, _checked: bool = False) -> None:
        self._library.checkpoints.choose(run, step)

    def _release(self, run: str, step: int, _checked: bool = False) -> None:
        self._library.release_checkpoint(run, step)
