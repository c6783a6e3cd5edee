"""Points on the command line: their description, training on them, and what families propose for them."""

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.families import FAMILIES
from gmstudio.runs.folder import RunFolder


def output(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments), env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_info_gives_axes_and_entropy_for_the_settings() -> None:
    found = json.loads(output("data", "info", "points", "--set", "shape=checkerboard", "--json"))
    assert found["content"] == "points" and found["entropy"] == pytest.approx(math.log(2048))
    assert [axis["name"] for axis in found["axes"]] == ["x₁", "x₂"] and found["axes"][0]["low"] == -4
    printed = output("data", "info", "points", "--set", "shape=mixture_1d", "--set", "components_1d=1 0 1; 1 3 1")
    assert "points of the line" in printed and "sum to 2" in printed and "nats" in printed
    assert json.loads(output("data", "info", "digits", "--json"))["entropy"] is None
    with pytest.raises(ValueError, match="Nothing is drawn"):
        output("data", "info", "points", "--set", "shape=drawn")


def test_a_family_is_trained_on_points_with_its_settings_for_them(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shape = ("--set", "shape=pinwheel", "--set", "num_points=300")
    output("train", "made", "--data", "points", *shape, "--steps", "2", "--out", str(run), "--device", "cpu")
    start = FAMILIES["made"].start_on_points
    assert start is not None
    with RunFolder.open(str(run)) as folder:
        record = folder.record
    assert record.data_config["shape"] == "pinwheel" and record.data_config["num_points"] == 300
    assert record.config["num_hidden"] == start.config["num_hidden"]
    assert record.training.batch_size == start.training["batch_size"] and record.training.steps == 2


def test_what_a_user_should_know_of_the_points_is_said_before_training(tmp_path: Path) -> None:
    arguments = ["train", "markov", "--data", "points", "--set", "num_points=1", "--steps", "1", "--device", "cpu"]
    result = CliRunner().invoke(cli.app, [*arguments, "--out", str(tmp_path / "run")], catch_exceptions=False)
    assert result.exit_code == 0 and "1 point to train on" in result.stderr


def test_families_say_what_they_propose_for_points() -> None:
    assert "On points (train --data points)" in output("families", "made")
    found = json.loads(output("families", "made", "--json"))
    assert found["start_on_points"]["data"] == "points" and found["start_on_points"]["config"]["num_hidden"] == 128


def test_samples_of_points_are_written_as_a_table(tmp_path: Path) -> None:
    run, table = tmp_path / "run", tmp_path / "points.csv"
    shape = ("--set", "shape=ring", "--set", "num_points=300")
    output("train", "markov", "--data", "points", *shape, "--steps", "1", "--out", str(run), "--device", "cpu")
    said = output("sample", str(run), "-n", "20", "--out", str(table), "--device", "cpu")
    lines = table.read_text().splitlines()
    rows = [line.split(",") for line in lines if not line.startswith("#")]
    assert "20 points" in said and any(line.startswith("# Family: markov") for line in lines)
    assert rows[0] == ["x₁", "x₂"] and len(rows) == 21
    cells = [(float(value) + 4) * 64 / 8 for row in rows[1:] for value in row]
    assert all(0 < cell < 64 and cell % 1 == pytest.approx(0.5) for cell in cells), "centres of cells"
    with pytest.raises(ValueError, match="no folder"):
        output("sample", str(run), "--out", str(tmp_path / "none" / "points.csv"))


def test_images_are_not_written_as_a_table_of_points(tmp_path: Path) -> None:
    run = tmp_path / "run"
    output("train", "markov", "--data", "digits", "--steps", "1", "--out", str(run), "--device", "cpu")
    with pytest.raises(ValueError, match="samples are images; end it in"):
        output("sample", str(run), "--out", str(tmp_path / "points.csv"), "--device", "cpu")
