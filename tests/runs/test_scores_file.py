"""The file of kept scores: where it lies, who may write it, and what happens to damaged, foreign and locked ones."""

import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from example_runs import files_of, make_example

from gmstudio.runs import scores
from gmstudio.runs.scores import SCORES_NAME, KeptChunk, ScoreStore, SeriesKey, SeriesText, scores_place

SERIES = SeriesKey("a" * 64, "log_prob", "v1", 0)
TEXT = SeriesText("exact log-likelihood", ("One warning.",))


def chunk(start: int, errors: bool = True) -> KeptChunk:
    values = np.arange(start, start + 4, dtype=np.float64)
    values[0] = np.nan
    return KeptChunk(values, values / 10 if errors else None)


def key(number: int) -> bytes:
    return bytes([number]) * 32


def fill(folder: Path, series: SeriesKey = SERIES, numbers: range = range(3)) -> None:
    with ScoreStore(folder) as store:
        for number in numbers:
            store.add(key(number), chunk(number))
        store.flush(series, TEXT, last=True)
        assert store.problem == ""


def test_what_is_written_is_read(tmp_path: Path) -> None:
    with ScoreStore(tmp_path) as store:
        assert store.read(SERIES, [key(0)]) == {} and store.text(SERIES) is None
        assert not (tmp_path / SCORES_NAME).exists(), "nothing is made before there are scores"
        store.add(key(0), chunk(0))
        store.add(key(1), chunk(1, errors=False))
        store.flush(SERIES, TEXT)
    with ScoreStore(tmp_path) as store:
        found = store.read(SERIES, [key(number) for number in range(1200 % 256)])
        assert set(found) == {key(0), key(1)} and store.text(SERIES) == TEXT
        assert np.array_equal(found[key(0)].values, chunk(0).values, equal_nan=True)
        assert np.array_equal(found[key(0)].errors, chunk(0).errors, equal_nan=True)  # type: ignore[arg-type]
        assert found[key(1)].errors is None
    assert list(tmp_path.iterdir()) == [tmp_path / SCORES_NAME], "no log is left beside it"


@pytest.mark.parametrize("change", [{"weights": "b" * 64}, {"statistic": "ratio"}, {"settings": "v2"}, {"seed": 1}])
def test_another_series_is_another_score(tmp_path: Path, change: dict[str, object]) -> None:
    fill(tmp_path)
    with ScoreStore(tmp_path) as store:
        assert store.read(SERIES._replace(**change), [key(0)]) == {}  # type: ignore[arg-type]
        assert len(store.read(SERIES, [key(0)])) == 1


def test_a_ready_model_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    example = make_example(monkeypatch, tmp_path / "examples")
    before = files_of(example)
    fill(example)
    assert files_of(example) == before
    assert scores_place(example) == home / "examples" / "vae"
    with ScoreStore(example) as store:
        assert len(store.read(SERIES, [key(0), key(1), key(2)])) == 3


