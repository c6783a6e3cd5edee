"""What a family reaches on real images in a given time: trained by its recipe, chosen by validation, tested once.

A family without likelihood, bound or estimate (GAN, GSN, autoencoder) is trained all the same: its last weights are
kept, with a picture of its samples (or reconstructions), and the result says that there is no figure, and why.
"""

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
from gmstudio.data.dataset import Dataset
from gmstudio.engine.evaluation.likelihood import Score, kind_of_score, score
from gmstudio.engine.evaluation.sample_quality import SampleQuality, only_generates
from gmstudio.engine.runtime.device import choose_device, describe_device
from gmstudio.engine.runtime.models import build_model, family_class, load_weights
from gmstudio.engine.sampling.grids import draw_grid, grid_kind
from gmstudio.families.base import Family
from gmstudio.media.png import write_grid
from gmstudio.protocol.config import parse_config
from gmstudio.runs.atomic import replace_file
from gmstudio.runs.manifest import write_group

WEIGHTS_NAME = "weights.safetensors"
RESULT_NAME = "result.json"
NUM_DRAWN = 100
DRAWN_SCALE = 3
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
        out: where the best weights, a picture and the result are kept, also of a run that was ended early; "" keeps
            none.

    Returns:
        ``test_nll_nats`` and its standard error, the papers' figures, and how it came about. ``test_nll_nats`` is None
        where the family has no likelihood; then ``score`` says so, and families that generate have the shares of
        ``SampleQuality`` instead.

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
        self._no_score = _why_no_score(model)
        self._seed = seed
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
        if self._no_score:
            _say(f"{self._no_score} It is trained all the same, and its last weights are kept.")
        due = self._seconds / VALIDATIONS
        for _ in self._trainer.run():
            if self._trainer.elapsed >= due:
                start = time.perf_counter()
                self._validate()
                cost = time.perf_counter() - start
                due = self._trainer.elapsed + max(self._seconds / VALIDATIONS, cost / VALIDATION_SHARE)
        self._validate()

    def test(self) -> dict[str, Any]:
        """Score validation and test images under the best weights, and draw what the model makes."""
        load_weights(self._model, self._best)
        if self._no_score:
            self._result |= {"score": self._no_score, "test_nll_nats": None, **self._sample_quality()}
        else:
            self._test_likelihood()
        self._result["finished"] = True
        self._write_result()
        self._draw()
        return self._result

    def _test_likelihood(self) -> None:
        for split in ("valid", "test"):
            images = self._dataset.split(split).images
            if 0 < self._recipe.score.num_images < len(images):
                images = images[np.random.default_rng(1).permutation(len(images))[: self._recipe.score.num_images]]
            found = self._score(images, self._recipe.score.num_samples)
            self._result[f"{split}_nll_nats"] = -found.mean_nats
            self._result[f"{split}_standard_error"] = found.error_nats
            self._result[f"{split}_images"] = len(found.nats)
            self._result["score"] = found.kind
        self._result["test_bits_per_dim"] = self._dataset.image.bits_per_dim(self._result["test_nll_nats"])

    def _validate(self) -> None:
        trainer = self._trainer
        with trainer.averaged.in_place():
            nll = float("nan") if self._no_score else -self._score(self._validation, 1).mean_nats
            best = bool(self._no_score) or not self._curve or nll < min(p["valid_nll_nats"] for p in self._curve)
            if best:
                self._best = {name: value.cpu().numpy().copy() for name, value in self._model.state_dict().items()}
        point = {
            "seconds": round(trainer.elapsed, 1),
            "step": trainer.step,
            "train_loss": round(trainer.running_loss, 3),
        }
        said = ""
        if not self._no_score:
            point["valid_nll_nats"] = round(nll, 3)
            said = f"  valid {nll:8.3f}{'  best' if best else ''}"
        self._curve.append(point)
        _say(
            f"{trainer.elapsed:6.0f} s  step {trainer.step:7d}  epoch {trainer.epochs:6.2f}  rate {trainer.rate:.2e}  "
            f"train {trainer.running_loss:8.3f}{said}"
        )
        self._result |= {"steps": trainer.step, "epochs": round(trainer.epochs, 2), "seconds": trainer.elapsed}
        if best:
            self._result["best_step"] = trainer.step
            if not self._no_score:
                self._result["best_valid_nll_nats_on_part"] = nll
        if best and self._out is not None:
            write_group(self._out / WEIGHTS_NAME, self._best)
        self._write_result()

    def _score(self, images: NDArray[np.uint8], num_samples: int) -> Score:
        return next(found for found in score(self._model, images, num_samples) if found is not None)

    def _draw(self) -> None:
        """A picture of samples, of means at random codes, or of reconstructions: whatever ``grid_kind`` calls it."""
        if self._out is None:
            return
        self._model.eval()
        inputs = torch.from_numpy(self._dataset.test.images[:NUM_DRAWN])
        images = next(found for found in draw_grid(self._model, NUM_DRAWN, self._seed, inputs) if found is not None)
        write_grid(images, self._out / f"{grid_kind(self._model)}.png", DRAWN_SCALE, {})

    def _sample_quality(self) -> dict[str, float]:
        """How samples compare with the data, of families that generate; see ``SampleQuality``."""
        if not only_generates(self._model):
            return {}
        compared = SampleQuality(self._dataset, self._model.device, self._seed).measure(self._model)
        return next(shares for shares in compared if shares is not None)

    def _write_result(self) -> None:
        if self._out is not None:
            replace_file(self._out / RESULT_NAME, (json.dumps(self._result, indent=1) + "\n").encode())


def _why_no_score(model: Family) -> str:
    """Why there is no figure for its test images; "" where there is one."""
    try:
        kind_of_score(model, 1)
    except ValueError as error:
        return str(error).partition(". ")[0] + "."
    return ""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
