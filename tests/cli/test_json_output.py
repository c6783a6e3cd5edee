"""Answers as JSON: one document on stdout and nothing else, with the same keys always."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.cli import run_documents, scoring
from gmstudio.cli.families import FAMILY_KEYS, SETTING_KEYS
from gmstudio.cli.json_output import plain_value, print_json
from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.runs.library import runs_home

FAST = ["--set", "validation_images=20", "--set", "num_samples=1", "--set", "batch_size=16", "--data", "digits"]


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(cli.app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def document(*arguments: str) -> Any:
    """The document on stdout, which has nothing else."""
    return json.loads(run(*arguments, "--json").stdout, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Family → a run of it with two steps."""
    folder = tmp_path_factory.mktemp("runs")
    made = {}
    for family in ("fvbn", "vae", "gan", "autoencoder"):
        made[family] = str(folder / family)
        run("train", family, "--steps", "2", "--out", made[family], *FAST)
    return made


def test_numbers_that_json_lacks_are_null() -> None:
    values = {"a": math.nan, "b": [math.inf, 1.5], "c": (Path("/x"), True), "d": ImageSpec(1, 2, 3, 4)}
    assert plain_value(values) == {
        "a": None,
        "b": [None, 1.5],
        "c": ["/x", True],
        "d": {"channels": 1, "height": 2, "width": 3, "levels": 4},
    }
    with pytest.raises(TypeError, match="no place in JSON"):
        plain_value({"a": object()})


def test_any_text_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": "β \x1b[31m \udcff"})
    printed = capsys.readouterr().out
    assert printed.isascii() and "\x1b" not in printed
    assert json.loads(printed) == {"a": "β \x1b[31m \udcff"}


def test_families() -> None:
    found = document("families")
    assert list(found) == ["families"]
    assert [one["name"] for one in found["families"]] == list(FAMILIES)
    for one in found["families"]:
        assert tuple(one) == FAMILY_KEYS
        for part in ("config", "training", "sampler", "decoder"):
            assert all(tuple(setting) == SETTING_KEYS for setting in one[part])
    assert document("families", "vae") == next(one for one in found["families"] if one["name"] == "vae")


def test_settings_have_limits_and_defaults() -> None:
    ddpm = document("families", "ddpm")
    settings = {one["name"]: one for one in ddpm["config"]}
    assert list(settings) == list(FAMILIES["ddpm"].Config.__struct_fields__)
    steps = settings["num_timesteps"]
    assert (steps["default"], steps["minimum"], steps["maximum"], steps["unit"], steps["type"]) == (
        500, 2, 4000, "steps", "integer",
    )  # fmt: skip
    assert settings["schedule"]["type"] == "choice" and set(settings["schedule"]["choices"]) == {"linear", "cosine"}
    assert {one["name"]: one["default"] for one in ddpm["training"]}["warmup"] == 100
    assert ddpm["sampler"][0]["name"] == "sampler" and ddpm["decoder"]
    classes = {one["name"]: one for one in document("families", "gated_pixelcnn")["config"]}["num_classes"]
    assert classes["optional"] and classes["default"] is None and classes["minimum"] == 0


def test_no_runs() -> None:
    found = document("runs")
    assert tuple(found) == run_documents.LIST_KEYS
    assert found["runs"] == [] and found["home"] == str(runs_home())


def test_runs_whole_and_damaged(trained: dict[str, str]) -> None:
    run("train", "fvbn", "--steps", "2", *FAST)
    broken = runs_home() / "broken"
    broken.mkdir()
    (broken / "run.json").write_text("{")
    found = document("runs")["runs"]
    assert [one["status"] for one in found] == ["finished", "damaged"]
    for one in found:
        assert tuple(one) == run_documents.RUN_KEYS
    whole, damaged = found
    assert (whole["family"], whole["data"], whole["step"], whole["steps"]) == ("fvbn", "digits", 2, 2)
    assert whole["image"]["height"] == 8 and whole["problem"] is None and whole["best_validation_loss"] > 0
    assert damaged["run"] == str(broken) and damaged["problem"] and damaged["family"] is None


def test_one_run(trained: dict[str, str]) -> None:
    found = document("runs", trained["vae"])
    assert tuple(found) == run_documents.DETAIL_KEYS
    assert found["config"]["beta"] == 1.0 and found["training"]["steps"] == 2
    assert [one["step"] for one in found["checkpoints"]] == found["checkpoint_steps"] == [0, 2]
    assert [one["latest"] for one in found["checkpoints"]] == [False, True]


@pytest.mark.parametrize("family", ["fvbn", "vae", "gan", "autoencoder"])
def test_scores(trained: dict[str, str], family: str) -> None:
    found = document("score", trained[family], "-n", "6", "--samples", "2")
    assert tuple(found) == scoring.KEYS
    assert (found["family"], found["step"], found["images"], found["split"]) == (family, 2, 6, "test")
    filled = {key for key in ("nats", "sample_quality", "reconstruction") if found[key] is not None}
    assert filled == {{"gan": "sample_quality", "autoencoder": "reconstruction"}.get(family, "nats")}
    if "nats" in filled:
        assert found["bits_per_dim"]["mean"] == pytest.approx(-found["nats"]["mean"] / (64 * math.log(2)), rel=1e-6)
        assert found["kind"] and found["nats"]["spread"] > 0


def test_one_image_has_no_spread(trained: dict[str, str]) -> None:
    found = document("score", trained["fvbn"], "-n", "1")
    assert found["nats"]["mean"] < 0 and found["nats"]["spread"] is None and found["nats"]["error"] is None


def test_the_lines_say_the_same(trained: dict[str, str]) -> None:
    found = document("score", trained["fvbn"], "-n", "6")
    assert f"{found['nats']['mean']:.4f} ±" in run("score", trained["fvbn"], "-n", "6").stdout


def test_errors_are_no_documents() -> None:
    result = CliRunner().invoke(cli.app, ["families", "nosuch", "--json"])
    assert result.exit_code != 0 and result.stdout == ""
    assert "There is no family 'nosuch'" in str(result.exception)
