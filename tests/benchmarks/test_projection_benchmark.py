"""The benchmark of projections measures what it names."""

from pytestqt.qtbot import QtBot

from benchmarks import scoring_projection


def test_the_map_is_panned_and_each_method_is_timed(qtbot: QtBot) -> None:
    found = scoring_projection.measure_frames(points=500, frames=10)
    assert found["points"] == 500 and found["platform"] == "offscreen"
    assert found["fps"] > 1 and found["processor_ms"] > 0 and found["raster_ms"] > 0


def test_the_projections_are_timed_apart() -> None:
    found = scoring_projection.measure_methods(60, num_dims=5, methods=("pca",))
    assert (found["count"], found["num_dims"]) == (60, 5)
    assert 0 < found["pca_s"] < 60 and found["peak_mb"] > 10
