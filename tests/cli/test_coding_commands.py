"""``gmstudio encode`` and ``gmstudio decode``."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.data import load
from gmstudio.media.levels import quantize, to_display

FAST = ["--data", "digits", "--steps", "2", "--set", "validation_images=10", "--set", "levels=4"]


def call(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("runs") / "nade")
    call(
        "train", "nade", "--out", folder, *FAST, "--set", "order_agnostic=true", "--set", "num_hidden=8", "--seed", "1"
    )
    return folder


@pytest.fixture(scope="module")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("runs") / "gated")
    call("train", "gated_pixelcnn", "--out", folder, *FAST, "--set", "num_layers=1", "--set", "num_channels=4")
    return folder


def encode(run: str, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(call("encode", run, *arguments, "--json"))
    return document


def test_test_images_come_back_bit_for_bit(run: str, tmp_path: Path) -> None:
    file, out = tmp_path / "digits.gmsz", tmp_path / "digits.npy"
    document = encode(run, str(file), "--count", "12")
    assert document["images"] == 12
    assert document["bytes"] == file.stat().st_size
    assert abs(document["code_bits"] - document["ideal_bits"]) <= 0.01 * document["ideal_bits"] + 64
    assert document["raw_bits"] == 12 * 64 * 2
    assert document["bits_per_dim"] == pytest.approx(document["ideal_bits"] / (12 * 64))
    answer = json.loads(call("decode", run, str(file), str(out), "--json"))
    assert answer["images"] == 12
    assert np.array_equal(np.load(out), load("digits", {"levels": 4}).view("test", range(12)))


def test_an_order_is_kept_in_the_file(run: str, tmp_path: Path) -> None:
    plain, spiral, out = (tmp_path / name for name in ("plain.gmsz", "spiral.gmsz", "images.npy"))
    encode(run, str(plain), "-n", "3")
    encode(run, str(spiral), "-n", "3", "--order", "random", "--order-seed", "4")
    assert plain.read_bytes() != spiral.read_bytes()
    call("decode", run, str(spiral), str(out))
    assert np.array_equal(np.load(out), load("digits", {"levels": 4}).view("test", range(3)))


def test_labels_are_kept_in_the_file(conditional: str, tmp_path: Path) -> None:
    file, folder = tmp_path / "digits.gmsz", tmp_path / "digits"
    encode(conditional, str(file), "-n", "11")
    answer = json.loads(call("decode", conditional, str(file), str(folder), "--json"))
    data = load("digits", {"levels": 4})
    labels = data.test.labels
    assert labels is not None
    assert answer["labels"] == labels[:11].tolist()
    files = sorted(folder.iterdir())
    assert [path.name for path in files] == [f"{number:02}.png" for number in range(11)]
    for path, image in zip(files, data.view("test", range(11)), strict=True):
        with Image.open(path) as picture:
            assert np.array_equal(quantize(np.asarray(picture), 255, 4), image[0])


def test_a_picture_is_fitted_and_comes_back(run: str, tmp_path: Path) -> None:
    (digit,) = load("digits", {"levels": 4}).view("test", [5])
    picture, file, out = tmp_path / "digit.png", tmp_path / "digit.gmsz", tmp_path / "back.png"
    Image.fromarray(np.repeat(np.repeat(to_display(digit[0], 4), 2, 0), 2, 1)).save(picture)
    document = encode(run, str(picture), str(file))
    assert document["images"] == 1
    assert document["data"] is None
    assert document["png_sheet_bits"] is None
    assert "8×8" in document["conversion"]
    call("decode", run, str(file), str(out))
    with Image.open(out) as back:
        assert np.array_equal(np.asarray(back), to_display(digit[0], 4))


def test_lines_name_the_sizes(run: str, tmp_path: Path) -> None:
    text = call("encode", run, str(tmp_path / "digits.gmsz"), "-n", "4")
    for word in ("−log₂ p", "range coder", "this file", "PNG, one sheet", "WebP, a file each", "  raw"):
        assert word in text


def test_what_cannot_be_done_is_a_sentence(run: str, conditional: str, tmp_path: Path) -> None:
    file = tmp_path / "digits.gmsz"
    encode(run, str(file), "-n", "2")
    with pytest.raises(ValueError, match=r"coded with a nade of .* this model is a gated_pixelcnn"):
        call("decode", conditional, str(file), str(tmp_path / "out"))
    damaged = tmp_path / "damaged.gmsz"
    damaged.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ValueError, match="damaged or cut short"):
        call("decode", run, str(damaged), str(tmp_path / "out"))
    with pytest.raises(ValueError, match="There is no folder"):
        call("encode", run, str(tmp_path / "missing" / "digits.gmsz"))
    with pytest.raises(ValueError, match="leave one of them out"):
        call("encode", run, "digit.png", str(file), "--data", "digits")
    with pytest.raises(ValueError, match="no order 'zigzag'"):
        call("encode", run, str(file), "--order", "zigzag")
    assert not (tmp_path / "out").exists()


def test_a_family_without_conditionals_is_refused(tmp_path: Path) -> None:
    vae = str(tmp_path / "vae")
    call("train", "vae", "--out", vae, *FAST, "--set", "num_hidden=8")
    with pytest.raises(ValueError, match="VAE has no exact conditionals"):
        call("encode", vae, str(tmp_path / "digits.gmsz"))


def test_no_file_but_one_of_coded_images_is_written_over(run: str, tmp_path: Path) -> None:
    picture, file, out = tmp_path / "digit.png", tmp_path / "digits.gmsz", tmp_path / "digits.npy"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(picture)
    before = picture.read_bytes()
    with pytest.raises(ValueError, match=r"holds no coded images.* name them and then the file"):
        call("encode", run, str(picture))
    with pytest.raises(ValueError, match=r"holds no coded images; choose another name\.$"):
        call("encode", run, str(picture), str(picture))
    with pytest.raises(ValueError, match="is a folder"):
        call("encode", run, str(tmp_path))
    assert picture.read_bytes() == before
    assert "1 image of" in call("encode", run, str(file), "-n", "1")
    encode(run, str(file), "-n", "2")  # over what was coded before
    for name in ("digits.jpg", "digits.gmsz"):
        with pytest.raises(ValueError, match=r"ends in \.png or \.npy"):
            call("decode", run, str(file), str(tmp_path / name))
    call("decode", run, str(file), str(out))
    assert len(np.load(out)) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digit.png", "digits.gmsz", "digits.npy"]
