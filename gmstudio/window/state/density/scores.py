"""State of the page of scores: a statistic of a set of images under each chosen model, and the order of the images."""

import hashlib
from collections import OrderedDict
from typing import Literal, NamedTuple, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.density import ScoreImages, ScoreProgress, ScoresComputed, StatisticSettings
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.image_sets import ImageSet
from gmstudio.window.client.request import Request
from gmstudio.window.state.density.inspected import InspectedImage
from gmstudio.window.state.density.offered import OfferedStatistics
from gmstudio.window.state.density.state import DensityState
from gmstudio.window.state.fetched_images import FetchedImages, SetOfRun

Which = Literal["images", "against"]
WHICH: tuple[Which, ...] = get_args(Which)
KEPT = 48
"""Scores of a run on a set that are kept in the window."""
REFRESH_MS = 150
"""Least time between two drawings of scores that are still being computed."""


class Figures(NamedTuple):
    """Scores of a run in numbers.

    Args:
        number: images with a finite score.
        mean: of their scores; NaN: there is none.
        error: standard error of the mean.
        bits: mean −log₂ p per dimension; NaN: no log-likelihood.
    """

    number: int
    mean: float
    error: float
    bits: float


class ScoresState(QObject):
    """Scores of the chosen images, and of those to compare with, under the chosen models.

    The models are scored one after the other. Scores of other choices are kept while the window is open, so that a
    choice that is taken back shows them at once.

    Args:
        owner: state of the panel.

    Attributes:
        statistic: key of the statistic.
        settings: of the statistic.
        seed: of all noise.
        by: name of the run whose scores order the images; "": the first one that has scores.
        likeliest_first: the images with the highest scores come first.
        problems: run → why it has no scores, a sentence.
        pictures: images of the set.
        offered: statistics of the chosen runs.
        inspected: the image that was opened.

    Signals:
        changed: the statistic, its settings, the work under way, or a problem changed.
        scores_changed: there are other scores.
        order_changed: the order of the images changed.
    """

    changed = Signal()
    scores_changed = Signal()
    order_changed = Signal()

    def __init__(self, owner: DensityState) -> None:
        super().__init__(owner)
        self.owner = owner
        self.settings, self.seed = StatisticSettings(), 0
        self.by, self.likeliest_first = "", True
        self.problems: dict[str, str] = {}
        self.offered = OfferedStatistics(owner)
        self.inspected = InspectedImage(owner)
        self._kept: OrderedDict[tuple[str, str], ScoresComputed] = OrderedDict()
        self._digests: dict[int, tuple[ImageSet, str]] = {}
        self._queue: list[tuple[str, Which]] = []
        self._total, self._done = 0, 0
        self._now: tuple[str, Which] | None = None
        self._progress = ScoreProgress()
        self._scoring = Request(owner.link, self)
        self._scoring.replied.connect(self._on_scored)
        self._scoring.failed.connect(self._on_failed)
        self._scoring.dropped.connect(self._on_dropped)
        self._scoring.loading_changed.connect(self.changed)
        self.pictures = FetchedImages(owner.link, self._listed, self)
        self.pictures.problem_changed.connect(self.changed)
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(REFRESH_MS)
        self._refresh.timeout.connect(self._show_scores)
        for change in (owner.runs_changed, owner.images_changed, owner.against_changed):
            change.connect(self._on_choice)
        owner.library.checkpoint_chosen.connect(lambda _run: self.changed.emit())
        owner.library.engine_lost.connect(self._on_engine_lost)

    # ---- what is chosen ----------------------------------------------------------------------------------------

    @property
    def statistic(self) -> str:
        """Name of the statistic."""
        return self.owner.statistics.get("scores", "log_prob")

    @statistic.setter
    def statistic(self, name: str) -> None:
        self.owner.statistics["scores"] = name

    def set_active(self, active: bool) -> None:
        """List statistics while the page is on the screen; scoring goes on without it."""
        self.offered.set_active(active)

    def set_statistic(self, statistic: str) -> None:
        """Choose a statistic."""
        if statistic != self.statistic:
            self.statistic = statistic
            self._on_choice()

    def set_settings(self, settings: StatisticSettings, seed: int) -> None:
        """Choose the settings of the statistic."""
        if (settings, seed) != (self.settings, self.seed):
            self.settings, self.seed = settings, seed
            self._on_choice()

    def set_by(self, run: str) -> None:
        """Order the images by the scores of a run."""
        if run != self.by:
            self.by = run
            self.order_changed.emit()

    def set_likeliest_first(self, on: bool) -> None:
        """Begin with the highest scores, or with the lowest."""
        if on != self.likeliest_first:
            self.likeliest_first = on
            self.order_changed.emit()

    # ---- scores ------------------------------------------------------------------------------------------------

    def result(self, run: str, which: Which = "images") -> ScoresComputed | None:
        """Return the scores of a run, those so far while they are computed; None: there are none."""
        key = self._key(run, which)
        return self._kept.get(key) if key is not None else None

    def stale(self, run: str) -> bool:
        """Return whether the run has other weights by now than those that its scores are of."""
        result, info = self.result(run), self.owner.library.info(run)
        if result is None or info is None:
            return False
        return self.owner.library.checkpoints.steps.get(run, info.step) != result.weights_step

    def figures(self, run: str, which: Which = "images") -> Figures | None:
        """Return the scores of a run in numbers; None: there are none."""
        result = self.result(run, which)
        if result is None:
            return None
        values = result.values.numpy()
        finite = values[np.isfinite(values)]
        count = len(finite)
        mean = float(finite.mean()) if count else float("nan")
        error = float(finite.std(ddof=1) / np.sqrt(count)) if count > 1 else float("nan")
        is_likelihood = result.statistic.name == "log_prob" and result.kind != "value"
        return Figures(count, mean, error, result.image.bits_per_dim(-mean) if is_likelihood else float("nan"))

    @property
    def ordered_by(self) -> str:
        """Name of the run whose scores order the images; "": no run has scores."""
        scored = [run for run in self.owner.runs if self.result(run) is not None]
        return self.by if self.by in scored else next(iter(scored), "")

    def order(self) -> NDArray[np.int64]:
        """Return the numbers of the images in their order; those without a score come last."""
        result = self.result(self.ordered_by) if self.ordered_by else None
        if result is None:
            described = self.owner.described.described
            return np.arange(described.count if described is not None else 0, dtype=np.int64)
        values = result.values.numpy()
        high_first = self.likeliest_first == (result.statistic.direction == "typical")
        keys = np.where(np.isfinite(values), -values if high_first else values, np.inf)
        return np.argsort(keys, kind="stable").astype(np.int64)

    # ---- work --------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Images are being scored."""
        return self._now is not None

    @property
    def unavailable(self) -> str:
        """Why nothing can be scored now, a sentence; "": it can."""
        owner = self.owner
        if owner.library.catalog is None:
            return "The engine is starting."
        if not owner.runs:
            return owner.without_run
        if owner.described.problem:
            return owner.described.problem
        return self.offered.refusal_of_all(self.statistic)

    @property
    def progress(self) -> tuple[ScoreProgress, str, int, int] | None:
        """Progress on the present set, the run, and how many of how many sets are done; None: nothing is scored."""
        return None if self._now is None else (self._progress, self._now[0], self._done, self._total)

    @property
    def loading(self) -> object:
        """``DataLoading`` that the scoring waits for, or None."""
        return self._scoring.loading

    def score(self) -> None:
        """Score the images, and those to compare with, under all chosen models."""
        if self.unavailable:
            self.changed.emit()
            return
        owner = self.owner
        sets = WHICH if owner.against is not None else WHICH[:1]
        able = [run for run in owner.runs if not self.offered.refusal(run, self.statistic)]
        self.problems = {}
        self._queue = [(run, which) for run in able for which in sets]
        self._total, self._done = len(self._queue), 0
        self._next()

    def stop(self) -> None:
        """End the scoring; what was scored is kept."""
        self._refresh.stop()
        self._queue, self._now = [], None
        self._scoring.cancel()
        self.changed.emit()

    def _listed(self) -> SetOfRun | None:
        return (self.owner.run, self.owner.resolved(self.owner.images)) if self.owner.run else None

    def open(self, index: int) -> None:
        """Look at an image closely; −1: at none."""
        if index < 0:
            self.inspected.close()
        else:
            self.inspected.open(self.owner.images, index)

    def _next(self) -> None:
        if not self._queue:
            self._now = None
            self.changed.emit()
            return
        self._now = self._queue.pop(0)
        self._progress = ScoreProgress()
        run, which = self._now
        images = self.owner.images if which == "images" else self.owner.against
        assert images is not None
        command = ScoreImages(
            run=run,
            images=self.owner.resolved(images),
            statistic=self.statistic,
            settings=self.settings,
            seed=self.seed,
        )
        self._scoring.send(command)
        self.changed.emit()

    def _key(self, run: str, which: Which) -> tuple[str, str] | None:
        images = self.owner.images if which == "images" else self.owner.against
        return None if images is None else (run, self._digest(images))

    def _digest(self, images: ImageSet) -> str:
        """Identify a set, the statistic and its settings."""
        known = self._digests.get(id(images))
        resolved = self.owner.resolved(images)
        if known is None or known[0] is not images:
            if len(self._digests) > KEPT:
                self._digests.clear()
            content = hashlib.sha256(msgspec.msgpack.encode(images)).hexdigest()
            known = self._digests[id(images)] = images, content
        info = self.owner.library.info(self.owner.run) if resolved is not images else None
        own = "" if info is None else f"{info.spec.data} {info.spec.data_config}"  # of any run on the same data
        return f"{known[1]} {own} {self.statistic} {self.seed} {self.settings}"

    def _on_choice(self) -> None:
        """Give up what is being scored for other choices, and show what is known of the new ones."""
        if self.busy:
            self.stop()
        self.problems = {}
        self.pictures.reset()
        self.inspected.close()
        self.changed.emit()
        self._show_scores()

    def _on_scored(self, event: ScoresComputed) -> None:
        if self._now is None:
            return
        key = self._key(*self._now)
        if key is not None:
            self._kept.pop(key, None)
            self._kept[key] = event
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._progress = event.progress
        if event.done:
            self._done += 1
            self._refresh.stop()
            self._show_scores()
            self._next()
        else:
            if not self._refresh.isActive():
                self._refresh.start()
            self.changed.emit()

    def _show_scores(self) -> None:
        self.scores_changed.emit()
        self.order_changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self._refresh.stop()
        if failure.reason is Reason.ENGINE_GONE:
            self._queue, self._now = [], None
            self.changed.emit()
            return
        if self._now is not None:
            self.problems[self._now[0]] = failure.message
            self._done += 1
        self._next()

    def _on_dropped(self) -> None:
        """The engine gave the work up for that of another page."""
        self._refresh.stop()
        self._queue, self._now = [], None
        self.changed.emit()

    def _on_engine_lost(self) -> None:
        self._queue, self._now = [], None
        self.pictures.reset()
        self.changed.emit()
