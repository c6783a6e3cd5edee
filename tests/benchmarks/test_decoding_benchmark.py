"""The decoding benchmark."""

import pytest

from benchmarks import decoding


@pytest.mark.parametrize("family", ["vae", "rbm"])
def test_codes_are_decoded_one_by_one_at_the_default_size(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "DECODES", 20)
    result = decoding.measure(family, 5, 2, 1, [])
    assert 0 < result["p50_ms"] <= result["p95_ms"] and result["max_ms"] > 0
    assert result["num_latent"] == {"vae": 10, "rbm": 500}[family]
    assert result["goal_met"] == (result["p95_ms"] < result["goal_p95_ms"])


def test_chosen_settings_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "DECODES", 20)
    result = decoding.measure("gan", 5, 4, 1, ["num_latent=3", "num_hidden=4"])
    assert result["num_latent"] == 3 and result["config"]["num_hidden"] == 4 and "4 levels" in result["image"]


def test_a_family_without_codes_is_refused() -> None:
    with pytest.raises(ValueError, match="no codes to decode"):
        decoding.measure("nade", 5, 2, 1, [])
