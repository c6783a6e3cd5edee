"""The file of a model: it runs with torch and safetensors alone, and gives the scores and samples of the model."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from exported_runs import make_run, write_export
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

Found = dict[str, tuple[Path, Family, dict[str, Tensor], str]]


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


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Folder of each case, its model, what the file gave in a process without gmstudio, and what it printed."""
    root = tmp_path_factory.mktemp("code")
    models = {}
    for name, (family, config, image) in CASES.items():
        run, models[name] = make_run(root / f"run {name}", family, config, image)
        write_export(run, "code", root / name)
        save_file({"images": random_images(image, NUM_IMAGES, seed=2)}, root / name / "images.safetensors")
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAM), str(SEED), str(NUM_SAMPLES), *(str(root / name) for name in CASES)],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=root,
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.splitlines()[-1])
    return {
        name: (root / name, models[name], load_file(root / name / "found.safetensors"), printed[str(root / name)])
        for name in CASES
    }


def test_every_family_is_there() -> None:
    assert {family for family, _, _ in CASES.values()} == set(FAMILIES)


@pytest.mark.parametrize("name", CASES)
def test_scores_and_samples_are_the_models(written: Found, name: str) -> None:
    folder, model, found, _ = written[name]
    wanted = expected(model, load_file(folder / "images.safetensors")["images"])
    assert wanted.keys() == found.keys() and wanted
    for key, value in wanted.items():
        if "sample" in key:
            assert found[key].dtype == value.dtype == torch.uint8 and torch.equal(found[key], value), key
        else:
            torch.testing.assert_close(found[key], value, rtol=1e-5, atol=1e-5, msg=key)


@pytest.mark.parametrize("name", CASES)
def test_the_file_imports_torch_and_safetensors_alone(written: Found, name: str) -> None:
    tree = ast.parse((written[name][0] / "model.py").read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in imported} <= ALLOWED


@pytest.mark.parametrize("name", CASES)
def test_run_as_a_program_it_prints_a_figure(written: Found, name: str) -> None:
    _, model, found, printed = written[name]
    assert f"{NUM_IMAGES} images" in printed
    if "log_prob" in found:
        assert f"-log p(x) = {-found['log_prob'].mean():.4f} nats" in printed
        assert f"{model.image.bits_per_dim(-float(found['log_prob'].mean())):.4f} bits/dim" in printed


def test_the_files_are_clean_and_short(written: Found) -> None:
    files = [str(folder / "model.py") for folder, _, _, _ in written.values()]
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "120", "--target-version", "py311"]
    done = subprocess.run([*command, *files], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    texts = {name: Path(folder / "model.py").read_text() for name, (folder, _, _, _) in written.items()}
    for name, text in texts.items():
        for word in ("gmstudio.", "Struct", "self.config", "check_config", "FamilyCard", "perf_counter", "assert "):
            assert word not in text, (name, word)
    assert len(texts["vae"].splitlines()) < 350 and "CategoricalLikelihood" not in texts["vae"]


def test_weights_are_those_that_the_file_needs(written: Found) -> None:
    folder, model, _, _ = written["rbm"]
    tensors = load_file(folder / "model.safetensors")
    assert "chains" in model.state_dict() and "chains" not in tensors and tensors.keys() < model.state_dict().keys()
    assert (folder / "README.md").read_text().count("\n") == 3