def test_a_folder_that_cannot_be_written_has_its_scores_in_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setattr(scores.os, "access", lambda path, mode: False)  # root may write anything
    fill(tmp_path / "run")
    assert not (tmp_path / "run").exists()
    place = scores_place(tmp_path / "run")
    assert place.parent == home / "scores" and place.name.startswith("run-") and (place / SCORES_NAME).is_file()
    assert scores_place(tmp_path / "other" / "run") != place


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no database at all, but a text of some length" * 40, "is damaged"),
        (b"SQLite format 3\0" + b"\xff" * 5000, "is damaged"),
    ],
)
def test_a_damaged_file_is_said_and_left_alone(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / SCORES_NAME
    path.write_bytes(content)
    with ScoreStore(tmp_path) as store:
        assert store.read(SERIES, [key(0)]) == {}
        assert sentence in store.problem and "Move it away or delete it" in store.problem
        store.add(key(0), chunk(0))
        store.flush(SERIES, TEXT, last=True)
    assert path.read_bytes() == content


def test_a_run_that_is_thrown_away_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with ScoreStore(run) as store:
        store.add(key(0), chunk(0))
        run.rename(tmp_path / "trash")
        store.flush(SERIES, TEXT, last=True)
        assert "the run's folder is gone" in store.problem
    assert not run.exists()


def test_an_empty_file_is_used(tmp_path: Path) -> None:
    (tmp_path / SCORES_NAME).touch()
    with ScoreStore(tmp_path) as store:
        assert store.read(SERIES, [key(0)]) == {} and store.problem == ""
    fill(tmp_path)


def test_a_foreign_and_a_newer_file_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / SCORES_NAME
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    db.close()
    with ScoreStore(tmp_path) as store:
        assert store.read(SERIES, [key(0)]) == {} and "none of scores. Move it away." in store.problem
    path.unlink()
    fill(tmp_path)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with ScoreStore(tmp_path) as store:
        assert store.read(SERIES, [key(0)]) == {} and "has format 99" in store.problem


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    fill(tmp_path)
    with ScoreStore(tmp_path) as store:
        store.read(SERIES, [key(0)])
        assert store._db is not None
        store._db.execute("PRAGMA max_page_count = 1")
        for number in range(200):
            store.add(number.to_bytes(32, "little"), KeptChunk(np.zeros(256), np.zeros(256)))
        store.flush(SERIES, TEXT, last=True)
        assert "the disk is full. Free some space" in store.problem
    with ScoreStore(tmp_path) as store:
        assert len(store.read(SERIES, [key(0), key(1), key(2)])) == 3, "what was there before is whole"


def test_a_lock_of_another_program_is_waited_for_by_the_next_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scores, "LAST_BUSY_S", 0.05)
    fill(tmp_path)
    other = sqlite3.connect(tmp_path / SCORES_NAME, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with ScoreStore(tmp_path) as store:
            assert len(store.read(SERIES, [key(0)])) == 1, "reading goes on"
            store.add(key(9), chunk(9))
            store.flush(SERIES, TEXT)
            assert "in use by another program. Close that program" in store.problem
            other.execute("COMMIT")
            store.flush(SERIES, TEXT, last=True)
            assert store.problem == ""
    finally:
        other.close()
    with ScoreStore(tmp_path) as store:
        assert len(store.read(SERIES, [key(9)])) == 1


def test_two_programs_write_at_once(tmp_path: Path) -> None:
    """Each of two processes writes 20 chunks in 20 transactions; none is lost."""
    script = tmp_path / "write.py"
    script.write_text(
        textwrap.dedent("""
            import sys
            from pathlib import Path
            import numpy as np
            from gmstudio.runs.scores import KeptChunk, ScoreStore, SeriesKey, SeriesText
            first = int(sys.argv[2])
            with ScoreStore(Path(sys.argv[1])) as store:
                for number in range(first, first + 20):
                    store.add(bytes([number]) * 32, KeptChunk(np.full(3, float(number)), None))
                    store.flush(SeriesKey("w", "s", "", 0), SeriesText("k"), last=True)
                    assert store.problem == "", store.problem
        """)
    )
    run = tmp_path / "run"
    run.mkdir()
    writers = [subprocess.Popen([sys.executable, str(script), str(run), str(first)]) for first in (0, 100)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    with ScoreStore(run) as store:
        wanted = [*range(20), *range(100, 120)]
        found = store.read(SeriesKey("w", "s", "", 0), [key(number) for number in wanted])
    assert {number: float(found[key(number)].values[0]) for number in wanted} == {n: float(n) for n in wanted}


def test_series_that_were_not_used_for_longest_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "MAX_BYTES", 100_000)
    clock = iter(range(100))
    monkeypatch.setattr(scores.time, "time", lambda: float(next(clock)))
    for number in range(8):
        with ScoreStore(tmp_path) as store:
            for piece in range(8):
                store.add(key(piece), KeptChunk(np.zeros(256), np.zeros(256)))
            store.flush(SERIES._replace(seed=number), TEXT, last=True)
    with ScoreStore(tmp_path) as store:
        kept = [number for number in range(8) if store.text(SERIES._replace(seed=number)) is not None]
    assert kept == list(range(8 - len(kept), 8)) and 1 <= len(kept) < 8
