"""The file of a model: it runs with torch and safetensors alone, and gives the scores and samples of the model."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from exported_runs import make_run, pieces_of, write_export
from safetensors.torch import load_file, save_file
from torch import Tensor

from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import random_images

BINARY, FEW, GREY, COLOUR = ImageSpec(1, 4, 5, 2), ImageSpec(1, 4, 4, 4), ImageSpec(1, 5, 4, 256), ImageSpec(3, 4, 4, 8)
NARROW = {"num_hidden": 8}
CASES: dict[str, tuple[str, dict[str, Any], ImageSpec]] = {
    "markov": ("markov", {"num_parents": 2}, BINARY),
    "markov logistic": ("markov", {"num_parents": 3, "estimator": "logistic", "order": "random"}, GREY),
    "fvbn": ("fvbn", {}, COLOUR),
    "nade": ("nade", {**NARROW, "order": "spiral"}, BINARY),
    "nade grey": ("nade", NARROW, GREY),
    "made": ("made", {**NARROW, "num_masks": 3, "num_averaged": 2}, BINARY),
    "pixelrnn_row": ("pixelrnn_row", {"num_channels": 6, "num_layers": 1}, COLOUR),
    "pixelrnn_diagonal": ("pixelrnn_diagonal", {"num_channels": 6, "num_layers": 1}, FEW),
    "pixelcnn": ("pixelcnn", {"num_channels": 6, "num_blocks": 1, "corner": "bottom right"}, BINARY),
    "pixelcnn mixture": ("pixelcnn", {"num_channels": 6, "num_blocks": 1, "output": "logistic mixture"}, COLOUR),
    "gated_pixelcnn": ("gated_pixelcnn", {"num_channels": 6, "num_layers": 1, "num_classes": 3}, FEW),
    "realnvp": ("realnvp", {"architecture": "mlp", **NARROW, "num_couplings": 2}, BINARY),
    "realnvp conv": (
        "realnvp",
        {"architecture": "conv", "num_channels": 4, "num_blocks": 1, "dequantization": "variational"},
        GREY,
    ),
    "vae": ("vae", {**NARROW, "num_latent": 2, "kl_warmup": 10}, BINARY),
    "vae conv": ("vae", {"architecture": "conv", "num_channels": 4, "decoder": "discretized logistic"}, GREY),
    "ddpm": ("ddpm", {"network": "dense", **NARROW, "num_timesteps": 20}, FEW),
    "ddpm u-net": ("ddpm", {"num_channels": 4, "num_blocks": 1, "num_timesteps": 10}, COLOUR),
    "rbm": ("rbm", {**NARROW, "negative_phase": "pcd"}, BINARY),
    "rbm grey": ("rbm", {**NARROW, "visible": "gray"}, GREY),
    "gsn": ("gsn", {**NARROW, "visible": "gray"}, GREY),
    "gan": ("gan", {**NARROW, "ema": 0.9, "spectral_norm": True, "objective": "wasserstein"}, BINARY),
    "gan conv": ("gan", {"architecture": "dcgan", "num_channels": 4}, GREY),
    "autoencoder": ("autoencoder", {**NARROW, "reconstruction": "likelihood"}, FEW),
    "autoencoder sparse": ("autoencoder", {**NARROW, "sparsity": "kl"}, GREY),
}
NUM_IMAGES, NUM_SAMPLES, SEED = 4, 3, 11
PROGRAM = Path(__file__).with_name("written_models.py")
ALLOWED = {"torch", "safetensors", "__future__", *sys.stdlib_module_names}

GROUPS = [list(CASES)[start::2] for start in range(2)]
"""Cases that share a process; each group is one test, so that no worker writes all files."""


def expected(model: Any, x: Tensor) -> dict[str, Tensor]:
    """Scores and samples of a family's own model, by the names under which the program writes them."""

    def noise() -> torch.Generator:
        return torch.Generator().manual_seed(SEED)

    found: dict[str, Tensor] = {}
    labels = torch.tensor([0, 2, 1, 2]) if getattr(model, "num_classes", 0) else None
    with torch.no_grad():
        if hasattr(model, "log_prob"):
            found["log_prob"] = model.log_prob(x)
        if labels is not None:
            found["log_prob_labelled"] = model.log_prob(x, labels=labels)
            found["sample_labelled"] = model.sample(NUM_SAMPLES, noise(), labels=labels[:NUM_SAMPLES])
        if hasattr(model, "elbo"):
            found["elbo"] = model.elbo(x, 3, noise())
        if hasattr(model, "log_weights"):
            found["log_prob_estimate"] = model.log_prob_estimate(x, 3, noise())
        if hasattr(model, "free_energy"):
            found["free_energy"] = model.free_energy(x)
        if hasattr(model, "sample"):
            found["sample"] = model.sample(NUM_SAMPLES, noise())
        if hasattr(model, "discriminate"):
            found["discriminate"] = model.discriminate(x / (model.image.levels - 1))
        if model.card.name == "gsn":
            found["loss"] = model.loss(x, noise())["loss"]
        if model.card.name == "autoencoder":
            found["reconstruction"] = model.decode(model.encode(x))
    return found


