"""State of the page of anomalies: a statistic of typical and anomalous images, a threshold, results so far."""

import hashlib

import msgspec
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.density import AnomaliesDetected, DetectAnomalies, ScoreProgress, StatisticSettings
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.image_sets import DataImages, ImageSet
from gmstudio.window.client.request import Request
from gmstudio.window.state.density.background import BackgroundModels
from gmstudio.window.state.density.detection import Detection, Outcome
from gmstudio.window.state.density.inspected import InspectedImage
from gmstudio.window.state.density.offered import OfferedStatistics
from gmstudio.window.state.density.state import DensityState
from gmstudio.window.state.fetched_images import FetchedImages, SetOfRun

KEPT = 64
"""Pairs of sets whose results are kept in the window."""


class AnomaliesState(QObject):
    """Detection of anomalies by the first of the chosen models.

    Args:
        owner: state of the panel.

    Attributes:
        statistic: key of the statistic that is chosen.
        settings: of the statistics; an ensemble is the chosen runs.
        seed: of all noise.
        threshold: anomaly score from which on an image is called anomalous; NaN before there is a result.
        outcome: which images are listed.
        problems: statistic → why it could not be computed, a sentence.
        pictures: images of the listed set.
        offered: statistics of the chosen runs.
        background: background models of the first run.
        inspected: the image that was opened.

    Signals:
        changed: statistic, settings, the work under way, or a problem changed.
        detected: there is another result on display, or another result in the list.
        threshold_changed: ``threshold`` changed.
        outcome_changed: ``outcome`` changed.
    """

    changed = Signal()
    detected = Signal()
    threshold_changed = Signal()
    outcome_changed = Signal()

    def __init__(self, owner: DensityState) -> None:
        super().__init__(owner)
        self.owner = owner
        self.settings, self.seed = StatisticSettings(), 0
        self.threshold = float("nan")
        self.outcome: Outcome = "found"
        self.problems: dict[str, str] = {}
        self.offered = OfferedStatistics(owner)
        self.background = BackgroundModels(owner)
        self.inspected = InspectedImage(owner)
        self._tried: dict[str, dict[str, Detection]] = {}
        """Pair of sets and model → statistic with its settings → result, in the order in which they were tried."""
        self._settings_of: dict[str, tuple[StatisticSettings, int]] = {}
        self._thresholds: dict[str, float] = {}
        self._queue: list[str] = []
        self._now = ""
        self._pair_now = ""
        self._progress = ScoreProgress()
        self._detecting = Request(owner.link, self)
        self._detecting.replied.connect(self._on_detected)
        self._detecting.failed.connect(self._on_failed)
        self._detecting.dropped.connect(self._on_ended)
        self._detecting.loading_changed.connect(self.changed)
        self.pictures = FetchedImages(owner.link, self._listed, self)
        self.pictures.problem_changed.connect(self.changed)
        for change in (owner.runs_changed, owner.images_changed, owner.against_changed):
            change.connect(self._on_choice)
        self.background.changed.connect(self._on_background)
        owner.library.engine_lost.connect(self._on_ended)

    # ---- what is chosen ----------------------------------------------------------------------------------------

    @property
    def statistic(self) -> str:
        """Name of the statistic."""
        return self.owner.statistics.get("anomalies", "log_prob")

    @statistic.setter
    def statistic(self, name: str) -> None:
        self.owner.statistics["anomalies"] = name

    def set_active(self, active: bool) -> None:
        """List statistics and background models while the page is on the screen; detection goes on without it."""
        self.offered.set_active(active)
        self.background.set_active(active)

    def set_statistic(self, statistic: str) -> None:
        """Choose a statistic; its result is shown where it was tried."""
        if statistic != self.statistic:
            self.statistic = statistic
            self._show()

    def set_settings(self, settings: StatisticSettings, seed: int) -> None:
        """Choose the settings."""
        if (settings, seed) != (self.settings, self.seed):
            self.settings, self.seed = settings, seed
            self._show()

    def set_threshold(self, threshold: float) -> None:
        """Call images from this anomaly score on anomalous."""
        detection = self.detection
        if detection is not None and threshold != self.threshold:
            self.threshold = threshold
            self._thresholds[self._result_key(self.statistic)] = threshold
            self.threshold_changed.emit()

    def set_outcome(self, outcome: Outcome) -> None:
        """List the images with another outcome."""
        if outcome != self.outcome:
            self.outcome = outcome
            self.inspected.close()
            self.outcome_changed.emit()

    # ---- results -----------------------------------------------------------------------------------------------

    @property
    def detection(self) -> Detection | None:
        """Result of the chosen statistic with its settings; None: it was not tried."""
        return self._tried.get(self._pair(), {}).get(self._settings_key(self.statistic))

    def tried(self) -> list[Detection]:
        """Results of all statistics that were tried for the present model and sets."""
        return list(self._tried.get(self._pair(), {}).values())

    def show_tried(self, detection: Detection) -> None:
        """Show a result of the list, with its settings."""
        for key, known in self._tried.get(self._pair(), {}).items():
            if known is detection:
                self.statistic = detection.event.statistic.name
                self.settings, self.seed = self._settings_of[key]
                self._show()

    @property
    def listed_set(self) -> ImageSet | None:
        """Set whose images are listed."""
        return self.owner.against if self.outcome in ("found", "missed") else self.owner.images

    # ---- work --------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """A statistic is being computed."""
        return bool(self._now)

    @property
    def unavailable(self) -> str:
        """Why nothing can be detected now, a sentence; "": it can."""
        owner = self.owner
        if owner.library.catalog is None:
            return "The engine is starting."
        if not owner.runs:
            return owner.without_run
        if owner.against is None:
            return "Choose anomalous images at the left: another data set, or classes that were held out."
        if isinstance(owner.against, DataImages) and owner.against == owner.images:
            return "Both sets are the same images; choose other anomalous images, or other classes."
        return owner.described.problem or owner.described_against.problem

    @property
    def refusal(self) -> str:
        """Why the chosen statistic cannot be computed, a sentence; ""."""
        return self.unavailable or self.offered.refusal(self.owner.run, self.statistic)

    @property
    def progress(self) -> tuple[ScoreProgress, str] | None:
        """Progress, and the statistic that is being computed; None: none is."""
        return (self._progress, self._now) if self._now else None

    @property
    def loading(self) -> object:
        """``DataLoading`` that the work waits for, or None."""
        return self._detecting.loading

    def detect(self) -> None:
        """Detect anomalies by the chosen statistic."""
        if not self.refusal:
            self._begin([self.statistic])

    def detect_all(self) -> None:
        """Try every statistic that the model has, one after the other."""
        if not self.unavailable:
            run = self.owner.run
            self._begin([c.name for c in self.offered.cards() if not self.offered.refusal(run, c.name)])

    def stop(self) -> None:
        """End the work; scores that were computed are kept in the run."""
        self._detecting.cancel()
        self._on_ended()

    def _listed(self) -> SetOfRun | None:
        images = self.listed_set
        return (self.owner.run, self.owner.resolved(images)) if self.owner.run and images is not None else None

    def open(self, index: int) -> None:
        """Look at an image of the listed set closely."""
        images = self.listed_set
        if images is not None and index >= 0:
            self.inspected.open(images, index)

    # ---- commands and replies ------------------------------------------------------------------------------------

    def _begin(self, statistics: list[str]) -> None:
        self.problems = {}
        self._queue = statistics
        self._next()

    def _next(self) -> None:
        self._now = self._queue.pop(0) if self._queue else ""
        self._progress = ScoreProgress()
        owner = self.owner
        if self._now:
            assert owner.against is not None
            self._pair_now = self._result_key(self._now)
            command = DetectAnomalies(
                run=owner.run,
                typical=owner.resolved(owner.images),
                anomalous=owner.resolved(owner.against),
                statistic=self._now,
                settings=self._settings(self._now),
                seed=self.seed,
            )
            self._detecting.send(command)
        self.changed.emit()

    def _settings(self, statistic: str) -> StatisticSettings:
        """Settings with what a statistic needs: the background model, or the chosen runs as the ensemble."""
        offered = self.offered.of(self.owner.run, statistic)
        needs = offered.card.needs if offered is not None else ""
        ensemble = self.owner.runs if needs == "ensemble" else ()
        background = self.background.chosen(self.owner.run) if needs == "background" else ""
        return msgspec.structs.replace(self.settings, ensemble=ensemble, background=background)

    def _pair(self) -> str:
        owner = self.owner
        sets = [None if one is None else owner.resolved(one) for one in (owner.images, owner.against)]
        return hashlib.sha256(msgspec.msgpack.encode([owner.run, *sets])).hexdigest()

    def _settings_key(self, statistic: str) -> str:
        return f"{statistic} {self.seed} {self._settings(statistic)}"

    def _result_key(self, statistic: str) -> str:
        return f"{self._pair()} {self._settings_key(statistic)}"

    def _show(self) -> None:
        """Show the result of what is chosen, or none."""
        detection = self.detection
        kept = self._thresholds.get(self._result_key(self.statistic))
        default = float("nan") if detection is None else detection.default_threshold()
        self.threshold = default if kept is None or detection is None else kept
        self.inspected.close()
        self.changed.emit()
        self.detected.emit()

    def _on_choice(self) -> None:
        if self.busy:
            self.stop()
        self.problems = {}
        self.pictures.reset()
        self._show()

    def _on_background(self) -> None:
        self.offered.renew()
        self.changed.emit()

    def _on_detected(self, event: AnomaliesDetected) -> None:
        if not self._now:
            return
        self._progress = event.progress
        if not event.done:
            self.changed.emit()
            return
        pair, key = self._pair(), self._settings_key(self._now)
        if self._result_key(self._now) == self._pair_now:
            results = self._tried.setdefault(pair, {})
            results.pop(key, None)
            results[key] = Detection.of(event, self._detail(event))
            self._settings_of[key] = self.settings, self.seed
            while len(self._tried) > KEPT:
                self._tried.pop(next(iter(self._tried)))
            if self._now == self.statistic or self.detection is None:
                self.statistic = self._now
                self._show()
            else:
                self.detected.emit()
        self._next()

    def _detail(self, event: AnomaliesDetected) -> str:
        """Setting of a statistic that is worth a name: size of the groups, noise of the background's data."""
        settings = self._settings(self._now)
        mutation = self.background.existing.get(settings.background)
        if event.typical_groups is not None:
            return f"groups of {settings.group}"
        return "" if mutation is None else f"μ = {mutation:g}"

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is Reason.ENGINE_GONE:
            self._on_ended()
            return
        if self._now:
            self.problems[self._now] = failure.message
        self._next()

    def _on_ended(self) -> None:
        self._queue, self._now = [], ""
        self.changed.emit()
