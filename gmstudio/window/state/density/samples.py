"""State of the page Samples: how good the samples of the chosen models are."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.density_samples import (
    EstimateSampling,
    FetchDrawnSamples,
    MeasureSamples,
    SampleReport,
    SamplesMeasured,
    SampleSpace,
    SamplingEstimated,
)
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.image_sets import DataImages, FetchImages, ImagesFetched
from gmstudio.window.client.request import Request
from gmstudio.window.state.density.state import DensityState

CAPABILITY = "sample"
"""Of the families that generate."""
DEFAULT_COUNT = 1000
HELD_OUT = "held-out images"
ESTIMATE_AFTER_MS = 300
Order = Literal["drawn", "nearest"]


class SamplesState(QObject):
    """State of the page Samples.

    Args:
        owner: state of the panel.

    Attributes:
        count: samples of a measurement.
        space: feature space.
        neighbour: k of precision and recall.
        coverage_neighbour: k of density and coverage.
        reports: run → what was measured last.
        estimates: run → time that its samples take.
        problems: run → why it could not be measured, a sentence.
        progress: of the measurement that is under way; None: there is none, or no news of it.
        shown: name of the run whose samples are shown, or "".
        chosen: number of the chosen sample; -1: none.
        nearest: training images nearest to the chosen sample; None: none, or on their way.
        picture_problem: why pictures are missing, a sentence; "".

    Signals:
        changed: reports, estimates, problems, progress or what is measured.
        shown_changed: ``shown``, or its report.
        chosen_changed: ``chosen``, ``nearest`` or ``picture_problem``.
        pictures_arrived: ``DrawnSamplesFetched`` of the samples that are shown.
    """

    changed = Signal()
    shown_changed = Signal()
    chosen_changed = Signal()
    pictures_arrived = Signal(object)

    def __init__(self, owner: DensityState) -> None:
        super().__init__(owner)
        self._owner = owner
        self.count, self.space = DEFAULT_COUNT, SampleSpace()
        self.neighbour, self.coverage_neighbour, self.seed = 3, 5, 0
        self.reports: dict[str, SampleReport] = {}
        self.estimates: dict[str, SamplingEstimated] = {}
        self.problems: dict[str, str] = {}
        self.progress: SamplesMeasured | None = None
        self.shown, self.chosen = "", -1
        self.nearest: ImagesFetched | None = None
        self.picture_problem = ""
        self._active = False
        self._queue: list[str] = []
        self._total = 0
        self._unestimated: list[str] = []
        link = owner.link
        self._measuring, self._estimating = Request(link, self), Request(link, self)
        self._fetching, self._finding = Request(link, self), Request(link, self)
        self._measuring.replied.connect(self._on_measured)
        self._measuring.failed.connect(self._on_measuring_failed)
        self._measuring.dropped.connect(self._on_dropped)
        self._measuring.loading_changed.connect(self.changed)
        self._estimating.replied.connect(self._on_estimated)
        self._estimating.failed.connect(self._on_estimating_failed)
        self._fetching.replied.connect(self.pictures_arrived)
        self._finding.replied.connect(self._on_found)
        for request in (self._fetching, self._finding):
            request.failed.connect(self._on_pictures_failed)
        self._timer = QTimer(self, singleShot=True, interval=ESTIMATE_AFTER_MS)
        self._timer.timeout.connect(self._begin_estimates)
        owner.runs_changed.connect(self._on_runs_changed)
        owner.library.changed.connect(self._on_library_changed)
        self._choose_shown()

    # ---- what there is -------------------------------------------------------------------------------------------

    @property
    def runs(self) -> tuple[str, ...]:
        """Paths of the chosen runs that generate."""
        return tuple(run for run in self._owner.runs if self._generates(run))

    @property
    def measured(self) -> tuple[tuple[str, SampleReport], ...]:
        """Reports of the chosen runs, in their order."""
        return tuple((run, self.reports[run]) for run in self._owner.runs if run in self.reports)

    @property
    def references(self) -> dict[str, SampleReport]:
        """Names of the held-out images → a report with them; models of the same images and space share them."""
        groups: dict[tuple[str, str], SampleReport] = {}
        for _run, report in self.measured:
            groups.setdefault(_comparison(report), report)
        names = [HELD_OUT] if len(groups) == 1 else [f"held-out, {number + 1}" for number in range(len(groups))]
        return dict(zip(names, groups.values(), strict=True))

    @property
    def working(self) -> str:
        """Name of the run that is being measured, or ""."""
        command = self._measuring.command
        return command.run if self._measuring.busy and isinstance(command, MeasureSamples) else ""

    @property
    def place_in_queue(self) -> tuple[int, int]:
        """Number of the run that is being measured, from 1, and of all."""
        return self._total - len(self._queue), self._total

    @property
    def loading(self) -> DataLoading | None:
        """Loading that the measurement waits for; None: none."""
        return self._measuring.loading

    @property
    def report(self) -> SampleReport | None:
        """Report of the run whose samples are shown."""
        return self.reports.get(self.shown)

    # ---- settings ------------------------------------------------------------------------------------------------

    def set_count(self, count: int) -> None:
        """Choose the number of samples."""
        if count != self.count:
            self.count = count
            self._estimate_soon()
            self.changed.emit()

    def set_space(self, space: SampleSpace) -> None:
        """Choose the feature space of the next measurement."""
        if space != self.space:
            self.space = space
            self.changed.emit()

    def set_neighbours(self, neighbour: int, coverage_neighbour: int) -> None:
        """Choose k of precision and recall, and k of density and coverage."""
        self.neighbour, self.coverage_neighbour = neighbour, coverage_neighbour

    def set_active(self, active: bool) -> None:
        """Estimate times only while the page is on the screen; a measurement goes on."""
        self._active = active
        if active:
            self._estimate_soon()
        else:
            self._timer.stop()
            self._estimating.cancel()

    # ---- measuring -----------------------------------------------------------------------------------------------

    def measure(self) -> None:
        """Measure the samples of all chosen runs that generate, one after the other."""
        self._estimating.cancel()
        self._queue = list(self.runs)
        self._total = len(self._queue)
        for run in self._queue:
            self.problems.pop(run, None)
        self._next()

    def stop(self) -> None:
        """End the measurement; what was measured before stays, and so do the samples that were drawn."""
        self._queue.clear()
        self._measuring.cancel()
        self.progress = None
        self._estimate_soon()
        self.changed.emit()

    def _next(self) -> None:
        self.progress = None
        if self._queue:
            run = self._queue.pop(0)
            self._measuring.send(
                MeasureSamples(
                    run=run,
                    count=self.count,
                    space=self.space,
                    neighbour=self.neighbour,
                    coverage_neighbour=self.coverage_neighbour,
                    seed=self.seed,
                )
            )
        else:
            self._estimate_soon()
        self.changed.emit()

    def _on_measured(self, reply: SamplesMeasured) -> None:
        if reply.report is None:
            self.progress = reply
            self.changed.emit()
            return
        self.reports[reply.run] = reply.report
        self.estimates.pop(reply.run, None)  # the samples are there now
        if reply.run == self.shown:
            self._forget_chosen()
            self.shown_changed.emit()
        self._choose_shown()
        self._next()

    def _on_measuring_failed(self, failure: CommandFailed) -> None:
        command = self._measuring.command
        if failure.reason is Reason.ENGINE_GONE:
            self._queue.clear()
        elif isinstance(command, MeasureSamples):
            self.problems[command.run] = failure.message
        self._next()

    def _on_dropped(self) -> None:
        self._queue.clear()
        self._next()

    # ---- estimates -----------------------------------------------------------------------------------------------

    def _estimate_soon(self) -> None:
        if self._active and not self._measuring.busy:
            self._timer.start()

    def _begin_estimates(self) -> None:
        known = {run for run, estimate in self.estimates.items() if estimate.count == self.count}
        self._unestimated = [run for run in self.runs if run not in known and run not in self.problems]
        self._next_estimate()

    def _next_estimate(self) -> None:
        if self._unestimated and self._active and not self._measuring.busy:
            run = self._unestimated.pop(0)
            self._estimating.replace(EstimateSampling(run=run, count=self.count, seed=self.seed))

    def _on_estimated(self, reply: SamplingEstimated) -> None:
        self.estimates[reply.run] = reply
        self.changed.emit()
        self._next_estimate()

    def _on_estimating_failed(self, failure: CommandFailed) -> None:
        command = self._estimating.command
        if failure.reason is not Reason.ENGINE_GONE and isinstance(command, EstimateSampling):
            self.problems[command.run] = failure.message
            self.changed.emit()
            self._next_estimate()

    # ---- samples -------------------------------------------------------------------------------------------------

    def show_run(self, run: str) -> None:
        """Show the samples of a run."""
        if run != self.shown:
            self.shown = run
            self._forget_chosen()
            self.shown_changed.emit()

    def fetch(self, indices: tuple[int, ...]) -> None:
        """Fetch pictures of samples that are shown."""
        if self.report is not None and indices:
            self._fetching.send(FetchDrawnSamples(key=self.report.key, indices=_numbers(indices)))

    def choose(self, index: int) -> None:
        """Choose a sample, and fetch its nearest training images."""
        report = self.report
        if report is None or not 0 <= index < report.count:
            return
        self.chosen, self.nearest, self.picture_problem = index, None, ""
        images = DataImages(run=self.shown, split="train")
        wanted = report.memorization[0].indices.numpy()[index]
        self._finding.send(FetchImages(run=self.shown, images=images, indices=Array.of(wanted.astype(np.int64))))
        self.chosen_changed.emit()

    def order(self, order: Order) -> NDArray[np.int64]:
        """Numbers of the samples: as they were drawn, or those nearest to a training image first."""
        if self.report is None:
            return np.zeros(0, np.int64)
        if order == "drawn":
            return np.arange(self.report.count, dtype=np.int64)
        return np.argsort(self.report.memorization[0].distances.numpy()[:, 0], kind="stable").astype(np.int64)

    def _on_found(self, reply: ImagesFetched) -> None:
        self.nearest = reply
        self.chosen_changed.emit()

    def _on_pictures_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self.picture_problem = failure.message
            self.chosen_changed.emit()

    def _forget_chosen(self) -> None:
        self.chosen, self.nearest, self.picture_problem = -1, None, ""
        self._fetching.drop()
        self._finding.drop()
        self.chosen_changed.emit()

    # ---- runs ----------------------------------------------------------------------------------------------------

    def _generates(self, run: str) -> bool:
        info = self._owner.library.info(run)
        return info is not None and CAPABILITY in info.capabilities

    def _on_runs_changed(self) -> None:
        self._choose_shown()
        self._estimate_soon()
        self.changed.emit()

    def _on_library_changed(self) -> None:
        """Forget what belongs to runs that are gone."""
        for table in (self.reports, self.estimates, self.problems):
            for run in [run for run in table if self._owner.library.info(run) is None]:
                del table[run]
        self._on_runs_changed()

    def _choose_shown(self) -> None:
        """Show the samples of a chosen run, one that was measured where there is one."""
        measured = [run for run, _ in self.measured]
        if self.shown not in measured and (measured or self.shown not in self.runs):
            self.show_run(measured[0] if measured else next(iter(self.runs), ""))


def comparable(report: SampleReport, other: SampleReport) -> bool:
    """Return whether the numbers of two reports have the same images and feature space."""
    return _comparison(report) == _comparison(other)


def _comparison(report: SampleReport) -> tuple[str, str]:
    return f"{report.data} {report.image} {report.count} {report.num_held_out}", report.space


def _numbers(indices: tuple[int, ...]) -> Array:
    return Array.of(np.array(indices, np.int64))
