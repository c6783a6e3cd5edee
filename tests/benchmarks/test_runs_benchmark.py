"""The benchmark of the library of runs, small."""

from pytestqt.qtbot import QtBot

from benchmarks import runs


def test_it_reports_lists_histories_and_checkpoints(qtbot: QtBot) -> None:
    result = runs.measure(count=20, points=5000, seconds=0.3)
    assert 0 < result["listed_20_ms"] < 30_000 and result["listed_20_cold_ms"] > 0
    assert result["scroll_fps"] > 2 and result["history_panned_fps"] > 2
    assert 0 < result["history_5000_drawn_ms"] < 10_000 and 8 < result["history_bytes_a_point"] < 100
    assert result["checkpoint_write_ms"] > 0 and -1 < result["checkpoint_cost_share"] < 1
