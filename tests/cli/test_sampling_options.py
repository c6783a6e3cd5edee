"""``gmstudio sample`` and ``gmstudio score`` with orders, given pixels, labels and temperatures."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.data import load
from gmstudio.media.levels import quantize, to_display
from gmstudio.runs.folder import RunFolder

FAST = ["--steps", "1", "--seed", "1", "--set", "validation_images=10", "--set", "num_samples=1", "--set", "levels=4"]


def call(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def agnostic(tmp_path_factory: pytest.TempPathFactory) -> str:
    run = str(tmp_path_factory.mktemp("runs") / "agnostic")
    call(
        "train",
        "nade",
        "--data",
        "digits",
        "--out",
        run,
        *FAST,
        "--set",
        "order_agnostic=true",
        "--set",
        "num_hidden=8",
    )
    return run


@pytest.fixture(scope="module")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> str:
    run = str(tmp_path_factory.mktemp("runs") / "conditional")
    # Steps so large that the classes are far apart after some.
    small = ["--steps", "6", "--set", "num_layers=1", "--set", "num_channels=4", "--set", "learning_rate=0.1"]
    call("train", "gated_pixelcnn", "--data", "digits", "--out", run, *FAST, *small)
    return run


def read_grid(path: Path, count: int) -> NDArray[np.uint8]:
    """(N, 8, 8) levels of a grid that was written without magnification."""
    columns = int(np.ceil(np.sqrt(count)))
    with Image.open(path) as picture:
        pixels = np.asarray(picture)
    corners = [(1 + 9 * (i // columns), 1 + 9 * (i % columns)) for i in range(count)]
    return quantize(np.stack([pixels[top : top + 8, left : left + 8] for top, left in corners]), 255, 4)


def draw(run: str, path: Path, *arguments: str) -> NDArray[np.uint8]:
    call("sample", run, "-n", "5", "--scale", "1", "-o", str(path), *arguments)
    return read_grid(path, 5)


def test_a_given_set_is_kept_and_the_rest_drawn_in_the_chosen_order(agnostic: str, tmp_path: Path) -> None:
    (digit,) = load("digits", {"levels": 4}).view("test", [5])
    mask, image, grid = tmp_path / "mask.png", tmp_path / "digit.png", tmp_path / "grid.png"
    is_given = np.zeros((8, 8), dtype=bool)
    is_given[2:5, 1:7] = True
    Image.fromarray(np.uint8(255) * is_given).save(mask)
    Image.fromarray(to_display(digit[0], 4)).save(image)
    spiral = draw(agnostic, grid, "--given", f"{image}:mask={mask}", "--order", "spiral")
    assert (spiral[:, is_given] == digit[0][is_given]).all()
    assert len(np.unique(spiral[:, ~is_given], axis=0)) == 5
    snake = draw(agnostic, grid, "--given", f"digits:test:5:mask={mask}", "--order", "snake")
    assert (snake[:, is_given] == digit[0][is_given]).all()
    assert not np.array_equal(spiral, snake)


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["--given", "digits:test:5:rows=3"], np.s_[:3]),
        (["--given", "digits:test:5:first=16"], np.s_[:2]),
        (["--given", "digits:test:5:first=16", "--order", "columns_top_right"], np.s_[:, 6:]),
    ],
)
def test_the_first_of_an_order_is_kept(agnostic: str, tmp_path: Path, arguments: list[str], kept: tuple[slice]) -> None:
    (digit,) = load("digits", {"levels": 4}).view("test", [5])
    for drawn in draw(agnostic, tmp_path / "grid.png", *arguments):
        assert (drawn[kept] == digit[0][kept]).all()
        assert not np.array_equal(drawn, digit[0])


def test_a_painted_order_begins_where_it_is_dark(agnostic: str, tmp_path: Path) -> None:
    ranks = tmp_path / "ranks.png"
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(ranks)
    arguments = ["--given", "digits:test:5:rows=3", "--order"]
    painted = draw(agnostic, tmp_path / "grid.png", *arguments, f"painted:{ranks}")
    assert np.array_equal(painted, draw(agnostic, tmp_path / "grid.png", *arguments, "raster"))


def test_the_file_says_how_it_was_made(agnostic: str, tmp_path: Path) -> None:
    path = tmp_path / "grid.png"
    given = ["--given", "digits:test:5:first=16", "--order", "random", "--order-seed", "3"]
    output = call("sample", agnostic, "-o", str(path), "--seed", "4", "--temperature", "0.5", *given)
    assert "64 images of step 1" in output and "order: random, seed 3" in output
    with Image.open(path) as picture:
        texts = picture.text  # type: ignore[attr-defined]
    assert texts.pop("Software").startswith("gmstudio ")
    assert texts.pop("Folder").endswith("agnostic")
    assert texts.pop("Created").startswith("20")
    assert texts == {
        "Family": "nade",
        "Run": "agnostic",
        "Step": "1",
        "Seed": "4",
        "Shows": "samples",
        "Order": "random, seed 3",
        "Given": "digits:test:5:first=16",
        "Temperature": "0.5",
    }


def test_temperature_zero_draws_the_mode(agnostic: str, tmp_path: Path) -> None:
    drawn = draw(agnostic, tmp_path / "grid.png", "--temperature", "0")
    assert (drawn == drawn[0]).all()


def test_a_run_takes_as_many_classes_as_the_data_has(conditional: str) -> None:
    with RunFolder.open(conditional) as folder:
        assert folder.record.config["num_classes"] == 10


def test_samples_are_conditioned_on_labels(conditional: str, tmp_path: Path) -> None:
    three, four, none, each = (
        draw(conditional, tmp_path / "grid.png", *label)
        for label in (["--label", "3"], ["--label", "4"], ["--label", "none"], [])
    )
    assert np.array_equal(each[3], three[3]) and np.array_equal(each[4], four[4])
    assert not np.array_equal(three, four) and not np.array_equal(three, none)


def test_scores_name_the_labels_that_they_are_conditioned_on(conditional: str, agnostic: str) -> None:
    given = call("score", conditional, "-n", "10", "--labels", "given")
    assert "exact log-likelihood log p(x | y), given each image's label y:" in given
    without = call("score", conditional, "-n", "10", "--labels", "none")
    assert "exact log-likelihood log p(x), of the model without a label:" in without
    mixed = call("score", conditional, "-n", "10")
    assert "exact log-likelihood log p(x) = log Σ p(y) p(x | y) over 10 labels y, p(y) their frequencies" in mixed
    assert call("score", conditional, "-n", "10", "--labels", "marginal") == mixed
    with pytest.raises(ValueError, match="--labels is 'all'; choose one of marginal, given, none"):
        call("score", conditional, "--labels", "all")
    with pytest.raises(ValueError, match="NADE was not trained with labels; leave --labels out"):
        call("score", agnostic, "--labels", "given")
    assert "given each" not in call("score", agnostic, "-n", "10")


@pytest.mark.parametrize(
    ("which", "arguments", "message"),
    [
        ("agnostic", ["--label", "3"], "NADE was not trained with labels"),
        ("agnostic", ["--order", "zigzag"], "no order 'zigzag'; choose one of raster, .*, or painted:FILE"),
        ("agnostic", ["--order", "paint:ranks.png"], "no order 'paint'; choose one of raster, .*, or painted:FILE"),
        ("conditional", ["--order", "zigzag"], r"no order 'zigzag'; choose one of raster, [a-z_, ]*\.$"),
        ("agnostic", ["--order", "painted"], "painted:ranks.png"),
        ("agnostic", ["--order", "snake:x.png"], "only painted takes a picture"),
        ("agnostic", ["--given", "digits:test:5:first=65"], "65 sub-pixels; the model's images have 64"),
        ("agnostic", ["--given", "digits:test:5:rows=9"], "9 rows; the model's images have 8"),
        ("agnostic", ["--given", "digits:test:500:rows=1"], "no test image 500"),
        ("agnostic", ["--given", "none.png:rows=1"], "no file none.png"),
        ("conditional", ["--order", "spiral"], "generates in raster order only"),
        ("conditional", ["--label", "10"], "no label 10; this model has 0 to 9"),
        ("conditional", ["--label", "cat"], "write the number of a class"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    agnostic: str, conditional: str, tmp_path: Path, which: str, arguments: list[str], message: str
) -> None:
    run = {"agnostic": agnostic, "conditional": conditional}[which]
    with pytest.raises((ValueError, OSError), match=message):
        call("sample", run, "-o", str(tmp_path / "grid.png"), *arguments)


def test_only_the_beginning_can_be_given_to_a_model_of_one_order(conditional: str, tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    Image.fromarray(np.full((8, 8), 255, np.uint8) * (np.arange(8)[:, None] > 3).astype(np.uint8)).save(mask)
    with pytest.raises(ValueError, match="generates in raster order only"):
        draw(conditional, tmp_path / "grid.png", "--given", f"digits:test:5:mask={mask}")


@pytest.mark.parametrize("arguments", [["--order", "raster"], ["--label", "1"], ["--temperature", "0.5"]])
def test_families_without_pixels_in_sequence_say_so(tmp_path: Path, arguments: list[str]) -> None:
    run = str(tmp_path / "run")
    call("train", "vae", "--data", "digits", "--out", run, *FAST)
    with pytest.raises(ValueError, match="does not generate pixel by pixel"):
        call("sample", run, "-o", str(tmp_path / "grid.png"), *arguments)


@pytest.mark.parametrize(("classes", "message"), [("5", "has labels 0 to 9; enter 10")])
def test_classes_that_do_not_fit_the_data_are_refused(tmp_path: Path, classes: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(
            "train",
            "gated_pixelcnn",
            "--data",
            "digits",
            "--out",
            str(tmp_path / "run"),
            "--set",
            f"num_classes={classes}",
            *FAST,
        )


def test_a_diffusion_model_is_sampled_as_the_settings_say(tmp_path: Path) -> None:
    run, grid = str(tmp_path / "run"), tmp_path / "grid.png"
    call(
        "train", "ddpm", "--data", "digits", "--out", run, *FAST, "--set", "num_channels=4", "--set", "num_timesteps=8"
    )
    few = ["--set", "steps=4"]
    ddpm = draw(run, grid, *few)
    with Image.open(grid) as picture:
        assert picture.info["Sampler"] == "sampler=ddpm, steps=4"
    ddim = draw(run, grid, *few, "--set", "sampler=ddim")
    with Image.open(grid) as picture:
        assert picture.info["Sampler"] == "sampler=ddim, eta=0.0, steps=4"
    assert (ddpm != ddim).any() and (ddim == draw(run, grid, *few, "--set", "sampler=ddim")).all()
    with pytest.raises(ValueError, match="There is no setting 'lr'; there are sampler, eta"):
        call("sample", run, "--set", "lr=3", "-o", str(grid))


@pytest.mark.parametrize("family", ["rbm", "gsn"])
def test_a_chain_is_sampled_as_the_settings_say_and_earlier_runs_load(tmp_path: Path, family: str) -> None:
    run, grid = tmp_path / "run", tmp_path / "grid.png"
    call("train", family, "--out", str(run), *FAST, "--set", "num_hidden=8")
    record = json.loads((run / "run.json").read_text())
    assert "sample_steps" not in record["config"]
    record["config"]["sample_steps"] = 2  # as versions before had it, in training
    (run / "run.json").write_text(json.dumps(record))
    few = draw(str(run), grid, "--set", "steps=1")
    with Image.open(grid) as picture:
        assert picture.info["Sampler"] == "steps=1"
    assert (few != draw(str(run), grid)).any()
    with Image.open(grid) as picture:
        assert picture.info["Sampler"] == f"steps={500 if family == 'rbm' else 100}", "the default, not the old run's"
    with pytest.raises(ValueError, match="Frames show has no effect on samples; leave it out"):
        call("sample", str(run), "--set", "shown=sample", "-o", str(grid))
    with pytest.raises(ValueError, match="there is no field 'sample_steps'"):
        call("train", family, "--out", str(tmp_path / "other"), *FAST, "--set", "sample_steps=2")


def test_settings_of_sampling_are_refused_where_there_are_none(agnostic: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="NADE has no settings of sampling; leave out eta"):
        call("sample", agnostic, "--set", "eta=1", "-o", str(tmp_path / "grid.png"))
    with pytest.raises(ValueError, match="--set eta: write field=value"):
        call("sample", agnostic, "--set", "eta", "-o", str(tmp_path / "grid.png"))


def test_a_run_of_an_earlier_version_with_settings_of_sampling_still_loads(tmp_path: Path) -> None:
    run, grid = tmp_path / "run", tmp_path / "grid.png"
    call(
        "train",
        "ddpm",
        "--data",
        "digits",
        "--out",
        str(run),
        *FAST,
        "--set",
        "num_channels=4",
        "--set",
        "num_timesteps=8",
    )
    record = json.loads((run / "run.json").read_text())
    record["config"] |= {"sampling_steps": 50, "eta": 1.0, "decode_steps": 4}
    (run / "run.json").write_text(json.dumps(record))
    draw(str(run), grid)
    call("train", "--resume", "--out", str(run), "--steps", "2", "--schedule", "stretch")
