"""Ready models and their recipes: what the recipes say is what was trained; packing keeps what is shown."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from benchmarks.shipped import examples as maker
from benchmarks.shipped.packing import MAX_GRIDS, MAX_POINTS, halved, pack, thinned
from benchmarks.shipped.readme import readme
from benchmarks.shipped.recipe import ExampleRecipe, ExampleScore, read_recipe, recipe_names
from benchmarks.shipped.training import train_example
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.models import ModelCache
from gmstudio.engine.training.plan import plan_run
from gmstudio.families import FAMILIES
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.checkpoints import CheckpointStore
from gmstudio.runs.description import read_description
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import History
from gmstudio.runs.record import read_record

EXAMPLES = sorted(path.parent.name for path in maker.OUT.glob("*/run.json"))
MAX_BYTES = 20_000_000


def test_every_family_has_a_recipe_under_its_name() -> None:
    assert set(FAMILIES) <= set(recipe_names())
    assert set(EXAMPLES) <= set(recipe_names())
    for name in recipe_names():
        family = read_recipe(name).family
        assert name == family or name.startswith(f"{family}-")


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_can_be_trained_and_says_its_seed(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.title and recipe.note and "seed" in recipe.training
    plan_run(DatasetCache(), recipe.spec, torch.device("cpu"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_its_recipe_says(name: str) -> None:
    recipe, folder = read_recipe(name), maker.OUT / name
    record, kept = read_record(folder), read_description(folder)
    planned = plan_run(DatasetCache(), recipe.spec, torch.device("cpu")).record
    assert completed(record.spec) == planned.spec
    assert record.status == "finished" and record.step == record.training.steps
    assert (kept.name, kept.note) == (recipe.title, recipe.note)
    loaded = CheckpointStore(folder).load()
    assert loaded.step == record.step and loaded.tensors.keys() == {"model"}
    assert {path.name for path in folder.iterdir()} == {"run.json", "description.json", "history.sqlite", "checkpoints"}
    ModelCache().load(str(folder), torch.device("cpu"))


def completed(spec: RunSpec) -> RunSpec:
    """Specification with the settings that the family has got since the run was trained, at their defaults."""
    config = parse_config(FAMILIES[spec.family].Config, spec.config)
    return msgspec.structs.replace(spec, config=msgspec.to_builtins(config))


def test_the_table_has_every_example_and_is_written_from_the_figures() -> None:
    figures = maker.read_figures(maker.OUT)
    assert sorted(figures) == EXAMPLES
    assert (maker.OUT / "README.md").read_text() == readme(figures)
    for name, found in figures.items():
        assert found["family"] == read_recipe(name).family and found["step"] == read_record(maker.OUT / name).step
        assert found["cpu_minutes"] > 0 and found["machine"]


def test_all_examples_take_less_than_20_megabytes() -> None:
    assert sum(path.stat().st_size for path in maker.OUT.rglob("*") if path.is_file()) < MAX_BYTES


def test_half_precision_is_for_large_arrays_that_fit() -> None:
    arrays = {
        "w": np.full(2048, 1 / 3, np.float32),
        "large": np.full(2048, 1e6, np.float32),
        "small": np.full(2047, 1 / 3, np.float32),
        "counts": np.full(2048, 70_000, np.int64),
    }
    packed = halved(arrays)
    assert {name: array.dtype.name for name, array in packed.items()} == {
        "w": "float16",
        "large": "float32",
        "small": "float32",
        "counts": "int64",
    }
    assert abs(float(packed["w"][0]) - 1 / 3) < 1e-4


def test_a_thinned_curve_keeps_ends_and_its_lowest_point() -> None:
    steps, values = np.arange(5000), np.linspace(2, 1, 5000)
    values[1234] = 0.5
    kept_steps, kept = thinned((steps, values))
    assert len(kept) <= MAX_POINTS + 1 and kept.min() == 0.5
    assert kept_steps[0] == 0 and kept_steps[-1] == 4999
    np.testing.assert_array_equal(values[kept_steps], kept)


def test_an_example_is_trained_continued_packed_and_scored(tmp_path: Path) -> None:
    recipe = ExampleRecipe(
        family="vae",
        title="Small VAE",
        note="For a test.",
        data="digits",
        data_config={"levels": 2},
        config={"num_hidden": 40, "num_latent": 2},
        training={"steps": 24, "sample_every": 2, "num_samples": 4, "validate_every": 6, "seed": 1},
        score=ExampleScore(num_samples=2, num_images=50),
    )
    run = tmp_path / "work" / "small"
    train_example(recipe, run)
    with RunFolder.open(run, write=True) as folder:  # as if it had been interrupted
        folder.update(training=msgspec.structs.replace(folder.record.training, steps=26))
    train_example(recipe, run)
    found = maker.make_example("small", recipe, run, tmp_path / "out")
    example = tmp_path / "out" / "small"
    assert found["step"] == 26 and found["precision"]["weights"] == "float16" and found["precision"]["changed"] < 0.02
    assert found["test"]["num_images"] == 50 and 10 < found["test"]["nats"] < 60
    with History(example) as history, History(run) as before:
        kept = history.image_steps("means")
        assert len(kept) == MAX_GRIDS and kept[-1] == 26 and set(kept) < set(before.image_steps("means"))
        assert history.read_events() == before.read_events()
        assert history.last_and_best("valid", "loss") == before.last_and_best("valid", "loss")
    arrays = CheckpointStore(example).load().tensors
    assert arrays.keys() == {"model"} and {array.dtype.name for array in arrays["model"].values()} == {
        "float16",
        "float32",
    }


def test_weights_stay_as_they_are_where_half_precision_would_change_what_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.shipped.packing.LARGEST_DIFFERENCE", -1.0)
    monkeypatch.setattr("benchmarks.shipped.packing.LARGEST_SHARE", -1.0)
    recipe = ExampleRecipe(
        family="vae",
        title="Small VAE",
        note="For a test.",
        data="digits",
        config={"num_hidden": 8, "num_latent": 2},
        training={"steps": 1, "num_samples": 4, "seed": 1},
    )
    train_example(recipe, tmp_path / "run")
    dataset = DatasetCache().load("digits", {})
    rounding = pack(tmp_path / "run", recipe, dataset, tmp_path / "example")
    assert rounding.weights == "float32"
    before, after = (CheckpointStore(tmp_path / name).load().tensors["model"] for name in ("run", "example"))
    assert all(np.array_equal(before[name], after[name]) for name in before)
