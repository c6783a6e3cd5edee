"""Projection page: which images are projected how, the points that arrive, and what is selected of them.

Shapes: N images.
"""

import time
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.data import SplitName
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.features import WorkProgress
from gmstudio.protocol.features_projection import (
    MAX_PROJECTED,
    ImagesProjected,
    ProjectImages,
    ProjectionMethod,
    ProjectionSettings,
)
from gmstudio.protocol.image_sets import DataImages
from gmstudio.window.client.request import Request
from gmstudio.window.state.features.state import FeaturesState
from gmstudio.window.state.fetched_images import FetchedImages, SetOfRun

QUICK: tuple[ProjectionMethod, ...] = ("pca", "dimensions")
"""Methods that are computed whenever something changes; others take long and are begun by the user."""
DEFAULT_COUNT = 5000
SECONDS_A_THOUSAND = {"pca": 0.05, "dimensions": 0.0, "tsne": 3.0, "umap": 1.5}
SECONDS_AT_LEAST = {"pca": 0.5, "dimensions": 0.0, "tsne": 3.0, "umap": 6.0}
"""Measured on two cores, without the features; see docs/experiments.md."""
WAITING = WorkProgress(stage="Waiting for the engine")


@dataclass(frozen=True)
class ProjectionChoice:
    """Settings of the page.

    Args:
        method: of the projection.
        settings: of the methods.
        split: of the run's data.
        count: number of images, from the first of the split on; 0: all, up to ``MAX_PROJECTED``.
    """

    method: ProjectionMethod = "pca"
    settings: ProjectionSettings = field(default_factory=ProjectionSettings)
    split: SplitName = "test"
    count: int = DEFAULT_COUNT


@dataclass(frozen=True, eq=False)
class Projection:
    """Projection on display.

    Args:
        command: that was answered.
        reply: the newest answer.
        places: (N, 2) float32.
        labels: (N,) int64; None: unknown.
        factors: (N, F) float32 known factors of variation; None: there are none.
    """

    command: ProjectImages
    reply: ImagesProjected
    places: NDArray[np.float32]
    labels: NDArray[np.int64] | None = None
    factors: NDArray[np.float32] | None = None

    @property
    def label_names(self) -> tuple[str, ...]:
        """Label → name."""
        return self.reply.label_names

    def label_name(self, label: int) -> str:
        """Name of a label."""
        names = self.reply.label_names
        return names[label] if 0 <= label < len(names) else str(label)

    def axis_names(self) -> tuple[str, str]:
        """Names of the axes; empty where they have no meaning."""
        settings, explained = self.command.settings, self.reply.explained
        if self.reply.method == "dimensions":
            return f"dimension {settings.first + 1}", f"dimension {settings.second + 1}"
        if self.reply.method != "pca" or not explained:
            return "", ""
        axes = (settings.first, settings.second)
        first, second = (f"PC {axis + 1} ({explained[axis]:.1%} of the variance)" for axis in axes)
        return first, second


