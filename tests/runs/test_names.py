"""Names of runs: what identifies a run, wherever its library lies."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from example_runs import make_example

from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunOrigin
from gmstudio.runs.annotations import read_annotations, write_annotations
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import runs_home
from gmstudio.runs.names import folder_of, name_of, same_name, typed_run
from gmstudio.runs.record import RunMissingError, new_record

HOSTILE = ("..", ".", "", "../other", "a/b", "examples/..", "examples/a/b", "examples/", "a\0b", "x" * 300, "x" * 5000)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def make_run(folder: Path, origin: RunOrigin | None = None) -> Path:
    record = new_record(RunSpec(family="vae", data="digits"), image=ImageSpec(1, 8, 8, 2), device="cpu")
    with RunFolder.create(folder, record) as run:
        run.update(origin=origin)
    return folder


def test_names_lead_to_folders_and_back(home: Path, tmp_path: Path) -> None:
    inside, outside = runs_home() / "2026-11-30-vae-01", tmp_path / "elsewhere" / "a run"
    assert name_of(inside) == "2026-11-30-vae-01" and folder_of("2026-11-30-vae-01") == inside
    assert name_of(outside) == str(outside) == same_name(str(outside)) and folder_of(str(outside)) == outside
    assert same_name(str(inside)) == same_name(inside.name) == inside.name
    assert name_of(runs_home() / "x" / ".." / inside.name) == inside.name


def test_a_library_behind_a_link_is_the_same_library(home: Path, tmp_path: Path) -> None:
    make_run(runs_home() / "a")
    (tmp_path / "link").symlink_to(home)
    assert name_of(tmp_path / "link" / "runs" / "a") == "a"


def test_ready_models_have_names_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = make_example(monkeypatch, tmp_path / "examples")
    assert name_of(example) == "examples/vae" and folder_of("examples/vae") == example
    with RunFolder.open("examples/vae") as run:
        assert run.name == "examples/vae" and run.path == example


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name)[:20])
def test_a_hostile_name_is_refused_in_a_sentence(home: Path, name: str) -> None:
    with pytest.raises(RunMissingError, match="is no name of a run in the library") as caught:
        RunFolder.open(name)
    assert len(str(caught.value)) < 250


def test_people_type_a_path_or_a_name(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = make_run(runs_home() / "in"), make_run(tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    assert typed_run("in") == typed_run(str(inside)) == typed_run(" in ") == inside
    assert typed_run("out") == typed_run("./out") == typed_run(f"'{outside}'") == outside
    with pytest.raises(RunMissingError, match="'gone' is neither a folder here nor a run of the library"):
        typed_run("gone")
    with pytest.raises(RunMissingError, match="there is no such folder"):
        typed_run(str(tmp_path / "gone"))


def test_a_moved_library_keeps_what_refers_to_its_runs(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_scores: Callable[[str], None]
) -> None:
    make_run(runs_home() / "first")
    make_run(runs_home() / "second", RunOrigin(run=name_of(runs_home() / "first"), created="", step=4))
    write_annotations(folder_of("first"), {"names": ["slant"]})
    write_scores("first")
    moved = tmp_path / "another disk" / "home"
    shutil.copytree(home, moved)
    shutil.rmtree(home)
    monkeypatch.setenv("GMSTUDIO_HOME", os.fspath(moved))
    with RunFolder.open("second") as second:
        assert second.path == moved / "runs" / "second" and second.record.origin is not None
        origin = second.record.origin.run
    with RunFolder.open(origin) as first:
        assert first.name == "first" and read_annotations(first.path) == {"names": ["slant"]}
        assert (first.path / "scores.sqlite").is_file()


@pytest.fixture
def write_scores() -> Callable[[str], None]:
    """Write kept scores of a run."""
    import numpy as np

    from gmstudio.runs.scores import KeptChunk, ScoreStore, SeriesKey, SeriesText

    def write(run: str) -> None:
        with ScoreStore(run) as store:
            store.add(b"digest", KeptChunk(np.ones(3), None))
            store.flush(SeriesKey("weights", "log_prob", "", 0), SeriesText("exact"), last=True)
            assert not store.problem

    return write
