"""The embedded digits: the split is fixed, stratified and complete, at every number of levels."""

import gzip
import hashlib
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from gmstudio.data import SOURCES, DataError, catalog, load
from gmstudio.data.dataset import Dataset
from gmstudio.data.digits import Digits
from gmstudio.media.levels import to_intensities
from gmstudio.protocol.config import ConfigError, schema_of
from gmstudio.protocol.data import DataEntry


def images_of(dataset: Dataset) -> np.ndarray:
    return np.concatenate([dataset.train.images, dataset.valid.images, dataset.test.images])


def test_with_nothing_set_there_are_sixteen_levels() -> None:
    digits = load("digits", {})
    assert digits.sizes == {"train": 1437, "valid": 180, "test": 180}
    assert digits.image.shape == (1, 8, 8) and digits.image.levels == 16
    assert digits.config == {"levels": 16, "binarize": "threshold", "split": "balanced"}
    assert not digits.resample and digits.label_names[3] == "3"
    for split in (digits.train, digits.valid, digits.test):
        assert split.images.max() == 15 and split.images.min() == 0
        assert split.images.flags.c_contiguous and split.images.flags.writeable


def test_the_split_holds_every_image_once_and_each_digit_evenly() -> None:
    digits = load("digits", {"levels": 2, "binarize": "sample"})
    assert np.bincount(digits.valid.labels).tolist() == [18] * 10
    assert np.bincount(digits.test.labels).tolist() == [18] * 10
    fixed = images_of(load("digits", {"levels": 16}))
    originals, _ = load_digits(return_X_y=True)
    expected = (originals.astype(int) * 16 // 17).astype(np.uint8)
    assert sorted(row.tobytes() for row in fixed.reshape(-1, 64)) == sorted(row.tobytes() for row in expected)
    grey = to_intensities(originals.astype(np.uint8), 16)
    assert {row.tobytes() for row in digits.train.images.reshape(-1, 64)} <= {row.tobytes() for row in grey}


def test_the_split_never_changes() -> None:
    labels = np.concatenate([getattr(load("digits", {}), name).labels for name in ("train", "valid", "test")])
    assert hashlib.sha256(labels.astype("<i8").tobytes()).hexdigest()[:16] == "a7dded5b93081ce2"


@pytest.mark.parametrize("levels", [2, 4, 16, 17])
def test_every_level_is_used(levels: int) -> None:
    digits = load("digits", {"levels": levels})
    assert digits.image.levels == levels
    assert set(np.unique(images_of(digits))) == set(range(levels))


def test_sampled_digits_are_drawn_once_for_validation_and_kept_grey_for_training() -> None:
    digits, again = (load("digits", {"levels": "2", "binarize": "sample"}) for _ in range(2))
    assert digits.resample and digits.train.images.max() == 255 and len(np.unique(digits.train.images)) == 17
    assert set(np.unique(digits.valid.images)) == set(np.unique(digits.test.images)) == {0, 1}
    np.testing.assert_array_equal(images_of(digits), images_of(again))
    np.testing.assert_array_equal(digits.view("train", range(9)), again.view("train", range(9)))
    assert load("digits", {"levels": 4, "binarize": "sample"}).resample is False


def test_the_catalog_describes_every_source() -> None:
    entries = catalog()
    assert (
        [entry.name for entry in entries]
        == list(SOURCES)
        == [
            "digits",
            "mnist",
            "fashion_mnist",
            "shapes",
            "points",
            "idx",
            "binarized_mnist",
            "cifar10",
            "images",
        ]
    )
    for entry in entries:
        assert isinstance(entry, DataEntry) and entry.title and entry.summary
        for name, described in entry.config_schema["properties"].items():
            assert described["title"] and described["description"], name


def test_the_courses_split_is_in_the_sets_order_with_the_original_values() -> None:
    digits = load("digits", {"levels": 17, "split": "course"})
    assert digits.sizes == {"train": 1000, "valid": 350, "test": 447}
    originals, labels = load_digits(return_X_y=True)
    np.testing.assert_array_equal(images_of(digits).reshape(-1, 64), originals)
    np.testing.assert_array_equal(digits.valid.labels, labels[1000:1350])


def test_wrong_settings_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"Quantization levels \(per channel\) is 3; it must be one of 2, 4, 16, 17"):
        load("digits", {"levels": 3})
    with pytest.raises(ConfigError, match="no setting 'colour'"):
        load("digits", {"colour": True})
    with pytest.raises(DataError, match="no data source 'cats'; there are digits, mnist"):
        load("cats", {})


def test_choices_have_display_labels() -> None:
    properties = schema_of(Digits.Config)["properties"]
    assert properties["binarize"]["title"] == "Binarization"
    assert properties["binarize"]["labels"] == {"threshold": "threshold at 0.5", "sample": "stochastic"}
    assert properties["binarize"]["labels"].keys() == set(properties["binarize"]["enum"])
    assert properties["levels"]["labels"] == {}


def test_digits_are_read_without_importing_scikit_learn() -> None:
    """Its import takes a second, which the first start of the window would wait for."""
    script = "import sys; from gmstudio.data import load; load('digits', {}); print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b"1,2\n3,4\n", mtime=0), gzip.compress(b"a,b", mtime=0)],
    ids=["empty", "no gzip", "two columns", "no numbers"],
)
def test_a_damaged_table_is_named(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "sklearn" / "datasets" / "data"
    folder.mkdir(parents=True)
    (folder / "digits.csv.gz").write_bytes(content)
    spec = ModuleSpec("sklearn", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path / "sklearn")]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    with pytest.raises(DataError, match=r"digits\.csv\.gz is damaged.*Install scikit-learn again"):
        load("digits", {})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="The digits are not there"):
        load("digits", {})
