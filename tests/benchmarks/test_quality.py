"""The quality benchmark: the best weights by validation are tested and saved, and the result describes the rest."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import safetensors.numpy
import torch
from PIL import Image

from benchmarks import quality
from benchmarks.recipe import Recipe, RecipeScore, read_recipe
from gmstudio.data import load
from gmstudio.engine.evaluation.likelihood import score
from gmstudio.engine.runtime.building import build_model, family_class
from gmstudio.protocol.config import parse_config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images in which a pixel mostly equals the one before it."""
    random = np.random.default_rng(0)
    for split, count in (("train", 60), ("valid", 20), ("test", 20)):
        flips = random.random((count, 36)) < 0.1
        np.save(tmp_path / f"binarized_mnist_{split}.npy", (flips.cumsum(1) % 2).astype(np.uint8))
    return tmp_path


def measured(folder: Path, family: str = "fvbn", **settings: Any) -> dict[str, Any]:
    arguments = {"minutes": 0.01, "seed": 3, "threads": 0, "device": "cpu", "settings": [], "out": "", **settings}
    return quality.measure(family, str(folder), **arguments)


def test_the_kept_weights_give_the_reported_likelihood(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "out"
    result = measured(folder, out=str(out), settings=["training.batch_size=16", "training.learning_rate=0.05"])
    assert result["test_nll_nats"] < 36 * np.log(2) - 3
    assert result["finished"] and result["test_images"] == 20 and result["score"] == "exact log-likelihood"
    assert json.loads((out / "result.json").read_text()) == json.loads(json.dumps(result))
    dataset = load("binarized_mnist", {"folder": str(folder)})
    kind = family_class("fvbn")
    model = build_model(kind, parse_config(kind.Config, result["config"]), dataset.image, torch.device("cpu"), seed=8)
    model.load_state_dict(
        {name: torch.from_numpy(a) for name, a in safetensors.numpy.load_file(out / "weights.safetensors").items()}
    )
    found = next(one for one in score(model, dataset.test.images, 1) if one is not None)
    assert result["test_nll_nats"] == pytest.approx(-found.mean_nats, abs=1e-6)
    assert result["test_standard_error"] == pytest.approx(found.error_nats, abs=1e-6)
    assert "valid" in capsys.readouterr().err


def test_the_best_validation_counts_not_the_last(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "VALIDATION_SHARE", 0.9)
    result = measured(folder, minutes=0.02, settings=["training.learning_rate=1", "training.batch_size=8"])
    curve = result["validations"]
    best = min(curve, key=lambda point: point["valid_nll_nats"])
    assert len(curve) > 3 and result["best_step"] == best["step"] < result["steps"]
    assert result["valid_nll_nats"] == pytest.approx(best["valid_nll_nats"], abs=1e-3)


def test_a_killed_run_has_left_what_it_had(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(self: Any, *_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(quality._Run, "test", killed)
    with pytest.raises(KeyboardInterrupt):
        measured(folder, out=str(folder / "out"))
    left = json.loads((folder / "out" / "result.json").read_text())
    assert not left["finished"] and left["steps"] > 0 and "test_nll_nats" not in left
    assert (folder / "out" / "weights.safetensors").exists()


def test_a_family_without_likelihood_is_trained_and_drawn_and_the_result_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "out"
    small = ["num_hidden=16", "num_walkback=1"]
    result = measured(folder, "gsn", out=str(out), settings=small)
    assert result["finished"] and result["steps"] == result["best_step"] > 0
    assert result["test_nll_nats"] is None and "test_bits_per_dim" not in result
    assert result["score"] == "GSN gives no likelihood: it only generates."
    assert 0 <= result["samples_precision"] <= 1 and 0 <= result["samples_recall"] <= 1
    assert "It is trained as well" in capsys.readouterr().err
    assert json.loads((out / "result.json").read_text()) == json.loads(json.dumps(result))
    assert (out / "weights.safetensors").exists()
    with Image.open(out / "samples.png") as picture:
        assert picture.size == (213, 213), "10 rows of 10 images of 6 pixels, lines between, threefold"


def test_a_recipe_may_ask_for_some_images(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def some(family: str, settings: list[str]) -> Recipe:
        return msgspec.structs.replace(read_recipe(family, settings), score=RecipeScore(num_images=7))

    monkeypatch.setattr(quality, "read_recipe", some)
    result = measured(folder)
    assert (result["valid_images"], result["test_images"]) == (7, 7)
    assert result["test_nll_nats"] > 0 and result["finished"]


def test_a_value_is_chosen_by_validation_and_no_other_sees_a_test_image(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested: list[int] = []
    scored = quality.score
    test_images = load("binarized_mnist", {"folder": str(folder)}).test.images

    def noted(model: Any, images: Any, *arguments: Any) -> Any:
        if np.array_equal(images, test_images):
            tested.append(1)
        return scored(model, images, *arguments)

    monkeypatch.setattr(quality, "score", noted)
    fast = ["training.batch_size=16", "training.learning_rate=0.05"]
    result = measured(folder, choice="training.penalty=50,0", settings=fast, out=str(folder / "out"))
    validated = result["chosen_among_valid_nll_nats"]
    assert validated["training.penalty=0"] < validated["training.penalty=50"]
    assert result["training"]["penalty"] == 0 and result["valid_nll_nats"] == validated["training.penalty=0"]
    assert len(tested) == 1
    finished = {
        value: json.loads((folder / "out" / value / "result.json").read_text())["finished"] for value in validated
    }
    assert finished == {"training.penalty=50": False, "training.penalty=0": True}


@pytest.mark.parametrize("choice", ["training.penalty", "=1,2", "training.penalty=1,"])
def test_a_malformed_choice_is_refused(folder: Path, choice: str) -> None:
    with pytest.raises(ValueError, match=f"--choose {choice}: write field=value,value"):
        measured(folder, choice=choice)


def test_nothing_is_chosen_among_models_without_a_likelihood(folder: Path) -> None:
    with pytest.raises(ValueError, match="Nothing can be chosen by it; leave out --choose"):
        measured(folder, "gsn", choice="num_hidden=4,8", settings=["num_walkback=1"])


def test_an_rbm_is_tested_from_both_sides_with_more_temperatures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(family: str, settings: list[str]) -> Recipe:
        recipe = read_recipe(family, settings)
        assert recipe.score.config["num_temperatures"] > 1000, "more than validations take"
        return msgspec.structs.replace(recipe, score=RecipeScore(num_samples=100, config={"num_temperatures": 40}))

    monkeypatch.setattr(quality, "read_recipe", short)
    result = measured(folder, "rbm", settings=["num_hidden=21", "num_temperatures=5"])
    temperatures = re.search(r"chains and (\d+) temperatures", result["score"])
    assert temperatures is not None, result["score"]
    assert int(temperatures[1]) in (40, 80, 160, 320), "doubled where too few chains are effective"
    assert result["config"]["num_temperatures"] == 5, "in training"
    assert result["raise_images"] == 20 and result["raise_images_nll_nats"] == pytest.approx(result["test_nll_nats"])
    assert result["raise_nll_nats"] > 0 and result["raise_standard_error"] > 0