def run_apart(folders: list[Path]) -> dict[str, str]:
    """Run written models in a process that has torch and safetensors alone; what each printed."""
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAM), str(SEED), str(NUM_SAMPLES), *map(str, folders)],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=folders[0].parent,
    )
    assert done.returncode == 0, done.stderr
    printed: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return printed


def check_results(found: dict[str, Tensor], wanted: dict[str, Tensor], name: str) -> None:
    assert wanted.keys() == found.keys() and wanted
    for key, value in wanted.items():
        if "sample" in key:
            assert found[key].dtype == value.dtype == torch.uint8 and torch.equal(found[key], value), (name, key)
        else:
            torch.testing.assert_close(found[key], value, rtol=1e-5, atol=1e-5, msg=f"{name}: {key}")


def check_text(text: str, name: str) -> None:
    tree = ast.parse(text)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in imported} <= ALLOWED
    words = ("gmstudio.", "Struct", "self.config", "check_config", "FamilyCard", "perf_counter", "assert ", "mkldnn")
    for word in (*words, "is_for_onednn", "oneDNN"):
        assert word not in text, (name, word)


def check_program(printed: str, model: Family, found: dict[str, Tensor]) -> None:
    assert f"{NUM_IMAGES} images" in printed
    if "log_prob" in found:
        nats = -float(found["log_prob"].mean())
        assert f"-log p(x) = {nats:.4f} nats" in printed and f"{model.image.bits_per_dim(nats):.4f} bits/dim" in printed


def test_every_family_is_there() -> None:
    assert {family for family, _, _ in CASES.values()} == set(FAMILIES)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_files_give_the_scores_and_samples_of_their_models(tmp_path: Path, names: list[str]) -> None:
    models = {}
    for name in names:
        family, config, image = CASES[name]
        run, models[name] = make_run(tmp_path / f"run {name}", family, config, image)
        write_export(run, "code", tmp_path / name)
        save_file({"images": random_images(image, NUM_IMAGES, seed=2)}, tmp_path / name / "images.safetensors")
    printed = run_apart([tmp_path / name for name in names])
    for name, model in models.items():
        folder, found = tmp_path / name, load_file(tmp_path / name / "found.safetensors")
        check_results(found, expected(model, load_file(folder / "images.safetensors")["images"]), name)
        check_text((folder / "model.py").read_text(), name)
        check_program(printed[str(folder)], model, found)
        tensors = load_file(folder / "model.safetensors")
        assert tensors.keys() <= model.state_dict().keys() and ("chains" in tensors) is False
        assert (folder / "README.md").read_text().count("\n") == 3
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "120", "--target-version", "py311"]
    files = [str(tmp_path / name / "model.py") for name in names]
    done = subprocess.run([*command, *files], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout


def test_the_file_reads_the_weights_of_its_own_name_also_those_of_the_whole_model(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path / "run", "nade", {"num_hidden": 4})
    write_export(run, "code", tmp_path / "code")
    arrays = load_file(tmp_path / "code" / "model.safetensors")
    saved = {name: value + 1 for name, value in arrays.items()} | {"of another part": next(iter(arrays.values()))}
    save_file(saved, tmp_path / "other.safetensors")
    module: dict[str, Any] = {"__name__": "other", "__file__": str(tmp_path / "other.py")}
    exec(compile((tmp_path / "code" / "model.py").read_text(), "other.py", "exec"), module)
    found = module["load"]().state_dict()
    assert found.keys() == arrays.keys() and all((found[name] == value + 1).all() for name, value in arrays.items())


def test_branches_that_are_not_taken_are_not_there(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path / "run", "vae", {**NARROW, "num_latent": 2})
    write_export(run, "code", tmp_path / "code")
    text = (tmp_path / "code/model.py").read_text()
    assert len(text.splitlines()) < 350
    for word in ("CategoricalLikelihood", "ConvDown", "free_bits:", "kl_steps", "raise ValueError"):
        assert word not in text
    for word in ("log p(x) ≥ E_q[log p(x|z)]", "def elbo(", "# Floats of one activation", "arXiv:1312.6114"):
        assert word in text


def test_text_of_a_run_stays_text(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path / "run", "vae", {**NARROW, "num_latent": 2})
    record = json.loads((run / "run.json").read_text())
    record["data"] = 'x"""\nraise SystemExit("executed")\n"""\\'
    (run / "run.json").write_text(json.dumps(record))
    write_export(run, "code", tmp_path / "code")
    tree = ast.parse((tmp_path / "code/model.py").read_text())
    assert "executed" in (ast.get_docstring(tree) or "")
    assert not any(isinstance(node, ast.Raise) for node in tree.body)


@pytest.mark.parametrize("form", ["code", "onnx"])
def test_a_training_meanwhile_draws_the_same_numbers(tmp_path: Path, form: str) -> None:
    run, _ = make_run(tmp_path / "run", "vae", {**NARROW, "num_latent": 2})
    before = torch.get_rng_state()
    expected_draws = torch.rand(100)
    torch.set_rng_state(before)
    drawn = [torch.rand(1) for _ in zip(range(100), pieces_of(run, form, tmp_path / "out"), strict=False)]
    assert len(drawn) > 3 and torch.equal(torch.cat(drawn), expected_draws[: len(drawn)])
