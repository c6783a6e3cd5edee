"""``gmstudio grid``: a run for each combination, and none again."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.grids import read_grids

QUICK = ("--data", "digits", "--steps", "4", "--set", "validate_every=4", "--set", "sample_every=4", "--device", "cpu")


def grid(*options: str) -> dict[str, object]:
    result = CliRunner().invoke(cli.app, ["grid", "nade", *QUICK, "--json", *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    document: dict[str, object] = json.loads(result.stdout[result.stdout.index("{\n") :])
    return document


def test_each_combination_is_trained_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path))
    document = grid("--vary", "learning_rate=0.001,0.01", "--vary", "num_hidden=4", "--name", "rates")
    assert (document["tag"], document["trained"], document["failed"]) == ("grid:rates", 2, 0)
    runs = document["runs"]
    assert isinstance(runs, list) and [run["status"] for run in runs] == ["finished"] * 2
    assert all(run["bits_per_dim"] > 0 for run in runs)
    with RunFolder.open(Path(runs[1]["run"])) as run:
        assert (run.record.training.learning_rate, run.record.config["num_hidden"]) == (0.01, 4)
    again = grid("--vary", "learning_rate=0.001,0.01", "--vary", "num_hidden=4", "--name", "rates")
    assert again["trained"] == 0 and again["runs"] == runs
    assert [known.name for known in read_grids()[0]] == ["rates"]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--vary", "nonsense=1"], "nonsense"),
        (["--vary", "learning_rate=-1"], "above 0"),
        (["--vary", "num_hidden=4", "--vary", "num_hidden=8"], "varied twice"),
        (["--vary", "num_hidden=4", "--name", "a b"], "no name"),
    ],
)
def test_what_cannot_be_is_said_before_anything_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], part: str
) -> None:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=part):
        CliRunner().invoke(cli.app, ["grid", "nade", *QUICK, *options], catch_exceptions=False)
    assert not (tmp_path / "runs").exists() and read_grids() == ((), ())
