"""Scoring of images in chunks: kept scores are read, the others computed in small pieces and kept.

The images are scored in chunks of ``CHUNK``, in their order; see ``chunk_scorer``. Cancelling keeps the chunks that
are done, and a larger set uses those of a smaller one.
"""

from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.progress import Progress
from gmstudio.engine.density.chunk_scorer import CHUNK, ChunkScorer
from gmstudio.engine.density.opened_images import OpenedImages
from gmstudio.engine.density.statistics.statistic import Statistic
from gmstudio.engine.runtime.meter import Meter
from gmstudio.families.base import Preparation
from gmstudio.protocol.density import ScoreProgress
from gmstudio.runs.scores import ScoreStore

DIGESTS_EACH = 16
"""Chunks whose digests are computed in one piece."""


class Scores:
    """Scores of images, as far as they are computed.

    Args:
        statistic: that is computed.
        total: number of images N.

    Attributes:
        values: (N,) float64 in the unit of the statistic, NaN where ``known`` is False.
        errors: (N,) float64 standard errors; None: the values are exact.
        known: (N,) bool, images that are scored.
        kept: images whose scores were computed before.
        stage: what is done, for example ``scoring``.
        kind_text: kind of the scores in words.
        warnings: sentences.
        over: all images are scored.
    """

    def __init__(self, statistic: Statistic, total: int) -> None:
        self.statistic = statistic
        self.total = total
        self.values: NDArray[np.float64] = np.full(total, np.nan)
        self.errors: NDArray[np.float64] | None = None
        self.known: NDArray[np.bool_] = np.zeros(total, np.bool_)
        self.kept = 0
        self.stage = "reading kept scores"
        self.kind_text = statistic.kind_text
        self.warnings: tuple[str, ...] = ()
        self.over = False
        self._computed = 0
        self._ahead = 0.0  # images whose scores the parts of unfinished ones are worth
        self._share: tuple[int, int] | None = None  # of a preparation, in thousandths
        self._meter = Meter()

    @property
    def done(self) -> int:
        """Images that are scored."""
        return self.kept + self._computed

    @property
    def progress(self) -> ScoreProgress:
        """Progress of the work; the rate is that of images that are computed."""
        if self._share is not None:
            pace = self._meter.pace(Progress("sample", *self._share))
            return self._progress(0.0, pace.seconds_left)
        pace = self._meter.pace(Progress("load", self._computed + int(self._ahead), self.total - self.kept))
        return self._progress(pace.rate, pace.seconds_left)

    def _progress(self, rate: float, seconds_left: float) -> ScoreProgress:
        return ScoreProgress(
            stage=self.stage,
            done=self.done + int(self._ahead),
            total=self.total,
            kept=self.kept,
            rate=rate,
            seconds_left=seconds_left,
        )

    def advance(self, share: float) -> None:
        """Note scores that others are made of, worth those of this number of images."""
        self.stage, self._share, self._ahead = "scoring", None, share

    def put(self, rows: slice, values: NDArray[np.float64], errors: NDArray[np.float64] | None, *, kept: bool) -> None:
        """Take the scores of some images."""
        self.values[rows] = values
        if errors is not None:
            if self.errors is None:
                self.errors = np.full(self.total, np.nan)
            self.errors[rows] = errors
        self.known[rows] = True
        if kept:
            self.kept += len(values)
        else:
            self._computed += len(values)
            self._ahead = max(0.0, self._ahead - len(values))
            self.begin()

    def prepare(self, title: str, share: float) -> None:
        """Note the progress of what all scores share."""
        self.stage, self._share = title, (round(1000 * share), 1000)

    def begin(self) -> None:
        """Note that images are scored from here on."""
        self.stage, self._share = "scoring", None


