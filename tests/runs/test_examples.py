"""Ready models are found, read without a trace, never written, and copied into runs like others."""

from pathlib import Path

import pytest
from example_runs import files_of, make_example, make_read_only

from gmstudio.runs.annotations import read_annotations, write_annotations
from gmstudio.runs.checkpoints import CheckpointStore
from gmstudio.runs.description import Description, read_description, write_description
from gmstudio.runs.example_copy import copy_example
from gmstudio.runs.examples import example_folders, examples_home, is_example
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import runs_home, summarize
from gmstudio.runs.record import RunError, RunMissingError
from gmstudio.runs.trash import move_to_trash


def test_the_program_has_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GMSTUDIO_EXAMPLES")
    assert examples_home().parts[-2:] in (("resources", "examples"), ("_resources", "examples"))


def test_examples_are_listed_the_most_telling_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert example_folders() == []
    for family in ("autoencoder", "pixelcnn", "vae", "rbm"):
        make_example(monkeypatch, tmp_path, family)
    (tmp_path / "README.md").write_text("no run")
    assert [path.name for path in example_folders()] == ["vae", "pixelcnn", "autoencoder", "rbm"]


def test_only_folders_in_the_place_of_examples_are_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = make_example(monkeypatch, tmp_path / "examples")
    (tmp_path / "link").symlink_to(example)
    assert is_example(example) and is_example(str(example)) and is_example(tmp_path / "link")
    assert not is_example(tmp_path / "vae") and not is_example(runs_home() / "vae") and not is_example("a\0b")


def test_reading_a_folder_that_nobody_may_write_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = make_example(monkeypatch, tmp_path / "examples")
    make_read_only(tmp_path / "examples")
    before = files_of(tmp_path / "examples")
    with RunFolder.open(example) as run:
        assert run.history.last_and_best("valid", "loss") == (80.0, 80.0)
        assert run.history.image_steps() == [7]
        assert sorted(path.name for path in example.iterdir()) == sorted(
            {name.split("/")[0] for name in files_of(example)}
        )
        assert run.checkpoints.load().step == 7
    assert summarize(example).status == "finished" and summarize(example).best_valid == 80.0
    assert files_of(tmp_path / "examples") == before


def test_every_change_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = make_example(monkeypatch, tmp_path / "examples")
    before = files_of(example)
    changes = (
        lambda: RunFolder.open(example, write=True),
        lambda: write_description(example, Description(name="mine")),
        lambda: move_to_trash(example),
    )
    for change in changes:
        with pytest.raises(RunError, match="is an example that comes with gmstudio, so it is never changed"):
            change()
    assert files_of(example) == before


def test_annotations_of_an_example_are_kept_beside_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    example = make_example(monkeypatch, tmp_path / "examples")
    before = files_of(example)
    assert read_annotations(example) == {}
    write_annotations(example, {"names": ["slant"]})
    assert read_annotations(example) == {"names": ["slant"]}
    assert (home / "examples" / "vae" / "annotations.json").is_file()
    assert files_of(example) == before


def test_a_copy_is_a_run_like_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = make_example(monkeypatch, tmp_path / "examples")
    make_read_only(tmp_path / "examples")
    copy = runs_home() / "copy"
    copy_example(example, copy)
    assert not is_example(copy) and read_description(copy) == Description()
    with RunFolder.open(copy, write=True) as run:
        run.update(step=8)
        run.history.log(8, "note", "written")
    CheckpointStore(copy).mark(7)
    assert CheckpointStore(copy).load().tensors["model"]["w"].tolist() == [1, 1, 1]


def test_only_examples_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = make_example(monkeypatch, tmp_path / "examples")
    with pytest.raises(RunMissingError, match="is none of the examples in"):
        copy_example(tmp_path, runs_home() / "copy")
    with pytest.raises(RunMissingError, match="is none of the examples in"):
        copy_example(example.parent / "none", runs_home() / "copy")
    (runs_home()).mkdir(parents=True)
    (runs_home() / "copy").write_text("in the way")
    with pytest.raises(RunError, match="could not be copied to"):
        copy_example(example, runs_home() / "copy")
