"""Scores of chunks of images: kept ones are read, the others computed in small pieces and kept.

A chunk is known by the SHA-256 of its images, and of their labels where the statistic uses them. Its noise comes from
that, the weights and the seed: the scores of two models have independent errors, and a score depends neither on what
was computed before nor on how many images follow.

A statistic that is made of log-likelihoods takes those of each of its models from the scores that are kept with that
model's run, and keeps there what it has to compute: log p of an image is computed once, whichever statistics use it.
"""

import hashlib
import math
import time
from collections.abc import Generator, Iterator, Sequence
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.density.statistics.likelihoods import LikelihoodStatistic
from gmstudio.engine.density.statistics.statistic import Scored, Statistic
from gmstudio.engine.evaluation.likelihood import MAX_SUBPIXELS
from gmstudio.engine.runtime.inspection import exploring
from gmstudio.families.base import Preparation
from gmstudio.runs.scores import KeptChunk, ScoreStore, SeriesKey, SeriesText

CHUNK = 64
"""Images of a chunk: as many as the largest batch, so that keeping them makes no batch smaller."""
FLUSH_S = 0.5
"""Time between two writings of what was computed."""
SHORT_S, LONGEST_S = 0.02, 0.2
"""Time of a piece, and that of one with more images, where it makes each of them cheaper by a factor of ``GAIN``."""
GAIN = 1.25
MAX_PIECE = 256
RETRY = 64
"""Pieces after which the times of other sizes are measured once more."""
VERSION = 2
"""Rises when scores are computed differently, so that those of earlier versions are not used."""


class Piece(NamedTuple):
    """Piece of the scores of a chunk that was computed.

    Args:
        rows: images of the chunk.
        scored: their scores; None: a score of which they are made.
        share: images whose scores these are worth.
    """

    rows: slice
    scored: Scored | None
    share: float


