"""Descriptions of points, from a real engine."""

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from engine_process import EngineProcess

from gmstudio.engine.catalog import family_entries
from gmstudio.engine.runs.label import label_of
from gmstudio.protocol.data import DescribeModel, LocateData, ModelDescribed
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.points import DescribePoints, PointsDescribed
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunOpened
from gmstudio.protocol.training import StartTraining, TrainingChanged


def table(path: Path) -> str:
    path.write_text("height,weight\n" + "\n".join(f"{i % 7},{i % 5 + 0.5}" for i in range(40)))
    return str(path)


def test_points_are_described_with_their_distribution(tmp_path: Path, engine: EngineProcess) -> None:
    asked = DescribePoints(data="points", data_config={"shape": "checkerboard", "num_points": 500}, count=100)
    found = engine.ask(asked, PointsDescribed)
    assert found.image.width == 2 and found.sizes["train"] == 500
    assert found.points.numpy().shape == (100, 2) and found.labels is None
    assert found.truth is not None and found.truth.numpy().shape == (64, 64)
    assert found.truth.numpy().sum() == pytest.approx(1, abs=1e-4)
    assert found.entropy == pytest.approx(math.log(2048))
    assert 400 / 4096 < found.occupied <= 500 / 4096
    line = DescribePoints(data="points", data_config={"shape": "mixture_1d", "components_1d": "2 0 1"})
    on_line = engine.ask(line, PointsDescribed)
    assert on_line.points.numpy().shape[1] == 1 and "sum to 2" in on_line.remarks[0]
    assert on_line.truth is not None and on_line.truth.numpy().shape == (1, 64)
    unknown = DescribePoints(data="points", data_config={"shape": "csv", "path": table(tmp_path / "points.csv")})
    read = engine.ask(unknown, PointsDescribed)
    assert [axis.title for axis in read.axes] == ["height", "weight"] and read.truth is None and read.entropy is None
    assert np.unique(read.points.numpy()[:, 0]).size == 7


def test_what_cannot_be_described_names_the_setting(tmp_path: Path, engine: EngineProcess) -> None:
    empty = engine.ask(DescribePoints(data="points", data_config={"shape": "drawn"}), CommandFailed)
    assert "Nothing is drawn" in empty.fields["data_config.strokes"]
    missing = DescribePoints(data="points", data_config={"shape": "picture", "path": str(tmp_path / "no.png")})
    assert "no.png" in engine.ask(missing, CommandFailed).fields["data_config.path"]
    images = engine.ask(DescribePoints(data="digits", data_config={}), CommandFailed)
    assert "no points" in images.message


def test_remarks_on_the_data_stand_beside_those_on_the_model(engine: EngineProcess) -> None:
    spec = RunSpec(family="made", data="points", data_config={"num_points": 1})
    assert "1 point" in engine.ask(DescribeModel(spec=spec), ModelDescribed).remarks[0]


def test_a_table_that_was_moved_is_located(tmp_path: Path) -> None:
    path = table(tmp_path / "points.csv")
    training = {"steps": 1, "batch_size": 8, "validation_images": 4, "num_samples": 1}
    spec = RunSpec(family="fvbn", data="points", data_config={"shape": "csv", "path": path}, training=training)
    with EngineProcess(tmp_path / "home") as engine:
        run = engine.ask(StartTraining(spec=spec, folder=str(tmp_path / "run")), RunOpened).info.run
        engine.wait(TrainingChanged, lambda event: event.status == "finished")
    Path(path).rename(tmp_path / "moved.csv")
    with EngineProcess(tmp_path / "home") as engine:
        opened = engine.ask(LocateData(run=run, folder=str(tmp_path / "moved.csv")), RunOpened)
        assert opened.info.spec.data_config["path"] == str(tmp_path / "moved.csv")
        made = RunSpec(family="fvbn", data="points", training=training)
        other = engine.ask(StartTraining(spec=made, folder=str(tmp_path / "other")), RunOpened).info.run
        engine.wait(TrainingChanged, lambda event: event.status == "finished")
        refused = engine.ask(LocateData(run=other, folder=str(tmp_path)), CommandFailed)
        assert refused.reason is Reason.DATA_UNAVAILABLE and "name no folder" in refused.message


def test_a_run_on_points_is_named_by_its_shape() -> None:
    entries = family_entries()
    start = entries["made"].start_on_points
    assert start is not None
    label = label_of(start, ImageSpec(1, 1, 2, 64), entries)
    assert (label.model, label.data) == ("MADE", "Two moons 2-D")
    config = start.data_config | {"shape": "picture", "path": "/pictures/whale.png", "num_points": 99}
    other = label_of(msgspec.structs.replace(start, data_config=config), ImageSpec(1, 1, 2, 64), entries)
    assert other.data.startswith("whale 2-D") and "99" in other.data
