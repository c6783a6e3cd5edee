"""Settings of runs in words, and samples drawn for a comparison, answered by the engine's own code."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from density_engine import STEP, DensityEngine, write_run

from gmstudio.data import load
from gmstudio.engine.runs.compare_handlers import RunComparison, nearest_model
from gmstudio.engine.runtime.inspection import exploring
from gmstudio.engine.sampling.grids import draw_grid
from gmstudio.protocol.runs_compare import ComparedDrawn, DescribeSettings, DrawCompared, SettingsDescribed
from gmstudio.runs.checkpoints import CheckpointStore
from gmstudio.runs.record import read_record, write_record


@pytest.fixture
def engine() -> DensityEngine:
    return DensityEngine(RunComparison)


def add_checkpoint(run: str, step: int, engine: DensityEngine) -> None:
    """Save a checkpoint of the weights, all of them halved."""
    model = nearest_model(engine.context, run, None).model
    arrays = {name: np.asarray(value) / 2 for name, value in model.state_dict().items()}
    CheckpointStore(Path(run)).save(step, {"model": arrays}, {"step": step})


def test_settings_have_titles_units_and_defaults(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "vae", "vae", num_hidden=8, beta=4.0).run
    described = engine.ask(DescribeSettings(run=run), SettingsDescribed)
    found = {(one.section, one.name): one for one in described.settings}
    beta = found["Model", "beta"]
    assert (beta.title, beta.text, beta.usual) == ("β", "4", False)
    assert found["Model", "num_hidden"].text == "8 units"
    assert found["Training", "seed"].usual
    assert [one.name for one in described.settings if one.idle] == ["soap_rate"], "another optimizer is chosen"
    assert found["Data", "data"].text != "digits" and found["Data", "image"].text.startswith("8×8")
    assert found["Made with", "device"].text == "cpu" and found["Made with", "torch"].text == torch.__version__


def test_settings_without_an_effect_are_idle(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "vae", "vae", num_hidden=8).run
    config = {"coupling": "affine", "num_components": 4}
    write_record(Path(run), msgspec.structs.replace(read_record(Path(run)), family="realnvp", config=config))
    described = engine.ask(DescribeSettings(run=run), SettingsDescribed)
    assert [one.name for one in described.settings if one.idle] == ["num_components", "soap_rate"]


def test_settings_of_a_family_that_is_not_installed_are_described_by_their_names(
    engine: DensityEngine, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "vae", "vae", num_hidden=8)
    record = msgspec.structs.replace(read_record(Path(run.run)), family="from_elsewhere", config={"odd": [1, 2]})
    write_record(Path(run.run), record)
    described = engine.ask(DescribeSettings(run=run.run), SettingsDescribed)
    texts = {one.name: (one.title, one.text) for one in described.settings if one.section == "Model"}
    assert texts == {"family": ("Family", "from_elsewhere"), "odd": ("odd", "1, 2")}


def test_a_seed_draws_the_same_images_with_the_nearest_weights(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "nade", "nade", num_hidden=4).run
    add_checkpoint(run, 3 * STEP, engine)
    drawn = [
        engine.ask(DrawCompared(run=run, step=step, count=3, seed=seed), ComparedDrawn)
        for step, seed in ((STEP, 1), (2 * STEP, 1), (2 * STEP + 1, 1), (None, 1), (STEP, 2))
    ]
    assert [one.step for one in drawn] == [STEP, STEP, 3 * STEP, 3 * STEP, STEP]  # the earlier of two
    images = [one.images.numpy() for one in drawn]
    assert np.array_equal(images[0], images[1]) and np.array_equal(images[2], images[3])
    assert not np.array_equal(images[0], images[2]) and not np.array_equal(images[0], images[4])
    model = nearest_model(engine.context, run, STEP).model
    with exploring(model):
        (expected,) = [grid for grid in draw_grid(model, 3, 1) if grid is not None]
    assert np.array_equal(images[0], expected)
    assert drawn[0].kind == "samples"


def test_an_autoencoder_reconstructs_validation_images(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "ae", "autoencoder", num_hidden=8)
    drawn = engine.ask(DrawCompared(run=run.run, step=None, count=2, seed=0), ComparedDrawn)
    model = nearest_model(engine.context, run.run, None).model
    inputs = torch.from_numpy(load("digits", run.spec.data_config).valid.images[:2])
    with exploring(model):
        (expected,) = [grid for grid in draw_grid(model, 2, 0, inputs) if grid is not None]
    assert drawn.kind == "reconstructions" and np.array_equal(drawn.images.numpy(), expected)


@pytest.mark.parametrize(
    ("count", "seed", "sentence"), [(0, 0, "choose 1 to"), (65, 0, "choose 1 to"), (1, -1, "choose 0 to")]
)
def test_numbers_out_of_range_are_refused(
    engine: DensityEngine, tmp_path: Path, count: int, seed: int, sentence: str
) -> None:
    run = write_run(tmp_path / "nade", "nade", num_hidden=2).run
    with pytest.raises(ValueError, match=sentence):
        engine.ask(DrawCompared(run=run, step=None, count=count, seed=seed), ComparedDrawn)


class Training:
    """A run in training, as far as a comparison looks at it."""

    def __init__(self, name: str, engine: DensityEngine, step: int) -> None:
        loaded = nearest_model(engine.context, name, None)
        self.name, self.step, self.model, self.record = name, step, loaded.model, loaded.record


def test_the_weights_in_training_count_and_stay_as_they_were(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "nade", "nade", num_hidden=4).run
    engine.context.training = Training(run, engine, step=3 * STEP)  # type: ignore[assignment]
    steps = [nearest_model(engine.context, run, step).step for step in (None, STEP, 2 * STEP, 2 * STEP + 1, 9 * STEP)]
    assert steps == [3 * STEP, STEP, STEP, 3 * STEP, 3 * STEP]
    found = nearest_model(engine.context, run, None).model
    kept = next(found.parameters()).detach().clone()
    with torch.no_grad():
        next(engine.context.the_training().model.parameters()).add_(1.0)
    assert torch.equal(next(found.parameters()), kept)
