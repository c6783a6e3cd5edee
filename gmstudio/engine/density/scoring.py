"""Scoring of images in chunks: kept scores are read, the others computed in small pieces and kept.

The images are scored in chunks of ``CHUNK``, in their order. A chunk is known by the SHA-256 of its images (and of
their labels, where the statistic uses them); its noise comes from that and the seed, so that a score depends neither
on what was computed before nor on how many images follow. Cancelling keeps the chunks that are done, and a larger
set uses those of a smaller one.
"""

import hashlib
import math
import time
from collections import deque
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.data.progress import Progress
from gmstudio.engine.density.opened_images import OpenedImages
from gmstudio.engine.density.statistics.statistic import Statistic
from gmstudio.engine.evaluation.likelihood import MAX_SUBPIXELS
from gmstudio.engine.runtime.inspection import exploring
from gmstudio.engine.runtime.meter import Meter
from gmstudio.protocol.density import ScoreProgress
from gmstudio.runs.scores import KeptChunk, ScoreStore, SeriesKey, SeriesText

CHUNK = 64
"""Images of a chunk: as many as the largest batch, so that keeping them makes no batch smaller."""
FLUSH_S = 0.5
"""Time between two writings of what was computed."""
DIGESTS_EACH = 16
"""Chunks whose digests are computed in one piece."""
SHORT_S, LONGEST_S = 0.02, 0.2
"""Time of a piece, and that of one with more images, where it makes each of them cheaper by a factor of ``GAIN``."""
GAIN = 1.25
MAX_PIECE = 256
RETRY = 64
"""Pieces after which the times of other sizes are measured once more."""
VERSION = 1
"""Rises when scores are computed differently, so that those of earlier versions are not used."""


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
        pace = self._meter.pace(Progress("load", self._computed, self.total - self.kept))
        return self._progress(pace.rate, pace.seconds_left)

    def _progress(self, rate: float, seconds_left: float) -> ScoreProgress:
        return ScoreProgress(
            stage=self.stage, done=self.done, total=self.total, kept=self.kept, rate=rate, seconds_left=seconds_left
        )

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

    def chunk(self, rows: slice) -> KeptChunk:
        """Return the scores of some images, to be kept."""
        return KeptChunk(self.values[rows].copy(), None if self.errors is None else self.errors[rows].copy())

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
    labels = opened.labels if statistic.uses_labels else None
    series = series_of(statistic, seed)
    chunks = [slice(start, min(start + CHUNK, len(opened))) for start in range(0, len(opened), CHUNK)]
    missing: list[tuple[slice, bytes]] = []
    for first in range(0, len(chunks), DIGESTS_EACH):
        near = chunks[first : first + DIGESTS_EACH]
        if store is None and not statistic.noisy:  # nobody needs the digests
            missing += [(rows, b"") for rows in near]
            continue
        some = [(rows, chunk_digest(opened.images[rows], _of(labels, rows))) for rows in near]
        found = {} if store is None else store.read(series, [digest for _, digest in some])
        for rows, digest in some:
            chunk = found.get(digest)
            if chunk is not None and len(chunk.values) == rows.stop - rows.start:
                scores.put(rows, chunk.values, chunk.errors, kept=True)
            else:
                missing.append((rows, digest))
        yield scores
    if missing:
        yield from _computed(scores, opened, labels, missing, seed, series, store)
    text = None if missing or store is None else store.text(series)
    scores.kind_text = text.kind if text else statistic.kind_text
    scores.warnings = (
        *(text.warnings if text else statistic.warnings()),
        *_not_finite(scores.values),
        *((store.problem,) if store is not None and store.problem else ()),
    )
    scores.over = True
    yield scores


def score_and_keep(statistic: Statistic, opened: OpenedImages, seed: int) -> Generator[Scores, None, None]:
    """Score images with scores that are kept in the run; see ``score_images``. Closing it keeps what was computed."""
    with ScoreStore(statistic.subject.run) as store:
        yield from score_images(statistic, opened, seed, store)


def series_of(statistic: Statistic, seed: int) -> SeriesKey:
    """Key under which the scores of a statistic are kept."""
    return SeriesKey(statistic.subject.weights, statistic.card.name, f"v{VERSION} {statistic.key}".strip(), seed)


