"""Scores of disentanglement: how far each dimension of a code stands for one known factor of the data, and conversely.

Shapes: N images, D dimensions of the code, K factors.

Sources: R. T. Q. Chen, X. Li, R. Grosse and D. Duvenaud, Isolating Sources of Disentanglement in VAEs, 2018,
arXiv:1802.04942, section 4.1 (MIG); C. Eastwood and C. K. I. Williams, A Framework for the Quantitative Evaluation of
Disentangled Representations, ICLR 2018, section 2 (DCI, with lasso or random forests: here random forests); A. Kumar,
P. Sattigeri and A. Balakrishnan, Variational Inference of Disentangled Latent Concepts from Unlabeled Observations,
2018, arXiv:1711.00848, section 3 (SAP); F. Locatello et al., Challenging Common Assumptions in the Unsupervised
Learning of Disentangled Representations, 2019, arXiv:1811.12359, appendix C (20 bins of equal width, factors as
classes).
"""

import importlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUM_BINS = 20
"""Bins of equal width of a dimension, for its mutual information with a factor."""
NUM_TREES = 50
LEAST_LEAF = 5
"""Images in a leaf of a tree at least: smaller leaves would give importance to what happens to differ."""

Floats = NDArray[np.float64]
Codes = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dci:
    """Scores of a matrix of importances.

    Args:
        disentanglement: mean of ``by_dim``, weighted by ``weights``.
        by_dim: (D,) 1 − entropy of the dimension's importance over the factors, in units of log K.
        weights: (D,) share of each dimension in all importance.
        completeness: mean of ``by_factor``.
        by_factor: (K,) 1 − entropy of the factor's importance over the dimensions, in units of log D.
    """

    disentanglement: float
    by_dim: Floats
    weights: Floats
    completeness: float
    by_factor: Floats


def numbered(values: NDArray[np.floating]) -> Ints:
    """Number the values of factors, (N, K), from 0 in each column, in their order."""
    columns = [np.unique(column, return_inverse=True)[1] for column in values.T]
    return np.stack(columns, axis=1).astype(np.int64)


def is_ordered(values: NDArray[np.floating]) -> bool:
    """Return whether the values of a factor, (N,), have an order: kinds without one are numbered from 0."""
    unique = np.unique(values)
    return not (np.array_equal(unique, np.round(unique)) and unique.min() >= 0 and np.all(np.diff(unique) == 1))


def discretize(codes: Codes, num_bins: int = NUM_BINS) -> Ints:
    """Number the bins of equal width, from the least to the largest value, in which the entries of each column lie.

    Args:
        codes: (N, D), finite.
        num_bins: of each dimension.

    Returns:
        (N, D), 0 … ``num_bins`` − 1; 0 for a dimension of one value.
    """
    low, high = codes.min(axis=0).astype(np.float64), codes.max(axis=0).astype(np.float64)
    width = np.where(high > low, high - low, 1.0)
    bins = np.floor((codes - low) / width * num_bins).astype(np.int64)
    return np.asarray(bins.clip(0, num_bins - 1), dtype=np.int64)


def entropy(classes: Ints) -> float:
    """Entropy of the empirical distribution of classes, (N,), in nats."""
    shares = np.bincount(classes) / len(classes)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())


def mutual_information(first: Ints, second: Ints) -> float:
    """Mutual information of two numberings, (N,) each, from their joint histogram, in nats.

    I = Σ p(a, b) log(p(a, b) / (p(a) p(b))).
    """
    wide = int(second.max()) + 1
    joint = np.bincount(first * wide + second, minlength=(int(first.max()) + 1) * wide).reshape(-1, wide) / len(first)
    outer = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    there = joint > 0
    return max(float((joint[there] * np.log(joint[there] / outer[there])).sum()), 0.0)


def information_matrix(codes: Codes, factors: Ints, num_bins: int = NUM_BINS) -> Floats:
    """Mutual information of each dimension with each factor, as a share of the factor's entropy.

    Args:
        codes: (N, D).
        factors: (N, K) numbered, each with two values at least.
        num_bins: of each dimension.

    Returns:
        (D, K), 0 … 1: I(z_j; v_k) / H(v_k).
    """
    bins = discretize(codes, num_bins)
    entropies = [entropy(factor) for factor in factors.T]
    rows = [
        [mutual_information(column, factor) / whole for factor, whole in zip(factors.T, entropies, strict=True)]
        for column in bins.T
    ]
    return np.array(rows, dtype=np.float64).reshape(codes.shape[1], factors.shape[1])


def gaps(matrix: Floats) -> Floats:
    """Difference of the largest and the second largest value of each column, (K,); the second of one row is 0.

    Of ``information_matrix`` its mean is the MIG, of ``prediction_column`` the SAP.
    """
    ranked = np.sort(np.concatenate([matrix, np.zeros((1, matrix.shape[1]))]), axis=0)
    return np.asarray(ranked[-1] - ranked[-2], dtype=np.float64)


