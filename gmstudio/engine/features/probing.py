r"""Classifiers on features, trained with few labels: a linear probe, and k-nearest neighbours beside it.

The linear probe is a multinomial logistic regression on standardized features,

    \min_{W, b}\; \tfrac{1}{2} \|W\|^2 + C \sum_i -\log p(y_i | W z_i + b),

whose C is chosen by stratified cross-validation on the labelled images alone: mean and deviation of the features and C
depend on nothing else. Which images are labelled depends on the labels of the data and the seed, not on the features,
and with more labels a class those with fewer are among them.

Sources: Alain & Bengio, Understanding intermediate layers using linear classifier probes, 2016, arXiv:1610.01644;
Kingma, Mohamed, Rezende & Welling, Semi-supervised Learning with Deep Generative Models, NeurIPS 2014,
arXiv:1406.5298, section 4.1 (a classifier on the codes of few labelled digits); scikit-learn, Pedregosa et al.,
JMLR 12, 2011.

Shapes: N training images, M test images, n labelled images, F features.
"""

import importlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.nn.matrix_threads import one_matrix_thread

REGULARIZATIONS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Values of C that cross-validation compares."""
FIXED_REGULARIZATION = 1.0
"""C with one label a class, which leaves nothing to validate with."""
MAX_FOLDS = 5
MAX_VALIDATED = 1000
"""Labelled images that C is chosen with, at most; the probe is fitted on all."""
MAX_ITERATIONS = 1000
MAX_LABELLED = 20_000
"""Labelled images that classifiers are trained on, at most."""
ALL = 0

Labels = NDArray[np.int64]
Features = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class LabelledSet:
    """Images that have a label for a classifier.

    Args:
        indices: (n,) int64 numbers of the training images, rising.
        warnings: sentences on classes with fewer images than were asked for.
    """

    indices: Labels
    warnings: tuple[str, ...] = ()


def choose_labelled(labels: Labels, per_class: int, seed: int, names: Sequence[str] = ()) -> LabelledSet:
    """Choose the images whose labels a classifier gets.

    Args:
        labels: (N,) of all training images.
        per_class: images a class; ``ALL``: every image, or ``MAX_LABELLED`` of them where there are more.
        seed: of the choice.
        names: label → name, for the sentences.

    Raises:
        ValueError: for a negative number.
    """
    if per_class < 0:
        raise ValueError(f"{per_class} labels a class; choose 1 or more, or 0 for all.")
    order = np.random.RandomState(seed).permutation(len(labels)).astype(np.int64)
    if per_class == ALL:
        if len(labels) <= MAX_LABELLED:
            return LabelledSet(np.arange(len(labels), dtype=np.int64))
        text = (
            f"All labels: {MAX_LABELLED:,} of the {len(labels):,} training images are used, which bounds the time of "
            "the fits."
        )
        return LabelledSet(np.sort(order[:MAX_LABELLED]), (text,))
    chosen, short = [], []
    for label in np.unique(labels):
        own = order[labels[order] == label][:per_class]
        chosen.append(own)
        if len(own) < per_class:
            name = names[label] if label < len(names) else str(label)
            short.append(f"{name} has {len(own):,}")
    text = f"{per_class} labels a class: {', '.join(short)}; classes with fewer are used with all that they have."
    return LabelledSet(np.sort(np.concatenate(chosen)), (text,) if short else ())


def check_labels(labels: Labels | None, what: str) -> Labels:
    """Check that images can train a classifier.

    Raises:
        ValueError: when they have no labels, there are none, or one class only.
    """
    if labels is None:
        raise ValueError(
            f"{what} have no labels, which a classifier needs; choose a run whose data have labels, for example MNIST."
        )
    if not len(labels):
        raise ValueError(f"There are no images: {what} are none; choose other data or include more classes.")
    found = np.unique(labels)
    if len(found) < 2:
        raise ValueError(
            f"{what} all have the label {int(found[0])}; a classifier needs two classes or more. Include more classes."
        )
    return labels


def num_folds(labels: Labels) -> int:
    """Return the folds of cross-validation that the labelled images allow; 0: none, as a class has one image only."""
    fewest = int(np.unique(labels, return_counts=True)[1].min())
    return 0 if fewest < 2 else min(MAX_FOLDS, fewest)


def validated_subset(labels: Labels, seed: int) -> Labels:
    """Return the numbers of at most ``MAX_VALIDATED`` labelled images, each class in its proportion but 2 at least."""
    if len(labels) <= MAX_VALIDATED:
        return np.arange(len(labels), dtype=np.int64)
    order = np.random.RandomState(seed).permutation(len(labels)).astype(np.int64)
    share, chosen = MAX_VALIDATED / len(labels), []
    for label in np.unique(labels):
        own = order[labels[order] == label]
        chosen.append(own[: max(2, round(share * len(own)))])
    return np.sort(np.concatenate(chosen))


@dataclass(frozen=True, eq=False)
class Fold:
    """One fit of cross-validation.

    Args:
        fitted: numbers of the images that are fitted.
        validated: of those that are classified.
    """

    fitted: Labels
    validated: Labels


def folds_of(labels: Labels, seed: int) -> list[Fold]:
    """Return the folds in which C is chosen: stratified, shuffled with the seed; none where a class has one image."""
    subset = validated_subset(labels, seed)
    count = num_folds(labels[subset])
    if not count:
        return []
    selection = importlib.import_module("sklearn.model_selection")
    splits = selection.StratifiedKFold(count, shuffle=True, random_state=seed).split(subset, labels[subset])
    return [Fold(subset[fitted], subset[validated]) for fitted, validated in splits]


@dataclass(frozen=True, eq=False)
class Fitted:
    """Fitted linear probe.

    Args:
        pipeline: standardization and classifier of scikit-learn.
        converged: the optimizer ended before ``MAX_ITERATIONS``.
    """

    pipeline: Any
    converged: bool

    def predict(self, features: Features) -> Labels:
        """Labels of images: (M, F) → (M,)."""
        return np.asarray(self.pipeline.predict(_wide(features)), dtype=np.int64)

    def accuracy(self, features: Features, labels: Labels) -> float:
        """Share of images whose label is predicted."""
        return float(np.mean(self.predict(features) == labels))


def fit_linear(features: Features, labels: Labels, regularization: float) -> Fitted:
    """Fit the linear probe.

    Args:
        features: (n, F) of the labelled images.
        labels: (n,) with two classes or more.
        regularization: C.
    """
    linear, preprocessing = (importlib.import_module(f"sklearn.{name}") for name in ("linear_model", "preprocessing"))
    errors = importlib.import_module("sklearn.exceptions")
    warnings.filterwarnings("ignore", category=errors.ConvergenceWarning)  # noticed below, and told to the user
    classifier = linear.LogisticRegression(C=regularization, max_iter=MAX_ITERATIONS)
    pipeline = importlib.import_module("sklearn.pipeline").make_pipeline(preprocessing.StandardScaler(), classifier)
    with one_matrix_thread():
        pipeline.fit(_wide(features), labels)
    return Fitted(pipeline, int(classifier.n_iter_.max()) < MAX_ITERATIONS)


def best_regularization(accuracies: NDArray[np.float64]) -> float:
    """Return the C of the largest mean accuracy, (folds, len(REGULARIZATIONS)); the smallest of equal ones."""
    return REGULARIZATIONS[int(accuracies.mean(axis=0).argmax())]


def neighbour_accuracy(
    train: Features, train_labels: Labels, test: Features, test_labels: Labels, neighbours: int
) -> float:
    """Share of test images whose label is that of most of their k nearest labelled images.

    Distances are Euclidean, of the features as they are.

    Args:
        train: (n, F).
        train_labels: (n,).
        test: (M, F).
        test_labels: (M,).
        neighbours: k; at most as many as the smallest class has labelled images.
    """
    library = importlib.import_module("sklearn.neighbors")
    count = min(neighbours, int(np.unique(train_labels, return_counts=True)[1].min()))
    classifier = library.KNeighborsClassifier(count, algorithm="brute").fit(train, train_labels)
    with one_matrix_thread():
        return float(np.mean(classifier.predict(test) == test_labels))


def _wide(features: Features) -> NDArray[np.float64]:
    return np.asarray(features, dtype=np.float64)
