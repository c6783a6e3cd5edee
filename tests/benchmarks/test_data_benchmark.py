"""The benchmark of importing pictures runs, and its figures fit one another."""

from benchmarks import data


def test_a_small_import_is_measured() -> None:
    result = data.measure(200)
    assert result["benchmark"] == "data" and result["images"] == 200
    assert 0 < result["total_per_s"] <= result["imported_per_s"]
    assert result["indexed_per_s"] > result["total_per_s"]
    assert 20 < result["base_mib"] <= result["peak_mib"] < 500
    assert result["open_ms"] > 0 and result["load_ms"] > 0 and result["cpu_us_per_image"] > 0
