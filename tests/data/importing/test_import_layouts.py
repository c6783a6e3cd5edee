"""Folders and archives as people have them give the same images as the plainest layout."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from picture_making import encoded, imported, picture_of, png, some_pixels, write

from gmstudio.data import load
from gmstudio.data.importing.set_file import ImportedSet

NAMES = ("cat", "dog", "owl")
NUM = 4
Files = dict[str, bytes]


def plainest() -> Files:
    return {
        f"{name}/{number}.png": png(10 * label + number) for label, name in enumerate(NAMES) for number in range(NUM)
    }


def packed(files: Files, path: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def as_folder(change: Callable[[Files], Files]) -> Callable[[Path], Path]:
    return lambda place: write(place / "set", change(plainest()))


def as_zip(change: Callable[[Files], Files], method: int = zipfile.ZIP_DEFLATED) -> Callable[[Path], Path]:
    return lambda place: packed(change(plainest()), place / "set.zip", method)


def below(prefix: str) -> Callable[[Files], Files]:
    return lambda files: {f"{prefix}/{name}": content for name, content in files.items()}


def with_junk(files: Files) -> Files:
    junk = {
        "__MACOSX/cat/._0.png": b"\0\5\x16\7",
        "cat/._0.png": b"\0\5\x16\7",
        "dog/Thumbs.db": b"\xd0\xcf",
        ".DS_Store": b"Bud1",
        "owl/desktop.ini": b"[x]",
        ".hidden/1.png": png(99),
        "labels.csv": b"a,b",
        "README": b"text",
    }
    return files | junk


def with_other_suffixes(files: Files) -> Files:
    """Names that say nothing true about the format."""
    suffixes = (".PNG", ".jpg", ".gif", ".Tiff")
    return {name[:-4] + suffixes[int(name[-5]) % 4]: content for name, content in files.items()}


def in_other_formats(files: Files) -> Files:
    forms = (("BMP", "bmp"), ("TIFF", "tif"), ("WEBP", "webp"), ("GIF", "gif"))
    found = {}
    for label, name in enumerate(NAMES):
        for number in range(NUM):
            form, suffix = forms[number]
            options = {"lossless": True} if form == "WEBP" else {}
            picture = picture_of(some_pixels(10 * label + number))
            found[f"{name}/{number}.{suffix}"] = encoded(picture, form, **options)
    return found


def with_long_directory_record(place: Path) -> Path:
    """An archive with sizes in fields for large ones, as streaming programs write."""
    path = place / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in plainest().items():
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(content)
    return path


def with_other_bytes_before(place: Path) -> Path:
    path = packed(plainest(), place / "set.zip")
    path.write_bytes(b"#!/bin/sh\nexit\n" + path.read_bytes())
    return path


def with_backslashes(place: Path) -> Path:
    path = packed({name.replace("/", "|"): content for name, content in plainest().items()}, place / "set.zip")
    content = path.read_bytes()
    for name in NAMES:
        content = content.replace(f"{name}|".encode(), f"{name}\\".encode())
    path.write_bytes(content)
    return path


def with_a_link_to_itself(place: Path) -> Path:
    folder = write(place / "set", plainest())
    (folder / "dog" / "again").symlink_to(folder, target_is_directory=True)
    (folder / "cat" / "9.png").symlink_to("9.png")
    (folder / "owl" / "8.png").symlink_to("nowhere.png")
    return folder


LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "below folders that hold everything": as_folder(below("My pictures/grüne Bäume")),
    "with what systems leave": as_folder(with_junk),
    "with suffixes that are not theirs": as_folder(with_other_suffixes),
    "in other formats": as_folder(in_other_formats),
    "with links that lead nowhere": with_a_link_to_itself,
    "zip": as_zip(dict),
    "zip, stored": as_zip(dict, zipfile.ZIP_STORED),
    "zip with what systems leave": as_zip(with_junk),
    "zip with a folder": as_zip(below("set")),
    "zip for large files": with_long_directory_record,
    "zip behind a program": with_other_bytes_before,
    "zip of Windows": with_backslashes,
}


def same_images(found: ImportedSet) -> None:
    expected = np.stack([some_pixels(10 * label + number)[..., 0] for label in range(3) for number in range(NUM)])
    np.testing.assert_array_equal(found.images[:, 0], expected)
    assert found.record.label_names == NAMES
    assert found.labels is not None and found.labels.tolist() == [0] * NUM + [1] * NUM + [2] * NUM
    assert found.splits is None and not found.record.num_bad


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_layout_gives_the_images_of_the_plainest(tmp_path: Path, layout: Callable[[Path], Path]) -> None:
    same_images(imported(layout(tmp_path), tmp_path / "home"))


SPLIT_LAYOUTS = {
    "the splits at the top": ("{split}/{name}/{number}.png", ("train", "val", "test")),
    "below a folder": ("set/{split}/{name}/{number}.png", ("Training", "Validation", "Testing")),
    "the classes at the top": ("{name}/{split}/{number}.png", ("train", "dev", "test")),
    "with a folder between": ("{split}/images/{name}/{number}.png", ("train", "valid", "test")),
}


@pytest.mark.parametrize(("pattern", "words"), SPLIT_LAYOUTS.values(), ids=SPLIT_LAYOUTS)
def test_folders_name_splits(tmp_path: Path, pattern: str, words: tuple[str, ...]) -> None:
    files = {
        pattern.format(split=words[min(number, 2)], name=name, number=number): png(10 * label + number)
        for label, name in enumerate(NAMES)
        for number in range(NUM)
    }
    found = imported(write(tmp_path / "pics", files), tmp_path / "home")
    assert found.record.split_sizes == {"train": 3, "valid": 3, "test": 6}
    assert found.splits is not None and found.labels is not None
    assert found.record.label_names == NAMES
    of = {some_pixels(10 * label + number).tobytes(): (label, number) for label in range(3) for number in range(NUM)}
    for image, label, split in zip(found.images, found.labels, found.splits, strict=True):
        assert of[image.tobytes()][0] == label and min(of[image.tobytes()][1], 2) == split


def test_splits_without_classes(tmp_path: Path) -> None:
    files = {f"{split}/{number}.png": png(number) for split in ("train", "test") for number in range(5)}
    found = imported(write(tmp_path / "pics", files), tmp_path / "home")
    assert found.labels is None and found.record.split_sizes == {"train": 5, "valid": 0, "test": 5}
    assert found.record.num_between_splits == 5 and found.record.duplicates[0].split == "train"


def test_numbered_folders_are_the_labels_of_these_numbers(tmp_path: Path) -> None:
    files = {f"{label}/{number}.png": png(10 * label + number) for label in (0, 10, 3) for number in range(3)}
    found = imported(write(tmp_path / "pics", files), tmp_path / "home")
    assert found.record.label_names == ()
    assert [guess.text for guess in found.record.guesses] == ["The names of 3 folders were taken for labels."]
    assert found.labels is not None and found.labels.tolist() == [0, 0, 0, 10, 10, 10, 3, 3, 3]


@pytest.mark.parametrize(
    ("levels", "names"),
    [("auto", ("a/x", "a/y", "b/x", "b/y")), ("first", ("a", "b")), ("last", ("x", "y")), ("none", ())],
)
def test_levels_of_folders_that_are_classes(tmp_path: Path, levels: str, names: tuple[str, ...]) -> None:
    files = {f"{first}/{last}/{n}.png": png(n) for first in "ab" for last in "xy" for n in range(3)}
    found = imported(write(tmp_path / "pics", files), tmp_path / "home", label_column=levels)
    assert found.record.label_names == names


def test_pictures_beside_the_folders_of_splits_are_training_images(tmp_path: Path) -> None:
    files = {f"{split}/{number}.png": png(number) for split in ("train", "test") for number in range(5)}
    found = imported(write(tmp_path / "pics", {"cover.png": png(77), **files}), tmp_path / "home")
    assert found.record.split_sizes == {"train": 6, "valid": 0, "test": 5}
    assert any("outside the folders" in guess.text for guess in found.record.guesses)


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    for label in (b"caf\xe9", b"th\xe9"):
        place = tmp_path / "pics" / os.fsdecode(label)
        write(place, {os.fsdecode(b"\xff%d.png" % number): png(number) for number in range(3)})
    found = imported(tmp_path / "pics", tmp_path / "home")
    assert len(found) == 6 and found.record.label_names == (r"caf\xe9", r"th\xe9")
    assert found.record.num_duplicates == 3 and found.record.duplicates[0].name == r"th\xe9/\xff0.png"


def test_a_path_in_quotes_or_as_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path / "home"))
    folder = write(tmp_path / "meine Bilder ü", plainest())
    plain = load("images", {"folder": str(folder)})
    for text in (f'"{folder}"', f"  '{folder}' ", folder.as_uri()):
        assert load("images", {"folder": text}).fingerprint == plain.fingerprint


def test_files_without_a_suffix_are_pictures_where_no_file_has_one(tmp_path: Path) -> None:
    files = {name.removesuffix(".png"): content for name, content in plainest().items()}
    same_images(imported(write(tmp_path / "set", files), tmp_path / "home"))


def test_archives_inside_are_named_and_not_opened(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x.png", png(0))
    found = imported(packed({**plainest(), "more.zip": inner.getvalue()}, tmp_path / "set.zip"), tmp_path / "home")
    same_images(found)
    assert any("1 (.zip)" in remark and "not opened" in remark for remark in found.record.remarks)


def test_test_images_without_labels_have_a_class_of_their_own(tmp_path: Path) -> None:
    """As competitions distribute them: the labels of the test images are secret."""
    files = {f"train/{name}/{n}.png": png(10 * at + n) for at, name in enumerate(("cat", "dog")) for n in range(4)}
    found = imported(
        write(tmp_path / "pics", files | {f"test/{n}.png": png(50 + n) for n in range(3)}), tmp_path / "home"
    )
    assert found.record.label_names == ("cat", "dog", "(no folder)")
    assert found.labels is not None and found.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 3
    assert any("(no folder)" in guess.text and guess.text.startswith("2 folders") for guess in found.record.guesses)


def test_a_folder_for_each_picture_is_no_class(tmp_path: Path) -> None:
    files = {f"2024-{number:02}/a.png": png(number) for number in range(12)}
    found = imported(write(tmp_path / "pics", files), tmp_path / "home")
    assert len(found) == 12 and found.labels is None
    assert any("not taken for classes" in guess.text for guess in found.record.guesses)
    assert imported(tmp_path / "pics", tmp_path / "home", label_column="first").labels is not None


def test_an_image_is_found_among_many_bad_ones(tmp_path: Path) -> None:
    """The sample, which is spread evenly, has none that can be decoded."""
    files = {f"{number:04}.png": b"bad" for number in range(300)} | {"0123.png": png(5)}
    found = imported(write(tmp_path / "pics", files), tmp_path / "home")
    assert found.record.shape == (1, 1, 6, 5) and found.record.num_bad == 299 and len(found.record.bad) == 100


def test_a_class_without_an_image_that_can_be_decoded_is_none(tmp_path: Path) -> None:
    files = plainest() | {f"bad/{number}.png": b"bad" for number in range(5)} | {"beside.png": b"bad"}
    found = imported(write(tmp_path / "set", files), tmp_path / "home")
    assert found.record.num_bad == 6 and found.record.label_names == NAMES
    assert found.labels is not None and found.labels.tolist() == [0] * NUM + [1] * NUM + [2] * NUM
