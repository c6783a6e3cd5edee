"""The benchmark of points: a family is trained as it proposes, compared with the true distribution, and timed."""

import pytest

from benchmarks import plane


def test_a_quick_family_is_trained_compared_and_timed() -> None:
    found = plane.measure(["markov"], ["moons"], 3)
    (result,) = found["results"]
    assert (result["family"], result["shape"], result["method"]) == ("markov", "moons", "exact")
    assert 0 < result["forward_kl"] < 0.5 and result["mass"] == pytest.approx(1.0, abs=1e-5)
    assert result["cpu_seconds"] > 0 and result["steps"] == found["training"]["markov"]["training"]["steps"]
    assert found["seed"] == found["training"]["markov"]["training"]["seed"] == 3
    assert set(found["surface_ms"]["markov"]) == {"64x64", "256x256"}
    assert all(ms > 0 for ms in found["surface_ms"]["markov"].values())


def test_a_family_without_settings_for_points_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plane.family_class("markov"), "start_on_points", None)
    with pytest.raises(ValueError, match="--family markov: proposes no settings for points; choose from"):
        plane.measure(["markov"], [], 0)


@pytest.mark.slow
def test_a_model_without_a_density_is_trained_and_compared_with_nothing() -> None:
    found = plane.measure(["autoencoder"], ["mixture_1d"], 0)
    (result,) = found["results"]
    assert result["method"] is None and result["forward_kl"] is None and result["cpu_seconds"] > 0
    assert found["surface_ms"] == {}
