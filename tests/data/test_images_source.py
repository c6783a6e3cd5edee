"""The source of the user's own images: levels, classes, splits, seeds, and what a run knows of them."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from idx_making import write_set
from PIL import Image

from gmstudio.data import DataError, Dataset, Progress, images_preparation, load, load_pieces
from gmstudio.data.importing.kept_sets import imports_home, list_imports
from gmstudio.data.importing.settings import ImportSettings
from gmstudio.data.importing.store import import_images
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.data import SPLITS

NUM = 20


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path / "home"))
    return imports_home()


def pixels(number: int) -> np.ndarray:
    return np.random.RandomState(number).randint(0, 256, (5, 7), dtype=np.uint8)


def folder_of(place: Path, layout: str = "{name}/{number:02}.png", names: tuple[str, ...] = ("cat", "dog")) -> Path:
    for label, name in enumerate(names):
        for number in range(NUM):
            path = place / layout.format(
                name=name, number=number, split=SPLITS[number // 14] if number < 18 else "test"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels(100 * label + number)).save(path)
    return place


def load_images(folder: Path, **settings: Any) -> Dataset:
    return load("images", {"folder": str(folder), **settings})


def everything(dataset: Dataset) -> list[bytes]:
    return sorted(image.tobytes() for split in SPLITS for image in dataset.split(split).images)


def test_every_image_is_in_one_split_with_its_label(tmp_path: Path) -> None:
    dataset = load_images(folder_of(tmp_path / "pics"), valid_percent=20, test_percent=10)
    assert dataset.sizes == {"train": 28, "valid": 8, "test": 4} and dataset.label_names == ("cat", "dog")
    label_of = {pixels(100 * label + number).tobytes(): label for label in range(2) for number in range(NUM)}
    assert everything(dataset) == sorted(label_of)
    for split in map(dataset.split, SPLITS):
        assert split.labels is not None
        assert [label_of[image.tobytes()] for image in split.images] == split.labels.tolist()


def test_a_seed_repeats_and_another_permutes(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "pics")
    first, same, other = (load_images(folder, seed=seed) for seed in (1, 1, 2))
    assert first.fingerprint == same.fingerprint
    assert first.fingerprint.differences(other.fingerprint) and everything(first) == everything(other)


def test_splits_of_the_files_are_kept_and_the_missing_one_is_held_out(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "pics", "{split}/{name}/{number:02}.png")
    dataset = load_images(folder)
    assert dataset.sizes == {"train": 28, "valid": 8, "test": 4}
    expected = sorted(pixels(100 * label + number).tobytes() for label in range(2) for number in (18, 19))
    assert sorted(image.tobytes() for image in dataset.test.images) == expected
    assert load_images(folder, keep_splits=False).sizes == {"train": 32, "valid": 4, "test": 4}
    for path in (folder / "valid").rglob("*.png"):
        path.unlink()
    assert load_images(folder, valid_percent=25).sizes == {"train": 21, "valid": 7, "test": 4}


@pytest.mark.parametrize("levels", [2, 4, 8, 16, 32, 64, 128, 256])
def test_levels(tmp_path: Path, levels: int) -> None:
    folder = folder_of(tmp_path / "pics")
    dataset, grey = load_images(folder, levels=levels), load_images(folder)
    assert dataset.image.levels == levels
    np.testing.assert_array_equal(dataset.train.images, grey.train.images.astype(int) * levels // 256)


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.73, 1.0])
def test_a_threshold_and_inversion(tmp_path: Path, threshold: float) -> None:
    folder = folder_of(tmp_path / "pics")
    grey = load_images(folder).test.images
    found = load_images(folder, levels=2, threshold=threshold).test.images
    np.testing.assert_array_equal(found, grey / 255 >= threshold)
    inverted = load_images(folder, levels=2, threshold=threshold, invert=True).test.images
    np.testing.assert_array_equal(inverted, (255 - grey) / 255 >= threshold)
    np.testing.assert_array_equal(load_images(folder, invert=True).test.images, 255 - grey)


def test_sampled_binarization(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "pics")
    dataset, grey = load_images(folder, levels=2, binarize="sample"), load_images(folder)
    assert dataset.resample and dataset.image.levels == 2
    np.testing.assert_array_equal(dataset.train.images, grey.train.images)
    assert dataset.valid.images.max() == 1
    intensity = np.concatenate([grey.valid.images, grey.test.images]) / 255
    drawn = np.concatenate([dataset.valid.images, dataset.test.images])
    assert abs(drawn.mean() - intensity.mean()) < 0.06 and np.corrcoef(drawn.flat, intensity.flat)[0, 1] > 0.4
    assert load_images(folder, levels=2, binarize="sample").fingerprint == dataset.fingerprint


def test_classes_and_number(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "pics", names=("cat", "dog", "owl"))
    dataset = load_images(folder, classes="owl, 0", subset=7)
    assert dataset.sizes == {"train": 7, "valid": 4, "test": 4} and set(dataset.train_labels) == {0, 2}
    whole = load_images(folder, classes="0,2")
    np.testing.assert_array_equal(dataset.train.images, whole.train.images[:7])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"folder": " "}, ConfigError, "Images is empty"),
        ({"folder": "/nowhere/at/all"}, DataError, "There is no file or folder"),
        ({"folder": "~nobody-here/x"}, ConfigError, "home of a user"),
        ({"classes": "fox"}, ConfigError, r"has 'fox'; there are 0 \(cat\), 1 \(dog\)"),
        ({"levels": 3}, ConfigError, "one of 2, 4, 8"),
        ({"size": 257}, ConfigError, "0 to 256"),
        ({"seed": -1}, ConfigError, "0 to"),
        ({"threshold": 0}, ConfigError, "above 0"),
        ({"folder": "{pics}/cat/00.png"}, DataError, "is one picture. Choose the folder"),
        ({"folder": "/dev/null"}, DataError, "neither a file nor a folder"),
        ({"folder": "x" * 300}, DataError, "name"),
        ({"folder": "a\0b"}, DataError, "is no path"),
    ],
)
def test_a_wrong_setting_is_a_sentence(tmp_path: Path, settings: dict[str, Any], error: type, message: str) -> None:
    pics = folder_of(tmp_path / "pics")
    folder = str(settings.pop("folder", pics)).replace("{pics}", str(pics))
    with pytest.raises(error, match=message):
        load("images", {"folder": folder, **settings})


def test_classes_of_images_without_labels_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "pics", "{name}-{number:02}.png")
    assert load_images(folder).train.labels is None
    with pytest.raises(ConfigError, match="have no labels"):
        load_images(folder, classes="0")


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_images(tmp_path: Path, count: int) -> None:
    (tmp_path / "few").mkdir()
    for number in range(count):
        Image.fromarray(pixels(number)).save(tmp_path / "few" / f"{number}.png")
    with pytest.raises(DataError, match="Too few images"):
        load_images(tmp_path / "few")


def test_changed_files_are_another_set_to_a_run(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "pics")
    before = load_images(folder).fingerprint
    Image.fromarray(pixels(999)).save(folder / "cat" / "03.png")
    after = load_images(folder).fingerprint
    assert after.origin != before.origin and before.differences(after)
    assert len(list_imports(imports_home())) == 2


def test_an_imported_set_is_loaded_from_its_own_folder(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "pics")
    *_, found = import_images(folder, ImportSettings(size=4), imports_home(), "small")
    assert load_images(imports_home() / "small").image.shape == (1, 4, 6)
    np.testing.assert_array_equal(load_images(folder, size=4).train.images, load_images(found.folder).train.images)
    assert len(list_imports(imports_home())) == 1


def test_files_of_a_known_format_are_imported_too(tmp_path: Path) -> None:
    """What other readers return takes the same way: an IDX folder here."""
    folder = write_set(tmp_path / "idx", 60, 20)
    dataset, plain = load_images(folder), load("idx", {"folder": str(folder), "levels": 256})
    assert dataset.sizes == plain.sizes and everything(dataset) == everything(plain)


def test_progress_goes_from_listing_to_loading(tmp_path: Path) -> None:
    settings = {"folder": str(folder_of(tmp_path / "pics"))}
    *pieces, dataset = load_pieces("images", settings)
    assert isinstance(dataset, Dataset)
    stages = [stage for stage, _ in itertools.groupby(piece.stage for piece in pieces if isinstance(piece, Progress))]
    assert stages == ["index", "sample", "decode", "finish", "load"]
    again = [piece.stage for piece in load_pieces("images", settings) if isinstance(piece, Progress)]
    assert set(again) == {"index", "load"}


def test_large_splits_lie_in_a_file_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(tmp_path / "pics")
    small = load_images(folder)
    monkeypatch.setattr(images_preparation, "MAX_IN_MEMORY", 100)
    large = load_images(folder)
    assert isinstance(large.train.images.base, np.memmap) and large.fingerprint == small.fingerprint
    np.testing.assert_array_equal(large.train.images, small.train.images)
    assert large.train.images.flags.writeable and [path.name for path in imports_home().iterdir()] == ["pics"]


def test_the_label_of_a_run_is_the_folder(tmp_path: Path) -> None:
    from gmstudio.data.images import Images, ImagesConfig

    assert Images.label(ImagesConfig(folder='"/home/me/My birds"')) == "My birds"
    assert Images.label(ImagesConfig(folder="/data/set.zip")) == "set"
