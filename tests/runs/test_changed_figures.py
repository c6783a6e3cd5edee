"""The best figure is of the data that a run uses now, and a listing sees that a history has grown or gone."""

from pathlib import Path

import msgspec
import pytest

from gmstudio.engine.catalog import family_entries
from gmstudio.engine.runs.info import run_info
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import DATA_CHANGED, HISTORY_NAME, Scalar
from gmstudio.runs.library import summarize
from gmstudio.runs.record import RunRecord
from gmstudio.runs.signature import signature_of


@pytest.fixture
def run(tmp_path: Path, record: RunRecord) -> RunFolder:
    return RunFolder.create(tmp_path / "run", msgspec.structs.replace(record, family="pixelcnn", config={}))


def best_of(run: RunFolder) -> tuple[float | None, float | None, float | None]:
    """Newest and lowest validation loss of the summary, and bits per dimension of the description."""
    summary = summarize(run.path)
    return summary.last_valid, summary.best_valid, run_info(str(run.path), family_entries()).best_bits


def test_values_of_other_data_are_no_best(run: RunFolder) -> None:
    bits = run.record.image.bits_per_dim
    run.history.append([Scalar(10, "valid", "loss", 5.0), Scalar(20, "valid", "loss", 6.0)])
    assert best_of(run) == (6.0, 5.0, bits(5.0))
    run.history.log(20, DATA_CHANGED, "Uses changed data from here on.")
    assert best_of(run) == (None, None, None), "nothing is known of the present data"
    run.history.append([Scalar(30, "valid", "loss", 8.0), Scalar(40, "valid", "loss", 9.0)])
    assert best_of(run) == (9.0, 8.0, bits(8.0))
    run.history.log(40, "warning", "A warning is no change of data.")
    assert best_of(run) == (9.0, 8.0, bits(8.0))
    run.close()


def test_the_signature_changes_with_the_history(run: RunFolder) -> None:
    def signature(live: bool = False) -> tuple[object, ...]:
        return signature_of(run.path, unfinished=False, live=live)

    before, of_live = signature(), signature(live=True)
    run.history.append([Scalar(10, "valid", "loss", 5.0)])
    grown = signature()
    assert grown != before, "written by another process, as far as a listing knows"
    assert signature(live=True) == of_live, "this process reports the values itself"
    run.close()
    closed = signature()
    (run.path / HISTORY_NAME).unlink()
    assert signature() not in (before, grown, closed)
