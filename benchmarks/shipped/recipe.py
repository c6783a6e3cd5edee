"""Recipes of the ready models: ``recipes/<example>.toml`` holds all that a run needs."""

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from benchmarks.recipe import PaperResult
from gmstudio.protocol.run_spec import RunSpec

FOLDER = Path(__file__).resolve().parent / "recipes"


class ExampleScore(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the test figure.

    Args:
        num_samples: Monte Carlo samples per image, of families without an exact likelihood; 0: the default.
        num_images: test images.
        temperatures: of annealed importance sampling, in place of the model's own setting; 0: that.
    """

    num_samples: int = 0
    num_images: int = 1000
    temperatures: int = 0


class ExampleRecipe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Content of a recipe file.

    Args:
        family: key in ``FAMILIES``.
        title: name of the run in lists.
        note: what is worth seeing in it, one or two sentences; kept as the run's note.
        data: key in ``SOURCES``.
        data_config: settings of the data that differ from the defaults.
        config: settings of the family that differ from the defaults.
        training: training settings that differ from the family's defaults, seed included.
        score: how the test images are scored.
        papers: published figures on similar images, for comparison.
    """

    family: str
    title: str
    note: str
    data: str = "mnist"
    data_config: dict[str, Any] = {}  # msgspec copies empty defaults
    config: dict[str, Any] = {}
    training: dict[str, Any] = {}
    score: ExampleScore = ExampleScore()
    papers: tuple[PaperResult, ...] = ()

    @property
    def spec(self) -> RunSpec:
        """Settings of the run."""
        return RunSpec(
            family=self.family,
            config=self.config,
            data=self.data,
            data_config=self.data_config,
            training=self.training,
        )


def recipe_names() -> list[str]:
    """Names of all recipes, which are the folders' names below ``resources/examples``."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_recipe(name: str) -> ExampleRecipe:
    """Read a recipe.

    Raises:
        ValueError: when there is none of this name, or it is malformed.
    """
    path = FOLDER / f"{name}.toml"
    if not path.exists():
        raise ValueError(f"There is no recipe {name!r}; there are {', '.join(recipe_names())}.")
    try:
        return msgspec.toml.decode(path.read_bytes(), type=ExampleRecipe)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{path}: {error}") from error
