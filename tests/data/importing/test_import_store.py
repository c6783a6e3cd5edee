"""Folders of pictures become sets on the disk, found again, and whole or not there."""

import resource
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from picture_making import encoded, imported, picture_of, png, some_pixels, write

from gmstudio.data import SOURCES, DataError, load
from gmstudio.data.importing.kept_sets import list_imports
from gmstudio.data.importing.library import rename_import
from gmstudio.data.importing.set_file import ImportedSet, open_import
from gmstudio.data.importing.settings import ImportSettings
from gmstudio.data.importing.store import import_images
from gmstudio.data.progress import Progress


def some_folder(folder: Path) -> Path:
    files = {
        f"{label}/{number}.png": png(10 * at + number)
        for at, label in enumerate(("cat", "dog"))
        for number in range(10)
    }
    return write(folder, files)


def test_a_folder_of_pictures_becomes_a_set(tmp_path: Path) -> None:
    found = imported(some_folder(tmp_path / "pics"), tmp_path / "home")
    assert found.record.shape == (20, 1, 6, 5) and found.record.label_names == ("cat", "dog")
    np.testing.assert_array_equal(found.images[13, 0], some_pixels(13)[..., 0])
    assert found.labels is not None and found.labels.tolist() == [0] * 10 + [1] * 10
    again = open_import(found.folder)
    np.testing.assert_array_equal(again.images, found.images)
    assert [item.folder for item in list_imports(tmp_path / "home")] == [found.folder]


def test_the_same_files_are_found_again_and_changed_ones_are_not(tmp_path: Path) -> None:
    folder, home = some_folder(tmp_path / "pics"), tmp_path / "home"
    first = imported(folder, home)
    assert imported(folder, home).folder == first.folder
    assert imported(folder, home, size=3).folder != first.folder
    (folder / "cat" / "3.png").write_bytes(png(99))
    assert imported(folder, home).record.sha256 != first.record.sha256


def test_closing_the_iterator_leaves_nothing(tmp_path: Path) -> None:
    pieces = import_images(some_folder(tmp_path / "pics"), ImportSettings(), tmp_path / "home")
    while not (isinstance(item := next(pieces), Progress) and item.stage == "decode"):
        pass
    assert list((tmp_path / "home").iterdir())
    pieces.close()  # type: ignore[attr-defined]
    assert not list((tmp_path / "home").iterdir())


def test_the_source_loads_what_was_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path / "home"))
    folder = some_folder(tmp_path / "pics")
    dataset = load("images", {"folder": str(folder)})
    assert dataset.sizes == {"train": 16, "valid": 2, "test": 2} and dataset.image.shape == (1, 6, 5)
    (kept,) = list_imports(tmp_path / "home" / "data")
    assert dataset.fingerprint.origin == kept.record.sha256
    same = load("images", {"folder": str(kept.folder)})
    assert same.fingerprint == dataset.fingerprint


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no PNG.*1 \(\.txt\)"):
        imported(write(tmp_path / "notes", {"a.txt": b"none"}), tmp_path / "home")


def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    """The system refuses to write more than two thousand bytes to a file, as a full disk would."""
    files = {f"{number:02}.png": png(number, 20, 20) for number in range(50)}
    folder, home = write(tmp_path / "pics", files), tmp_path / "home"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(DataError, match=r"cannot be kept: .*Choose a place on another file system"):
            imported(folder, home)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(home.iterdir())


def test_too_little_room_is_refused_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1000, 900, 100))
    with pytest.raises(DataError, match=r"20 images take .* Choose a smaller size"):
        imported(some_folder(tmp_path / "pics"), tmp_path / "home")
    assert not list((tmp_path / "home").iterdir())


def test_a_home_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(DataError, match="cannot be kept"):
        imported(some_folder(tmp_path / "pics"), tmp_path / "home")


def test_what_an_ended_process_left_is_removed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    left = write(home / ".importing-999999999-abcd1234", {"images.npy": b"part"})
    alive = write(home / ".importing-1-abcd1234", {"images.npy": b"part"})
    imported(some_folder(tmp_path / "pics"), home)
    assert not left.exists() and alive.exists()


def test_two_sets_of_one_name_stand_side_by_side(tmp_path: Path) -> None:
    home = tmp_path / "home"
    found = [imported(some_folder(tmp_path / place / "pics"), home) for place in "abc"]
    assert [item.folder.name for item in found] == ["pics", "pics-2", "pics-3"]
    assert [item.record.name for item in found] == ["pics", "pics 2", "pics 3"]
    assert rename_import(found[2].folder, "PICS").record.name == "PICS 3"
    assert rename_import(found[2].folder, "Pics 3").record.name == "Pics 3"


def test_runs_name_an_imported_set_as_the_user_does(tmp_path: Path) -> None:
    label, config = SOURCES["images"].label, SOURCES["images"].Config
    found = imported(some_folder(tmp_path / "pics"), tmp_path / "home")
    chosen = config(folder=f"'{found.folder}'")
    rename_import(found.folder, "Obst & Bäume")
    assert label(chosen) == "Obst & Bäume"
    rename_import(found.folder, "Fruit")
    assert label(chosen) == "Fruit"
    (found.folder / "set.json").write_text("[")
    assert label(chosen) == "pics" and label(config(folder=str(tmp_path / "gone" / "cats.zip"))) == "cats"
    assert label(config()) == SOURCES["images"].title


