"""Every number on the command line has limits, and what is beyond is refused with value, limits and remedy."""

import json
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.cli.library import runs
from gmstudio.cli.options import Real, Whole
from gmstudio.cli.sampling import sample
from gmstudio.cli.scoring import score
from gmstudio.cli.training import train
from gmstudio.engine.evaluation.likelihood import MAX_SAMPLES
from gmstudio.protocol.config import schema_of
from gmstudio.protocol.training_settings import Training


def numbers() -> list[tuple[str, str, Any]]:
    """Command, option and parser of every option whose type is a number."""
    found = []
    for command in (train, sample, score, runs):
        for name, hint in get_type_hints(command, include_extras=True).items():
            kind, *extras = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
            if {int, float} & {kind, *get_args(kind)}:
                (info,) = extras
                declared = [info.default, *(info.param_decls or ())]  # a declaration that stands first is the default
                long = (text for text in declared if str(text).startswith("--"))
                option = next(long, f"--{name}".replace("_", "-"))
                found.append((command.__name__, option, info.parser))
    return found


NUMBERS = numbers()


def test_the_numbers_are_found() -> None:
    names = {f"{command} {option}" for command, option, _ in NUMBERS}
    assert names >= {"score --samples", "score --count", "sample --count", "sample --temperature", "train --steps"}


@pytest.mark.parametrize(("command", "option", "kind"), NUMBERS, ids=[f"{n[0]} {n[1]}" for n in NUMBERS])
def test_a_number_beyond_its_limits_is_refused_with_the_remedy(command: str, option: str, kind: Any) -> None:
    assert isinstance(kind, Whole | Real), "has limits and a remedy"
    assert kind.remedy.endswith(".")
    for value in (kind.low - 1, kind.high + 1, "nan", "1e999", "many", "1,5"):
        result = CliRunner().invoke(cli.app, [command, "x", option, str(value)], env={"COLUMNS": "1000"})
        assert result.exit_code == 2, (value, result.output)
        shown = " ".join(result.output.replace("│", " ").split())
        assert f"{value} is no " in shown and kind.remedy in shown, (value, result.output)
    for bound in (kind.low, kind.high):
        assert kind(str(bound)) == bound


def test_the_limits_are_those_of_the_engine() -> None:
    limits = {(command, option): kind for command, option, kind in NUMBERS}
    assert limits["score", "--samples"].high == MAX_SAMPLES
    steps = schema_of(Training)["properties"]["steps"]
    assert (limits["train", "--steps"].low, limits["train", "--steps"].high) == (steps["minimum"], steps["maximum"])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"config": {"num_hidden": -3}}, "Hidden units is -3"),
        ({"config": {"number": 3}}, "There is no setting 'number'"),
        ({"family": "dbn"}, "There is no family 'dbn'"),
    ],
)
def test_settings_that_cannot_be_used_are_told_with_their_file(
    tmp_path: Path, change: dict[str, object], problem: str
) -> None:
    run = tmp_path / "run"
    quick = ["--steps", "1", "--set", "validation_images=10", "--set", "num_samples=1"]
    assert CliRunner().invoke(cli.app, ["train", "vae", "--out", str(run), *quick]).exit_code == 0
    path = run / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    for command in (
        ["sample", str(run)],
        ["score", str(run)],
        ["train", "--resume", "--out", str(run), "--steps", "2"],
    ):
        result = CliRunner().invoke(cli.app, command)
        assert isinstance(result.exception, ValueError)
        message = str(result.exception)
        if "family" in change:  # of another package, perhaps: the file may be right
            assert message.startswith(problem) and "install the package" in message
            continue
        assert message.startswith(f"{path} has settings that cannot be used. {problem}"), message
        assert message.endswith("Correct them there, or restore the file from a copy of the run.")
