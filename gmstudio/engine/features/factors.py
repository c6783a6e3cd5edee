"""Disentanglement of features on data with known factors: MIG, DCI, SAP and correlations, stage by stage."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset, Factors, Split
from gmstudio.engine.features.disentanglement import (
    NUM_TREES,
    Codes,
    Floats,
    Ints,
    association_matrix,
    dci,
    gaps,
    importance_column,
    information_matrix,
    is_ordered,
    numbered,
    prediction_column,
)
from gmstudio.engine.features.extraction import view_pieces
from gmstudio.engine.features.factor_texts import MATRICES, SCORES
from gmstudio.engine.runtime.beside import beside, result_of
from gmstudio.media.levels import Images
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.features import WorkProgress
from gmstudio.protocol.features_factors import FactorMatrix, FactorScore, FactorsMeasured, MeasureFactors

LEAST_IMAGES, MOST_IMAGES = 100, 50_000
MAX_DIMS = 256
"""Dimensions of a code whose scores are computed: forests of wider layers take minutes."""
MAX_POINTS = 1000
"""Images whose features are sent for scatter plots."""
PERIOD_S = 0.25
"""Between two reports of progress, seconds."""
FEATURES_SHARE = 0.2
"""Of the work, for the bar: computing the features."""


class Measured(Protocol):
    """Features of images."""

    @property
    def values(self) -> NDArray[np.float32]:
        """Features, (N, F) float32."""

    @property
    def title(self) -> str:
        """Name of the features, for display."""

    @property
    def weights_step(self) -> int:
        """Training step of the weights; −1: of a baseline."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences."""


Extract = Callable[[Images], Iterator[Measured | None]]
"""Computes features of images (N, C, H, W): a generator of None after each piece and, last, the features."""