def association_matrix(codes: Codes, values: NDArray[np.floating], ordered: tuple[bool, ...]) -> Floats:
    """Correlation of each dimension with each factor, by ranks.

    Of an ordered factor it is Spearman's ρ, −1 … 1. Values without an order have no sign of a correlation: there it is
    the correlation ratio η, 0 … 1, the square root of the share of the variance of the ranks that is between the kinds.

    Args:
        codes: (N, D).
        values: (N, K).
        ordered: of each factor.

    Returns:
        (D, K); NaN for a dimension of one value.
    """
    rank = importlib.import_module("scipy.stats").rankdata
    ranks = np.asarray(rank(codes, axis=0), dtype=np.float64)
    ranks -= ranks.mean(axis=0)
    variance = np.square(ranks).mean(axis=0)
    columns = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for factor, in_order in zip(values.T, ordered, strict=True):
            if in_order:
                other = np.asarray(rank(factor), dtype=np.float64)
                other -= other.mean()
                columns.append((ranks * other[:, None]).mean(axis=0) / np.sqrt(variance * np.square(other).mean()))
            else:
                kinds = np.unique(factor)
                between = sum(np.mean(factor == kind) * np.square(ranks[factor == kind].mean(axis=0)) for kind in kinds)
                columns.append(np.sqrt(between / variance))
    return np.stack(columns, axis=1).clip(-1.0, 1.0)


def prediction_column(
    codes: Codes, values: NDArray[np.floating], held_codes: Codes, held_values: NDArray[np.floating], *, ordered: bool
) -> Floats:
    """How well each dimension alone predicts a factor, for the SAP score.

    Of an ordered factor: the squared correlation of a line fitted to it, R². Of another one: the balanced accuracy,
    on held-out images, of as many thresholds on the dimension as separate its kinds.

    Args:
        codes: (N, D).
        values: (N,) of the factor.
        held_codes: (M, D).
        held_values: (M,).
        ordered: of the factor.

    Returns:
        (D,), 0 … 1.
    """
    if ordered:
        centred = codes.astype(np.float64) - codes.mean(axis=0, dtype=np.float64)
        target = values - values.mean(dtype=np.float64)
        spread = np.square(centred).mean(axis=0) * np.square(target).mean()
        covariance = (centred * target[:, None]).mean(axis=0)
        squared: Floats = np.divide(np.square(covariance), spread, out=np.zeros(codes.shape[1]), where=spread > 0)
        return squared
    tree = importlib.import_module("sklearn.tree").DecisionTreeClassifier
    kinds = np.unique(values)
    found = []
    for column, held in zip(codes.T, held_codes.T, strict=True):
        thresholds = tree(max_leaf_nodes=max(len(kinds), 2), class_weight="balanced", random_state=0)
        right = thresholds.fit(column[:, None], values).predict(held[:, None]) == held_values
        found.append(np.mean([right[held_values == kind].mean() for kind in kinds if np.any(held_values == kind)]))
    return np.array(found, dtype=np.float64)


def importance_column(
    codes: Codes,
    values: NDArray[np.floating],
    held_codes: Codes,
    held_values: NDArray[np.floating],
    seed: int,
    *,
    ordered: bool,
    num_trees: int = NUM_TREES,
) -> tuple[Floats, float]:
    """Importance of each dimension for the prediction of a factor by a random forest, for DCI.

    The forest is one of regression for an ordered factor, as in the paper, and of classification for kinds.

    Args:
        codes: (N, D).
        values: (N,) of the factor.
        held_codes: (M, D).
        held_values: (M,).
        seed: of the forest.
        ordered: of the factor.
        num_trees: of the forest.

    Returns:
        (D,) importances that sum to one (mean decrease in impurity), or zeros where nothing was learned; and the
        factor's informativeness on the held-out images: R², 0 where it is negative, or accuracy.
    """
    library = importlib.import_module("sklearn.ensemble")
    kind = library.RandomForestRegressor if ordered else library.RandomForestClassifier
    forest = kind(num_trees, min_samples_leaf=LEAST_LEAF, max_features=None, random_state=seed, n_jobs=1)
    forest.fit(codes, values)
    importance = np.asarray(forest.feature_importances_, dtype=np.float64)
    return importance, max(float(forest.score(held_codes, held_values)), 0.0)


def dci(importance: Floats) -> Dci:
    """Disentanglement and completeness of a matrix of importances.

    D_i = 1 − H_K(P_i), P_ij = R_ij / Σ_k R_ik, and D = Σ_i ρ_i D_i with ρ_i = Σ_j R_ij / Σ_ij R_ij; C_j = 1 − H_D(P̃_j),
    P̃_ij = R_ij / Σ_d R_dj. H_n is an entropy with logarithms of base n.

    Args:
        importance: R, (D, K), not negative.
    """
    total = importance.sum()
    weights = importance.sum(axis=1) / (total or 1.0)
    by_dim = 1.0 - _relative_entropy(importance, axis=1)
    by_factor = 1.0 - _relative_entropy(importance, axis=0)
    return Dci(float(weights @ by_dim), by_dim, weights, float(by_factor.mean()), by_factor)


def _relative_entropy(matrix: Floats, axis: int) -> Floats:
    """Entropies of the normalized rows (axis 1) or columns (axis 0), as shares of the largest; 1 where all are zero."""
    count = matrix.shape[axis]
    total = matrix.sum(axis=axis, keepdims=True)
    shares = np.divide(matrix, total, out=np.full(matrix.shape, 1.0 / count), where=total > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.zeros(shares.shape[1 - axis]) if count == 1 else -(shares * logs).sum(axis=axis) / np.log(count)
