"""Sets of IDX files are found in the layouts that people have."""

import sys
from pathlib import Path

import pytest
from idx_making import some_images, write_idx, write_set

from gmstudio.data import idx_folder
from gmstudio.data.dataset import DataError
from gmstudio.data.folder import named_folder
from gmstudio.data.idx_folder import find_sets


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("dot", ["-", "."])
@pytest.mark.parametrize("below", ["", "raw", "MNIST/raw", "data/fashion", "a/b/c"])
def test_the_usual_names_are_found(tmp_path: Path, suffix: str, dot: str, below: str) -> None:
    write_set(tmp_path / "mine" / below, suffix=suffix, dot=dot)
    (found,) = find_sets(tmp_path / "mine")
    assert (
        found.name == {"": "mine", "raw": "mine", "MNIST/raw": "MNIST", "data/fashion": "fashion", "a/b/c": "c"}[below]
    )
    assert found.images.keys() == found.labels.keys() == {"train", "test"}
    assert not found.is_emnist


def test_each_file_in_a_folder_of_its_own_name(tmp_path: Path) -> None:
    for path in list(write_set(tmp_path / "archive", suffix="").iterdir()):
        path.rename(tmp_path / "moved")
        path.mkdir()
        (tmp_path / "moved").rename(path / path.name)
    (found,) = find_sets(tmp_path / "archive")
    assert found.name == "archive" and found.images.keys() == found.labels.keys() == {"train", "test"}


def test_several_sets_are_distinguished(tmp_path: Path) -> None:
    write_set(tmp_path / "MNIST/raw")
    write_set(tmp_path / "FashionMNIST/raw")
    for name in ("letters", "digits"):
        write_set(tmp_path / "EMNIST/raw", prefix=f"emnist-{name}-", test_word="test")
    sets = find_sets(tmp_path)
    assert [found.name for found in sets] == ["emnist-digits", "emnist-letters", "FashionMNIST", "MNIST"]
    assert [found.is_emnist for found in sets] == [True, True, False, False]
    assert [found.name for found in find_sets(tmp_path / "EMNIST/raw")] == ["emnist-digits", "emnist-letters"]


def test_sets_of_one_name_get_their_folder_too(tmp_path: Path) -> None:
    write_set(tmp_path / "old/MNIST/raw")
    write_set(tmp_path / "new/MNIST/raw")
    write_set(tmp_path / "old/e", prefix="emnist-letters-")
    write_set(tmp_path / "new/e", prefix="emnist-letters-")
    sets = find_sets(tmp_path)
    assert [found.name for found in sets] == [
        "new/e/emnist-letters",
        "new/MNIST/raw/MNIST",
        "old/e/emnist-letters",
        "old/MNIST/raw/MNIST",
    ]
    assert [found.is_emnist for found in sets] == [True, False, True, False]


def test_the_unpacked_file_counts_where_both_are_there(tmp_path: Path) -> None:
    write_set(tmp_path, suffix=".gz")
    write_set(tmp_path, suffix="")
    (found,) = find_sets(tmp_path)
    assert not any(path.suffix == ".gz" for path in (*found.images.values(), *found.labels.values()))


def test_other_files_and_deeper_folders_are_passed_over(tmp_path: Path) -> None:
    write_set(tmp_path / "1/2/3")
    write_set(tmp_path / "1/2/3/4/5")
    (tmp_path / "train-images.png").touch()
    (tmp_path / "not-a-train-images-idx3-ubyte.zip").touch()
    assert len(find_sets(tmp_path)) == 1


def test_what_cannot_be_used_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="holds no IDX files of images such as"):
        find_sets(tmp_path)
    with pytest.raises(DataError, match=r"There is no folder .*nowhere"):
        find_sets(tmp_path / "nowhere")
    path = write_idx(tmp_path / "train-labels-idx1-ubyte", some_images(1)[0, 0])
    with pytest.raises(DataError, match=r"is a file. Choose the folder"):
        find_sets(path)
    with pytest.raises(DataError, match=r"holds labels \(train-labels-idx1-ubyte\) but no images"):
        find_sets(tmp_path)
    for name in ("a\0b", "\ud800", "x" * 5000):
        with pytest.raises(DataError, match=r"[Cc]hoose"):
            find_sets(Path(name))
    monkeypatch.setattr(idx_folder, "MAX_ENTRIES", 3)
    write_set(tmp_path)
    with pytest.raises(DataError, match="more than 3 files"):
        find_sets(tmp_path)


@pytest.mark.parametrize(
    ("place", "prefix", "is_emnist"),
    [
        ("", "emnist-letters-", True),
        ("", "emnist_letters_", True),
        ("", "EMNIST.digits.", True),
        ("EMNIST", "", True),
        ("emnist/raw", "", True),
        ("EMNIST/letters", "", True),
        ("EMNIST", "mnist-", False),
        ("EMNIST and MNIST/MNIST/raw", "", False),
        ("FashionMNIST", "", False),
        ("remnist", "", False),
    ],
)
def test_emnist_is_told_by_names(tmp_path: Path, place: str, prefix: str, is_emnist: bool) -> None:
    write_set(tmp_path / place, prefix=prefix)
    for folder in (tmp_path, tmp_path / place):
        (found,) = find_sets(folder)
        assert found.is_emnist == is_emnist


@pytest.mark.parametrize("ending", ["", ".gz", "-idx3-ubyte", ".idx3", "-ubyte.gz"])
def test_names_without_their_type_are_found(tmp_path: Path, ending: str) -> None:
    write_idx(tmp_path / f"emnist_letters_train_images{ending}", some_images(5))
    (found,) = find_sets(tmp_path)
    assert found.name == "emnist_letters" and found.images.keys() == {"train"}


def test_attributes_of_macos_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    for path in list(write_set(tmp_path / "MNIST").iterdir()):
        for place in (path.parent, tmp_path / "__MACOSX" / "MNIST"):
            place.mkdir(parents=True, exist_ok=True)
            (place / f"._{path.name}").write_bytes(b"\0\5\x16\7")
    write_set(tmp_path / "__MACOSX" / "copy")
    write_set(tmp_path / ".Trash" / "raw")
    (found,) = find_sets(tmp_path)
    assert found.name == "MNIST"
    assert not any(path.name.startswith(".") for path in [*found.images.values(), *found.labels.values()])


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_that_lead_nowhere_or_to_themselves_are_passed_over(tmp_path: Path) -> None:
    write_set(tmp_path)
    for name, target in (("train-images-idx3-ubyte", "train-images-idx3-ubyte"), ("loop", "loop"), ("gone", "nowhere")):
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).symlink_to(target)
    (found,) = find_sets(tmp_path)
    assert found.images["train"].name == "train-images-idx3-ubyte.gz"


@pytest.mark.parametrize("form", ["{}", "'{}'", '"{}" ', "file://{}"])
def test_pasted_paths_are_understood(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "set"
    write_set(folder)
    assert named_folder(form.format(folder), "IDX files") == folder
