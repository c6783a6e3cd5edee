"""Messages of the Density panel: scores of images under models, and the detection of anomalies by them.

What one page of the panel alone needs is in ``density_<page>``.
"""

from typing import ClassVar, Literal

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.image_sets import ImageSet
from gmstudio.protocol.images import ImageSpec

Direction = Literal["typical", "anomalous"]
"""Whether high values of a statistic belong to typical images or to anomalous ones."""
Needs = Literal["", "background", "ensemble"]
"""What a statistic needs besides the model: a background model, or other runs of an ensemble."""
ScoreKind = Literal["exact", "lower bound", "estimate", "value"]
"""What scores are: log p exactly, a lower bound of it, an estimate of it; ``value``: no log-likelihood."""


class StatisticCard(msgspec.Struct, frozen=True, kw_only=True):
    """Description of a statistic.

    Args:
        name: key, for example ``ratio``.
        title: two to four words, for example ``Likelihood ratio``.
        help: one or two sentences for a student.
        latex: its formula.
        unit: ``nats`` per image, ``bits``, or empty.
        direction: what high values mean.
        needs: what it needs besides the model.
        source: paper, authors, year, arXiv number, section; empty: none.
    """

    name: str
    title: str
    help: str
    latex: str
    unit: str
    direction: Direction
    needs: Needs = ""
    source: str = ""


class StatisticSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of statistics; each uses those that concern it.

    Args:
        num_samples: Monte Carlo samples an image, of bounds and estimates; 0: the default of the family.
        labels: likelihood of a class-conditional model: ``marginal``, ``given`` or ``none``.
        background: name of the run of the background model; empty: the one that was trained for the run.
        ensemble: paths of the runs of an ensemble, the scored run among them.
        coder: ``png``, ``webp`` or ``smallest``, of the code length.
        group: images whose mean is tested for typicality, 1 or more.
    """

    num_samples: int = 0
    labels: Literal["marginal", "given", "none"] = "marginal"
    background: str = ""
    ensemble: tuple[str, ...] = ()
    coder: Literal["png", "webp", "smallest"] = "smallest"
    group: int = 1


class OfferedStatistic(msgspec.Struct, frozen=True, kw_only=True):
    """Statistic as it stands for a run.

    Args:
        card: its description.
        kind: kind of its scores for this run.
        refusal: reason why it cannot be computed for this run, a sentence with a remedy; empty: it can.
    """

    card: StatisticCard
    kind: ScoreKind = "value"
    refusal: str = ""


# ---- commands ----------------------------------------------------------------------------------------------------


class ListStatistics(Command, frozen=True, kw_only=True):
    """List the statistics of a run; answered with ``StatisticsListed``."""

    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str


class ScoreImages(Command, frozen=True, kw_only=True):
    """Compute a statistic of images; answered with ``ScoresComputed`` many times, the last done.

    Scores that were computed before, of the same weights, images, statistic and seed, are read from the run.

    Args:
        run: name of the run.
        images: to be scored.
        statistic: its key.
        settings: of the statistic.
        seed: of all noise.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ("run", "statistic")

    run: str
    images: ImageSet
    statistic: str = "log_prob"
    settings: StatisticSettings = StatisticSettings()
    seed: int = 0


class MapSurprisal(Command, frozen=True, kw_only=True):
    """Compute −log p(x_i | x_<i) of each pixel of some images; answered with ``SurprisalMapped``.

    Args:
        run: name of a run of an autoregressive family.
        images: the set.
        indices: (n,) int64 numbers in the set, at most 256.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str
    images: ImageSet
    indices: Array


class DetectAnomalies(Command, frozen=True, kw_only=True):
    """Detect anomalous images by a statistic; answered with ``AnomaliesDetected`` many times, the last done.

    Args:
        run: name of the run.
        typical: images of the distribution that the model was trained on.
        anomalous: anomalous images.
        statistic: its key.
        settings: of the statistic.
        seed: of all noise, and of the bootstrap.
        resamples: of the bootstrap.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ("run", "statistic")

    run: str
    typical: ImageSet
    anomalous: ImageSet
    statistic: str = "log_prob"
    settings: StatisticSettings = StatisticSettings()
    seed: int = 0
    resamples: int = 1000


# ---- events ------------------------------------------------------------------------------------------------------


