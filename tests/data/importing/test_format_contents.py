"""Guesses are said and can be changed; sequences and points keep their scale; bad images are named."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.formats.choosing import open_format
from gmstudio.data.importing.formats.format_set import FormatSet
from gmstudio.data.importing.raw import BadImageError, RawSet
from gmstudio.data.importing.set_file import ImportedSet
from gmstudio.data.importing.settings import ImportSettings, ReadSettings
from gmstudio.data.importing.store import import_images
from gmstudio.data.progress import Progress
from gmstudio.protocol.config import ConfigError

IMAGES = np.random.RandomState(0).randint(0, 256, (12, 6, 5)).astype(np.uint8)
IMAGES[0, 0, :2] = 0, 255


def read(path: Path, **settings: object) -> FormatSet:
    raw = open_format(path, ReadSettings(**settings))  # type: ignore[arg-type]
    assert raw is not None
    return raw


def pixels(raw: RawSet) -> np.ndarray:
    return np.stack([raw.read(index) for index in range(len(raw))])


def saved(folder: Path, array: np.ndarray) -> Path:
    np.save(folder / "a.npy", array)
    return folder / "a.npy"


def guess_texts(raw: RawSet) -> dict[str, str]:
    return {guess.setting: guess.text for guess in raw.guesses}


def table(folder: Path, rows: list[str], name: str = "t.csv") -> Path:
    (folder / name).write_text("\n".join(rows))
    return folder / name


def imported(path: Path, home: Path, **settings: object) -> ImportedSet:
    *progress, last = import_images(path, ImportSettings(**settings), home)  # type: ignore[arg-type]
    assert isinstance(last, ImportedSet) and all(isinstance(item, Progress) for item in progress)
    return last


def test_plain_bytes_need_no_guess(tmp_path: Path) -> None:
    assert read(saved(tmp_path, IMAGES)).guesses == ()


@pytest.mark.parametrize(
    ("values", "words", "expected"),
    [
        (IMAGES / 510, "0…0.5, spread", IMAGES),
        (IMAGES % 2, "0…1, taken as 0 (black) to 1", (IMAGES % 2) * 255),
        (IMAGES % 17, "0…16, spread", np.rint((IMAGES % 17).astype(float) * 255 / 16)),
        (IMAGES.astype(np.uint16) * 257, "65,535", IMAGES),
        ((IMAGES / 127.5 - 1), "−1 (black) to 1", IMAGES),
        (IMAGES.astype(np.float32), "0 (black) to 255", IMAGES),
        (IMAGES > 99, "", (IMAGES > 99) * 255),
    ],
)
def test_the_value_range_is_guessed_and_guess_texts(
    tmp_path: Path, values: np.ndarray, words: str, expected: np.ndarray
) -> None:
    raw = read(saved(tmp_path, values))
    assert words in guess_texts(raw).get("value_range", "")
    assert np.array_equal(pixels(raw)[..., 0], np.asarray(expected, np.uint8))


def test_the_value_range_can_be_chosen(tmp_path: Path) -> None:
    path = saved(tmp_path, IMAGES / 510)
    assert pixels(read(path, value_range="unit")).max() == 128
    assert pixels(read(path, value_range="byte")).max() <= 1
    with pytest.raises(ConfigError, match=r"values from 0 to 255, outside the value range 0 to 1"):
        read(saved(tmp_path, IMAGES), value_range="unit")


def test_the_axis_order_is_told_and_can_be_chosen(tmp_path: Path) -> None:
    path = saved(tmp_path, np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3))
    raw = read(path)
    assert raw.read(0).shape == (3, 4, 3) and "last axis" in guess_texts(raw)["axes"]
    assert read(path, axes="channels_first").read(0).shape == (4, 3, 3)
    with pytest.raises(ConfigError, match="does not fit the axis order none"):
        read(path, axes="none")
    turned = read(path, orientation="transpose")
    assert np.array_equal(turned.read(1), raw.read(1).transpose(1, 0, 2))


def test_one_array_of_several_is_taken_and_guess_texts(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, masks=IMAGES[:, ::-1], weights=np.zeros(12))
    raw = read(tmp_path / "a.npz")
    assert np.array_equal(pixels(raw)[..., 0], IMAGES) and "masks" in guess_texts(raw)["variant"]
    assert np.array_equal(pixels(read(tmp_path / "a.npz", variant="masks"))[..., 0], IMAGES[:, ::-1])
    with pytest.raises(ConfigError, match="Subset name is 'faces'"):
        read(tmp_path / "a.npz", variant="faces")


def test_names_of_labels_are_kept(tmp_path: Path) -> None:
    words = np.array(["dog", "cat", "emu"])[np.arange(12) % 3]
    np.savez(tmp_path / "a.npz", x=IMAGES, y=words)
    raw = read(tmp_path / "a.npz")
    assert raw.label_names == ("cat", "dog", "emu") and raw.labels is not None
    assert raw.labels.tolist() == [1, 0, 2] * 4


def test_images_with_nan_are_bad_by_name(tmp_path: Path) -> None:
    values = IMAGES / 255
    values[3, 2, 2], values[7, 0, 0] = np.nan, np.inf
    np.savez_compressed(tmp_path / "a.npz", x_train=values[:5], x_test=values[5:])
    for path in (saved(tmp_path, values), tmp_path / "a.npz"):
        raw = read(path)
        bad = []
        for index in range(len(raw)):
            try:
                raw.measure(index)
                assert np.array_equal(raw.read(index)[..., 0], IMAGES[index])
            except BadImageError as error:
                bad.append((index, error.name))
        assert [index for index, _ in bad] == [3, 7]
        assert bad[0][1].endswith("image 3") and path.name in bad[0][1]
    kept = imported(tmp_path / "a.npz", tmp_path / "home")
    assert (
        len(kept) == 10 and kept.record.num_bad == 2 and kept.record.split_sizes == {"train": 4, "valid": 0, "test": 6}
    )
    with pytest.raises(DataError, match="NaN"):
        imported(tmp_path / "a.npz", tmp_path / "home", bad_files="refuse")


def test_a_table_of_pairs_holds_points_with_their_axes(tmp_path: Path) -> None:
    points = np.random.RandomState(0).normal(size=(300, 2)) * [1, 20] + [0, 5]
    rows = ["height,weight", *(f"{x:.6f},{y:.6f}" for x, y in points)]
    path = table(tmp_path, rows)
    raw = read(path)
    assert raw.content == "points" and "taken as points" in guess_texts(raw)["content"]
    assert raw.read(0).shape == (1, 2, 1)
    assert [axis.name for axis in raw.axes] == ["height", "weight"]
    low, high = np.array([[axis.low, axis.high] for axis in raw.axes]).T
    restored = low + pixels(raw)[:, 0, :, 0] / 255 * (high - low)
    assert np.abs(restored - points).max() < (high - low).max() / 510 + 1e-4
    kept = imported(path, tmp_path / "home")
    assert kept.record.content == "points" and kept.record.shape == (300, 1, 1, 2)
    assert np.array_equal(kept.images[:, 0, 0], pixels(raw)[:, 0, :, 0])
    assert [(axis.name, axis.low, axis.high) for axis in kept.record.axes] == [
        (axis.name, axis.low, axis.high) for axis in raw.axes
    ]


def test_points_may_have_labels(tmp_path: Path) -> None:
    raw = read(table(tmp_path, ["x,y,class", "0,1,a", "1,0,b", "0.5,0.25,a"]))
    assert raw.content == "points" and raw.labels is not None
    assert raw.labels.tolist() == [0, 1, 0] and raw.label_names == ("a", "b")
    assert [axis.name for axis in raw.axes] == ["x", "y"]


def test_rows_of_a_series_are_one_row_high(tmp_path: Path) -> None:
    series = np.cumsum(np.random.RandomState(0).normal(size=(20, 30)), axis=1)
    path = table(tmp_path, [",".join(f"{value:.5f}" for value in row) for row in series])
    raw = read(path)
    assert raw.content == "sequences" and raw.read(0).shape == (1, 30, 1) and raw.name(3) == "t.csv, series 3"
    (axis,) = raw.axes
    restored = axis.low + pixels(raw)[:, 0, :, 0] / 255 * (axis.high - axis.low)
    assert np.abs(restored - series).max() <= (axis.high - axis.low) / 510 + 1e-4
    kept = imported(path, tmp_path / "home")
    assert kept.record.shape == (20, 1, 1, 30) and np.array_equal(kept.images[:, 0, 0], pixels(raw)[:, 0, :, 0])


def test_a_column_is_cut_into_windows(tmp_path: Path) -> None:
    wave = np.sin(np.arange(105) / 5)
    dates = [f"2024-01-{day % 28 + 1:02d}" for day in range(105)]
    path = table(
        tmp_path, ["date;temperature", *(f"{day};{value:.6f}" for day, value in zip(dates, wave, strict=True))]
    )
    raw = read(path, window=25)
    assert len(raw) == 4 and raw.read(0).shape == (1, 25, 1) and raw.axes[0].name == "temperature"
    assert "4 windows of 25; the last 5 are left out" in guess_texts(raw)["window"]
    restored = raw.axes[0].low + pixels(raw)[:, 0, :, 0] / 255 * (raw.axes[0].high - raw.axes[0].low)
    assert np.allclose(restored.reshape(-1), wave[:100], atol=0.005)
    with pytest.raises(ConfigError, match="105 values, fewer than the window length 200"):
        read(path, window=200)
    with pytest.raises(ConfigError, match="no table of images"):
        read(path, content="images")


def test_content_can_be_chosen(tmp_path: Path) -> None:
    rows = [",".join(str(value) for value in row) for row in IMAGES.reshape(12, 30)[:, :25]]
    path = table(tmp_path, rows)
    assert read(path).read(0).shape == (5, 5, 1)
    assert read(path, content="sequences").read(0).shape == (1, 25, 1)
    with pytest.raises(ConfigError, match="25 values a row; points of the plane have 2"):
        read(path, content="points")


def test_the_label_column_is_told_and_can_be_chosen(tmp_path: Path) -> None:
    rows = [",".join([str(index % 4), *map(str, row)]) for index, row in enumerate(IMAGES.reshape(12, 30)[:, :25])]
    raw = read(table(tmp_path, rows))
    assert raw.labels is not None and raw.labels.tolist() == [0, 1, 2, 3] * 3
    assert "first column is taken as labels" in guess_texts(raw)["label_column"]
    assert read(tmp_path / "t.csv", label_column="none").content == "sequences"
    last = read(tmp_path / "t.csv", label_column="last")
    assert last.labels is not None and np.array_equal(last.labels, IMAGES.reshape(12, 30)[:, 24])


def test_words_as_labels_and_numbered_rows(tmp_path: Path) -> None:
    cells = IMAGES.reshape(12, 30)[:, :25]
    rows = [f'{index},"{("cat", "dog")[index % 2]}",' + ",".join(map(str, row)) for index, row in enumerate(cells)]
    raw = read(table(tmp_path, ["id,label," + ",".join(f"p{n}" for n in range(25)), *rows]))
    assert raw.label_names == ("cat", "dog") and np.array_equal(pixels(raw)[..., 0].reshape(12, 25), cells)


def test_a_long_table_is_read_in_pieces(tmp_path: Path) -> None:
    values = np.random.RandomState(0).randint(0, 256, (4000, 401))
    values[:, 0] %= 10
    path = table(tmp_path, [",".join(map(str, row)) for row in values])
    shares = [item for item in import_images(path, ImportSettings(), tmp_path / "home") if isinstance(item, Progress)]
    assert sum(item.stage == "read" for item in shares) > 8
    raw = read(path)
    assert np.array_equal(pixels(raw).reshape(4000, 400), values[:, 1:]) and np.array_equal(raw.labels, values[:, 0])


def test_folders_of_pictures_and_others_are_none(tmp_path: Path) -> None:
    assert open_format(tmp_path, ReadSettings()) is None
    (tmp_path / "a.png").touch()
    (tmp_path / "labels.csv").write_text("a.png,cat")
    assert open_format(tmp_path, ReadSettings()) is None
    assert open_format(tmp_path / "a.png", ReadSettings()) is None
    assert open_format(tmp_path / "nothing", ReadSettings()) is None


def test_a_folder_with_one_file_is_that_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "faces.npz", x=IMAGES)
    (tmp_path / "README.md").touch()
    assert np.array_equal(pixels(read(tmp_path))[..., 0], IMAGES)
    np.savez(tmp_path / "cars.npz", x=IMAGES[:, ::-1])
    with pytest.raises(ConfigError, match=r"several files of images: cars\.npz, faces\.npz"):
        read(tmp_path)
    assert np.array_equal(pixels(read(tmp_path, variant="cars"))[..., 0], IMAGES[:, ::-1])


def test_pickled_arrays_beside_plain_ones_are_left_out(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=IMAGES, meta=np.array([{"made": "by hand"}], object))
    raw = read(tmp_path / "a.npz")
    assert np.array_equal(pixels(raw)[..., 0], IMAGES) and "meta" in raw.remarks[0]


def test_labels_of_some_splits_only_are_left_out_and_guess_texts(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=IMAGES[:8], y_train=np.arange(8), x_test=IMAGES[8:])
    raw = read(tmp_path / "a.npz")
    assert raw.labels is None and raw.remarks == ("Labels are left out: there are none for the images of test.",)


def test_arrays_of_one_class_each_are_joined(tmp_path: Path) -> None:
    rows = np.random.RandomState(1).randint(0, 256, (9, 25)).astype(np.uint8)
    arrays = {"train1": rows[2:5], "train0": rows[:2], "test0": rows[5:7], "test1": rows[7:], "names": np.zeros(3)}
    scipy.io.savemat(tmp_path / "all.mat", arrays)
    raw = read(tmp_path / "all.mat", orientation="keep")
    assert np.array_equal(pixels(raw).reshape(9, 25), rows) and raw.labels is not None
    assert raw.labels.tolist() == [0, 0, 1, 1, 1, 0, 0, 1, 1]
    assert raw.split_sizes == {"train": 5, "valid": 0, "test": 4}


def test_columns_of_a_matrix_may_be_the_images(tmp_path: Path) -> None:
    faces = np.random.RandomState(1).randint(0, 256, (11, 28, 20)).astype(np.uint8)
    scipy.io.savemat(tmp_path / "frey.mat", {"ff": faces.reshape(11, 560).T, "cells": np.array(["a"], object)})
    raw = read(tmp_path / "frey.mat")
    assert np.array_equal(pixels(raw)[..., 0], faces) and any("count the images" in guess.text for guess in raw.guesses)
    assert "a cell array (cells)" in raw.remarks[0]


@pytest.mark.parametrize("length", [16, 25, 48, 64, 192])
def test_short_rows_that_are_no_pixels_are_series(tmp_path: Path, length: int) -> None:
    series = np.sin(np.arange(20 * length) / 5).reshape(20, length)
    rows = [",".join(f"{value:.4f}" for value in row) for row in series]
    assert read(table(tmp_path, rows)).content == "sequences"
    assert read(saved(tmp_path, series * 100 + 200)).content == "sequences"
    if length in (16, 25, 64, 192):
        assert read(saved(tmp_path, np.abs(series))).content == "images"
        assert read(saved(tmp_path, series), content="images").content == "images"


def test_x_and_y_are_coordinates_and_fractions_no_labels(tmp_path: Path) -> None:
    raw = read(table(tmp_path, ["x,y", "0.5,-1.25", "1,2", "3,4"]))
    assert raw.content == "points" and raw.labels is None and [axis.name for axis in raw.axes] == ["x", "y"]
    rows = ["y," + ",".join(f"p{n}" for n in range(6)), "0.5,1,2,3,4,5,6", "1.5,1,2,3,4,5,7"]
    assert read(table(tmp_path, rows)).labels is None


def test_a_column_of_measured_values_is_no_label_beside_a_square_number_of_others(tmp_path: Path) -> None:
    series = np.sin(np.arange(20 * 50) / 7).reshape(20, 50)
    raw = read(table(tmp_path, [",".join(f"{value:.4f}" for value in row) for row in series]))
    assert raw.content == "sequences" and raw.labels is None and raw.read(0).shape == (1, 50, 1)
