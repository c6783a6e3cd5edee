"""history.sqlite: committed rows survive every kind of trouble, and any number of readers."""

import math
import os
import resource
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gmstudio.runs import history_curves
from gmstudio.runs.history import SCHEMA_VERSION, Event, History, ImageGrid, Scalar
from gmstudio.runs.record import RunError


def losses(*steps: int) -> list[Scalar]:
    return [Scalar(step, "train", "loss", 1.0 / (step + 1)) for step in steps]


def test_scalars_come_back_as_curves(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        history.append(losses(2, 0, 1))
        history.append([Scalar(1, "valid", "loss", 3.25), Scalar(np.int64(1), "valid", "kl", np.float32(0.1))])
        curves = history.read_scalars()
    assert list(curves) == [("train", "loss"), ("valid", "loss"), ("valid", "kl")]
    steps, values = curves["train", "loss"]
    assert steps.dtype == np.int64 and values.dtype == np.float64
    assert steps.tolist() == [0, 1, 2] and values.tolist() == [1.0, 1 / 2, 1 / 3]
    assert curves["valid", "kl"][1].tolist() == [float(np.float32(0.1))]


def test_all_curves_are_of_one_moment_while_the_run_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def both(step: int) -> list[Scalar]:
        return [Scalar(step, "train", name, 0.5) for name in ("loss", "grad_norm")]

    with History(tmp_path, write=True) as training, History(tmp_path) as reader:
        training.append(both(0))
        read = history_curves._parts
        written = iter(range(1, 3))

        def interrupted(*arguments: Any) -> Iterator[NDArray[np.float64]]:
            yield from read(*arguments)
            training.append(both(next(written)))

        monkeypatch.setattr(history_curves, "_parts", interrupted)
        assert [steps.tolist() for steps, _ in reader.read_scalars().values()] == [[0], [0]]
        monkeypatch.undo()
        assert [steps.tolist() for steps, _ in reader.read_scalars().values()] == [[0, 1, 2], [0, 1, 2]]


def test_values_that_are_no_numbers_survive(tmp_path: Path) -> None:
    odd = [math.nan, math.inf, -math.inf, 5e-324, 0.0, 1.7976931348623157e308]
    with History(tmp_path, write=True) as history:
        history.append(Scalar(step, "train", "loss", value) for step, value in enumerate(odd))
    with History(tmp_path) as history:
        _, values = history.read_scalars()["train", "loss"]
        np.testing.assert_array_equal(values, odd)
        assert history.last_and_best("train", "loss") == (odd[-1], -math.inf)


def test_last_and_best(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        history.append(Scalar(s, "valid", "loss", v) for s, v in enumerate([3.0, 1.0, math.nan, 2.0]))
        history.append([Scalar(0, "valid", "kl", math.nan)])
        assert history.last_and_best("valid", "loss") == (2.0, 1.0)
        assert history.last_and_best("train", "loss") is None
        last_and_best = history.last_and_best("valid", "kl")
    assert last_and_best is not None and all(map(math.isnan, last_and_best))


def test_a_value_of_the_same_step_is_replaced(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        history.append([Scalar(1, "train", "loss", 1.0)])
        history.append([Scalar(1, "train", "loss", 2.0)])
        assert history.read_scalars()["train", "loss"][1].tolist() == [2.0]


def test_only_what_came_since_is_read(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        history.append([*losses(*range(10)), Scalar(3, "valid", "loss", 1.0)])
        curves = history.read_scalars(since=7)
    assert list(curves) == [("train", "loss")]
    assert curves["train", "loss"][0].tolist() == [8, 9]


@pytest.mark.parametrize("dtype", ["uint8", "int64", "int32", "float32", "float64", "bool"])
@pytest.mark.parametrize("shape", [(4, 1, 8, 8), (0, 3, 2, 2), ()])
def test_images_come_back_as_they_were(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    images = (np.random.default_rng(0).random(shape) * 200).astype(dtype)
    with History(tmp_path, write=True) as history:
        history.append(images=[ImageGrid(5, "samples", images), ImageGrid(10, "samples", images.T)])
        history.append(images=[ImageGrid(5, "reconstructions", images)])
        assert history.image_steps("samples") == [5, 10]
        assert history.image_kinds() == ("reconstructions", "samples")
        found, turned = history.read_images(5), history.read_images(10)
    assert found.dtype == images.dtype and found.flags.writeable
    np.testing.assert_array_equal(found, images)
    np.testing.assert_array_equal(turned, images.T)


def test_images_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        with pytest.raises(RunError, match="keeps no samples of step 3"):
            history.read_images(3)
        with pytest.raises(ValueError, match="complex64 cannot be kept"):
            history.append(images=[ImageGrid(3, "samples", np.zeros(2, np.complex64))])
        assert history.image_steps("samples") == []


@pytest.mark.parametrize(
    "change",
    [
        "payload = x'00'",
        "payload = zeroblob(100)",
        "payload = substr(payload, 1, length(payload) - 3)",
        "shape = '[2, 3]'",
        "shape = '[1000000000, 1000000000]'",
        "shape = '[-1]'",
        "shape = '{}'",
        "shape = 'x'",
        f"shape = '{'[' * 100_000}'",
        "dtype = 'object'",
        "dtype = 'float32'",
    ],
)
def test_damaged_images_are_reported(tmp_path: Path, change: str) -> None:
    with History(tmp_path, write=True) as history:
        history.append(images=[ImageGrid(5, "samples", np.arange(64, dtype=np.uint8).reshape(1, 1, 8, 8))])
    database = sqlite3.connect(tmp_path / "history.sqlite")
    database.execute(f"UPDATE images SET {change}")
    database.commit()
    database.close()
    with History(tmp_path) as history, pytest.raises(RunError, match="samples of step 5 are damaged"):
        history.read_images(5)


def test_events_stay_when_a_run_is_wound_back(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        history.append(losses(1, 2, 3), [ImageGrid(s, "samples", np.zeros(1, np.uint8)) for s in (1, 2, 3)])
        started = history.log(0, "started", "on cpu")
        history.append(events=[Event(3, "2025-01-01T00:00:00+00:00", "engine died", "exit code 9")])
        history.truncate_after(2)
        assert history.read_scalars()["train", "loss"][0].tolist() == [1, 2]
        assert history.image_steps() == [1, 2]
        assert [event.kind for event in history.read_events()] == ["started", "engine died"]
        assert history.read_events()[0] == started
        history.truncate_after(-1)
        assert history.read_scalars() == {}


def test_a_batch_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    def failing():
        yield Scalar(1, "train", "new", 1.0)
        raise KeyError("no more")

    with History(tmp_path, write=True) as history:
        history.append(losses(0))
        with pytest.raises(KeyError):
            history.append(failing())
        assert list(history.read_scalars()) == [("train", "loss")]
        history.append([Scalar(2, "train", "new", 2.0)])
        assert history.read_scalars()["train", "new"][0].tolist() == [2]


def test_readers_read_while_a_writer_writes(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as writer:
        writer.append(losses(0))
        with History(tmp_path) as reader:
            assert len(reader.read_scalars()["train", "loss"][0]) == 1
            for step in range(1, 50):
                writer.append(losses(step))
                assert reader.read_scalars()["train", "loss"][0][-1] == step
            writer.sync()
            writer.close()  # the log cannot be folded in now, and need not
            assert len(reader.read_scalars()["train", "loss"][0]) == 50
    with History(tmp_path) as reader:
        assert len(reader.read_scalars()["train", "loss"][0]) == 50


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    History(tmp_path, write=True).close()
    with History(tmp_path) as reader:
        with pytest.raises(RunError, match="open for reading only"):
            reader.append(losses(1))
        with pytest.raises(RunError, match="open for reading only"):
            reader.truncate_after(1)


def test_closed_it_is_one_file_that_a_read_only_disk_can_show(tmp_path: Path) -> None:
    with History(tmp_path, write=True) as history:
        history.append(losses(1))
    history.close()
    assert [path.name for path in tmp_path.iterdir()] == ["history.sqlite"]
    tmp_path.chmod(0o555)
    try:
        with History(tmp_path) as reader:
            assert reader.read_scalars()["train", "loss"][0].tolist() == [1]
    finally:
        tmp_path.chmod(0o755)


def test_a_full_disk_is_reported_and_loses_nothing(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 1, 700, 700), dtype=np.uint8)
    with History(tmp_path, write=True) as history:
        history.append(losses(1))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
        try:
            with pytest.raises(RunError, match=r"history\.sqlite could not be"):
                history.append(losses(2), [ImageGrid(2, "samples", noise)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert history.read_scalars()["train", "loss"][0].tolist() == [1]
        history.append(losses(2), [ImageGrid(2, "samples", noise)])
        np.testing.assert_array_equal(history.read_images(2), noise)


def test_a_missing_empty_foreign_or_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with pytest.raises(RunError, match=r"has no history\.sqlite"):
        History(tmp_path)
    path.touch()
    with pytest.raises(RunError, match="still empty"):
        History(tmp_path)
    path.write_text("hello, I am no database at all" * 100)
    for write in (False, True):
        with pytest.raises(RunError, match=r"history\.sqlite is damaged"):
            History(tmp_path, write=write)
    path.unlink()
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE mine (x)")
    database.close()
    for write in (False, True):
        with pytest.raises(RunError, match="no history of a run"):
            History(tmp_path, write=write)
    path.unlink()
    History(tmp_path, write=True).close()
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    database.close()
    with pytest.raises(RunError, match="newer gmstudio"):
        History(tmp_path)


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    with History(folder, write=True) as history:
        history.append(losses(*range(40)), [ImageGrid(1, "samples", np.zeros((2, 1, 4, 4), np.uint8))])
        history.log(1, "started", "on cpu")
    return folder / "history.sqlite"


@given(
    places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=30),
    kept=st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_damage_is_reported_in_a_sentence(small_file: Path, places: list[tuple[float, int]], kept: float) -> None:
    folder = small_file.parent / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    content = bytearray(small_file.read_bytes())
    for place, value in places:
        content[int(place * len(content))] = value
    (folder / "history.sqlite").write_bytes(content[: int(kept * len(content))])
    try:
        with History(folder) as history:
            for steps, values in history.read_scalars().values():
                assert steps.dtype == np.int64 and values.dtype == np.float64
            for step in history.image_steps():
                assert isinstance(step, int)
                history.read_images(step)
            history.last_and_best("train", "loss")
            history.read_events()
        with History(folder, write=True) as history:
            history.append(losses(41, 42))
            history.truncate_after(3)
    except RunError as error:
        assert "history.sqlite" in str(error)


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no file that is open")
@pytest.mark.parametrize("log_too", [False, True])
def test_a_history_that_is_deleted_while_it_is_written_comes_back_whole(tmp_path: Path, log_too: bool) -> None:
    path = tmp_path / "history.sqlite"
    with History(tmp_path, write=True) as history:
        history.append(losses(*range(100)), [ImageGrid(3, "samples", np.zeros((1, 1, 2, 2), np.uint8))])
        path.unlink()
        if log_too:
            path.with_name("history.sqlite-wal").unlink()
        history.sync()  # as before a checkpoint: there is nothing to sync, and no empty file is made
        assert not path.exists() and not history.in_place
        history.append(losses(100))
        assert history.in_place
        with History(tmp_path) as reader:
            assert reader.read_scalars()["train", "loss"][0].tolist() == list(range(101))
            assert reader.image_steps() == [3]
            (event,) = reader.read_events()
            assert (
                event.step == 99 and "was deleted or replaced" in event.text and "with all that it held" in event.text
            )
        path.unlink()  # after the last writing
    assert [entry.name for entry in tmp_path.iterdir()] == ["history.sqlite"]
    with History(tmp_path) as reader:
        assert reader.last_step() == 100 and len(reader.read_events()) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows replaces no file that is open")
def test_a_file_in_place_of_an_open_history_is_kept_under_another_name(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with History(tmp_path, write=True) as history:
        history.append(losses(1, 2))
        other = tmp_path / "other"
        other.write_bytes(b"another file")
        other.replace(path)
        history.append(losses(3))
        assert history.read_scalars()["train", "loss"][0].tolist() == [1, 2, 3]
    kept = [entry for entry in tmp_path.iterdir() if entry.name != "history.sqlite"]
    assert [entry.read_bytes() for entry in kept] == [b"another file"]
    with History(tmp_path) as reader:
        assert kept[0].name in reader.read_events()[0].text


def test_a_history_whose_folder_is_gone_is_refused_in_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    history = History(folder, write=True)
    folder.rename(tmp_path / "moved")
    with pytest.raises(RunError, match="Put the folder back"):
        history.append(losses(1))
    (tmp_path / "moved").rename(folder)
    history.append(losses(1))
    history.close()
    with History(folder) as reader:
        assert reader.last_step() == 1 and reader.read_events() == []