class ChunkScorer:
    """Scores of one statistic by chunks. Leaving it as a context manager keeps what was computed, after errors, too.

    Args:
        statistic: ready to score.
        seed: of all noise.
        store: keeps the scores of the statistic; the caller closes it. None: no scores are kept.
    """

    def __init__(self, statistic: Statistic, seed: int, store: ScoreStore | None) -> None:
        self._statistic, self._seed, self._store = statistic, seed, store
        self._series = series_of(statistic, seed)
        self._size = _Size(statistic)
        self._is_prepared = self._has_computed = False
        self._written = time.monotonic()
        self._parts: list[ChunkScorer] = []
        self._part_stores: list[ScoreStore] = []
        if isinstance(statistic, LikelihoodStatistic):
            for number, member in enumerate(statistic.likelihoods.members):
                place = None
                if store is not None:
                    place = store.another() if number == 0 else ScoreStore(member.subject.run)
                    self._part_stores.append(place)
                self._parts.append(ChunkScorer(member, seed, place))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush(last=True)
        for place in self._part_stores:
            place.close()

    @property
    def needs_digest(self) -> bool:
        """Whether the digests of chunks matter: for keeping the scores, or for their noise."""
        return self._store is not None or self._statistic.noisy

    def digest(self, images: NDArray[np.uint8], labels: NDArray[np.int64] | None) -> bytes:
        """Key of a chunk, whose labels count where the statistic uses them."""
        return chunk_digest(images, labels if self._statistic.uses_labels else None)

    def read(self, digests: Sequence[bytes]) -> dict[bytes, KeptChunk]:
        """Return the kept scores of some chunks."""
        return {} if self._store is None else self._store.read(self._series, digests)

    @property
    def together(self) -> bool:
        """Whether consecutive chunks are scored in batches that they share, as there is no noise."""
        return not self._statistic.noisy and not self._parts

    def computed(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64] | None, digests: Sequence[bytes]
    ) -> Iterator[Piece | Preparation]:
        """Compute the scores of consecutive chunks, of one unless ``together``, and keep them; yields after each piece.

        Args:
            images: of the chunks, which have ``CHUNK`` images each but for the last one.
            labels: of the images.
            digests: keys of the chunks.
        """
        if not self._is_prepared:
            statistic = self._statistic
            own = statistic.prepare_own() if isinstance(statistic, LikelihoodStatistic) else statistic.prepare()
            yield from own
            self._is_prepared = True
        self._has_computed = True
        assert len(digests) == 1 or self.together, "noise is that of one chunk"
        found: list[Scored] = []
        kept = 0
        for piece in self._combined(images, labels) if self._parts else self._scored(images, labels, digests[0]):
            if isinstance(piece, Piece) and piece.scored is not None:
                found.append(piece.scored)
                ended = len(digests) if piece.rows.stop == len(images) else piece.rows.stop // CHUNK
                if ended > kept:
                    values, errors = _joined(found)
                    for number in range(kept, ended):
                        rows = slice((number - kept) * CHUNK, (number - kept + 1) * CHUNK)
                        self._keep(digests[number], KeptChunk(values[rows], None if errors is None else errors[rows]))
                    rest = slice((ended - kept) * CHUNK, None)
                    found = [Scored(values[rest], None if errors is None else errors[rest])]
                    kept = ended
            yield piece

    def text(self) -> SeriesText:
        """Return what is said of the scores: as it was when they were computed, where all of them were kept."""
        kept = None if self._has_computed or self._store is None else self._store.text(self._series)
        if kept is not None:
            return kept
        parts = [text for part in self._parts for text in part.text().warnings] if self._has_computed else []
        return SeriesText(self._statistic.kind_text, tuple(dict.fromkeys([*parts, *self._statistic.warnings()])))

    def problems(self) -> tuple[str, ...]:
        """Return why scores are not kept, each reason once."""
        stores = [*([] if self._store is None else [self._store]), *self._part_stores]
        return tuple(dict.fromkeys(store.problem for store in stores if store.problem))

    def flush(self, *, last: bool = False) -> None:
        """Write what was computed."""
        for part in self._parts:
            part.flush(last=last)
        if self._store is not None and self._has_computed:
            self._store.flush(self._series, self.text(), last=last)
            self._written = time.monotonic()

    def _scored(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64] | None, digest: bytes
    ) -> Iterator[Piece | Preparation]:
        """Score images by the statistic itself, with the noise of a chunk."""
        subject, size = self._statistic.subject, self._size
        generator = noise_of(self._seed, digest, subject.weights, self._statistic.device)
        given = labels if self._statistic.uses_labels else None
        evaluates = not any(module.training for module in subject.model.modules())
        start = 0
        while start < len(images):
            rows = slice(start, min(start + size.value, len(images)))
            count = rows.stop - rows.start
            began = time.thread_time()
            with torch.inference_mode() if evaluates else exploring(subject.model):
                scored = self._statistic.score(images[rows], generator, None if given is None else given[rows])
            size.took(count, time.thread_time() - began)
            yield Piece(rows, scored, count)
            start = rows.stop

    def _combined(self, images: NDArray[np.uint8], labels: NDArray[np.int64] | None) -> Iterator[Piece | Preparation]:
        """Score a chunk by the log-likelihoods of its images, of which those that are missing are computed."""
        statistic = self._statistic
        assert isinstance(statistic, LikelihoodStatistic)
        parts: list[Scored] = []
        share = 0.0
        for part in self._parts:
            steps = part._whole(images, labels)
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    parts.append(end.value)
                    break
                if isinstance(step, Piece):
                    share += step.share / len(self._parts)
                    yield Piece(step.rows, None, share)
                else:
                    yield step
        for start in range(0, len(images), statistic.combined_size):
            rows = slice(start, min(start + statistic.combined_size, len(images)))
            some = [Scored(part.values[rows], None if part.errors is None else part.errors[rows]) for part in parts]
            yield Piece(rows, statistic.combined(images[rows], some), rows.stop - rows.start)

    def _whole(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64] | None
    ) -> Generator[Piece | Preparation, None, Scored]:
        """Return the scores of a chunk, kept or computed."""
        digest = self.digest(images, labels) if self.needs_digest else b""
        kept = self.read([digest]).get(digest)
        if kept is not None and len(kept.values) == len(images):
            return Scored(kept.values, kept.errors)
        found: list[Scored] = []
        for step in self.computed(images, labels, [digest]):
            if isinstance(step, Piece) and step.scored is not None:
                found.append(step.scored)
            yield step
        return Scored(*_joined(found))

    def _keep(self, digest: bytes, chunk: KeptChunk) -> None:
        if self._store is not None:
            self._store.add(digest, chunk)
            if time.monotonic() - self._written > FLUSH_S:
                self.flush()


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


def noise_of(seed: int, digest: bytes, weights: str, device: torch.device) -> torch.Generator:
    """Source of the noise of a chunk's scores under the model of these weights."""
    mixed = hashlib.sha256(f"{seed} {weights} ".encode() + digest).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(mixed[:8], "little") >> 1)


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
        """Choose the size of the next piece by the time that one of ``count`` images took."""
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


def _joined(parts: list[Scored]) -> KeptChunk:
    errors = [part.errors for part in parts if part.errors is not None]
    return KeptChunk(
        np.concatenate([part.values for part in parts]).astype(np.float64),
        np.concatenate(errors).astype(np.float64) if len(errors) == len(parts) else None,
    )