def score_images(statistic: Statistic, opened: OpenedImages, seed: int, store: ScoreStore | None) -> Iterator[Scores]:
    """Score images in pieces; yields the same object after each, and last with ``over``.

    Args:
        statistic: ready to score.
        opened: the images.
        seed: of all noise.
        store: keeps the scores; the caller closes it. None: they are not kept.

    Raises:
        ValueError: when the images are not the model's, there are none, or the statistic refuses the model.
    """
    _check(statistic, opened)
    scores = Scores(statistic, len(opened))
    chunks = [slice(start, min(start + CHUNK, len(opened))) for start in range(0, len(opened), CHUNK)]
    missing: list[tuple[slice, bytes]] = []
    with ChunkScorer(statistic, seed, store) as scorer:
        for first in range(0, len(chunks), DIGESTS_EACH):
            near = chunks[first : first + DIGESTS_EACH]
            if not scorer.needs_digest:
                missing += [(rows, b"") for rows in near]
                continue
            some = [(rows, scorer.digest(opened.images[rows], _of(opened.labels, rows))) for rows in near]
            found = scorer.read([digest for _, digest in some])
            for rows, digest in some:
                chunk = found.get(digest)
                if chunk is not None and len(chunk.values) == rows.stop - rows.start:
                    scores.put(rows, chunk.values, chunk.errors, kept=True)
                else:
                    missing.append((rows, digest))
            yield scores
        if missing:
            scores.begin()
            yield scores
        for span in _spans(missing, together=scorer.together):
            rows = slice(span[0][0].start, span[-1][0].stop)
            digests = [digest for _, digest in span]
            for step in scorer.computed(opened.images[rows], _of(opened.labels, rows), digests):
                if isinstance(step, Preparation):
                    scores.prepare(step.title, step.share)
                elif step.scored is None:
                    scores.advance(step.share)
                else:
                    part = slice(rows.start + step.rows.start, rows.start + step.rows.stop)
                    scores.put(part, step.scored.values, step.scored.errors, kept=False)
                yield scores
        text = scorer.text()
    scores.begin()
    scores.kind_text = text.kind
    scores.warnings = (*text.warnings, *_not_finite(scores.values), *scorer.problems())
    scores.over = True
    yield scores


def score_and_keep(statistic: Statistic, opened: OpenedImages, seed: int) -> Generator[Scores, None, None]:
    """Score images with scores that are kept in the run; see ``score_images``. Closing it keeps what was computed."""
    with ScoreStore(statistic.subject.run) as store:
        yield from score_images(statistic, opened, seed, store)


def _spans(missing: list[tuple[slice, bytes]], *, together: bool) -> list[list[tuple[slice, bytes]]]:
    """Chunks that are scored one by one, or together with those that follow at once."""
    spans: list[list[tuple[slice, bytes]]] = []
    for rows, digest in missing:
        if together and spans and spans[-1][-1][0].stop == rows.start:
            spans[-1].append((rows, digest))
        else:
            spans.append([(rows, digest)])
    return spans


def _check(statistic: Statistic, opened: OpenedImages) -> None:
    model = statistic.subject.model
    refusal = type(statistic).refusal(model)
    if refusal:
        raise ValueError(refusal)
    if opened.image != model.image:
        raise ValueError(f"The images are {opened.image}, the model's are {model.image}; convert them to the model's.")
    if not len(opened):
        raise ValueError("There are no images to score; choose another split or more classes.")


def _of(labels: NDArray[np.int64] | None, rows: slice) -> NDArray[np.int64] | None:
    return None if labels is None else labels[rows]


def _not_finite(values: NDArray[np.float64]) -> tuple[str, ...]:
    count = int(np.count_nonzero(~np.isfinite(values)))
    if not count:
        return ()
    what = "All scores are" if count == len(values) else f"The scores of {count:,} of {len(values):,} images are"
    return (
        f"{what} not finite (NaN or ±∞): the model gives these images no probability, or its weights have diverged. "
        "They are sorted last and count in no mean; choose an earlier checkpoint, or leave these images out.",
    )


def sorted_rows(values: NDArray[np.floating[Any]], *, descending: bool) -> NDArray[np.int64]:
    """Numbers of images sorted by score, those of scores that are not finite last, in their own order."""
    finite = np.isfinite(values)
    rows = np.flatnonzero(finite)
    keys = -values[rows] if descending else values[rows]
    return np.concatenate((rows[np.argsort(keys, kind="stable")], np.flatnonzero(~finite))).astype(np.int64)