class StatisticsListed(Event, frozen=True, kw_only=True):
    """Statistics of a run, those that it refuses among them.

    Args:
        run: name of the run.
        statistics: in the order of the lists.
    """

    run: str
    statistics: tuple[OfferedStatistic, ...]


class ScoreProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Progress of scoring.

    Args:
        stage: what is done, for example ``annealing`` or ``scoring``.
        done: images scored.
        total: images in all.
        kept: images whose scores were computed before.
        rate: images per second; 0: unknown.
        seconds_left: negative: unknown.
    """

    stage: str = ""
    done: int = 0
    total: int = 0
    kept: int = 0
    rate: float = 0.0
    seconds_left: float = -1.0


class ScoresComputed(Event, frozen=True, kw_only=True):
    """Scores of images; before the last reply those so far.

    Args:
        run: name of the run.
        statistic: its card.
        kind: kind of the scores.
        kind_text: the kind in words, for example ``importance-weighted estimate, 100 samples an image``.
        values: (N,) float64 in the unit of the statistic, NaN where they are not computed yet.
        errors: (N,) float64 standard errors of the values; None: they are exact.
        image: shape and levels of the images.
        title: short name of the set.
        conversion: sentence on the conversion of the images; empty: there was none.
        warnings: sentences, for example on scores that are not finite.
        weights_step: training step of the weights.
        progress: of the work.
        done: this is the last reply.
    """

    run: str
    statistic: StatisticCard
    kind: ScoreKind
    kind_text: str
    values: Array
    errors: Array | None
    image: ImageSpec
    title: str
    conversion: str = ""
    warnings: tuple[str, ...] = ()
    weights_step: int
    progress: ScoreProgress
    done: bool

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.done


class SurprisalMapped(Event, frozen=True, kw_only=True):
    """Surprisal of each pixel, summed over its channels.

    Args:
        run: name of the run.
        indices: (n,) int64 numbers in the set.
        bits: (n, H, W) float32, −log₂ p of the pixel given those before it.
        weights_step: training step of the weights.
    """

    run: str
    indices: Array
    bits: Array
    weights_step: int


class RocCurves(msgspec.Struct, frozen=True, kw_only=True):
    """Rates of a detector that calls an image anomalous where its anomaly score is at least a threshold.

    Points are in order of falling threshold; the first calls no image anomalous, the last all of them.

    Args:
        thresholds: (T,) float64 anomaly scores, the first is +∞.
        true_positive_rates: (T,) float64, share of anomalous images that are found (recall).
        false_positive_rates: (T,) float64, share of typical images that are called anomalous.
        precisions: (T,) float64, share of anomalous images among those that are called so; 1 where none is.
        auroc: area under the ROC curve, ties counted half.
        auroc_low: lower end of its 95 % bootstrap interval.
        auroc_high: upper end.
        average_precision: mean of the precisions, weighted by the rise in recall.
        fpr_at_95: false-positive rate at the highest threshold that finds 95 % of the anomalous images.
    """

    thresholds: Array
    true_positive_rates: Array
    false_positive_rates: Array
    precisions: Array
    auroc: float
    auroc_low: float
    auroc_high: float
    average_precision: float
    fpr_at_95: float


class AnomaliesDetected(Event, frozen=True, kw_only=True):
    """Anomalous images detected among typical ones by a statistic.

    Args:
        run: name of the run.
        statistic: its card.
        kind_text: kind of the scores, in words.
        typical: (N,) float64 scores of the typical images; empty before the last reply.
        anomalous: (M,) float64 scores of the anomalous images.
        sign: factor that makes a score an anomaly score, 1 or −1.
        curves: of the detector; None before the last reply.
        typical_title: short name of the set.
        anomalous_title: short name of the other set.
        conversions: sentences on conversions of the images.
        warnings: sentences.
        typical_groups: (N, M) int64 numbers of the images of each score, where groups of M images are scored; None:
            scores are of single images.
        anomalous_groups: likewise.
        weights_step: training step of the weights.
        progress: of the work.
        done: this is the last reply.
    """

    run: str
    statistic: StatisticCard
    kind_text: str
    typical: Array
    anomalous: Array
    sign: int
    curves: RocCurves | None
    typical_title: str
    anomalous_title: str
    conversions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    typical_groups: Array | None = None
    anomalous_groups: Array | None = None
    weights_step: int
    progress: ScoreProgress
    done: bool

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.done
