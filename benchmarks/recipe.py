"""Recipes: settings for training each family on real images for a fixed time, and published results on them.

A recipe is ``recipes/<family>.toml``. Its tables: ``[config]`` (fields of the family's Config that differ from the
defaults), ``[training]`` (see ``TimedTraining``), ``[data]`` (the source, its settings), ``[score]`` and one
``[[papers]]`` for each published figure.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Struct

from gmstudio.protocol.config import ConfigError, check_config, field, parse_config

FOLDER = Path(__file__).resolve().parent / "recipes"


class TimedTraining(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings for training over a fixed wall time."""

    batch_size: Annotated[int, field("Batch size", "Images per parameter update.", ge=1, le=65_536)] = 64
    optimizer: Annotated[
        Literal["adam", "soap"], field("Optimizer", "Adam, or SOAP for inner matrices and Adam for the rest.")
    ] = "adam"
    learning_rate: Annotated[float, field("Learning rate", "Adam's largest step size.", gt=0, le=10)] = 1e-3
    soap_rate: (
        Annotated[float, field("SOAP's rate", "SOAP's largest step size; empty: the learning rate.", gt=0, le=10)]
        | None
    ) = None
    warmup_percent: Annotated[
        float, field("Warm-up", "Part of the time during which the learning rate rises.", ge=0, le=50, unit="%")
    ] = 1.0
    grad_clip: Annotated[
        float, field("Clip gradient", "Scale the gradient down to at most this norm; 0: no clipping.", ge=0, le=1e9)
    ] = 0.0
    weight_decay: Annotated[
        float,
        field("Weight decay", "Shrink weights by this times the learning rate at each update (AdamW).", ge=0, le=100),
    ] = 0.0
    penalty: Annotated[
        float,
        field("Penalty λ", "Add λ · |W|, summed over all matrices, to the loss (lasso penalty).", ge=0, unit="nats"),
    ] = 0.0
    average: Annotated[
        float,
        field("Averaging", "Decay of the exponential moving average of the weights; 0: none.", ge=0, le=0.99999),
    ] = 0.0
    precision: Annotated[
        Literal["fp32", "bf16"],
        field("Precision", "Arithmetic of training's forward pass; scores are always computed in 32-bit floats."),
    ] = "fp32"
    validation_images: Annotated[
        int,
        field("Validation images", "Number of validation images that select the best weights during training.", ge=1),
    ] = 1000


class RecipeData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A data source and its settings, without the folder."""

    source: str = "binarized_mnist"
    settings: dict[str, Any] = {}  # msgspec copies empty defaults


class RecipeScore(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings for scoring test images where a family has no exact likelihood.

    Args:
        num_samples: Monte Carlo samples per image, or annealing runs.
        num_images: images of each split, the same random choice in all runs; 0: all of them.
        config: fields of the family's Config that have other values in scoring, for example more temperatures.
    """

    num_samples: int = 1
    num_images: int = 0
    config: dict[str, Any] = {}


class PaperResult(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A published test result on the same images."""

    nats: float
    what: str
    source: str


class Recipe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Content of a recipe file."""

    config: dict[str, Any] = {}
    training: TimedTraining = TimedTraining()
    data: RecipeData = RecipeData()
    score: RecipeScore = RecipeScore()
    papers: tuple[PaperResult, ...] = ()


def read_recipe(family: str, settings: list[str]) -> Recipe:
    """Read the recipe of a family.

    Args:
        family: key in ``FAMILIES``.
        settings: ``field=value`` of the family's Config, or ``training.field=value``; they replace the recipe's.

    Raises:
        ValueError: when there is no recipe, it is malformed, or a setting is malformed or outside its range.
    """
    path = FOLDER / f"{family}.toml"
    if not path.exists():
        there = ", ".join(sorted(found.stem for found in FOLDER.glob("*.toml")))
        raise ValueError(f"There is no recipe {path.name} in {FOLDER}; there are recipes for {there}.")
    try:
        recipe = msgspec.toml.decode(path.read_bytes(), type=Recipe)
        check_config(recipe.training)
    except (msgspec.MsgspecError, ConfigError) as error:
        raise ValueError(f"{path}: {error}") from error
    return _changed(recipe, settings)


def _changed(recipe: Recipe, settings: list[str]) -> Recipe:
    config, training = dict(recipe.config), msgspec.structs.asdict(recipe.training)
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"--set {setting}: write field=value or training.field=value.")
        if name.startswith("training."):
            training[name.removeprefix("training.")] = value
        else:
            config[name] = value
    return msgspec.structs.replace(recipe, config=config, training=parse_config(TimedTraining, training))