class ProjectionState(QObject):
    """State of the Projection page.

    Args:
        owner: state of the Features panel.

    Attributes:
        owner: state of the Features panel.
        choice: settings of the page.
        shown: projection on display; None: there is none.
        progress: of the work; None: nothing is computed.
        problem: sentence on why there is no projection; empty: there is none.
        selection: (n,) numbers of the selected images.

    Signals:
        choice_changed: ``choice`` changed.
        places_changed: the points of ``shown`` moved, or it is another projection.
        images_changed: ``shown`` has other images than before, or is None.
        progress_changed: ``progress``, ``problem`` or whether the projection is ``stale`` changed.
        selection_changed: ``selection`` changed.
    """

    choice_changed = Signal()
    places_changed = Signal()
    images_changed = Signal()
    progress_changed = Signal()
    selection_changed = Signal()

    def __init__(self, owner: FeaturesState) -> None:
        super().__init__(owner)
        self.owner = owner
        self.choice = ProjectionChoice()
        self.shown: Projection | None = None
        self.progress: WorkProgress | None = None
        self.problem = ""
        self.selection: NDArray[np.int64] = np.zeros(0, np.int64)
        self._active = False
        self._paces: dict[str, float] = {}
        self._began = 0.0
        self._refused: ProjectImages | None = None
        self._request = Request(owner.link, self)
        self._request.replied.connect(self._on_replied)
        self._request.failed.connect(self._on_failed)
        self._request.dropped.connect(self._end)
        self._request.loading_changed.connect(self.progress_changed)
        owner.run_changed.connect(self._on_run_changed)
        owner.space_changed.connect(self._on_changed)
        owner.layers.changed.connect(self._on_changed)
        owner.library.catalog_arrived.connect(self._project_if_quick)  # of a new engine
        owner.edits.add_part("projection", lambda: (self.choice,), lambda part: self._set_choice(part[0]))

    # ---- what is wanted ----------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """A projection is computed."""
        return self._request.busy

    @property
    def loading(self) -> Any:
        """``DataLoading`` of the data that the projection waits for; None: it waits for none."""
        return self._request.loading

    @property
    def stale(self) -> bool:
        """The projection on display is not of the present choice."""
        return self.shown is None or self.shown.command != self.wanted()

    def shown_set(self) -> SetOfRun | None:
        """Return the set whose images are on the map; None: there is no map."""
        return None if self.shown is None else (self.shown.command.run, self.shown.command.images)

    def pictures(self, parent: QObject | None = None) -> FetchedImages:
        """Return a source of the images on the map, for one place that shows them."""
        found = FetchedImages(self.owner.link, self.shown_set, parent)
        self.images_changed.connect(found.reset)
        return found

    def wanted(self) -> ProjectImages | None:
        """Return the command of the present choice; None where no run is chosen or its layers are not known."""
        owner, choice = self.owner, self.choice
        if not owner.run or (not owner.layers.listed and not owner.layers.problem):
            return None
        count = min(choice.count or MAX_PROJECTED, MAX_PROJECTED)
        images = DataImages(run=owner.run, split=choice.split, count=count)
        return ProjectImages(
            run=owner.run,
            space=owner.space,
            images=images,
            method=choice.method,
            settings=_concerning(choice.method, choice.settings),
        )

    @property
    def count(self) -> int:
        """Most images that will be projected: the split may have fewer."""
        wanted, most = self.wanted(), min(self.choice.count or MAX_PROJECTED, MAX_PROJECTED)
        shown = self.shown
        if wanted is not None and shown is not None and shown.command.images == wanted.images:
            return len(shown.places)
        return most

    def estimated_s(self) -> float:
        """Return about how many seconds the present choice takes at most, as long as the last one of its method."""
        method = self.choice.method
        return _expected_s(method, self.count) * self._paces.get(method, 1.0)

    def choose(self, **changes: Any) -> None:
        """Change the choice: ``method``, ``split``, ``count`` or a field of ``ProjectionSettings``."""
        fields = {name: value for name, value in changes.items() if name in ProjectionSettings.__struct_fields__}
        others = {name: value for name, value in changes.items() if name not in fields}
        settings = msgspec.structs.replace(self.choice.settings, **fields)
        with self.owner.edits.recording("Change the projection", key=f"projection {' '.join(sorted(changes))}"):
            self._set_choice(replace(self.choice, settings=settings, **others))

    def set_active(self, active: bool) -> None:
        """Request only while the page is on the screen; work that was begun goes on."""
        self._active = active
        self._project_if_quick()

    # ---- work --------------------------------------------------------------------------------------------------

    def project(self) -> None:
        """Compute the projection of the present choice."""
        command = self.wanted()
        if command is None:
            return
        self._refused = None
        self.problem, self.progress, self._began = "", WAITING, time.monotonic()
        self._request.replace(command)
        self.progress_changed.emit()

    def stop(self) -> None:
        """End the computation; points that have arrived stay."""
        self._refused = self.wanted()
        self._request.cancel()
        self._end()

    def select(self, indices: NDArray[np.int64]) -> None:
        """Select images by their numbers."""
        self.selection = indices
        self.selection_changed.emit()

    def _set_choice(self, choice: ProjectionChoice) -> None:
        if choice != self.choice:
            self.choice = choice
            self.choice_changed.emit()
            self._on_changed()

    def _on_run_changed(self) -> None:
        self._request.cancel()
        self.progress, self.problem, self._refused = None, "", None
        self._show(None)
        self._on_changed()

    def _on_changed(self) -> None:
        if self.problem:
            self.problem = ""
        self._project_if_quick()
        self.progress_changed.emit()

    def _project_if_quick(self) -> None:
        """Compute a quick projection where the one on display is another."""
        wanted = self.wanted()
        if not self._active or wanted is None or self.choice.method not in QUICK or not self.stale:
            return
        if wanted == self._refused or (self.busy and self._request.command == wanted):
            return
        self.project()

    def _end(self) -> None:
        self.progress = None
        self.progress_changed.emit()

    def _on_replied(self, event: ImagesProjected) -> None:
        command = self._request.command
        assert isinstance(command, ProjectImages)
        if event.places is not None:
            places = event.places.numpy()
            former = self.shown
            same = former is not None and same_images(former, command, len(places))
            labels = None if event.labels is None else event.labels.numpy()
            factors = None if event.factors is None else event.factors.numpy()
            if same and former is not None and not event.done:
                labels, factors = former.labels, former.factors
            self._show(Projection(_unnumbered(command), event, places, labels, factors))
        self.progress = None if event.done else event.progress
        if event.done and event.seconds > 0:
            expected = _expected_s(event.method, event.count)
            self._paces[event.method] = event.seconds / expected if expected else 1.0
        self.progress_changed.emit()

    def _show(self, projection: Projection | None) -> None:
        former, self.shown = self.shown, projection
        same = (
            former is not None
            and projection is not None
            and same_images(former, projection.command, len(projection.places))
        )
        if not same:
            self.selection = np.zeros(0, np.int64)
            self.images_changed.emit()
            self.selection_changed.emit()
        self.places_changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.progress = None
        self._refused = self.wanted()
        self.problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
        if failure.reason is Reason.ENGINE_GONE:
            self._refused = None
        self.progress_changed.emit()


def same_images(shown: Projection, command: ProjectImages, count: int) -> bool:
    """Return whether a command is about the images of a projection."""
    return (shown.command.run, shown.command.images, len(shown.places)) == (command.run, command.images, count)


def _unnumbered(command: ProjectImages) -> ProjectImages:
    """Return a command without its number, to be compared with others."""
    return msgspec.structs.replace(command, request=0)


def _concerning(method: ProjectionMethod, settings: ProjectionSettings) -> ProjectionSettings:
    """Return the settings that concern a method; others have their defaults."""
    names: dict[ProjectionMethod, tuple[str, ...]] = {
        "tsne": ("perplexity", "seed"),
        "umap": ("neighbours", "min_dist", "seed"),
    }
    kept = names.get(method, ("first", "second"))
    return ProjectionSettings(**{name: getattr(settings, name) for name in kept})


def _expected_s(method: str, count: int) -> float:
    return SECONDS_AT_LEAST[method] + SECONDS_A_THOUSAND[method] * count / 1000
