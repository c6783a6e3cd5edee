"""State of the Density panel: the models and the sets of images that all its pages are about."""

from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.image_sets import DataImages, ImageSet
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.pages import PageState, PageStates
from gmstudio.window.state.runs.library import RunLibrary

P = TypeVar("P")


class DensityState(QObject):
    """State of the Density panel; each page has a state of its own, see ``page``.

    Attributes:
        link: connection to the engine.
        library: runs.
        runs: paths of the chosen runs, the first one first.
        images: set of images that is scored.
        against: set of anomalous images; None: none is chosen.
        active: the panel is on the screen.
        edits: what a user chose, to be undone.

    Signals:
        run_changed: the first of ``runs`` changed.
        runs_changed: ``runs`` changed.
        images_changed: ``images`` changed.
        against_changed: ``against`` changed.
        active_changed: ``active`` changed.
    """

    run_changed = Signal()
    runs_changed = Signal()
    images_changed = Signal()
    against_changed = Signal()
    active_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.link, self.library = events, library
        self.runs: tuple[str, ...] = ()
        self.images: ImageSet = DataImages()
        self.against: ImageSet | None = None
        self.active = False
        self._pages = PageStates()
        self.edits = EditRecorder(self)
        self.edits.add_part("runs", lambda: self.runs, self._set_runs)
        self.edits.add_part("images", lambda: (self.images,), lambda part: self._set_images(part[0]))
        self.edits.add_part("against", lambda: (self.against,), lambda part: self._set_against(part[0]))

    @property
    def run(self) -> str:
        """Path of the first of the chosen runs, or ""."""
        return self.runs[0] if self.runs else ""

    def page(self, kind: PageState["DensityState", P]) -> P:
        """Return the state of a page, created at the first call."""
        return self._pages.of(self, kind)

    def choose_run(self, run: str) -> None:
        """Show a run first; the other chosen ones stay behind it."""
        self.set_runs((run, *(other for other in self.runs if other != run)) if run else ())

    def set_runs(self, runs: tuple[str, ...]) -> None:
        """Choose the runs that the pages are about."""
        with self.edits.recording("Choose models"):
            self._set_runs(runs)

    def set_images(self, images: ImageSet) -> None:
        """Choose the images that are scored."""
        with self.edits.recording("Choose images"):
            self._set_images(images)

    def set_against(self, against: ImageSet | None) -> None:
        """Choose the anomalous images."""
        with self.edits.recording("Choose anomalous images"):
            self._set_against(against)

    def set_active(self, active: bool) -> None:
        """Request only while the panel is on the screen."""
        if active != self.active:
            self.active = active
            self.active_changed.emit()

    def _set_runs(self, runs: tuple[str, ...]) -> None:
        if runs != self.runs:
            first, self.runs = self.run, runs
            self.runs_changed.emit()
            if self.run != first:
                self.run_changed.emit()

    def _set_images(self, images: ImageSet) -> None:
        if images != self.images:
            self.images = images
            self.images_changed.emit()

    def _set_against(self, against: ImageSet | None) -> None:
        if against != self.against:
            self.against = against
            self.against_changed.emit()
