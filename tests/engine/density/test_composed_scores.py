"""Statistics made of log-likelihoods take those that are kept with each model's run, and keep those they compute."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from density_subjects import TINY, all_images, subject_with
from scoring_subjects import opened_of, scored

from gmstudio.engine.density.scoring import score_images
from gmstudio.engine.density.statistics.complexity import Complexity
from gmstudio.engine.density.statistics.log_prob import LogProb
from gmstudio.engine.density.statistics.ratio import Ratio
from gmstudio.engine.density.statistics.statistic import Scored
from gmstudio.engine.density.statistics.typicality import Typicality
from gmstudio.engine.density.statistics.waic import Waic
from gmstudio.engine.density.subject import Subject
from gmstudio.protocol.density import StatisticSettings
from gmstudio.runs.scores import ScoreStore

IMAGES = np.concatenate((all_images(), all_images()[::-1]))
LIKELIHOODS = (Complexity, Ratio, Typicality, Waic)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Images whose log p was computed, by the path of the run."""
    found: dict[str, int] = {}
    plain = LogProb.score

    def score(statistic: LogProb, images: Any, *others: Any) -> Scored:
        found[statistic.subject.run] = found.get(statistic.subject.run, 0) + len(images)
        return plain(statistic, images, *others)

    monkeypatch.setattr(LogProb, "score", score)
    yield found


def subject(home: Path, family: str) -> tuple[Subject, StatisticSettings]:
    """A model, with a second one as its background model and as the other member of its ensemble."""
    one, other = home / "one", home / "other"
    for folder in (one, other):
        folder.mkdir(exist_ok=True)
    second = subject_with(str(other), family, seed=1, mutation=0.3)
    first = subject_with(str(one), family, others={str(other): second})
    return first, StatisticSettings(num_samples=4, background=str(other), ensemble=(str(one), str(other)))


@pytest.mark.parametrize("family", ["nade", "vae"])
@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_kept_log_likelihoods_are_used(tmp_path: Path, counted: dict[str, int], family: str, kind: Any) -> None:
    first, settings = subject(tmp_path, family)
    others = (first.others[settings.background],) if kind in (Ratio, Waic) else ()
    plain = {}
    for member in (first, *others):
        with ScoreStore(member.run) as store:
            plain[member.run] = scored(LogProb(member, settings, 0), IMAGES, store=store).values
    list(kind(first, settings, 0).prepare())  # the mean over training images is no score
    counted.clear()
    with ScoreStore(first.run) as store:
        found = scored(kind(first, settings, 0), IMAGES, store=store)
    assert counted == {} and (found.kept, found.done) == (0, len(IMAGES)) and not found.warnings
    if kind is Ratio:
        np.testing.assert_array_equal(found.values, plain[first.run] - plain[others[0].run])
    if kind is Waic:
        both = np.stack(list(plain.values()))
        np.testing.assert_allclose(found.values, both.mean(0) - both.var(0, ddof=1), rtol=1e-12)
    with ScoreStore(first.run) as store:
        again = scored(kind(first, settings, 0), IMAGES, store=store)
    assert again.kept == len(IMAGES) and np.array_equal(again.values, found.values)


@pytest.mark.parametrize("family", ["nade", "vae"])
def test_what_a_ratio_computes_is_kept_with_both_runs(tmp_path: Path, counted: dict[str, int], family: str) -> None:
    first, settings = subject(tmp_path, family)
    second = first.others[settings.background]
    with ScoreStore(first.run) as store:
        ratio = scored(Ratio(first, settings, 0), IMAGES, store=store)
    assert counted == {first.run: len(IMAGES), second.run: len(IMAGES)}
    counted.clear()
    values = []
    for member in (first, second):
        with ScoreStore(member.run) as store:
            found = scored(LogProb(member, settings, 0), IMAGES, store=store)
        assert found.kept == len(IMAGES)
        values.append(found.values)
    assert counted == {}
    np.testing.assert_array_equal(ratio.values, values[0] - values[1])
    without_store = scored(Ratio(first, settings, 0), IMAGES)
    np.testing.assert_allclose(without_store.values, ratio.values, rtol=1e-6, atol=1e-6)


def test_the_noise_of_two_models_differs(tmp_path: Path) -> None:
    first, settings = subject(tmp_path, "vae")
    ratio = scored(Ratio(first, settings, 0), IMAGES)
    log_p = scored(LogProb(first, settings, 0), IMAGES)
    background = scored(LogProb(first.others[settings.background], settings, 0), IMAGES)
    assert ratio.errors is not None and log_p.errors is not None and background.errors is not None
    np.testing.assert_allclose(ratio.errors, np.hypot(log_p.errors, background.errors), rtol=1e-9)


def test_cancelling_a_ratio_keeps_the_log_likelihoods(tmp_path: Path, counted: dict[str, int]) -> None:
    first, settings = subject(tmp_path, "nade")
    with ScoreStore(first.run) as store:
        pieces = score_images(Ratio(first, settings, 0), opened_of(IMAGES, TINY), 0, store)
        seen = []
        for scores in pieces:
            seen.append(scores.progress.done)
            if counted.get(first.run, 0) >= len(IMAGES) // 2:
                break
        pieces.close()  # type: ignore[attr-defined]
    assert seen == sorted(seen) and seen[-1] <= len(IMAGES)
    done = dict(counted)
    counted.clear()
    with ScoreStore(first.run) as store:
        scored(LogProb(first, settings, 0), IMAGES, store=store)
    assert counted.get(first.run, 0) <= len(IMAGES) - done[first.run] + 64
    assert counted.get(first.run, 0) < len(IMAGES)
