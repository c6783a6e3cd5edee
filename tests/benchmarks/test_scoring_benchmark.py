"""The benchmark of scoring, on few images."""

import pytest

from benchmarks import scoring
from gmstudio import data
from gmstudio.families import FAMILIES


@pytest.mark.parametrize(
    ("family", "statistic", "kind"),
    [("made", "log_prob", "exact"), ("vae", "log_prob", "estimate"), ("gan", "discriminator", "value")],
)
def test_both_paths_see_the_same_images(
    family: str, statistic: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "REPEATS", 1)
    digits = data.load("digits", {})
    bare: list[int] = []
    run_bare = scoring._run_bare
    monkeypatch.setattr(
        scoring, "_run_bare", lambda st, tensors: (bare.append(sum(map(len, tensors))), run_bare(st, tensors))
    )
    row = scoring.measure_family(family, digits.test.images[:70], digits)
    assert row is not None and (row["statistic"], row["kind"]) == (statistic, kind)
    assert set(bare) == {row["images"]} and 0 < row["images"] <= 70
    assert 0 < row["batch"] <= 64 and row["ratio"] == pytest.approx(row["images_per_s"] / row["bare_images_per_s"])


def test_families_without_a_statistic_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "measure_family", lambda family, *_: None if family == "gsn" else {"family": family})
    found = scoring.measure()
    assert found["refused"] == ["gsn"] and len(found["families"]) == len(FAMILIES) - 1
