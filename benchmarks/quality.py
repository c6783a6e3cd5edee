"""What a family reaches on real images in a given time: trained by its recipe, chosen by validation, tested once."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.recipe import Recipe, read_recipe
from benchmarks.timed_training import TimedTrainer
from gmstudio import data
from gmstudio.cards import parse_config
from gmstudio.data.dataset import Dataset
from gmstudio.engine.device import choose_device, describe_device
from gmstudio.engine.models import build_model, family_class
from gmstudio.engine.score import Score, score
from gmstudio.engine.train import load_weights
from gmstudio.families.base import Family
from gmstudio.runs.atomic import replace_file
from gmstudio.runs.manifest import write_group

WEIGHTS_NAME = "weights.safetensors"
RESULT_NAME = "result.json"
VALIDATIONS = 60
VALIDATION_SHARE = 0.04


def measure(
    family: str, data_dir: str, minutes: float, seed: int, threads: int, device: str, settings: list[str], out: str
) -> dict[str, Any]:
    """Train, choose, test.

    Args:
        family: key in ``FAMILIES``.
        data_dir: folder of the images.
        minutes: of wall time for training and the validations in between; the tests come after it.
        seed: of the initial weights, the order of the images and all noise.
        threads: 0 leaves torch's choice.
        device: see ``choose_device``.
        settings: see ``read_recipe``.
        out: where the best weights and the result are kept, also of a run that was ended early; "" keeps none.

    Returns:
        ``test_nll_nats`` and its standard error, the papers' figures, and how it came about.

    Raises:
        ValueError: when recipe, settings, images or device cannot be used.
        FloatingPointError: when the loss is no longer finite.
    """
    where = choose_device(device)
    if threads:
        torch.set_num_threads(threads)
    recipe = read_recipe(family, settings)
    dataset = data.load(recipe.data.source, {**recipe.data.settings, "folder": data_dir})
    kind = family_class(family)
    model = build_model(kind, parse_config(kind.Config, recipe.config), dataset.image, where, seed)
    run = _Run(family, recipe, dataset, model, minutes * 60, seed, Path(out) if out else None)
    run.train()
    return run.test()


class _Run:
    """One training with its validations; keeps the best weights.

    Args:
        family: key in ``FAMILIES``.
        recipe: how.
        dataset: the images.
        model: with its initial weights.
        seconds: of wall time.
        seed: of training.
        out: folder for the best weights and the result, or None.
    """

    def __init__(
        self, family: str, recipe: Recipe, dataset: Dataset, model: Family, seconds: float, seed: int, out: Path | None
    ) -> None:
        self._recipe, self._dataset, self._model, self._out = recipe, dataset, model, out
        self._trainer = TimedTrainer(model, dataset, recipe.training, seconds, seed)
        self._seconds = seconds
        rows = np.random.default_rng(0).permutation(len(dataset.valid))[: recipe.training.validation_images]
        self._validation = dataset.valid.images[rows]
        self._best: dict[str, NDArray[Any]] = {}
        self._curve: list[dict[str, float]] = []
        self._result: dict[str, Any] = {
            "benchmark": "quality",
            "family": family,
            "data": recipe.data.source,
            "image": str(dataset.image),
            "finished": False,
            "papers_nats": msgspec.to_builtins(recipe.papers),
            "parameters": model.num_parameters(),
            "minutes": seconds / 60,
            "seed": seed,
            "config": msgspec.to_builtins(model.config),
            "training": msgspec.to_builtins(recipe.training),
            "device": describe_device(model.device),
            "threads": torch.get_num_threads(),
            "validations": self._curve,
        }

    def train(self) -> None:
        """Train for the time there is, with a validation now and then and one in the end."""
        if self._out is not None:
            self._out.mkdir(parents=True, exist_ok=True)
        due = self._seconds / VALIDATIONS
        for _ in self._trainer.run():
            if self._trainer.elapsed >= due:
                start = time.perf_counter()
                self._validate()
                cost = time.perf_counter() - start
                due = self._trainer.elapsed + max(self._seconds / VALIDATIONS, cost / VALIDATION_SHARE)
        self._validate()

    def test(self) -> dict[str, Any]:
        """Score all validation and test images under the best weights."""
        load_weights(self._model, self._best)
        for split in ("valid", "test"):
            found = self._score(self._dataset.split(split).images, self._recipe.score.num_samples)
            self._result[f"{split}_nll_nats"] = -found.mean_nats
            self._result[f"{split}_standard_error"] = found.error_nats
            self._result[f"{split}_images"] = len(found.nats)
            self._result["score"] = found.kind
        self._result["test_bits_per_dim"] = self._dataset.image.bits_per_dim(self._result["test_nll_nats"])
        self._result["finished"] = True
        self._write_result()
        return self._result

    def _validate(self) -> None:
        trainer = self._trainer
        with trainer.averaged.in_place():
            nll = -self._score(self._validation, 1).mean_nats
            best = not self._curve or nll < min(point["valid_nll_nats"] for point in self._curve)
            if best:
                self._best = {name: value.cpu().numpy().copy() for name, value in self._model.state_dict().items()}
        self._curve.append(
            {
                "seconds": round(trainer.elapsed, 1),
                "step": trainer.step,
                "train_loss": round(trainer.running_loss, 3),
                "valid_nll_nats": round(nll, 3),
            }
        )
        _say(
            f"{trainer.elapsed:6.0f} s  step {trainer.step:7d}  epoch {trainer.epochs:6.2f}  rate {trainer.rate:.2e}  "
            f"train {trainer.running_loss:8.3f}  valid {nll:8.3f}{'  best' if best else ''}"
        )
        self._result |= {"steps": trainer.step, "epochs": round(trainer.epochs, 2), "seconds": trainer.elapsed}
        if best:
            self._result |= {"best_step": trainer.step, "best_valid_nll_nats_on_part": nll}
        if best and self._out is not None:
            write_group(self._out / WEIGHTS_NAME, self._best)
        self._write_result()

    def _score(self, images: NDArray[np.uint8], num_samples: int) -> Score:
        return next(found for found in score(self._model, images, num_samples) if found is not None)

    def _write_result(self) -> None:
        if self._out is not None:
            replace_file(self._out / RESULT_NAME, (json.dumps(self._result, indent=1) + "\n").encode())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
