"""Recipes: every one can be read and fits its family; changes and refusals."""

from pathlib import Path

import msgspec
import pytest

from benchmarks import recipe as recipes
from benchmarks.recipe import FOLDER, read_recipe
from gmstudio.data import SOURCES
from gmstudio.engine.runtime.building import family_class, meta_model
from gmstudio.protocol.config import ConfigError, parse_config
from gmstudio.protocol.images import ImageSpec

NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))


@pytest.mark.parametrize("family", NAMES)
def test_every_recipe_fits_its_family_and_says_why(family: str) -> None:
    recipe = read_recipe(family, [])
    kind, source = family_class(family), SOURCES[recipe.data.source]
    parse_config(source.Config, recipe.data.settings)
    levels = int(recipe.data.settings.get("levels", 2))
    image = ImageSpec(channels=1, height=28, width=28, levels=levels)
    assert meta_model(kind, parse_config(kind.Config, recipe.config), image).num_parameters() > 0
    assert (FOLDER / f"{family}.toml").read_text(encoding="utf-8").startswith("# ")
    assert all(paper.nats > 0 and paper.what and paper.source for paper in recipe.papers)


def test_settings_replace_those_of_the_file() -> None:
    recipe = read_recipe("pixelcnn", ["num_blocks=2", "training.learning_rate=0.5", "training.precision=fp32"])
    assert recipe.config["num_blocks"] == "2"
    assert recipe.config["num_channels"] == read_recipe("pixelcnn", []).config["num_channels"]
    assert (recipe.training.learning_rate, recipe.training.precision) == (0.5, "fp32")
    assert recipe.training.batch_size == read_recipe("pixelcnn", []).training.batch_size


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("num_blocks", "write field=value"),
        ("training.batch_size=0", "Batch size is '0'; it must be"),
        ("training.epochs=3", "There is no setting 'epochs'"),
    ],
)
def test_a_wrong_setting_is_refused(setting: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_recipe("pixelcnn", [setting])


def test_a_family_without_a_recipe_gets_the_list_of_recipes() -> None:
    with pytest.raises(ValueError, match=r"There is no recipe nothing.toml .* pixelcnn"):
        read_recipe("nothing", [])


@pytest.mark.parametrize("text", ["[training]\nbatch_size = 0", "[trainings]", "[training]\nepochs = 3", "no toml"])
def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "made.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(recipes, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"made\.toml: ") as caught:
        read_recipe("made", [])
    assert not isinstance(caught.value, (ConfigError, msgspec.MsgspecError))
