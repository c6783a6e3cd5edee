"""The command line, in this process, on the digits."""

import re
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from example_runs import make_example
from PIL import Image
from typer.testing import CliRunner

from gmstudio import cli, data
from gmstudio.engine.runtime.models import ModelCache
from gmstudio.engine.training.optimizers import PhaseOptimizer
from gmstudio.families import FAMILIES
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import new_run_path, runs_home

FAST = ["--set", "validation_images=20", "--set", "num_samples=1", "--set", "batch_size=16"]


def call(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("family", ["pixelcnn", "vae", "gan"])
def test_train_then_sample(tmp_path: Path, family: str) -> None:
    run, grid = str(tmp_path / "run"), tmp_path / "grid.png"
    output = call("train", family, "--data", "digits", "--steps", "3", "--out", run, "--seed", "1", *FAST)
    assert "finished at step 3" in output and "validation" in output
    with RunFolder.open(run) as folder:
        assert (folder.record.family, folder.record.training.seed, folder.record.training.batch_size) == (family, 1, 16)
    call("sample", run, "-n", "5", "-o", str(grid), "--scale", "2")
    with Image.open(grid) as image:
        assert image.size == ((3 * 9 + 1) * 2, (2 * 9 + 1) * 2)
        pixels = np.asarray(image)
    assert (pixels[:2] == 128).all(), "a line around every image"
    assert len(np.unique(pixels[2:18, 2:18])) > 1


def test_bits_per_dimension_are_printed(tmp_path: Path) -> None:
    output = call("train", "vae", "--data", "digits", "--steps", "2", "--out", str(tmp_path / "run"), *FAST)
    assert "nats" in output and "bits/dim" in output


def test_settings_go_where_they_belong(tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    settings = ["--set", "beta=2.5", "--set", "data.levels=2", "--set", "learning_rate=1e-4"]
    call("train", "vae", "--data", "digits", "--steps", "1", "--out", run, *settings, *FAST)
    with RunFolder.open(run) as folder:
        record = folder.record
    assert record.config["beta"] == 2.5
    assert record.image.levels == 2
    assert record.training.learning_rate == 1e-4


@pytest.mark.parametrize(
    "resume", [["--out", "RUN", "--resume"], ["vae", "--out", "RUN", "--resume"], ["RUN", "--resume"]]
)
def test_resume(tmp_path: Path, resume: list[str]) -> None:
    run = str(tmp_path / "run")
    call("train", "vae", "--data", "digits", "--steps", "2", "--out", run, *FAST)
    output = call(
        "train", *[run if word == "RUN" else word for word in resume], "--steps", "4", "--schedule", "stretch"
    )
    assert "finished at step 4" in output


@pytest.mark.parametrize(
    ("family", "kind"),
    [("pixelcnn", "exact log-likelihood"), ("vae", "importance-weighted estimate, 5 samples")],
)
def test_score(tmp_path: Path, family: str, kind: str) -> None:
    run = str(tmp_path / "run")
    call("train", family, "--data", "digits", "--steps", "2", "--out", run, *FAST)
    output = call("score", run, "-n", "20", "--samples", "5")
    assert kind in output and "20 test images of digits" in output
    nats = re.search(r"(-[0-9.]+) ± ([0-9.]+) nats, spread ([0-9.]+)", output)
    bits = re.search(r"([0-9.]+) ± ([0-9.]+) bits/dim, spread ([0-9.]+) bits/dim", output)
    assert nats is not None and bits is not None
    assert float(bits[1]) == pytest.approx(-float(nats[1]) / 64 / np.log(2), abs=1e-4)
    assert float(nats[2]) == pytest.approx(float(nats[3]) / np.sqrt(20), abs=1e-3)
    for in_bits, in_nats in ((bits[2], nats[2]), (bits[3], nats[3])):
        assert float(in_bits) == pytest.approx(float(in_nats) / 64 / np.log(2), abs=1e-4)
    assert call("score", run, "-n", "20", "--samples", "5") == output, "a seed repeats"
    assert "±" not in call("score", run, "-n", "1", "--samples", "5"), "one image has no spread"


def test_samples_are_scored_where_there_is_no_likelihood(tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    call("train", "gan", "--data", "digits", "--steps", "2", "--out", run, "--seed", "1", *FAST)
    output = call("score", run, "-n", "30")
    assert "30 test images of digits" in output and "sample quality of 30 samples against as many images" in output
    assert len(re.findall(r"(?m)^\d\.\d{3} (?:precision|recall|density|coverage|classes covered): ", output)) == 5
    assert call("score", run, "-n", "30") == output, "a seed repeats"


def test_reconstructions_are_scored_where_nothing_is_generated(tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    call("train", "autoencoder", "--data", "digits", "--steps", "2", "--out", run, "--seed", "1", *FAST)
    found = re.search(r"(\d\.\d{6}) mean squared error per sub-pixel", call("score", run, "-n", "70"))
    images = data.load("digits", {"levels": 16}).test.images[:70]
    model = ModelCache().load(run, torch.device("cpu")).model.eval()
    batch = torch.from_numpy(images)
    with torch.no_grad():
        wanted = (model.decode(model.encode(batch)) - batch / 15).square().mean()
    assert found and float(found[1]) == pytest.approx(float(wanted), abs=1e-5)


def test_a_vae_is_scored_by_its_bound_where_one_sample_is_asked_for(tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    call("train", "vae", "--data", "digits", "--steps", "1", "--out", run, *FAST)
    assert "lower bound" in call("score", run, "-n", "5", "--samples", "1")
    with pytest.raises(ValueError, match="no split 'tests'"):
        call("score", run, "--split", "tests")


def test_runs_are_listed(home: Path) -> None:
    path = new_run_path(runs_home(), "vae")
    call("train", "vae", "--data", "digits", "--steps", "1", "--out", str(path), *FAST)
    damaged = new_run_path(runs_home(), "gan")
    damaged.mkdir()
    (damaged / "run.json").write_text("{")
    output = call("runs")
    assert path.name in output and "finished" in output and damaged.name in output
    assert "Digits 8×8" in output and re.search(r"≤ \d+\.\d{3} bits/dim", output)


def test_one_run_is_shown_with_its_checkpoints_and_its_log(tmp_path: Path) -> None:
    run = tmp_path / "run"
    call("train", "vae", "--data", "digits", "--steps", "2", "--set", "checkpoint_every=1", "--out", str(run), *FAST)
    with RunFolder.open(run, write=True) as folder:
        folder.checkpoints.mark(1)
        folder.history.log(2, "device", "Continued on [another] device.")
        folder.update(title="mine [bold]")
    output = call("runs", str(run))
    assert re.search(r"run +mine \[bold\]", output) and "beta=1.0" in output
    assert re.search(r"status +finished at step 2 of 2", output)
    assert re.search(r"validation loss +[\d.]+, best [\d.]+", output)
    assert re.search(r"step 1 +\d+\.\d MiB .* kept", output) and re.search(r"step 2 +\d+\.\d MiB .* latest", output)
    assert re.search(r"step 2, .*: Continued on \[another\] device\.", output)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "pixelrcnn"], "no family 'pixelrcnn'; there are"),
        (["train"], "Name a family"),
        (["train", "vae", "--data", "faces"], "no data source 'faces'"),
        (["train", "vae", "--set", "beta=-1"], "'-1'; it must be a number from 0"),
        (["train", "vae", "--set", "gamma=1"], "no field 'gamma'"),
        (["train", "vae", "--set", "beta"], "write field=value"),
        (["train", "vae", "--device", "tpu"], "no device 'tpu'"),
        (["train", "--out", "/nonexistent", "--resume"], "/nonexistent"),
        (["train", "vae", "--out", "/nonexistent", "--resume", "--set", "beta=3"], "keeps its settings"),
        (["train", "vae", "--data-dir", "/tmp"], "mnist needs no --data-dir"),
        (["train", "vae", "--data", "idx", "--data-dir", "/nonexistent"], "/nonexistent"),
        (["sample", "/nonexistent"], "'/nonexistent' is not a run"),
        (["runs", "/nonexistent"], "'/nonexistent' is not a run"),
    ],
)
def test_what_a_user_can_cause_is_one_sentence(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["gmstudio", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert sentence.lower() in error.lower()
    assert "Traceback" not in error


def test_resuming_another_family_is_refused(tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    call("train", "vae", "--data", "digits", "--steps", "2", "--out", run, *FAST)
    with pytest.raises(ValueError, match="keeps its seed 0; leave out --seed 7"):
        call("train", "vae", "--out", run, "--resume", "--steps", "4", "--seed", "7")
    with pytest.raises(ValueError, match="trains vae, not gan"):
        call("train", "gan", "--out", run, "--resume", "--steps", "4")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_within_a_step_ends_after_it_and_the_run_goes_on_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def losses(run: str) -> list[float]:
        with RunFolder.open(run) as folder:
            return list(folder.history.read_scalars()["train", "discriminator_loss"][1])

    whole, parts = str(tmp_path / "whole"), str(tmp_path / "parts")
    arguments = ["--steps", "8", "--seed", "1", *FAST]
    call("train", "gan", "--data", "digits", "--out", whole, *arguments)
    real, updates = PhaseOptimizer.move, []

    def interrupted(self: PhaseOptimizer, *, want_norm: bool) -> Any:
        updates.append(self)
        norm = real(self, want_norm=want_norm)
        if len(updates) == 7:  # D is updated for the fourth time, G is not yet
            signal.raise_signal(getattr(signal, name))
        return norm

    with monkeypatch.context() as patch:
        patch.setattr(PhaseOptimizer, "move", interrupted)
        assert "stopped at step 4" in call("train", "gan", "--data", "digits", "--out", parts, *arguments)
    assert len(updates) == 8
    call("train", "--resume", "--out", parts)
    assert losses(parts) == losses(whole)


def test_optimizer_and_average_are_settings_of_the_command_line(tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = ("--set", "training.optimizer=soap", "--set", "average=0.9", "--set", "soap_rate=0.002")
    call("train", "made", "--data", "digits", "--steps", "2", "--out", str(run), *settings, *FAST)
    call("train", "--resume", "--steps", "3", "--schedule", "hold", "--out", str(run))
    with RunFolder.open(run) as folder:
        training, groups = folder.record.training, folder.checkpoints.load().tensors
    assert (training.optimizer, training.average) == ("soap", 0.9)
    assert (training.learning_rate, training.soap_rate) == pytest.approx((0.0015, 0.001)), "half of both, which is held"
    assert folder.record.step == 3 and "trained" in groups
    with pytest.raises(ValueError, match=r"Average of weights is '1'; it must be a number from 0 to 0\.99999"):
        call("train", "made", "--data", "digits", "--set", "average=1", "--out", str(tmp_path / "no"), *FAST)


def test_a_refused_resume_leaves_the_run_alone(tmp_path: Path) -> None:
    run = tmp_path / "run"
    call("train", "vae", "--data", "digits", "--steps", "2", "--out", str(run), *FAST)
    before = (run / "run.json").read_bytes()
    for arguments, sentence in ((["gan"], "trains vae, not gan"), (["--set", "seed=1"], "keeps its settings")):
        with pytest.raises(ValueError, match=sentence):
            call("train", *arguments, "--steps", "4", "--out", str(run), "--resume")
    assert (run / "run.json").read_bytes() == before


def test_damaged_checkpoints_are_reported_and_passed_over(tmp_path: Path) -> None:
    run = tmp_path / "run"
    call("train", "vae", "--data", "digits", "--steps", "3", "--set", "checkpoint_every=2", "--out", str(run), *FAST)
    file = run / "checkpoints" / "step-3" / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-5] ^= 255
    file.write_bytes(content)
    output = call("sample", str(run), "-n", "1", "-o", str(tmp_path / "grid.png"))
    assert "step-3/model.safetensors is damaged" in output and "images of step 2" in output
    output = call("train", "--resume", "--out", str(run), "--steps", "4", "--schedule", "restart")
    assert "step-3/model.safetensors is damaged" in output and "finished at step 4" in output
    assert "is damaged" not in call("sample", str(run), "-n", "1", "-o", str(tmp_path / "grid.png"))


def test_the_score_of_a_large_rbm_has_a_conservative_side(tmp_path: Path) -> None:
    run, settings = str(tmp_path / "run"), ["--set", "num_hidden=21", "--set", "num_temperatures=20"]
    call("train", "rbm", "--data", "digits", "--steps", "2", "--set", "data.levels=2", "--out", run, *settings, *FAST)
    output = call("score", run, "-n", "5")
    assert "RAISE), lower bound in expectation" in output and "5 images, 4 chains each" in output
    call("train", "rbm", "--data", "digits", "--steps", "2", "--out", f"{run} small", "--set", "num_hidden=5", *FAST)
    assert "RAISE" not in call("score", f"{run} small", "-n", "5"), "its likelihood is exact"


def test_examples_are_listed_under_a_heading_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Examples" not in call("runs")
    example = make_example(monkeypatch, tmp_path / "examples")
    lines = call("runs").splitlines()
    heading = next(number for number, line in enumerate(lines) if line.startswith("Examples: "))
    assert any("vae example" in line for line in lines[heading:])
    assert "A note." in call("runs", str(example))


def test_without_data_a_family_trains_on_its_own_choice(tmp_path: Path) -> None:
    call("train", "gan", "--steps", "1", "--out", str(tmp_path / "own"), "--set", "instance_noise=0.1", *FAST)
    call("train", "gan", "--data", "digits", "--steps", "1", "--out", str(tmp_path / "digits"), *FAST)
    records = []
    for name in ("own", "digits"):
        with RunFolder.open(tmp_path / name) as run:
            records.append(run.record)
    own, digits = records
    start = FAMILIES["gan"].start
    assert own.config["instance_noise"] == 0.1
    assert own.data == "mnist" and own.data_config["levels"] == 256
    assert own.config["ema"] == start.config["ema"] and own.training.learning_rate == start.training["learning_rate"]
    assert digits.data == "digits" and digits.config["ema"] == 0.0
    assert digits.training.learning_rate == FAMILIES["gan"].training_defaults.learning_rate