def chunk_digest(images: NDArray[np.uint8], labels: NDArray[np.int64] | None) -> bytes:
    """SHA-256 of the images of a chunk, and of their labels."""
    digest = hashlib.sha256(repr(images.shape).encode())
    digest.update(np.ascontiguousarray(images).data)
    if labels is not None:
        digest.update(b"labels" + labels.astype("<i8").tobytes())
    return digest.digest()


def noise_of(seed: int, digest: bytes, device: torch.device) -> torch.Generator:
    """Source of the noise of a chunk."""
    mixed = hashlib.sha256(f"{seed} ".encode() + digest).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(mixed[:8], "little") >> 1)


def _computed(
    scores: Scores,
    opened: OpenedImages,
    labels: NDArray[np.int64] | None,
    missing: list[tuple[slice, bytes]],
    seed: int,
    series: SeriesKey,
    store: ScoreStore | None,
) -> Iterator[Scores]:
    statistic = scores.statistic
    written = time.monotonic()
    try:
        for preparation in statistic.prepare():
            scores.prepare(preparation.title, preparation.share)
            yield scores
        scores.begin()
        yield scores
        size = _Size(statistic)
        evaluates = not any(module.training for module in statistic.subject.model.modules())
        for span in _spans(missing, together=not statistic.noisy):
            generator = noise_of(seed, span[0][1], statistic.device)
            waiting = deque(span)
            start, stop = span[0][0].start, span[-1][0].stop
            while start < stop:
                part = slice(start, min(start + size.value, stop))
                began = time.thread_time()
                with torch.inference_mode() if evaluates else exploring(statistic.subject.model):
                    scored = statistic.score(opened.images[part], generator, _of(labels, part))
                size.took(part.stop - part.start, time.thread_time() - began)
                scores.put(part, scored.values, scored.errors, kept=False)
                start = part.stop
                while waiting and waiting[0][0].stop <= start:
                    rows, digest = waiting.popleft()
                    if store is not None:
                        store.add(digest, scores.chunk(rows))
                if store is not None and time.monotonic() - written > FLUSH_S:
                    store.flush(series, SeriesText(statistic.kind_text, statistic.warnings()))
                    written = time.monotonic()
                yield scores
    finally:  # cancelled, too
        if store is not None and scores.done > scores.kept:
            store.flush(series, SeriesText(statistic.kind_text, statistic.warnings()), last=True)


class _Size:
    """Number of images of a piece: fixed where there is noise, which depends on it, else by the time it takes.

    Pieces are short, so that the engine answers soon. Where many images take little longer than few, as in a network
    that runs along the pixels, they are as long as ``LONGEST_S``. Times are those of the processor: other programs that
    take it from the engine make no piece shorter.
    """

    def __init__(self, statistic: Statistic) -> None:
        self._fixed = statistic.noisy
        self._most = max(1, min(statistic.batch_size, CHUNK) if self._fixed else _largest(statistic))
        self._each_s: dict[int, float] = {}
        self._pieces = 0
        self.value = self._most if self._fixed else min(8, self._most)

    def took(self, count: int, seconds: float) -> None:
        """Choose the size of the next piece by the time that one of so many images took."""
        if self._fixed or count != self.value:
            return
        size, each_s = self.value, self._each_s
        self._pieces += 1
        if self._pieces % RETRY == 0:
            each_s.clear()
        each_s[size] = min(seconds / size, each_s.get(size, math.inf))
        half, double = size // 2, 2 * size
        if seconds > SHORT_S and half and each_s.get(half, 0.0) < GAIN * each_s[size]:
            self.value = half
        elif double <= self._most and (
            2 * seconds < SHORT_S or (2 * seconds < LONGEST_S and GAIN * each_s.get(double, 0.0) < each_s[size])
        ):
            self.value = double


def _largest(statistic: Statistic) -> int:
    """Most images of a piece without noise: small networks are slowed down by what each piece costs besides."""
    return min(4 * statistic.batch_size, MAX_PIECE, MAX_SUBPIXELS // statistic.subject.model.image.num_dims)


def _spans(missing: list[tuple[slice, bytes]], *, together: bool) -> list[list[tuple[slice, bytes]]]:
    """Chunks that are scored in batches of their own, or, without noise, together with those that follow at once."""
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
