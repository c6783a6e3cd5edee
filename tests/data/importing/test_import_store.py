"""Folders of pictures become sets on the disk, found again, and whole or not there."""

from pathlib import Path

import numpy as np
import pytest
from picture_making import imported, png, some_pixels, write

from gmstudio.data import DataError, load
from gmstudio.data.importing.settings import ImportSettings
from gmstudio.data.importing.store import import_images, list_imports, open_import
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
