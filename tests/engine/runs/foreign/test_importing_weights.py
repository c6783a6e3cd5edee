"""Weights of another program as a run: the same numbers, trained on, or nothing at all."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from typer.testing import CliRunner

from gmstudio.cli import app
from gmstudio.engine.runs.foreign.mapping import parse_map
from gmstudio.engine.runtime.building import build_run_model
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.models import ModelCache
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.runs.folder import RunFolder

CPU = torch.device("cpu")
CHOSEN = ("--family", "vae", "--data", "digits", "--set", "num_hidden=8", "--set", "config.num_latent=2")


@pytest.fixture(scope="module")
def theirs() -> dict[str, torch.Tensor]:
    """Weights of the family under other names, some of them transposed."""
    family = FAMILIES["vae"]
    torch.manual_seed(5)
    model = family(family.Config(num_hidden=8, num_latent=2), ImageSpec(1, 8, 8, 16))
    found = {}
    for name, value in model.state_dict().items():
        turned = value.t() if value.ndim == 2 and value.shape[0] != value.shape[1] else value
        found[f"net.{name.replace('encoder', 'enc')}"] = turned.detach().contiguous()
    return found


@pytest.fixture
def run_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path / "home"))

    def run(*arguments: object) -> Any:
        return CliRunner().invoke(app, ["import-weights", *map(str, arguments)])

    return run


def test_a_proposal_imports_the_same_numbers_which_train_on(
    tmp_path: Path, theirs: dict[str, torch.Tensor], run_command: Any
) -> None:
    path, mapping, out = tmp_path / "theirs.pt", tmp_path / "map.toml", tmp_path / "run"
    torch.save({"state_dict": theirs, "epoch": 1}, path)
    proposed = run_command(path, *CHOSEN, "--accept-pt", "--propose")
    assert proposed.exit_code == 0, proposed.exception
    mapping.write_text(proposed.stdout)
    done = run_command(path, *CHOSEN, "--accept-pt", "--map", mapping, "--out", out, "--json")
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout)["arrays"] == len(theirs)
    weights = ModelCache().load(str(out), CPU).model.state_dict()
    for name, value in theirs.items():
        ours = weights[name.removeprefix("net.").replace("enc.", "encoder.")]
        assert torch.equal(ours, value if ours.shape == value.shape else value.t())
    with RunFolder.open(out) as run:
        assert (run.record.status, run.record.step, run.record.title) == ("stopped", 0, "theirs")
        (event,) = run.history.read_events()
        assert event.kind == "origin" and "theirs.pt" in event.text and "SHA-256" in event.text
    job = resume_run(str(out), Continuation(steps=3, schedule="stretch"), DatasetCache(), CPU, lambda event: None)
    while job.running:
        job.advance()
    with RunFolder.open(out) as run:
        assert run.record.status == "finished" and build_run_model(run, CPU)
        loss = run.history.read_scalars()["train", "loss"][1][0]
        assert math.isfinite(loss)


def test_differences_are_all_listed_and_nothing_is_written(
    tmp_path: Path, theirs: dict[str, torch.Tensor], run_command: Any
) -> None:
    path, out = tmp_path / "theirs.safetensors", tmp_path / "run"
    safetensors.torch.save_file(theirs, path)
    done = run_command(path, *CHOSEN, "--out", out)
    assert isinstance(done.exception, ValueError) and "--propose" in str(done.exception)
    lines = done.stderr.splitlines()
    assert len([line for line in lines if line.startswith("left over: net.")]) == len(theirs)
    assert len([line for line in lines if line.startswith("missing: ")]) == len(theirs)
    assert not out.exists()


def test_constants_are_kept_and_averages_get_the_weights_that_they_average(tmp_path: Path, run_command: Any) -> None:
    safetensors.torch.save_file({"conv_in.weight": torch.ones(4, 1, 3, 3)}, tmp_path / "theirs.safetensors")
    chosen = ("--family", "ddpm", "--data", "digits", "--set", "num_channels=4", "--propose")
    done = run_command(tmp_path / "theirs.safetensors", *chosen)
    assert done.exit_code == 0, done.exception
    proposed = parse_map(done.stdout)
    assert proposed.keep == ("averaged.num_updates",)
    (first, copy) = proposed.rules["conv_in.weight"].to
    assert copy == f"averaged.copy.{first.partition('.')[2]}"


def test_values_that_are_not_finite_are_refused(
    tmp_path: Path, theirs: dict[str, torch.Tensor], run_command: Any
) -> None:
    path, mapping, out = tmp_path / "theirs.safetensors", tmp_path / "map.toml", tmp_path / "run"
    broken = {name: value.clone() for name, value in theirs.items()}
    next(iter(broken.values())).view(-1)[0] = math.nan
    safetensors.torch.save_file(broken, path)
    mapping.write_text(run_command(path, *CHOSEN, "--propose").stdout)
    done = run_command(path, *CHOSEN, "--map", mapping, "--out", out)
    assert "not finite" in str(done.exception) and not out.exists()


def test_a_file_of_torch_needs_the_option(tmp_path: Path, theirs: dict[str, torch.Tensor], run_command: Any) -> None:
    torch.save(theirs, tmp_path / "theirs.pth")
    done = run_command(tmp_path / "theirs.pth", *CHOSEN)
    assert isinstance(done.exception, ValueError) and "--accept-pt" in str(done.exception)
