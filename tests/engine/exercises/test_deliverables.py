"""Deliverables of runs: the files, their numbers and their provenance; by the engine's command."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from engine_process import EngineProcess
from PIL import Image

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.exercises import DELIVERABLES, DeliverablesWritten, WriteDeliverables
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import StartTraining, TrainingChanged

SMALL = {"steps": 20, "batch_size": 16, "validate_every": 10, "sample_every": 20, "checkpoint_every": 20}
POINTS = {"shape": "moons", "levels": 64, "num_points": 200, "num_valid": 50, "num_test": 80}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with EngineProcess(tmp_path_factory.mktemp("home")) as engine:
        yield engine


def train(engine: EngineProcess, spec: RunSpec) -> str:
    engine.send(StartTraining(spec=spec))
    return engine.wait(TrainingChanged, lambda event: event.status == "finished").run


def write(engine: EngineProcess, run: str, folder: Path, *wanted: str) -> DeliverablesWritten:
    request = engine.send(WriteDeliverables(run=run, deliverables=wanted or DELIVERABLES, folder=str(folder)))
    return engine.wait(DeliverablesWritten, lambda event: event.request == request and event.done)


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(line for line in path.read_text().splitlines() if not line.startswith("#")))


@pytest.fixture(scope="module")
def made(engine: EngineProcess) -> str:
    config = {"num_hidden": 8, "num_layers": 1}
    return train(engine, RunSpec(family="made", config=config, data="points", data_config=POINTS, training=SMALL))


@pytest.fixture(scope="module")
def delivered(
    engine: EngineProcess, made: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, DeliverablesWritten]:
    folder = tmp_path_factory.mktemp("out") / "new" / "folder"
    return folder, write(engine, made, folder)


def test_all_files_are_there_and_listed(delivered: tuple[Path, DeliverablesWritten]) -> None:
    folder, event = delivered
    names = {"curve.csv", "curve.png", "density.csv", "density.png", "samples.csv", "samples.png", "test.json"}
    assert {Path(path).name for path in event.files} == names == {path.name for path in folder.iterdir()}
    for path in folder.glob("*.png"):
        with Image.open(path) as picture:
            assert min(picture.size) > 400 and picture.info["Software"].startswith("gmstudio")
            assert np.asarray(picture.convert("L")).std() > 5


def test_the_density_sums_to_one(delivered: tuple[Path, DeliverablesWritten]) -> None:
    table = rows(delivered[0] / "density.csv")
    assert len(table) == 64 * 64 and set(table[0]) == {"x1", "x2", "p"}
    assert sum(float(row["p"]) for row in table) == pytest.approx(1.0, abs=1e-5)


def test_the_curve_has_all_steps_and_both_splits(delivered: tuple[Path, DeliverablesWritten]) -> None:
    table = [row for row in rows(delivered[0] / "curve.csv") if row["curve"] == "loss"]
    steps = {split: [int(row["step"]) for row in table if row["split"] == split] for split in ("train", "valid")}
    assert steps == {"train": list(range(1, 21)), "valid": [10, 20]}


def test_samples_lie_in_the_plane_of_the_data(delivered: tuple[Path, DeliverablesWritten]) -> None:
    table = rows(delivered[0] / "samples.csv")
    places = np.array([[float(row["x1"]), float(row["x2"])] for row in table])
    assert places.shape == (1000, 2) and np.abs(places).max() <= 4


def test_the_test_value_is_the_mean_under_the_density(delivered: tuple[Path, DeliverablesWritten]) -> None:
    folder, event = delivered
    document = json.loads((folder / "test.json").read_text())
    assert event.test is not None and document["value"] == event.test.value
    assert (document["unit"], document["kind"], document["test_images"]) == (
        "nats per point",
        "exact log-likelihood",
        80,
    )
    assert document["spec"]["family"] == "made" and document["step"] == 20
    assert 2 < event.test.value < 10 and event.test.error > 0


@pytest.mark.slow
def test_a_gan_on_points_has_a_distance_in_place_of_a_likelihood(engine: EngineProcess, tmp_path: Path) -> None:
    config = {"num_hidden": 8, "num_layers": 1, "num_latent": 2}
    run = train(engine, RunSpec(family="gan", config=config, data="points", data_config=POINTS, training=SMALL))
    event = write(engine, run, tmp_path, "test")
    assert event.test is not None and event.test.unit == "nats" and "histogram" in event.test.kind
    assert event.test.value > 0


@pytest.mark.slow
def test_images_are_delivered_as_a_sheet_and_have_no_density(engine: EngineProcess, tmp_path: Path) -> None:
    spec = RunSpec(family="nade", config={"num_hidden": 8}, data="digits", data_config={"levels": 2}, training=SMALL)
    run = train(engine, spec)
    event = write(engine, run, tmp_path, "samples", "test")
    assert event.test is not None and event.test.unit == "nats per image"
    with Image.open(tmp_path / "samples.png") as picture:
        assert picture.size[0] > 100
    request = engine.send(WriteDeliverables(run=run, deliverables=("density",), folder=str(tmp_path)))
    failure = engine.wait(CommandFailed, lambda event: event.request == request)
    assert "are no points" in failure.message


def test_a_folder_that_cannot_be_made_is_a_sentence(engine: EngineProcess, made: str, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    failure = engine.ask(WriteDeliverables(run=made, deliverables=("curve",), folder=str(blocked / "x")), CommandFailed)
    assert str(blocked) in failure.message
