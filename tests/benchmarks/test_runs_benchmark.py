"""What the benchmark of the library of runs measures on; the whole of it takes minutes."""

from pathlib import Path

from benchmarks.run_checkpoints import _written
from benchmarks.run_library import KINDS, make_library, make_long_run
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import list_runs


def test_its_library_is_one_of_whole_runs(home: Path) -> None:
    make_library(home / "runs", 12)
    runs = list_runs(home / "runs")
    assert len(runs) == 12 and not any(run.problem for run in runs)
    assert {run.family for run in runs} == set(KINDS) and len({run.created for run in runs}) == 12
    assert sum(bool(run.description.tags) for run in runs) == 2


def test_its_long_run_has_all_points(home: Path) -> None:
    name, size = make_long_run(home / "runs", 25_000)
    with RunFolder.open(home / "runs" / name) as run:
        steps, values = run.history.read_scalars()["train", "loss"]
    assert len(steps) == len(values) == 25_000 and 8 < size / 25_000 < 100


def test_the_writing_of_a_checkpoint_is_timed() -> None:
    found = _written()
    assert found["checkpoint_write_ms"] > 0 and found["checkpoint_megabytes"] > 0.1
