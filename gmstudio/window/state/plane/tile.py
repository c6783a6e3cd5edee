"""One run in the Plane panel: its points, its surface, what it has inside, and what it says of the chosen point."""

from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.plane import (
    DescribePoint,
    ListSurfaces,
    OpenPlane,
    PlaneOpened,
    PlaneView,
    PointDescribed,
    SurfaceMetrics,
    SurfacesListed,
)
from gmstudio.protocol.points import PointAxis
from gmstudio.window.client.budget import Budget
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.client.request import Request
from gmstudio.window.state.plane.inside import InsideState
from gmstudio.window.state.plane.recorded import Axis, RecordedSurfaces
from gmstudio.window.state.plane.surfaces import Surface, SurfaceFeed
from gmstudio.window.state.runs.library import RunLibrary

POINT_SHARE, POINT_GAP_S = 0.1, 0.5


class PlaneTile(QObject):
    """State of one run.

    Args:
        events: connection to the engine.
        library: library of runs.
        run: name of the run.
        series: number of its colour in curves.

    Attributes:
        run: name of the run.
        series: number of its colour in curves.
        opened: description of the run; None until it arrived.
        recorded: surfaces that were recorded while it trained.
        feed: its surface.
        inside: view of what it has inside.
        described: what it says of the chosen point; None: nothing yet.
        mismatch: why it does not compare with the first tile, a sentence; "": it does.

    Signals:
        changed: what the tile shows changed.
        opened_changed: ``opened`` changed.
        recorded_changed: ``recorded`` changed.
        described_changed: ``described`` changed.
    """

    changed = Signal()
    opened_changed = Signal()
    recorded_changed = Signal()
    described_changed = Signal()

    def __init__(
        self, events: EngineLink, library: RunLibrary, run: str, series: int, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.run, self.series = run, series
        self.opened: PlaneOpened | None = None
        self.recorded = RecordedSurfaces()
        self.described: PointDescribed | None = None
        self.mismatch = ""
        self._library = library
        self._problem = ""
        self._point_problem = self._list_problem = ""
        self._point: tuple[float, ...] | None = None
        self._place: tuple[float, Axis] | None = None
        self._view_due = ""
        self._active = False
        self.feed = SurfaceFeed(events, library, run, self)
        self.inside = InsideState(events, run, self)
        self._opening = Request(events, self)
        self._opening.replied.connect(self._on_opened)
        self._opening.failed.connect(self._on_failed)
        self._opening.dropped.connect(self.changed)
        self._opening.loading_changed.connect(self.changed)
        self._listing = Request(events, self)
        self._listing.replied.connect(self._on_listed)
        self._listing.failed.connect(self._on_list_failed)
        self._describing = LatestWins(events, self)
        self._describing.replied.connect(self._on_described)
        self._describing.failed.connect(self._on_point_failed)
        self._budget = Budget(POINT_SHARE, gap_s=POINT_GAP_S)
        self._describe_again = QTimer(self, singleShot=True)
        self._describe_again.timeout.connect(self._describe)
        self.feed.changed.connect(self.changed)
        self.feed.weights_changed.connect(self._on_weights_changed)
        self.inside.changed.connect(self.changed)

    # ---- what it shows -------------------------------------------------------------------------------------------

    @property
    def axes(self) -> tuple[PointAxis, ...]:
        """One or two axes; none before the run is open."""
        return self.opened.axes if self.opened is not None else ()

    @property
    def problem(self) -> str:
        """Reason why something is not shown, a sentence; "": all is."""
        of_steps = self._list_problem if self._place is not None else ""  # nothing is missing beside the present
        found = (self._problem, self.mismatch, self.feed.problem, self.inside.problem, self._point_problem, of_steps)
        return next(filter(None, found), "")

    @property
    def loading(self) -> str:
        """What is waited for, in a few words; "": nothing."""
        if self._opening.loading is not None:
            return f"{self._opening.loading.stage or 'Loading'} …"
        if self.opened is None and self._opening.busy:
            return "Opening the run …"
        if self.opened is not None and self.feed.surface is None and self.feed.busy:
            return "Computing p(x) …"
        return ""

    @property
    def surface(self) -> Surface | None:
        """The surface that is shown; None: none arrived yet."""
        return self.feed.surface

    @property
    def present(self) -> bool:
        """The present weights are shown, and not a recorded step."""
        return self.feed.step is None

    @property
    def metrics(self) -> SurfaceMetrics | None:
        """Distances from the true p* of the step that is shown, or at which the slider stands."""
        if self.feed.step is not None:
            index = self.recorded.index_at(self.feed.step, "step")
            if index >= 0:
                return self.recorded.metrics_at(index)
        return self.surface.metrics if self.surface is not None else None

    @property
    def views(self) -> tuple[PlaneView, ...]:
        """Views of what the model has inside."""
        return self.opened.views if self.opened is not None else ()

    # ---- wishes --------------------------------------------------------------------------------------------------

    def set_active(self, active: bool) -> None:
        """Request only while the panel is on the screen."""
        self._active = active
        if active:
            self.open()
        for part in (self.feed, self.inside):
            part.set_active(active and self.opened is not None)
        if active:
            self._describe()
        else:
            self._describe_again.stop()

    def open(self) -> None:
        """Open the run, unless it is open or on its way."""
        ready = self._library.catalog is not None and self._library.info(self.run) is not None
        if self._active and ready and self.opened is None and not self._opening.busy and not self._problem:
            self._opening.send(OpenPlane(run=self.run))
            self._listing.send(ListSurfaces(run=self.run))

    def reopen(self) -> None:
        """Open the run again, in a new engine; what is shown stays until then."""
        self._problem = self._point_problem = self._list_problem = ""
        if self._active and self._library.catalog is not None:
            self._opening.send(OpenPlane(run=self.run))
            self._listing.send(ListSurfaces(run=self.run))
            self.feed.refresh()
            self.inside.request()
            self._describe()

    def list_recorded(self) -> None:
        """List the recorded surfaces again."""
        self._listing.send(ListSurfaces(run=self.run))

    def show_at(self, place: float | None, axis: Axis) -> None:
        """Show the surface recorded last before a place on an axis of training; None: the present weights."""
        self._place = None if place is None else (place, axis)
        self._show_place()

    def choose_view(self, name: str) -> None:
        """Choose a view of what the model has inside; "": none. One that comes with the run is waited for."""
        self._view_due = name
        if self.opened is not None:
            self.inside.choose(next((view for view in self.views if view.name == name), None))

    @property
    def view_name(self) -> str:
        """Name of the chosen view, also before the run is open; "": none."""
        return self._view_due

    def set_point(self, point: tuple[float, ...] | None) -> None:
        """Describe a point; None: none."""
        if point != self._point:
            self._point = point
            self.inside.set_point(point or ())
            if point is None:
                self._describing.reset()
                self.described = None
                self.described_changed.emit()
            self._describe()

    def close(self) -> None:
        """End all requests."""
        self.set_active(False)
        self._opening.cancel()
        self._listing.cancel()
        self._describing.reset()

    # ---- replies -------------------------------------------------------------------------------------------------

    def _show_place(self) -> None:
        if self._list_problem:
            self.changed.emit()
        if self._place is None or not len(self.recorded):
            self.feed.show(None)
        else:
            self.feed.show(int(self.recorded.steps[self.recorded.index_at(*self._place)]))

    def _describe(self) -> None:
        fits = self._point is not None and len(self._point) == len(self.axes)
        if self._active and fits and self._point is not None:
            self._budget.begin()
            self._describing.submit(DescribePoint(run=self.run, point=self._point))

    def _on_opened(self, event: PlaneOpened) -> None:
        self.opened, self._problem = event, ""
        self.opened_changed.emit()
        self.choose_view(self._view_due)
        for part in (self.feed, self.inside):
            part.set_active(self._active)
        self._describe()
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self._problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
        self.changed.emit()

    def _on_listed(self, event: SurfacesListed) -> None:
        self._list_problem = ""
        self.recorded.take_list(event)
        self._show_place()
        self.recorded_changed.emit()

    def _on_list_failed(self, failure: CommandFailed) -> None:
        self._list_problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
        self.changed.emit()

    def _on_described(self, event: PointDescribed) -> None:
        self._budget.end()
        self.described, self._point_problem = event, ""
        self.described_changed.emit()
        self.changed.emit()

    def _on_point_failed(self, failure: CommandFailed) -> None:
        self._point_problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
        self.changed.emit()

    def _on_weights_changed(self) -> None:
        """Draw again what newer weights change."""
        self.inside.refresh()
        if self.described is not None and not self._describing.busy and not self._describe_again.isActive():
            self._describe_again.start(round(1000 * self._budget.wait_s))
