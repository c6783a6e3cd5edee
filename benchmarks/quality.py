"""Test likelihood on real images after a fixed training time: by the family's recipe, best weights by validation.

A family without likelihood, bound or estimate (GAN, GSN, autoencoder) is trained as well: its last weights are saved,
with a picture of its samples (or reconstructions), and the result gives the reason for the missing figure.
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
from gmstudio.engine.evaluation.conservative import NUM_CHAINS, ConservativeScore, conservative_score
from gmstudio.engine.evaluation.likelihood import Score, kind_of_score, score
from gmstudio.engine.evaluation.sample_quality import SampleQuality, only_generates
from gmstudio.engine.runtime.building import build_model, family_class
from gmstudio.engine.runtime.device import choose_device, describe_device
from gmstudio.engine.runtime.weights import load_weights
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
    family: str,
    data_dir: str,
    minutes: float,
    seed: int,
    threads: int,
    device: str,
    settings: list[str],
    out: str,
    choice: str = "",
) -> dict[str, Any]:
    """Train, choose, test.

    Args:
        family: key in ``FAMILIES``.
        data_dir: folder of the images.
        minutes: wall time of training with its validations, without the tests after it; of each value of ``choice``.
        seed: of the initial weights, the order of the images and all noise.
        threads: number of threads; 0: torch's default.
        device: see ``choose_device``.
        settings: see ``read_recipe``.
        out: folder for the best weights, a picture and the result, also of a run that was ended early; empty: none.
        choice: ``field=value,value,…``, as in ``settings``: a model is trained with each value, the one of the best
            likelihood of all validation images is chosen, and no other sees a test image; empty: none.

    Returns:
        ``test_nll_nats`` and its standard error, the papers' figures, settings and course of training.
        ``test_nll_nats`` is None where the family has no likelihood; then ``score`` gives the reason, and families that
        generate have the shares of ``SampleQuality`` instead.

    Raises:
        ValueError: when recipe, settings, images or device cannot be used.
        FloatingPointError: when the loss is no longer finite.
    """
    where = choose_device(device)
    if threads:
        torch.set_num_threads(threads)
    kind, folder = family_class(family), Path(out) if out else None
    chosen: _Run | None = None
    validated: dict[str, float] = {}
    for value in _values(choice):
        recipe = read_recipe(family, [*settings, *filter(None, [value])])
        dataset = data.load(recipe.data.source, {**recipe.data.settings, "folder": data_dir})
        model = build_model(kind, parse_config(kind.Config, recipe.config), dataset.image, where, seed)
        run = _Run(family, recipe, dataset, model, minutes * 60, seed, folder / value if folder else None)
        run.train()
        if value:
            validated[value] = run.validation_nll()
            _log(f"{value}: {validated[value]:.3f} nats on all validation images")
        if chosen is None or validated[value] == min(validated.values()):
            chosen = run
    assert chosen is not None
    return chosen.test(validated)


def _values(choice: str) -> list[str]:
    """Settings of a choice; one empty setting where there is none.

    Raises:
        ValueError: when it is malformed.
    """
    if not choice:
        return [""]
    name, _, values = choice.partition("=")
    if not name or not all(values.split(",")):
        raise ValueError(f"--choose {choice}: write field=value,value,… with the values to choose among.")
    return [f"{name}={value}" for value in values.split(",")]


class _Run:
    """A training with validations, whose best weights are kept.

    Args:
        family: key in ``FAMILIES``.
        recipe: of the family.
        dataset: the images.
        model: with its initial weights.
        seconds: wall time.
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
        self._no_score = _reason_for_no_score(model)
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
        """Train for the given time, with validations at intervals and one at the end."""
        if self._out is not None:
            self._out.mkdir(parents=True, exist_ok=True)
        if self._no_score:
            _log(f"{self._no_score} It is trained as well, and its last weights are saved.")
        due = self._seconds / VALIDATIONS
        for _ in self._trainer.run():
            if self._trainer.elapsed >= due:
                start = time.perf_counter()
                self._validate()
                cost = time.perf_counter() - start
                due = self._trainer.elapsed + max(self._seconds / VALIDATIONS, cost / VALIDATION_SHARE)
        self._validate()

    def validation_nll(self) -> float:
        """Nats of all validation images under the best weights.

        Raises:
            ValueError: when the family has no likelihood.
        """
        if self._no_score:
            raise ValueError(f"{self._no_score} Nothing can be chosen by it; leave out --choose.")
        load_weights(self._model, self._best)
        return -self._score(self._dataset.valid.images, self._recipe.score.num_samples).mean_nats

    def test(self, validated: dict[str, float]) -> dict[str, Any]:
        """Score validation and test images under the best weights, and write a picture of samples.

        Args:
            validated: nats of all validation images with each value that this run was chosen among; empty: no choice.
        """
        if validated:
            self._result["chosen_among_valid_nll_nats"] = validated
        self._model = self._scoring_model()
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
        self._test_conservatively(images, found)

    def _test_conservatively(self, images: NDArray[np.uint8], found: Score) -> None:
        """Score some test images from the other side, where the family's estimate flatters (RAISE of an RBM)."""
        for other in conservative_score(self._model, images, found.nats, self._seed):
            if isinstance(other, ConservativeScore):
                self._result["raise_nll_nats"] = -other.mean_nats
                self._result["raise_standard_error"] = other.error_nats
                self._result["raise_images"] = len(other.nats)
                self._result["raise_chains"] = NUM_CHAINS
                self._result["raise_images_nll_nats"] = -other.estimate_nats

    def _scoring_model(self) -> Family:
        """The model, or one of the settings that the recipe has for scoring."""
        settings = self._recipe.score.config
        if not settings:
            return self._model
        kind = type(self._model)
        config = parse_config(kind.Config, msgspec.to_builtins(self._model.config) | settings)
        return build_model(kind, config, self._dataset.image, self._model.device)

    def _validate(self) -> None:
        trainer = self._trainer
        nll = float("nan") if self._no_score else -self._score(self._validation, 1).mean_nats
        best = bool(self._no_score) or not self._curve or nll < min(p["valid_nll_nats"] for p in self._curve)
        if best:
            self._best = {name: value.cpu().numpy().copy() for name, value in self._model.state_dict().items()}
        point = {
            "seconds": round(trainer.elapsed, 1),
            "step": trainer.step,
            "train_loss": round(trainer.running_loss, 3),
        }
        validation = ""
        if not self._no_score:
            point["valid_nll_nats"] = round(nll, 3)
            validation = f"  valid {nll:8.3f}{'  best' if best else ''}"
        self._curve.append(point)
        _log(
            f"{trainer.elapsed:6.0f} s  step {trainer.step:7d}  epoch {trainer.epochs:6.2f}  rate {trainer.rate:.2e}  "
            f"train {trainer.running_loss:8.3f}{validation}"
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
        """Write a picture of samples, of means at random codes, or of reconstructions, named by ``grid_kind``."""
        if self._out is None:
            return
        self._model.eval()
        inputs = torch.from_numpy(self._dataset.test.images[:NUM_DRAWN])
        images = next(found for found in draw_grid(self._model, NUM_DRAWN, self._seed, inputs) if found is not None)
        write_grid(images, self._out / f"{grid_kind(self._model)}.png", DRAWN_SCALE, {})

    def _sample_quality(self) -> dict[str, float]:
        """Sample quality of families without likelihood that generate; see ``SampleQuality``."""
        if not only_generates(self._model):
            return {}
        compared = SampleQuality(self._dataset, self._model.device, self._seed).measure(self._model)
        return next(shares for shares in compared if shares is not None)

    def _write_result(self) -> None:
        if self._out is not None:
            replace_file(self._out / RESULT_NAME, (json.dumps(self._result, indent=1) + "\n").encode())


def _reason_for_no_score(model: Family) -> str:
    """Reason why the test images cannot be scored; empty when they can."""
    try:
        kind_of_score(model, 1)
    except ValueError as error:
        return str(error).partition(". ")[0] + "."
    return ""


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
