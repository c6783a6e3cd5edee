"""Measurement of the quality of a model's samples, in stages.

Samples are compared with training images; held-out images (of the test and validation splits) in place of the samples
give the reference: what a perfect model would reach with as many images.

Shapes: N samples, M training images, H held-out images, D sub-pixels, F features, K labels.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.density.image_sets import title_of_data
from gmstudio.engine.density.quality.drawing import KeptSamples, sampler_words
from gmstudio.engine.density.quality.frechet import FrechetCurve, FrechetReference, frechet_curve
from gmstudio.engine.density.quality.kernel import kernel_distance
from gmstudio.engine.density.quality.memorization import CopyTest, Nearest, copy_test, nearest_training
from gmstudio.engine.density.quality.neighbours import Share, Supports, supports_in_blocks
from gmstudio.engine.density.quality.progress import Step
from gmstudio.engine.density.quality.spaces import (
    Space,
    TrainedClassifier,
    classifier_of,
    has_classes,
    open_space,
    refuse_classifier,
)
from gmstudio.engine.runtime.beside import beside
from gmstudio.families.base import Family
from gmstudio.protocol.array import Array
from gmstudio.protocol.density_samples import (
    MAX_NEIGHBOUR,
    MAX_SAMPLES,
    MIN_SAMPLES,
    Better,
    ClassShares,
    DistanceCurve,
    MeasureSamples,
    Memorization,
    QualityNumber,
    SampleReport,
    SampleSpace,
)

MAX_TRAINING = 10_000
"""Training images that samples are compared with by distances of distributions."""
MIN_TRAINING = 10
FRECHET, TESTING = "Fréchet distance over n", "nearest training images"

Images = NDArray[np.uint8]
UNKNOWN = Share(math.nan, math.nan)


def check_measurement(command: MeasureSamples, dataset: Dataset) -> None:
    """Refuse what cannot be measured, before samples are drawn.

    Raises:
        ValueError: with the value, its limit and the remedy.
    """
    if not MIN_SAMPLES <= command.count <= MAX_SAMPLES:
        raise ValueError(f"{command.count:,} samples: choose {MIN_SAMPLES} to {MAX_SAMPLES:,}.")
    images = len(dataset.train)
    if images < MIN_TRAINING:
        raise ValueError(
            f"{title_of_data(dataset)} has {images} training images; a comparison needs {MIN_TRAINING} or more. Choose "
            "a run of another data set."
        )
    for name, k in (
        ("precision and recall", command.neighbour),
        ("density and coverage", command.coverage_neighbour),
    ):
        most = min(MAX_NEIGHBOUR, command.count - 1, images - 1)
        if not 1 <= k <= most:
            raise ValueError(
                f"k of {name} is {k}; with {command.count:,} samples and {images:,} training images it goes from 1 to "
                f"{most}."
            )
    if command.space.kind == "classifier" and (refusal := refuse_classifier(dataset)):
        raise ValueError(refusal)


@dataclass(frozen=True, eq=False)
class _Sides:
    """Features of the three sets.

    Args:
        samples: (N, F).
        training: (M, F).
        held_out: (H, F).
    """

    samples: Tensor
    training: Tensor
    held_out: Tensor


class Measurement:
    """Measurement of the samples of a model.

    Args:
        model: with weights that do not change.
        step: training step of the weights.
        dataset: that it was trained on.
        command: the request.
        kept: samples of the model.
    """

    def __init__(self, model: Family, step: int, dataset: Dataset, command: MeasureSamples, kept: KeptSamples) -> None:
        self._model, self._step, self._dataset, self._command, self._kept = model, step, dataset, command, kept
        self._seed = command.seed
        self._warnings: list[str] = []
        device = model.device
        self._device = device if device.type == "cuda" else torch.device("cpu")  # others lack double precision

    def run(self) -> Generator[Step | None, None, SampleReport]:
        """Measure in pieces; yields the progress, returns the report.

        Raises:
            ValueError: when the feature space cannot be had.
        """
        dataset, command = self._dataset, self._command
        trained: TrainedClassifier | None = None
        if has_classes(dataset):
            trained = yield from classifier_of(dataset, self._device)
            self._warn(trained.warning)
        space = yield from open_space(command.space, dataset, trained, self._device)
        yield from self._kept.draw(self._model, command.count)
        samples = self._kept.images(command.count)
        held_out = self._held_out()
        self._check_samples(samples, held_out)
        pixels = yield from open_space(SampleSpace(kind="pixels"), dataset, None, self._device)
        in_pixels = yield from self._sides(pixels, samples, held_out, len(dataset.train))
        sides = in_pixels
        if command.space.kind != "pixels":
            everything = command.space.kind != "inception"  # a minute for a thousand images is too long for all of them
            sides = yield from self._sides(
                space, samples, held_out, len(dataset.train) if everything else command.count
            )
        numbers, curve, reference_curve = yield from self._numbers(space, sides)
        memorization = [(yield from self._memorization(pixels, in_pixels))]
        if command.space.kind in ("classifier", "random"):
            memorization.append((yield from self._memorization(space, sides)))
        classes = None
        if trained is not None:
            classes = yield from self._classes(trained, samples, held_out)
        return SampleReport(
            key=self._kept.key,
            count=len(samples),
            image=dataset.image,
            data=title_of_data(dataset),
            label_names=tuple(dataset.label_names),
            space=space.title,
            num_features=space.num_features,
            sampler=sampler_words(self._model),
            num_training=min(len(sides.training), MAX_TRAINING),
            num_held_out=len(held_out),
            numbers=numbers,
            curve=curve,
            reference_curve=reference_curve,
            classes=classes,
            memorization=tuple(memorization),
            warnings=tuple(self._warnings),
            weights_step=self._step,
        )

    def _warn(self, sentence: str) -> None:
        if sentence and sentence not in self._warnings:
            self._warnings.append(sentence)

    def _held_out(self) -> Images:
        """Images of the test split, then of the validation split, as many as samples at most."""
        dataset, count = self._dataset, self._command.count
        test = dataset.view("test", range(min(count, len(dataset.test))))
        valid = dataset.view("valid", range(min(count - len(test), len(dataset.valid))))
        return np.concatenate((test, valid))

    def _check_samples(self, samples: Images, held_out: Images) -> None:
        if (samples == samples[0]).all():
            self._warn("All samples are the same image: the model has collapsed, and distances are to a single point.")
        if len(held_out) < 2:
            self._warn(
                f"There are {len(held_out)} held-out images, too few for a reference and for the test of memorization; "
                "give the data set a validation split."
            )
        elif len(held_out) < len(samples):
            self._warn(
                f"The reference has {len(held_out):,} held-out images, fewer than the {len(samples):,} samples: its "
                "Fréchet distance is larger, its recall and coverage smaller than with as many. Compare the limits "
                f"n → ∞, or measure {len(held_out):,} samples."
            )

    # ---- features ------------------------------------------------------------------------------------------------

    def _sides(
        self, space: Space, samples: Images, held_out: Images, num_training: int
    ) -> Generator[Step | None, None, _Sides]:
        rows = np.arange(len(self._dataset.train))
        if num_training < len(rows):
            rows = np.sort(np.random.default_rng([self._seed, 5]).permutation(rows)[:num_training])
        name = space.title.partition(",")[0]
        features = yield from space.extract(
            lambda chosen: samples[chosen], len(samples), f"features of samples ({name})"
        )
        training = yield from space.extract(
            lambda chosen: self._dataset.view("train", rows[chosen]),
            min(num_training, len(rows)),
            f"features of training images ({name})",
        )
        reference = features[:0]
        if len(held_out):
            stage = f"features of held-out images ({name})"
            reference = yield from space.extract(lambda chosen: held_out[chosen], len(held_out), stage)
        return _Sides(features, training, reference)

    # ---- numbers -------------------------------------------------------------------------------------------------

    def _numbers(
        self, space: Space, sides: _Sides
    ) -> Generator[Step | None, None, tuple[tuple[QualityNumber, ...], DistanceCurve, DistanceCurve | None]]:
        """Distances and shares of the samples, and of the held-out images."""
        order = torch.from_numpy(np.random.default_rng([self._seed, 6]).permutation(len(sides.training)))
        training = sides.training[order[:MAX_TRAINING].to(sides.training.device)]
        real = training.cpu().numpy()
        yield Step(FRECHET)
        reference = yield from beside(partial(FrechetReference, real))
        found = yield from self._compare(reference, real, training, sides.samples, "")
        beyond = None
        if len(sides.held_out) > 1:
            beyond = yield from self._compare(reference, real, training, sides.held_out, " of held-out images")
        self._warn(found.curve.warning)
        numbers = tuple(
            QualityNumber(
                name=name,
                title=f"{title} ({space.title})",
                value=share.value,
                error=share.error,
                reference=UNKNOWN.value if beyond is None else beyond.shares()[name].value,
                reference_error=UNKNOWN.error if beyond is None else beyond.shares()[name].error,
                better=better,
            )
            for (name, share), (title, better) in zip(found.shares().items(), self._titles(), strict=True)
        )
        return numbers, _curve(found.curve), None if beyond is None else _curve(beyond.curve)

    def _titles(self) -> tuple[tuple[str, Better], ...]:
        k, coverage = self._command.neighbour, self._command.coverage_neighbour
        return (
            ("Fréchet distance", "low"),
            ("Fréchet distance, n → ∞", "low"),
            ("Kernel distance", "low"),
            (f"Precision, k = {k}", "high"),
            (f"Recall, k = {k}", "high"),
            (f"Density, k = {coverage}", "one"),
            (f"Coverage, k = {coverage}", "high"),
        )

    def _compare(
        self, reference: FrechetReference, real: NDArray[np.float32], training: Tensor, fake_NF: Tensor, of: str
    ) -> Generator[Step | None, None, "_Compared"]:
        """Compare a set with the training images."""
        fake, command = fake_NF.cpu().numpy(), self._command
        curve = yield from frechet_curve(reference, fake, self._seed, FRECHET + of)
        yield Step(f"kernel distance{of}")
        kernel = yield from kernel_distance(real, fake, self._seed)
        yield Step(f"precision, recall, density and coverage{of}")
        as_many = training[: command.count]
        supports = yield from supports_in_blocks(as_many, fake_NF, command.neighbour, command.coverage_neighbour)
        return _Compared(curve, kernel, supports)

    # ---- memorization and classes --------------------------------------------------------------------------------

    def _memorization(self, space: Space, sides: _Sides) -> Generator[Step | None, None, Memorization]:
        yield Step(f"{TESTING} ({space.title.partition(',')[0]})")
        nearest: Nearest = yield from nearest_training(sides.samples, sides.training)
        held_out = np.zeros(0)
        if len(sides.held_out) > 1:
            held_out = (yield from nearest_training(sides.held_out, sides.training, 1)).distances[:, 0]
        test: CopyTest = yield from beside(partial(copy_test, nearest.distances[:, 0], held_out))
        return Memorization(
            space=space.title,
            indices=Array.of(nearest.indices),
            distances=Array.of(nearest.distances),
            percentiles=Array.of(test.percentiles),
            held_out=Array.of(held_out),
            z=test.z,
            p_value=test.p_value,
        )

    def _classes(
        self, trained: TrainedClassifier, samples: Images, held_out: Images
    ) -> Generator[Step | None, None, ClassShares]:
        """Classes that the classifier assigns."""
        labels = self._dataset.train.labels
        assert labels is not None
        known = self._dataset.train_labels
        logits = Space("", 0, 64, trained.network.forward)
        of_samples = (yield from logits.extract(lambda rows: samples[rows], len(samples), "classes")).softmax(1)
        best, assigned = (found.cpu() for found in of_samples.max(1))
        reference = math.nan
        if len(held_out):
            others = yield from logits.extract(lambda rows: held_out[rows], len(held_out), "classes of held-out images")
            reference = float(others.softmax(1).max(1).values.mean())
        shares = torch.bincount(assigned, minlength=known[-1] + 1).double() / len(samples)
        counts = np.bincount(labels, minlength=known[-1] + 1)
        names = self._dataset.label_names
        return ClassShares(
            names=tuple(names[label] if label < len(names) else str(label) for label in known),
            samples=Array.of(shares.numpy()[list(known)]),
            data=Array.of((counts / counts.sum())[list(known)]),
            confidence=float(best.mean()),
            reference_confidence=reference,
            accuracy=trained.accuracy,
        )


@dataclass(frozen=True, eq=False)
class _Compared:
    """Comparison of a set with the training images."""

    curve: FrechetCurve
    kernel: Share
    supports: Supports

    def shares(self) -> dict[str, Share]:
        """The numbers by name."""
        return {
            "frechet": Share(self.curve.value, self.curve.error),
            "frechet_limit": Share(self.curve.limit, self.curve.limit_error),
            "kernel": self.kernel,
            "precision": self.supports.precision,
            "recall": self.supports.recall,
            "density": self.supports.density,
            "coverage": self.supports.coverage,
        }


def _curve(curve: FrechetCurve) -> DistanceCurve:
    return DistanceCurve(
        counts=Array.of(curve.counts),
        values=Array.of(curve.values),
        errors=Array.of(curve.errors),
        limit=curve.limit,
        limit_error=curve.limit_error,
    )