def test_a_name_of_any_letters(tmp_path: Path) -> None:
    *_, found = import_images(some_folder(tmp_path / "pics"), ImportSettings(), tmp_path / "home", "  ../Bäume: [x]\n ")
    assert isinstance(found, ImportedSet)
    assert found.record.name == "../Bäume: [x]" and found.folder == tmp_path / "home" / "bäume-x"


def test_duplicates_between_splits_are_reported(tmp_path: Path) -> None:
    files = {f"train/{n}.png": png(n) for n in range(6)} | {f"test/{n}.png": png(n + 4) for n in range(4)}
    folder = write(tmp_path / "pics", {**files, "train/again.png": png(0)})
    found = imported(folder, tmp_path / "home")
    assert found.record.num_duplicates == 3 and found.record.num_between_splits == 2
    first, *_ = found.record.duplicates
    assert (first.name, first.split, first.other, first.other_split) == ("train/4.png", "train", "test/0.png", "test")
    dropped = imported(folder, tmp_path / "home", duplicates="drop")
    assert dropped.record.num_dropped == 3 and dropped.record.split_sizes == {"train": 4, "valid": 0, "test": 4}
    expected = [some_pixels(seed)[..., 0] for seed in (0, 1, 2, 3, 4, 5, 6, 7)]
    np.testing.assert_array_equal(dropped.images[:, 0], expected)
    assert imported(folder, tmp_path / "home", duplicates="drop").folder == dropped.folder


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no record": lambda folder: (folder / "set.json").unlink(),
    "a record that is cut": lambda folder: (folder / "set.json").write_bytes((folder / "set.json").read_bytes()[:99]),
    "a record of deep nesting": lambda folder: (folder / "set.json").write_bytes(b"[" * 100_000),
    "a record that is no text": lambda folder: (folder / "set.json").write_bytes(b"\xff\xfe"),
    "no images": lambda folder: (folder / "images.npy").unlink(),
    "images that are cut": lambda folder: (folder / "images.npy").write_bytes(bytes(200)),
    "pickled images": lambda folder: np.save(folder / "images.npy", np.array([{}], object), allow_pickle=True),
    "images of floats": lambda folder: np.save(folder / "images.npy", np.zeros((20, 1, 6, 5))),
    "other images": lambda folder: np.save(folder / "images.npy", np.zeros((21, 1, 6, 5), np.uint8)),
    "no labels": lambda folder: (folder / "labels.npy").unlink(),
    "too few labels": lambda folder: np.save(folder / "labels.npy", np.zeros(3, np.int64)),
    "another version": lambda folder: change_record(folder, version=9),
    "a shape that is too large": lambda folder: change_record(folder, shape=[2**40, 1, 6, 5]),
    "a negative shape": lambda folder: change_record(folder, shape=[-20, 1, 6, 5]),
    "splits that do not add up": lambda folder: change_record(folder, split_sizes={"train": 3, "valid": 0, "test": 1}),
    "an unknown split": lambda folder: change_record(folder, split_sizes={"trane": 20}),
}


def change_record(folder: Path, **values: object) -> None:
    record = msgspec.json.decode((folder / "set.json").read_bytes())
    (folder / "set.json").write_bytes(msgspec.json.encode({**record, **values}))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_set_is_refused_and_hides_no_other(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    home = tmp_path / "home"
    damaged = imported(some_folder(tmp_path / "pics"), home)
    other = imported(tmp_path / "pics", home, size=3)
    damage(damaged.folder)
    with pytest.raises(DataError, match="Import the images again"):
        open_import(damaged.folder)
    assert [found.folder for found in list_imports(home)] == [other.folder]


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({}, (48, 64)),
        ({"size": 24}, (24, 32)),
        ({"width": 16}, (12, 16)),
        ({"size": 10, "width": 10}, (10, 10)),
        ({"size": 256, "width": 256}, (256, 256)),
    ],
)
def test_sizes(tmp_path: Path, settings: dict[str, int], shape: tuple[int, int]) -> None:
    files = {f"{n}.png": png(n, 96, 128) for n in range(3)} | {"other.png": png(9, 50, 50)}
    found = imported(write(tmp_path / "pics", files), tmp_path / "home", **settings)
    assert found.record.shape[2:] == shape
    assert ("size" in {guess.setting for guess in found.record.guesses}) == (len(settings) < 2)


@pytest.mark.parametrize(
    ("fit", "expected"),
    [
        ("crop", [[50, 50, 50, 50]] * 4),
        ("pad", [[50, 50, 50, 50], [0, 50, 50, 100], [0, 50, 50, 100], [50, 50, 50, 50]]),
        ("stretch", [[0, 50, 50, 100]] * 4),
    ],
)
def test_other_aspect_ratios(tmp_path: Path, fit: str, expected: list[list[int]]) -> None:
    """Of 4×8 pixels: the square in the middle; all, between the median of the edge; all in half the width."""
    row = np.array([0, 0, 50, 50, 50, 50, 100, 100], np.uint8)
    picture = np.repeat(row[None], 4, axis=0)
    folder = write(tmp_path / "pics", {"a.png": encoded(picture_of(picture[..., None]))})
    found = imported(folder, tmp_path / "home", size=4, width=4, fit=fit)
    np.testing.assert_array_equal(found.images[0, 0], expected)
