"""State of the Density panel: the models and the sets of images that all its pages are about."""

from typing import Any, TypeVar

import msgspec
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.image_sets import DataImages, FolderImages, ImageSet
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.density.described import DescribedSet
from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.pages import PageState, PageStates
from gmstudio.window.state.runs.library import RunLibrary

P = TypeVar("P")
PREFERRED = "log_prob"
"""Capability of the ready model that is chosen where the user has no run."""


class DensityState(QObject):
    """State of the Density panel; each page has a state of its own, see ``page``.

    Attributes:
        link: connection to the engine.
        library: runs.
        runs: paths of the chosen runs, the first one first.
        images: set of images that is scored.
        against: set of anomalous images; None: none is chosen.
        active: the panel is on the screen.
        inception_weights: path of the file of Inception weights of the page Samples, kept as a choice.
        described: what ``images`` holds.
        described_against: what ``against`` holds.
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
        self.inception_weights = ""
        self.statistics: dict[str, str] = {}
        """Page → name of the statistic that was chosen there."""
        self._by_default = True
        """The run was chosen by nobody."""
        self._pages = PageStates()
        self.edits = EditRecorder(self)
        self.edits.add_part("runs", lambda: self.runs, self._set_runs)
        self.edits.add_part("images", lambda: (self.images,), lambda part: self._set_images(part[0]))
        self.edits.add_part("against", lambda: (self.against,), lambda part: self._set_against(part[0]))
        self.described = DescribedSet(self, lambda: self.images, (self.images_changed, self.run_changed))
        self.described_against = DescribedSet(self, lambda: self.against, (self.against_changed, self.run_changed))
        library.changed.connect(self._on_library_changed)
        library.live_changed.connect(lambda _run: self._on_library_changed())
        self._on_library_changed()

    @property
    def run(self) -> str:
        """Path of the first of the chosen runs, or ""."""
        return self.runs[0] if self.runs else ""

    @property
    def without_run(self) -> str:
        """Why no run is chosen, a sentence; the runs may not be listed yet."""
        return "There is no trained model; train one first." if self.library.home else "The engine is starting."

    def resolved(self, images: ImageSet) -> ImageSet:
        """Name the first run in a set that is its own data, so that the set is the same for all runs."""
        if isinstance(images, DataImages) and not images.data and not images.run:
            return msgspec.structs.replace(images, run=self.run)
        return images

    def page(self, kind: PageState["DensityState", P]) -> P:
        """Return the state of a page, created at the first call."""
        return self._pages.of(self, kind)

    def choose_run(self, run: str) -> None:
        """Show a run first; the other chosen ones stay behind it."""
        others = () if self._by_default else self.runs
        self.set_runs((run, *(other for other in others if other != run)) if run else ())

    def set_runs(self, runs: tuple[str, ...]) -> None:
        """Choose the runs that the pages are about."""
        with self.edits.recording("Choose models"):
            self._by_default = False
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

    # ---- runs that come and go, and the next start of the window -------------------------------------------------

    def _on_library_changed(self) -> None:
        """Leave out runs that are gone; where none is left, or nobody chose one, take the first that there is."""
        if not self.library.home:
            return
        kept = tuple(run for run in self.runs if self.library.info(run) is not None)
        if not kept or (self._by_default and self._is_example(kept[0])):
            able = self.library.runs_with("")
            own = [info.run for info in able if not info.example]
            ready = [info.run for info in able if PREFERRED in info.capabilities] + [info.run for info in able]
            self._by_default = True
            kept = tuple([*own, *ready][:1])
        if kept != self.runs:
            with self.edits.unrecorded():
                self._set_runs(kept)

    def _is_example(self, run: str) -> bool:
        info = self.library.info(run)
        return info is not None and info.example

    def choices(self) -> dict[str, Any]:
        """Chosen runs and sets as JSON values; a drawn or pasted image is not kept."""
        sets = {"images": self.images, "against": self.against}
        kept = {
            name: msgspec.to_builtins(one) for name, one in sets.items() if isinstance(one, DataImages | FolderImages)
        }
        runs = () if self._by_default else list(self.runs)
        return {**kept, "runs": runs, "inception_weights": self.inception_weights, "statistics": self.statistics}

    def restore_choices(self, values: dict[str, Any]) -> None:
        """Take choices that were kept, perhaps by another version; those that cannot be read are left out."""
        with self.edits.unrecorded():
            for name, put in (("images", self._set_images), ("against", self._set_against)):
                try:
                    put(msgspec.convert(values[name], DataImages | FolderImages))
                except (KeyError, msgspec.ValidationError):
                    continue
            weights = values.get("inception_weights")
            self.inception_weights = weights if isinstance(weights, str) else self.inception_weights
            statistics = values.get("statistics")
            if isinstance(statistics, dict):
                self.statistics |= {page: name for page, name in statistics.items() if isinstance(name, str)}
            runs = values.get("runs")
            if isinstance(runs, list) and runs and all(isinstance(run, str) for run in runs):
                self._by_default = False
                self._set_runs(tuple(runs))
                self._on_library_changed()
