"""The maker of the shipped data: it checks its sources, and writes the same bytes each time."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.shipped import data
from benchmarks.shipped.data import OfficialFile, OfficialSet, make_set


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small set in MNIST's layout, known to the maker."""
    random = np.random.RandomState(0)
    files = []
    for part, count in (("train", 80), ("t10k", 40)):
        labels = random.permutation(np.arange(count) % 10).astype(np.uint8)
        images = random.randint(0, 256, (count, 28, 28)).astype(np.uint8)
        images[:, 0, 0] = labels
        for kind, content in (("images", idx(images)), ("labels", idx(labels))):
            (tmp_path / f"{part}-{kind}.gz").write_bytes(content)
            files.append(OfficialFile(f"{part}-{kind}.gz", hashlib.sha256(content).hexdigest()))
    monkeypatch.setitem(data.SETS, "mnist", OfficialSet(train=tuple(files[:2]), test=tuple(files[2:])))
    monkeypatch.setattr(data, "PER_CLASS", {"train": 4, "valid": 2, "test": 3})
    return tmp_path


def test_subsets_are_balanced_disjoint_and_the_same_bytes_each_time(sources: Path, tmp_path: Path) -> None:
    content = make_set("mnist", sources)
    assert content == make_set("mnist", sources)
    (tmp_path / "made.npz").write_bytes(content)
    with np.load(tmp_path / "made.npz", allow_pickle=False) as made:
        for split, count in (("train", 40), ("valid", 20), ("test", 30)):
            assert made[f"{split}_images"].shape == (count, 28, 28)
            assert made[f"{split}_labels"].tolist() == [*range(10)] * (count // 10)
            np.testing.assert_array_equal(made[f"{split}_images"][:, 0, 0], made[f"{split}_labels"])
        assert not set(made["train_index"]) & set(made["valid_index"])


def test_another_file_than_the_official_one_is_refused(sources: Path) -> None:
    (sources / "t10k-labels.gz").write_bytes(idx(np.zeros(40, np.uint8)))
    with pytest.raises(ValueError, match=r"t10k-labels\.gz has the SHA-256 .* not the official file"):
        make_set("mnist", sources)
    (sources / "t10k-labels.gz").unlink()
    with pytest.raises(ValueError, match=r"t10k-labels\.gz could not be read"):
        make_set("mnist", sources)