@dataclass(eq=False)
class Sample:
    """Features and factors of images.

    Args:
        codes: (N, D).
        values: (N, K) of the factors that vary.
        held_codes: (M, D) of test images.
        held_values: (M, K).
        names: of the factors.
        title: of the features.
        weights_step: of the features.
        warnings: sentences.
    """

    codes: Codes
    values: NDArray[np.float32]
    held_codes: Codes
    held_values: NDArray[np.float32]
    names: tuple[str, ...]
    title: str
    weights_step: int
    warnings: tuple[str, ...]
    ordered: tuple[bool, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.ordered = tuple(is_ordered(column) for column in self.values.T)


def factors_of(dataset: Dataset, split: Split) -> Factors:
    """Return the known factors of a split.

    Raises:
        ValueError: when the data have none.
    """
    if split.factors is None:
        raise ValueError(
            f"The data set {dataset.source} has no known factors, which MIG, DCI and SAP compare features with; choose "
            "a model that was trained on shapes (Coloured shapes), or train one under Train."
        )
    return split.factors


def measure_factors(extract: Extract, dataset: Dataset, command: MeasureFactors) -> Iterator[Event | None]:
    """Compute all scores.

    Args:
        extract: computes the features.
        dataset: with the factors.
        command: images and seed.

    Returns:
        A generator of None, and ``FactorsMeasured`` a few times a second and after each stage.

    Raises:
        ValueError: at once, for data without factors or too few images; from the generator, for features that are not
            finite, or too many dimensions.
    """
    factors_of(dataset, dataset.train)
    if not LEAST_IMAGES <= command.count <= MOST_IMAGES:
        raise ValueError(f"{command.count:,} images were asked for; choose {LEAST_IMAGES} to {MOST_IMAGES:,}.")
    for name, split in (("training", dataset.train), ("test", dataset.test)):
        if len(split) < LEAST_IMAGES:
            raise ValueError(
                f"The data set has {len(split)} {name} images; the scores need {LEAST_IMAGES} at least, choose a "
                "larger one."
            )
    return _measure(extract, dataset, command)


def _measure(extract: Extract, dataset: Dataset, command: MeasureFactors) -> Iterator[Event | None]:
    report = _Report(command)
    random = np.random.default_rng(command.seed)
    rows = np.sort(random.permutation(len(dataset.train))[: command.count])
    images = yield from result_of(view_pieces(dataset, "train", rows))
    held = yield from result_of(view_pieces(dataset, "test", np.arange(len(dataset.test))))
    yield from report.when_due("Computing features", -1.0)
    # Together: of one training step of a run in training.
    measured = yield from result_of(extract(np.concatenate([images, held])))
    report.sample = sample = _sample(dataset, rows, measured)
    yield from report.when_due("Mutual information and correlations", FEATURES_SHARE)
    yield from _information(report, sample)
    yield from _predictions(report, sample)
    yield from _importances(report, sample)
    yield report.event("", 1.0, done=True)


def _sample(dataset: Dataset, rows: Ints, measured: Measured) -> Sample:
    """Features and factors that vary.

    Raises:
        ValueError: when no factor varies, or for features that are not finite or too many.
    """
    factors, held = factors_of(dataset, dataset.train), factors_of(dataset, dataset.test)
    codes, held_codes = np.split(measured.values, [len(rows)])
    num_dims = codes.shape[1]
    if num_dims > MAX_DIMS:
        raise ValueError(
            f"{measured.title} has {num_dims:,} dimensions; the scores are for codes of at most {MAX_DIMS}. Choose the "
            "model’s code, or PCA with fewer components."
        )
    if not np.isfinite(measured.values).all():
        raise ValueError(
            f"{measured.title} has values that are not finite, so no score can be computed; the training has probably "
            "diverged. Choose another run, or an earlier checkpoint of this one."
        )
    values = factors.values[rows]
    varies = [k for k in range(values.shape[1]) if len(np.unique(values[:, k])) > 1]
    if not varies:
        raise ValueError("None of the factors varies in these images; choose data with more than one kind of image.")
    fixed = [name for k, name in enumerate(factors.names) if k not in varies]
    warnings = tuple(f"The factor {name} has one value in these images and is left out." for name in fixed)
    dead = int((np.ptp(codes, axis=0) == 0).sum())
    if dead:
        warnings += (f"{dead} of {num_dims} dimensions have one value for all images.",)
    return Sample(
        codes=codes,
        values=values[:, varies],
        held_codes=held_codes,
        held_values=held.values[:, varies],
        names=tuple(factors.names[k] for k in varies),
        title=measured.title,
        weights_step=measured.weights_step,
        warnings=(*measured.warnings, *warnings),
    )


def _information(report: "_Report", sample: Sample) -> Iterator[Event | None]:
    def work() -> tuple[Floats, Floats]:
        return (
            information_matrix(sample.codes, numbered(sample.values)),
            association_matrix(sample.codes, sample.values, sample.ordered),
        )

    information, association = yield from beside(work)
    report.add_matrix("correlation", association, signed=True)
    report.add_matrix("information", information)
    found = gaps(information)
    report.add_score("mig", float(found.mean()), found)
    yield report.event("Predictions from single dimensions", FEATURES_SHARE + 0.05)


def _predictions(report: "_Report", sample: Sample) -> Iterator[Event | None]:
    columns: list[Floats] = []
    for k in range(len(sample.names)):
        yield from report.when_due(
            f"Predicting {sample.names[k]} from single dimensions", 0.25 + 0.15 * k / len(sample.names)
        )

        def work(k: int = k) -> Floats:
            pairs = sample.codes, sample.values[:, k], sample.held_codes, sample.held_values[:, k]
            return prediction_column(*pairs, ordered=sample.ordered[k])

        columns.append((yield from beside(work)))
    predictions = np.stack(columns, axis=1)
    found = gaps(predictions)
    report.add_matrix("prediction", predictions)
    report.add_score("sap", float(found.mean()), found)
    yield report.event("Random forests", 0.4)


def _importances(report: "_Report", sample: Sample) -> Iterator[Event | None]:
    columns: list[Floats] = []
    accuracies: list[float] = []
    began = time.perf_counter()
    for k, name in enumerate(sample.names):
        done = k / len(sample.names)
        taken = time.perf_counter() - began
        left = taken / done - taken if k else -1.0
        yield report.event(f"Random forest for {name}, {NUM_TREES} trees", 0.4 + 0.6 * done, seconds_left=left)

        def work(k: int = k) -> tuple[Floats, float]:
            pairs = sample.codes, sample.values[:, k], sample.held_codes, sample.held_values[:, k]
            return importance_column(*pairs, report.command.seed + k, ordered=sample.ordered[k])

        column, accuracy = yield from beside(work)
        columns.append(column)
        accuracies.append(accuracy)
    importance = np.stack(columns, axis=1)
    found = dci(importance)
    report.add_matrix("importance", importance)
    report.add_score("disentanglement", found.disentanglement, np.zeros(0))
    report.add_score("completeness", found.completeness, found.by_factor)
    report.add_score("informativeness", float(np.mean(accuracies)), np.array(accuracies))


class _Report:
    """What was found so far, as replies.

    Args:
        command: that is answered.
    """

    def __init__(self, command: MeasureFactors) -> None:
        self.command = command
        self.sample: Sample | None = None
        self._scores: dict[str, FactorScore] = {}
        self._matrices: dict[str, FactorMatrix] = {}
        self._reported = 0.0

    def add_score(self, name: str, value: float, by_factor: Floats) -> None:
        """Add a score."""
        title, formula, text = SCORES[name]
        self._scores[name] = FactorScore(
            name=name, title=title, value=value, by_factor=Array.of(by_factor), formula=formula, help=text
        )

    def add_matrix(self, name: str, values: Floats, *, signed: bool = False) -> None:
        """Add a matrix (D, K)."""
        title, text = MATRICES[name]
        self._matrices[name] = FactorMatrix(name=name, title=title, values=Array.of(values), signed=signed, help=text)

    def when_due(self, stage: str, share: float) -> Iterator[Event | None]:
        """Report the progress, not too often."""
        now = time.perf_counter()
        if now - self._reported > PERIOD_S:
            yield self.event(stage, share)

    def event(self, stage: str, share: float, *, seconds_left: float = -1.0, done: bool = False) -> FactorsMeasured:
        """Reply with what there is."""
        self._reported = time.perf_counter()
        sample, none = self.sample, np.zeros((0, 0), np.float32)
        shown = slice(0, MAX_POINTS)
        return FactorsMeasured(
            request=self.command.request,
            space=self.command.space,
            run=self.command.run,
            title="" if sample is None else sample.title,
            num_dims=0 if sample is None else sample.codes.shape[1],
            factors=() if sample is None else sample.names,
            ordered=() if sample is None else sample.ordered,
            num_images=0 if sample is None else len(sample.codes),
            num_held_out=0 if sample is None else len(sample.held_codes),
            scores=tuple(self._scores[name] for name in SCORES if name in self._scores),
            matrices=tuple(self._matrices[name] for name in MATRICES if name in self._matrices),
            points=Array.of(none if sample is None else sample.held_codes[shown]),
            point_factors=Array.of(none if sample is None else sample.held_values[shown]),
            warnings=() if sample is None else sample.warnings,
            weights_step=-1 if sample is None else sample.weights_step,
            progress=WorkProgress(stage=stage, share=share, seconds_left=seconds_left),
            done=done,
        )
