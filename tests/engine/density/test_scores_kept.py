"""Scores are kept with their run, found again, and computed anew for other weights, images, settings and seeds."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from autoregressive_cases import make
from numpy.typing import NDArray
from scoring_subjects import BINARY, all_of, opened_of, scored, subject_of_model

from gmstudio.engine.density.chunk_scorer import CHUNK, chunk_digest, noise_of
from gmstudio.engine.density.scoring import Scores, score_images, sorted_rows
from gmstudio.engine.density.statistics.log_prob import LogProb
from gmstudio.engine.density.statistics.statistic import Scored
from gmstudio.protocol.density import StatisticSettings
from gmstudio.protocol.images import ImageSpec
from gmstudio.runs.scores import SCORES_NAME, ScoreStore

IMAGES = all_of()
"""512 images, 8 chunks."""


class Counting(LogProb):
    """Log p that counts the images it computes."""

    counted = 0

    def score(
        self, images: NDArray[np.uint8], generator: torch.Generator, labels: NDArray[np.int64] | None = None
    ) -> Scored:
        self.counted += len(images)
        return super().score(images, generator, labels)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ScoreStore]:
    with ScoreStore(tmp_path) as found:
        yield found


def statistic(seed: int = 0, family: str = "made", **settings: object) -> Counting:
    return Counting(subject_of_model(make(family, {}, BINARY, seed)), StatisticSettings(**settings), 0)  # type: ignore[arg-type]


def test_nothing_is_computed_twice(store: ScoreStore, tmp_path: Path) -> None:
    first, second = statistic(), statistic()
    computed = scored(first, IMAGES, store=store)
    assert (computed.kept, computed.done, first.counted) == (0, 512, 512)
    with ScoreStore(tmp_path) as again:  # as another process would
        kept = scored(second, IMAGES, store=again)
    assert (kept.kept, second.counted) == (512, 0)
    assert np.array_equal(kept.values, computed.values) and kept.errors is None
    assert kept.kind_text == computed.kind_text and kept.warnings == ()


def test_new_weights_are_scored_anew(store: ScoreStore) -> None:
    old = scored(statistic(), IMAGES, store=store)
    subject = statistic().subject
    with torch.no_grad():
        next(subject.model.parameters()).flatten()[0] += 0.5
    changed = Counting(subject_of_model(subject.model), StatisticSettings(), 0)
    assert changed.subject.weights != subject.weights
    new = scored(changed, IMAGES, store=store)
    assert (new.kept, changed.counted) == (0, 512)
    assert not np.allclose(new.values, old.values)
    np.testing.assert_allclose(new.values, scored(changed, IMAGES).values, rtol=1e-6)
    back = statistic()
    assert scored(back, IMAGES, store=store).kept == 512 and back.counted == 0, (
        "the old weights' scores are still there"
    )


def test_a_larger_set_uses_the_scores_of_a_smaller_one(store: ScoreStore) -> None:
    scored(statistic(), IMAGES[:200], store=store)
    larger = statistic()
    found = scored(larger, IMAGES, store=store)
    assert found.kept == 3 * CHUNK and larger.counted == 512 - 3 * CHUNK
    np.testing.assert_allclose(found.values, scored(statistic(), IMAGES).values, rtol=1e-5)


def test_cancelling_keeps_what_was_computed(store: ScoreStore) -> None:
    pieces = score_images(statistic(), opened_of(IMAGES, BINARY), 0, store)
    for scores in pieces:
        if scores.done >= 3 * CHUNK:
            break
    pieces.close()  # type: ignore[attr-defined]
    later = statistic()
    found = scored(later, IMAGES, store=store)
    assert found.kept >= 3 * CHUNK and later.counted == 512 - found.kept


def test_noise_comes_from_the_seed_and_the_images(store: ScoreStore) -> None:
    settings = {"num_samples": 5}
    whole = scored(statistic(family="vae", **settings), IMAGES, store=store)
    turned = np.concatenate((IMAGES[2 * CHUNK :], IMAGES[: 2 * CHUNK]))
    anew = scored(statistic(family="vae", **settings), turned)
    assert np.array_equal(np.roll(anew.values, 2 * CHUNK), whole.values)
    other_seed = statistic(family="vae", **settings)
    found = scored(other_seed, IMAGES, store=store, seed=1)
    assert found.kept == 0 and not np.array_equal(found.values, whole.values)
    other_samples = statistic(family="vae", num_samples=6)
    assert scored(other_samples, IMAGES, store=store).kept == 0
    same = scored(statistic(family="vae", **settings), IMAGES, store=store)
    assert same.kept == 512 and same.errors is not None and whole.errors is not None
    assert np.array_equal(same.errors, whole.errors)
    cpu = torch.device("cpu")
    digests = [chunk_digest(IMAGES[:3], None), chunk_digest(IMAGES[:3], np.arange(3)), chunk_digest(IMAGES[1:4], None)]
    assert len(set(digests)) == 3
    sources = [noise_of(seed, digest, weights, cpu) for seed in (0, 1) for digest in digests for weights in "ab"]
    assert len({source.initial_seed() for source in sources}) == 12


class _Undefined(Counting):
    """Scores that are not finite for some images."""

    def score(
        self, images: NDArray[np.uint8], generator: torch.Generator, labels: NDArray[np.int64] | None = None
    ) -> Scored:
        values = super().score(images, generator, labels).values.copy()
        values[images.sum((1, 2, 3)) == 9] = np.nan
        values[images.sum((1, 2, 3)) == 0] = -np.inf
        return Scored(values)


def test_scores_that_are_not_finite_are_said_and_sorted_last(store: ScoreStore) -> None:
    found = scored(_Undefined(statistic().subject, StatisticSettings(), 0), IMAGES, store=store)
    (warning,) = found.warnings
    assert warning.startswith("The scores of 2 of 512 images are not finite") and "choose an earlier" in warning
    order = sorted_rows(found.values, descending=True)
    assert order[-2:].tolist() == [0, 511] and found.values[order[0]] == np.nanmax(found.values)
    assert sorted_rows(found.values, descending=False)[-2:].tolist() == [0, 511]
    assert np.diff(found.values[order[:-2]]).max() <= 0
    kept = scored(_Undefined(statistic().subject, StatisticSettings(), 0), IMAGES, store=store)
    assert kept.kept == 512 and kept.warnings == found.warnings and np.isnan(kept.values[511])


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\0" + bytes(4000)])
def test_a_damaged_file_costs_no_scores(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SCORES_NAME).write_bytes(content)
    with ScoreStore(tmp_path) as store:
        found = scored(statistic(), IMAGES, store=store)
    assert found.done == 512 and np.isfinite(found.values).all()
    (warning,) = found.warnings
    assert warning.startswith("The scores are not kept. ") and "damaged" in warning and "Move it away" in warning
    assert (tmp_path / SCORES_NAME).read_bytes() == content, "nobody's file is overwritten"


def test_a_damaged_row_is_computed_anew(tmp_path: Path) -> None:
    with ScoreStore(tmp_path) as store:
        scored(statistic(), IMAGES[:CHUNK], store=store)
    with sqlite3.connect(tmp_path / SCORES_NAME) as db:
        db.execute("UPDATE chunks SET scores = ?", (bytes(16),))
    db.close()
    again = statistic()
    with ScoreStore(tmp_path) as store:
        found = scored(again, IMAGES[:CHUNK], store=store)
    assert again.counted == CHUNK and np.isfinite(found.values).all()
    with ScoreStore(tmp_path) as store:
        assert scored(statistic(), IMAGES[:CHUNK], store=store).kept == CHUNK


def test_images_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="There are no images to score; choose"):
        scored(statistic(), IMAGES[:0])
    other = opened_of(np.zeros((2, 1, 4, 4), np.uint8), ImageSpec(1, 4, 4, 2))
    with pytest.raises(ValueError, match="convert them"):
        next(score_images(statistic(), other, 0, None))


def test_progress_counts_images_and_never_goes_back() -> None:
    seen: list[tuple[int, int]] = []
    last: Scores | None = None
    for last in score_images(statistic(), opened_of(IMAGES, BINARY), 0, None):
        progress = last.progress
        seen.append((progress.done, int(last.known.sum())))
        assert progress.total == 512 and np.isnan(last.values[~last.known]).all()
    assert last is not None and last.over and last.progress.stage == "scoring"
    assert all(done == known for done, known in seen) and seen == sorted(seen) and len(seen) > 4
