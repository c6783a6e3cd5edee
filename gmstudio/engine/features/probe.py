"""A probe of features: labelled images are chosen, features computed, classifiers fitted, one small piece at a time.

Fits run in a thread beside the engine's loop, one after another, and the work can end between two of them.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset
from gmstudio.data.progress import Progress
from gmstudio.engine.features import probing
from gmstudio.engine.features.extraction import BASELINE_STEP, Features, SpaceFeatures, features_of, view_pieces
from gmstudio.engine.features.probing import ALL, LabelledSet, Labels
from gmstudio.engine.runtime.beside import beside, result_of
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.inspection import in_background
from gmstudio.engine.runtime.meter import MEASURED_S, Meter
from gmstudio.protocol.array import Array
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.features import PCA, FeaturesProbed, ProbeFeatures, ProbeResult, WorkProgress

T = TypeVar("T")
Work = Generator[FeaturesProbed | None, None, T]
"""Events of progress, or None, after each piece; returns a result."""
MAX_SEEDS = 100
MAX_NEIGHBOURS = 1000
CLASSIFIED = 2000
"""Test images that nearest neighbours classify at a time."""
MAX_COMPONENT_IMAGES = 20_000
"""Training images that principal components are fitted on, at most."""
EXTRACTION, FITS = "Computing features", "Fitting classifiers"
EXTRACTION_SHARE = 0.3
"""Part of the progress that the features count as."""


@dataclass(frozen=True, eq=False)
class _Test:
    """Test images.

    Args:
        split: which they are.
        indices: (M,) numbers in it.
        labels: (M,).
    """

    split: SplitName
    indices: Labels
    labels: Labels


@dataclass(eq=False)
class _Row:
    """Results with one number of labels a class, so far.

    Args:
        per_class: the number; 0: all.
        sets: labelled images by seed.
    """

    per_class: int
    sets: list[LabelledSet]

    def __post_init__(self) -> None:
        self.linear: list[float] = []
        self.neighbours: list[float] = []
        self.regularization: list[float] = []
        self.predicted: Labels = np.empty(0, dtype=np.int64)

    def result(self) -> ProbeResult:
        return ProbeResult(
            labels_per_class=self.per_class,
            num_labels=len(self.sets[0].indices),
            linear=Array.of(np.array(self.linear)),
            neighbours=Array.of(np.array(self.neighbours)),
            regularization=Array.of(np.array(self.regularization)),
            predicted=Array.of(self.predicted),
        )


class Probe:
    """Probe of one space.

    Args:
        context: of the engine.
        dataset: the images and labels, in the format of the space's model.
        command: what is wanted.

    Raises:
        ValueError: for settings out of range, and for data without two classes of labelled images.
    """

    def __init__(self, context: EngineContext, dataset: Dataset, command: ProbeFeatures) -> None:
        _check(command)
        self._context, self._dataset, self._command = context, dataset, command
        labels = probing.check_labels(dataset.train.labels, "The training images of this data set")
        self._pool = _some(len(labels), command.max_train, command.seed)
        self._train_labels = probing.check_labels(labels[self._pool], "The training images that are used")
        self._warnings: list[str] = []
        self._test = self._find_test()
        self._rows = [self._choose(count) for count in dict.fromkeys(command.labels_per_class)]
        self._meter = Meter()
        self._space: SpaceFeatures | None = None

    def _find_test(self) -> _Test:
        dataset, split = self._dataset, "test"
        if not len(dataset.test):
            split = "valid"
            self._warn("The data set has no test images; accuracies are of its validation images.")
        name: SplitName = "test" if split == "test" else "valid"
        labels = dataset.split(name).labels
        if labels is None or not len(labels):
            raise ValueError("The data set has no labelled test or validation images; choose other data.")
        indices = _some(len(labels), self._command.max_test, self._command.seed)
        unknown = np.setdiff1d(labels[indices], self._train_labels)
        if len(unknown):
            names = ", ".join(self._name(int(label)) for label in unknown)
            self._warn(f"No training image has the label {names}, which test images have; these count as errors.")
        return _Test(name, indices, labels[indices])

    def _choose(self, count: int) -> _Row:
        names, sets = self._dataset.label_names, []
        for number in range(self._command.num_seeds):
            chosen = probing.choose_labelled(self._train_labels, count, self._command.seed + number, names)
            sets.append(chosen)
            if number == 0:
                for text in chosen.warnings:
                    self._warn(text)
            if count == ALL or len(chosen.indices) == len(self._train_labels):
                break  # another seed would choose the same, or takes too long
        if not probing.num_folds(self._train_labels[sets[0].indices]):
            fixed = f"{probing.FIXED_REGULARIZATION:g}"
            self._warn(f"A class with one label leaves nothing for cross-validation: C is {fixed} there.")
        return _Row(count, sets)

    def _warn(self, text: str) -> None:
        if text not in self._warnings:
            self._warnings.append(text)

    def _name(self, label: int) -> str:
        names = self._dataset.label_names
        return names[label] if label < len(names) else str(label)

    # ---- work --------------------------------------------------------------------------------------------------

    def run(self) -> Iterator[FeaturesProbed | None]:
        """Do the work.

        Returns:
            A generator of None, of results so far and, last, of all results.

        Raises:
            ValueError: when the features cannot be computed.
        """
        wanted = np.unique(np.concatenate([chosen.indices for row in self._rows for chosen in row.sets]))
        train_images = yield from result_of(view_pieces(self._dataset, "train", self._pool[wanted]))
        test_images = yield from result_of(view_pieces(self._dataset, self._test.split, self._test.indices))
        total = len(train_images) + len(test_images)
        train = yield from self._features(train_images, 0, total)
        self._space = yield from self._features(test_images, len(train_images), total)
        varies = yield from beside(lambda: bool(np.ptp(train.values, axis=0).any()))
        if not varies:
            raise ValueError(
                f"The features ({train.title}) are the same for all images, so nothing can be learned from them. "
                "Choose another layer, or a run that was trained."
            )
        for text in self._space.warnings:
            self._warn(text)
        yield from self._fits(train.values, self._space.values, wanted)
        yield self._event(WorkProgress(stage=FITS, share=1.0, seconds_left=0.0), done=True)

    def _features(self, images: NDArray[np.uint8], before: int, total: int) -> Work[SpaceFeatures]:
        """Compute the features of images; ``before`` of ``total`` images are done."""
        done = before

        def note(count: int) -> None:
            nonlocal done
            done = before + count

        train: NDArray[np.uint8] | None = None
        if self._command.space.layer == PCA and not self._command.space.run:
            some = _some(len(self._dataset.train), MAX_COMPONENT_IMAGES, 0)
            train = yield from result_of(view_pieces(self._dataset, "train", some))
        image, seed = self._dataset.image, self._command.seed
        for piece in features_of(self._context, self._command.space, images, image, train, seed, note):
            if piece is not None:
                return piece
            if self._meter.due():
                pace = self._meter.pace(Progress("read", done, total))
                share = EXTRACTION_SHARE * done / total
                yield self._event(WorkProgress(stage=EXTRACTION, share=share, seconds_left=pace.seconds_left))
            else:
                yield None
        raise AssertionError("The last piece is the features.")

    def _fits(self, train: Features, test: Features, wanted: Labels) -> Iterator[FeaturesProbed | None]:
        """Fit all classifiers.

        Args:
            train: features of the labelled images ``wanted``.
            test: features of the test images.
            wanted: numbers of the images of ``train`` among the training images that are used, rising.
        """
        units = _Units(self._rows, len(test))
        for row in self._rows:
            for number, chosen in enumerate(row.sets):
                labels, places = self._train_labels[chosen.indices], np.searchsorted(wanted, chosen.indices)
                features = yield from beside(partial(train.__getitem__, places))
                seed = self._command.seed + number
                stage = f"{FITS}: {_words(row.per_class)}"
                if len(row.sets) > 1:
                    stage += f", choice {number + 1} of {len(row.sets)}"
                fitting = _Fitting(features, labels, test, self._test.labels, units)
                regularization = yield from self._waiting(fitting.validate(seed), units, stage)
                fitted = yield from self._waiting(fitting.fit(regularization), units, stage)
                if not fitted.converged:
                    self._warn(
                        f"{_words(row.per_class)}: the fit of the linear probe ended after "
                        f"{probing.MAX_ITERATIONS:,} iterations before it converged."
                    )
                accuracy = yield from self._waiting(fitting.classify(self._command.neighbours), units, stage)
                row.linear.append(float(np.mean(fitting.predicted == self._test.labels)))
                row.neighbours.append(accuracy)
                row.regularization.append(regularization)
                if number == 0:
                    row.predicted = fitting.predicted
                yield self._event(units.progress(stage))

    def _waiting(self, work: "Iterator[T | None]", units: "_Units", stage: str) -> Work[T]:
        """Advance work in a thread, and report; returns its result."""
        for piece in work:
            if piece is not None:
                return piece
            yield self._event(units.progress(stage)) if self._meter.due() else None
        raise AssertionError("The last piece is the result.")

    def _event(self, progress: WorkProgress, *, done: bool = False) -> FeaturesProbed:
        space = self._space
        return FeaturesProbed(
            request=self._command.request,
            space=self._command.space,
            title="" if space is None else space.title,
            num_dims=0 if space is None else space.values.shape[1],
            results=tuple(row.result() for row in self._rows if row.linear),
            test_labels=Array.of(self._test.labels),
            test_indices=Array.of(self._test.indices),
            label_names=self._dataset.label_names,
            warnings=tuple(self._warnings),
            weights_step=BASELINE_STEP if space is None else space.weights_step,
            progress=progress,
            done=done,
        )


class _Units:
    """Progress of fits, by their cost: images that are fitted or compared.

    Args:
        rows: what is fitted.
        num_test: test images.
    """

    def __init__(self, rows: list[_Row], num_test: int) -> None:
        self._done, self._began = 0.0, time.monotonic()
        self._total = 0.0
        for row in rows:
            count = len(row.sets[0].indices)
            self._total += len(row.sets) * (self.of_validation(count) + count + self.of_neighbours(count, num_test))

    @staticmethod
    def of_validation(count: int) -> float:
        """Cost of cross-validation with a number of labelled images."""
        return len(probing.REGULARIZATIONS) * min(count, probing.MAX_VALIDATED) * probing.MAX_FOLDS

    @staticmethod
    def of_neighbours(count: int, num_test: int) -> float:
        """Cost of comparing the test images with the labelled ones."""
        return count * num_test / CLASSIFIED

    def add(self, cost: float) -> None:
        """Note work that is done."""
        self._done += cost

    def progress(self, stage: str) -> WorkProgress:
        """Return the progress, with the time left at the pace so far."""
        share, seconds = min(1.0, self._done / max(self._total, 1.0)), time.monotonic() - self._began
        left = seconds / share * (1.0 - share) if share > 0.0 and seconds > MEASURED_S else -1.0
        return WorkProgress(stage=stage, share=EXTRACTION_SHARE + (1.0 - EXTRACTION_SHARE) * share, seconds_left=left)


@dataclass(eq=False)
class _Fitting:
    """Fits with one choice of labelled images.

    Args:
        features: (n, F) of the labelled images.
        labels: (n,).
        test: (M, F).
        test_labels: (M,).
        units: note what is done.
    """

    features: Features
    labels: Labels
    test: Features
    test_labels: Labels
    units: _Units
    predicted: Labels = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def validate(self, seed: int) -> Iterator[float | None]:
        """Choose C by cross-validation, and yield it last."""
        folds = yield from beside(lambda: probing.folds_of(self.labels, seed))
        cost = self.units.of_validation(len(self.labels))
        if not folds:
            self.units.add(cost)
            yield probing.FIXED_REGULARIZATION
            return
        accuracies = np.zeros((len(folds), len(probing.REGULARIZATIONS)))
        for place in np.ndindex(*accuracies.shape):
            work = partial(self._accuracy, folds[place[0]], probing.REGULARIZATIONS[place[1]])
            accuracies[place] = yield from beside(work)
            self.units.add(cost / accuracies.size)
        yield probing.best_regularization(accuracies)

    def _accuracy(self, fold: probing.Fold, regularization: float) -> float:
        fitted = probing.fit_linear(self.features[fold.fitted], self.labels[fold.fitted], regularization)
        return fitted.accuracy(self.features[fold.validated], self.labels[fold.validated])

    def fit(self, regularization: float) -> Iterator[probing.Fitted | None]:
        """Fit the probe, classify the test images, and yield it last."""

        def work() -> probing.Fitted:
            fitted = probing.fit_linear(self.features, self.labels, regularization)
            self.predicted = fitted.predict(self.test)
            return fitted

        yield from in_background(work)
        self.units.add(len(self.labels))

    def classify(self, neighbours: int) -> Iterator[float | None]:
        """Classify the test images by their nearest neighbours, and yield the accuracy last."""
        right = 0.0
        for start in range(0, len(self.test), CLASSIFIED):
            rows = slice(start, start + CLASSIFIED)
            some, labels = self.test[rows], self.test_labels[rows]
            work = partial(probing.neighbour_accuracy, self.features, self.labels, some, labels, neighbours)
            right += (yield from beside(work)) * len(some)
            self.units.add(self.units.of_neighbours(len(self.labels), len(some)))
        yield right / len(self.test)


def _check(command: ProbeFeatures) -> None:
    """Raise a ValueError for settings out of range."""
    if not command.labels_per_class:
        raise ValueError("No number of labels a class was given; name one or more, 0 for all.")
    if not 1 <= command.num_seeds <= MAX_SEEDS:
        raise ValueError(f"{command.num_seeds} choices of labelled images; choose 1 to {MAX_SEEDS}.")
    if not 1 <= command.neighbours <= MAX_NEIGHBOURS:
        raise ValueError(f"{command.neighbours} neighbours; choose 1 to {MAX_NEIGHBOURS:,}.")
    for name, value in (("training", command.max_train), ("test", command.max_test)):
        if value < 0:
            raise ValueError(f"{value} {name} images; choose 1 or more, or 0 for all.")


def _some(total: int, most: int, seed: int) -> Labels:
    """Numbers of ``most`` images chosen with a seed, rising; of all where ``most`` is 0 or not fewer."""
    if not most or most >= total:
        return np.arange(total, dtype=np.int64)
    return np.sort(np.random.RandomState(seed).permutation(total)[:most]).astype(np.int64)


def _words(per_class: int) -> str:
    if per_class == ALL:
        return "all labels"
    return f"{per_class} {'label' if per_class == 1 else 'labels'} a class"
