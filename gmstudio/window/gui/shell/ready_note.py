"""Line above a panel that shows a ready model because the user has no run for it yet."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget

from gmstudio.protocol.runs import RunInfo, RunOpened
from gmstudio.window.gui.places import Place, RunState, SetsUpRuns
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.state.runs.library import RunLibrary


class ReadyNote(QFrame):
    """One sentence on the ready model in the panel in front, and a button that sets up a run of one's own.

    It is hidden where the panel shows a run of the user, or the user has one that it can show.

    Args:
        library: library of runs.

    Signals:
        training_wanted: family of the ready model.
    """

    training_wanted = Signal(str)

    def __init__(self, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._place: Place | None = None
        self._state: RunState | None = None
        self.setObjectName("ready_note")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.text = ElidedLabel(self)
        self.text.setProperty("role", "muted")
        self.train = QToolButton(self)
        self.train.setText("Train your own")
        self.train.setObjectName("ready_note.train")
        self.train.setAccessibleName("Train your own model of this family")
        self.train.setToolTip("Choose this family in Train; the panel shows your run once you have one")
        self.train.clicked.connect(self._on_train)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * GRID, GRID // 2, 2 * GRID, 0)
        row.addWidget(self.text, 1)
        row.addWidget(self.train)
        self.hide()
        library.changed.connect(self.refresh)
        library.run_opened.connect(self._on_opened)

    def follow(self, place: Place | None, state: object) -> None:
        """Follow the panel that is in front; None: a page that is no panel."""
        if self._state is not None:
            self._state.run_changed.disconnect(self.refresh)
        self._place = place
        self._state = state if isinstance(state, RunState) and place is not None else None
        if self._state is not None:
            self._state.run_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the sentence where it is due."""
        info = self._info()
        sets_up = isinstance(self._state, SetsUpRuns)
        if info is not None:
            self.text.set_words(self._sentence(info) + (" Train your own at the left." if sets_up else ""))
        self.train.setVisible(not sets_up)
        self.setVisible(info is not None)

    def _info(self) -> RunInfo | None:
        """The ready model that is shown for want of a run; None where the panel shows another one, or none."""
        place, state = self._place, self._state
        info = self._library.info(state.run) if state is not None else None
        if place is None or place.shows is None or info is None or not info.example:
            return None
        own = any(place.shows(self._library, run) for run in self._library.runs if not run.example)
        return None if own else info

    def _sentence(self, info: RunInfo) -> str:
        opened = self._library.opened.get(info.run)
        images = f"{opened.num_train:,} images of " if opened is not None and opened.num_train else ""
        return f"A ready {info.family_title}, trained on {images}{info.data_label}."

    def _on_opened(self, _event: RunOpened) -> None:
        self.refresh()

    def _on_train(self) -> None:
        info = self._info()
        if info is not None:
            self.training_wanted.emit(info.spec.family)
