"""Methods of projection: PCA, t-SNE and UMAP of features, with reports of their progress.

Shapes: N images, F features, D components. Nothing here imports torch, and the libraries are imported when they are
used: UMAP compiles itself, which takes seconds.

Sources: L. van der Maaten and G. Hinton, Visualizing Data using t-SNE, JMLR 9, 2008; P. Poličar, M. Stražar and B.
Zupan, openTSNE, JSS 109, 2024; D. Kobak and P. Berens, The art of using t-SNE for single-cell transcriptomics, 2019
(initialization by PCA, learning rate N/12); L. McInnes, J. Healy and J. Melville, UMAP, 2018, 1802.03426.
"""

import contextlib
import importlib
import io
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.features_projection import ProjectionSettings

Rows = NDArray[np.float32]
Report = Callable[[str, float, Rows | None], None]
"""Takes a stage, the share that is done (negative: unknown) and the points so far (None: none are known)."""

MAX_COMPONENTS = 16
"""Principal components that are kept of a projection by PCA."""
REDUCED_DIMS = 50
"""Principal components to which t-SNE and UMAP reduce features of more dimensions, as in van der Maaten and Hinton."""
EXAGGERATED_STEPS, FINAL_STEPS = 250, 500
EXAGGERATION = 12.0
REPORT_STEPS = 5
SEARCHED_ROWS = 2048
"""Images whose neighbours are searched at a time."""
REPORT_S = 0.25
"""Time between two reports of points."""
NEIGHBOURS_SHARE = 0.15
"""Share of the progress of t-SNE and UMAP that the search for neighbours counts for."""


class Projected(NamedTuple):
    """Projection: (N, D) ``places`` and the share of the variance that each principal component explains."""

    places: Rows
    explained: tuple[float, ...] = ()


def principal_components(rows: Rows, count: int) -> Projected:
    """Project to the first principal components.

    The sign of a component is such that its largest weight is positive, so that it repeats.

    Args:
        rows: (N, F).
        count: number of components; fewer where N − 1 or F are fewer.
    """
    mean = rows.mean(0, dtype=np.float64)
    centred = rows - mean.astype(np.float32)
    variance, axes = np.linalg.eigh(_covariance(centred))
    variance, axes = np.clip(variance[::-1], 0.0, None), axes[:, ::-1]
    count = max(1, min(count, rows.shape[1], len(rows) - 1))
    axes = axes[:, :count]
    largest = np.abs(axes).argmax(0)
    axes = axes * np.where(axes[largest, np.arange(count)] < 0, -1.0, 1.0)
    total = float(variance.sum())
    explained = tuple((variance[:count] / total).tolist()) if total > 0 else (0.0,) * count
    return Projected(np.ascontiguousarray(centred @ axes.astype(np.float32), dtype=np.float32), explained)


def _covariance(centred: Rows) -> NDArray[np.float64]:
    """(F, F) covariance of centred rows, summed in slices with 64 bits."""
    total = np.zeros((centred.shape[1],) * 2)
    for start in range(0, len(centred), 4096):
        part = centred[start : start + 4096]
        total += part.T @ part
    return total / max(1, len(centred) - 1)


def project_pca(rows: Rows, _settings: ProjectionSettings, _threads: int, report: Report) -> Projected:
    """Return the first ``MAX_COMPONENTS`` principal components."""
    report("Computing principal components", -1.0, None)
    return principal_components(rows, MAX_COMPONENTS)


def project_tsne(rows: Rows, settings: ProjectionSettings, threads: int, report: Report) -> Projected:
    """Return the points of t-SNE, begun at the first two principal components."""
    report("Preparing t-SNE", -1.0, None)
    tsne: Any = importlib.import_module("openTSNE")
    rows = reduced(rows)
    indices, distances = nearest_neighbours(rows, min(len(rows) - 1, int(3 * settings.perplexity)), report)
    report("Computing similarities", NEIGHBOURS_SHARE, None)
    neighbours = tsne.nearest_neighbors.PrecomputedNeighbors(indices, distances)
    affinities = tsne.affinity.PerplexityBasedNN(
        knn_index=neighbours, perplexity=settings.perplexity, n_jobs=threads, random_state=settings.seed
    )
    start = tsne.initialization.pca(rows, random_state=settings.seed)
    reporter = _TsneReports(report)
    embedding = tsne.TSNEEmbedding(
        start,
        affinities,
        n_jobs=threads,
        random_state=settings.seed,
        callbacks=reporter,
        callbacks_every_iters=REPORT_STEPS,
        negative_gradient_method="fft" if len(rows) > 10_000 else "bh",
    )
    reporter.begin("Early exaggeration", NEIGHBOURS_SHARE, EXAGGERATED_STEPS)
    embedding = embedding.optimize(EXAGGERATED_STEPS, exaggeration=EXAGGERATION, momentum=0.5)
    reporter.begin("Optimizing", reporter.reached, FINAL_STEPS)
    embedding = embedding.optimize(FINAL_STEPS, exaggeration=1.0, momentum=0.8)
    return Projected(np.ascontiguousarray(embedding, dtype=np.float32))


