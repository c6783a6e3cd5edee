"""``gmstudio train --branch``: a new run from a checkpoint, with what is set."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.runs.folder import RunFolder

FAST = ["validation_images=20", "num_samples=1", "batch_size=16", "num_hidden=8", "schedule=constant"]


def call(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, ["train", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("branch") / "run")
    settings = [part for one in [*FAST, "checkpoint_every=2"] for part in ("--set", one)]
    call("vae", "--data", "digits", "--steps", "6", "--out", folder, *settings)
    return folder


def test_a_branch_is_trained_from_its_checkpoint(run: str, tmp_path: Path) -> None:
    out = str(tmp_path / "branch")
    assert "finished at step 9" in call("--branch", run, "--at", "4", "--steps", "9", "--set", "beta=4", "--out", out)
    with RunFolder.open(out) as branch:
        assert branch.record.origin is not None
        assert (branch.record.origin.step, branch.record.origin.changed) == (4, ("β 1 → 4", "Steps 6 → 9"))
        assert branch.record.config["beta"] == 4.0
        assert branch.history.read_scalars()["train", "loss"][0].tolist() == list(range(1, 10))


def test_the_latest_checkpoint_is_taken_where_none_is_named(run: str, tmp_path: Path) -> None:
    out = str(tmp_path / "branch")
    call("--branch", run, "--steps", "7", "--out", out)
    with RunFolder.open(out) as branch:
        assert branch.record.origin is not None and branch.record.origin.step == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--at", "3"], "no checkpoint of step 3; there are 0, 2, 4, 6"),
        ([], "Steps is 6, but 6 are made"),
        (["--steps", "9", "--set", "num_hidden=9"], "Hidden units 8 → 9"),
        (["--steps", "9", "--set", "levels=2"], "keeps the data of its run"),
        (["--data", "digits"], "keeps family and data"),
        (["--resume"], "leave one of them out"),
    ],
)
def test_what_cannot_be_is_refused(run: str, arguments: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call("--branch", run, *arguments)


def test_a_step_without_a_run_to_branch_from_is_refused() -> None:
    with pytest.raises(ValueError, match="--at belongs to --branch"):
        call("vae", "--at", "3")
