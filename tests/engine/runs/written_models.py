"""A program that runs written models, in a process that can import torch and safetensors, and nothing else of others.

It is no test, and knows nothing of gmstudio: ``test_code_export`` starts it with the folders of the models.
"""

import contextlib
import importlib.abc
import importlib.util
import io
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

SEED, NUM_SAMPLES = int(sys.argv[1]), int(sys.argv[2])


class Refuse(importlib.abc.MetaPathFinder):
    """Finder that refuses every module of others."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if fullname.partition(".")[0] not in {"torch", "safetensors", *sys.stdlib_module_names}:
            raise ImportError(f"{fullname} is imported")


def noise() -> torch.Generator:
    return torch.Generator().manual_seed(SEED)


def results(model: Any, x: torch.Tensor) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    if hasattr(model, "num_classes"):
        labels = torch.tensor([0, 2, 1, 2])
        found["log_prob_labelled"] = model.log_prob(x, labels=labels)
        found["sample_labelled"] = model.sample(NUM_SAMPLES, noise(), labels=labels[:NUM_SAMPLES])
    for name in ("log_prob", "free_energy"):
        if hasattr(model, name):
            found[name] = getattr(model, name)(x)
    for name in ("elbo", "log_prob_estimate"):
        if hasattr(model, name):
            found[name] = getattr(model, name)(x, 3, noise())
    if hasattr(model, "loss"):
        found["loss"] = model.loss(x, noise())["loss"]
    if hasattr(model, "sample"):
        found["sample"] = model.sample(NUM_SAMPLES, noise())
    if hasattr(model, "discriminate"):
        found["discriminate"] = model.discriminate(x / (256 - 1 if int(x.max()) > 1 else 1))
    if not found:
        found["reconstruction"] = model.decode(model.encode(x))
    return {name: value.contiguous() for name, value in found.items()}


def main() -> None:
    refuse = Refuse()
    sys.meta_path.insert(0, refuse)
    printed: dict[str, str] = {}
    kept: dict[Path, dict[str, torch.Tensor]] = {}
    for folder in map(Path, sys.argv[3:]):
        spec = importlib.util.spec_from_file_location("model", folder / "model.py")
        assert spec is not None and spec.loader is not None
        module = sys.modules["model"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        with torch.no_grad():
            kept[folder] = results(module.load(), load_file(folder / "images.safetensors")["images"])
        sys.argv[1:] = [str(folder / "images.safetensors")]
        with contextlib.redirect_stdout(io.StringIO()) as text:
            runpy.run_path(str(folder / "model.py"), run_name="__main__")
        printed[str(folder)] = text.getvalue()
    sys.meta_path.remove(refuse)
    for folder, found in kept.items():
        save_file(found, folder / "found.safetensors")
    print(json.dumps(printed))


if __name__ == "__main__":
    main()