class _TsneReports:
    """Callback of openTSNE, which reports steps and points at most every ``REPORT_S`` seconds."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._stage, self._from, self._steps = "", 0.0, 1
        self._last = 0.0
        self.reached = NEIGHBOURS_SHARE

    def begin(self, stage: str, share: float, steps: int) -> None:
        """Begin a stage of ``steps`` steps at a share of the progress."""
        self._stage, self._from, self._steps = stage, share, steps
        self.reached = share + (1 - NEIGHBOURS_SHARE) * steps / (EXAGGERATED_STEPS + FINAL_STEPS)

    def __call__(self, step: int, _divergence: float, embedding: NDArray[np.float64]) -> bool:
        """Report; False: the optimization goes on."""
        now = time.monotonic()
        if now - self._last >= REPORT_S:
            self._last = now
            share = self._from + (self.reached - self._from) * step / self._steps
            self._report(f"{self._stage}, step {step} of {self._steps}", share, np.asarray(embedding, np.float32))
        return False


def project_umap(rows: Rows, settings: ProjectionSettings, _threads: int, report: Report) -> Projected:
    """Return the points of UMAP; a seed repeats, for which its authors use one thread."""
    report("Preparing UMAP, which takes some seconds", -1.0, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on parts of UMAP that need other packages
        umap: Any = importlib.import_module("umap")
    rows = reduced(rows)
    indices, distances = nearest_neighbours(rows, settings.neighbours - 1, report)
    own = np.arange(len(rows))[:, None]  # UMAP counts an image among its neighbours
    known = (np.hstack([own, indices]), np.hstack([0.0 * own, distances]).astype(np.float32))
    report("Computing similarities, which is compiled at its first use", NEIGHBOURS_SHARE, None)
    model = umap.UMAP(
        n_components=2,
        n_neighbors=settings.neighbours,
        min_dist=settings.min_dist,
        init="spectral" if len(rows) > settings.neighbours + 1 else "random",
        random_state=settings.seed,
        n_jobs=1,
        precomputed_knn=known,
        verbose=True,
        tqdm_kwds={"file": _EpochCounter(report), "bar_format": "{n_fmt}/{total_fmt} ", "mininterval": REPORT_S},
    )
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on what its authors recommend, and on neighbours found for it
        places = model.fit_transform(rows)  # verbose is for the counter; what it prints besides is dropped
    return Projected(np.ascontiguousarray(places, dtype=np.float32))


class _EpochCounter(io.TextIOBase):
    """File to which UMAP's progress bar writes ``12/200``; reports it."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    def write(self, text: str) -> int:
        """Report an epoch; anything else is dropped."""
        done, _, total = text.strip().partition("/")
        if done.isdigit() and total.isdigit() and int(total) > 0:
            share = NEIGHBOURS_SHARE + (1 - NEIGHBOURS_SHARE) * int(done) / int(total)
            self._report(f"Optimizing, epoch {done} of {total}", share, None)
        return len(text)

    def flush(self) -> None:
        """Nothing is buffered."""


def nearest_neighbours(rows: Rows, count: int, report: Report) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the nearest neighbours of each image, exactly.

    Args:
        rows: (N, F).
        count: number of neighbours, less than N.
        report: takes the progress.

    Returns:
        (N, count) numbers of the neighbours, the nearest first and without the image itself; their Euclidean distances.
    """
    search: Any = importlib.import_module("sklearn.neighbors").NearestNeighbors(algorithm="brute").fit(rows)
    indices = np.empty((len(rows), count), np.int64)
    distances = np.empty((len(rows), count), np.float64)
    for start in range(0, len(rows), SEARCHED_ROWS):
        part = slice(start, min(start + SEARCHED_ROWS, len(rows)))
        share = NEIGHBOURS_SHARE * start / len(rows)
        report(f"Finding nearest neighbours, {start:,} of {len(rows):,} images", share, None)
        far, found = search.kneighbors(rows[part], count + 1)
        own = found == np.arange(part.start, part.stop)[:, None]
        own[~own.any(1), -1] = True  # among equal images the own one may be missing: the farthest gives way
        indices[part] = found[~own].reshape(-1, count)
        distances[part] = far[~own].reshape(-1, count)
    return indices, distances


def reduced(rows: Rows) -> Rows:
    """Return at most ``REDUCED_DIMS`` principal components of the rows; the rows where they have no more features."""
    return rows if rows.shape[1] <= REDUCED_DIMS else principal_components(rows, REDUCED_DIMS).places


Method = Callable[[Rows, ProjectionSettings, int, Report], Projected]
METHODS: dict[str, Method] = {"pca": project_pca, "tsne": project_tsne, "umap": project_umap}
