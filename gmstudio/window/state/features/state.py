"""State of the Features panel: the run whose features all its pages are about."""

from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.features import FeatureSpace
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.pages import PageState, PageStates
from gmstudio.window.state.runs.library import RunLibrary

P = TypeVar("P")


class FeaturesState(QObject):
    """State of the Features panel; each page has a state of its own, see ``page``.

    Attributes:
        link: connection to the engine.
        library: runs.
        run: path of the run, or "".
        space: chosen features of the run, or of a baseline on its data.
        active: the panel is on the screen.
        edits: what a user chose, to be undone.

    Signals:
        run_changed: ``run`` changed.
        space_changed: ``space`` changed.
        active_changed: ``active`` changed.
    """

    run_changed = Signal()
    space_changed = Signal()
    active_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.link, self.library = events, library
        self.run = ""
        self.space = FeatureSpace()
        self.active = False
        self._pages = PageStates()
        self.edits = EditRecorder(self)
        self.edits.add_part("space", lambda: (self.space,), lambda part: self._set_space(part[0]))

    def page(self, kind: PageState["FeaturesState", P]) -> P:
        """Return the state of a page, created at the first call."""
        return self._pages.of(self, kind)

    def choose_run(self, run: str) -> None:
        """Show another run."""
        if run != self.run:
            self.run = run
            self.edits.clear()
            self._set_space(FeatureSpace())
            self.run_changed.emit()

    def set_space(self, space: FeatureSpace) -> None:
        """Choose the features."""
        with self.edits.recording("Choose features"):
            self._set_space(space)

    def set_active(self, active: bool) -> None:
        """Request only while the panel is on the screen."""
        if active != self.active:
            self.active = active
            self.active_changed.emit()

    def _set_space(self, space: FeatureSpace) -> None:
        if space != self.space:
            self.space = space
            self.space_changed.emit()
