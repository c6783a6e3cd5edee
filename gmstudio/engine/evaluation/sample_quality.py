"""Quality of samples by comparison with images that no training batch held, for families without a likelihood.

A quick measurement while a model trains: precision, recall, density and coverage of few samples, see
``gmstudio.engine.density.quality.neighbours``. Where the data has labels, the features are the hidden layer of a small
classifier trained on them, else pixels; the classifier determines which classes the samples cover: a generator that
misses classes (mode collapse) covers few of them and has low recall and coverage, however good its samples look.

Shapes: N images, F features, K labels.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from gmstudio.data.dataset import Dataset
from gmstudio.engine.density.quality.classifier import Classifier, hidden_layer_classifier, seeded, train_classifier
from gmstudio.engine.density.quality.neighbours import compare_supports
from gmstudio.engine.evaluation.likelihood import has_likelihood
from gmstudio.families.base import Sampler
from gmstudio.families.generation import sample_in_pieces

NUM_COMPARED = 256
"""Number of samples, and of images of the data."""
MAX_TRAINING_IMAGES = 20_000
CLASSIFIER_STEPS = 300
CLASSIFIER_BATCH = 128
NUM_HIDDEN = 64
LEARNING_RATE = 3e-3
COVERED_SHARE = 0.25
"""A label is covered when its share of the samples is at least this part of its share of the data."""


class SampleQuality:
    """Comparison of samples with a data set; the classifier is trained at the first measurement.

    Args:
        dataset: the data set.
        device: device of the computation.
        seed: seed of the classifier, of the choice of images and of the samples.
        split: split of the images, by default the validation images; the classifier is always trained on training
            images.
        num_compared: number of samples, and largest number of images.
    """

    def __init__(
        self,
        dataset: Dataset,
        device: torch.device,
        seed: int,
        split: str = "valid",
        num_compared: int = NUM_COMPARED,
    ) -> None:
        self._dataset = dataset
        self._device = device
        self._seed = seed
        self._levels = dataset.image.levels
        self._classifier: Classifier | None = None
        rows = np.random.default_rng([seed, 1]).permutation(len(dataset.split(split)))[:num_compared]
        self._real = torch.from_numpy(dataset.view(split, rows)).to(device)
        self.num_compared = len(rows)
        self._num_labels = 0
        if dataset.train.labels is not None and len(dataset.train.labels):
            self._num_labels = int(dataset.train.labels.max()) + 1

    def measure(self, model: nn.Module) -> Iterator[dict[str, float] | None]:
        """Draw and compare samples: yields None after each small piece, then shares from 0 to 1 by name.

        The names are ``samples_precision``, ``samples_recall``, ``samples_density`` (which may exceed 1),
        ``samples_coverage`` and, where the data has labels, ``samples_classes``.
        """
        if self._num_labels > 1 and self._classifier is None:
            yield from self._train_classifier()
        generator = torch.Generator(self._device).manual_seed(self._seed)
        assert isinstance(model, Sampler)
        images = None
        for images in sample_in_pieces(model, self.num_compared, generator):
            if images is None:
                yield None
        assert images is not None
        with torch.inference_mode():
            found = compare_supports(self._features(self._real), self._features(images))
            shares = {
                "samples_precision": found.precision.value,
                "samples_recall": found.recall.value,
                "samples_density": found.density.value,
                "samples_coverage": found.coverage.value,
            }
            if self._classifier is not None:
                shares["samples_classes"] = self._classes_covered(images)
        yield shares

    def _features(self, images_NCHW: Tensor) -> Tensor:
        """Features for distances, on the CPU: the classifier's hidden layer, or pixels."""
        images_NCHW = images_NCHW.to(self._device)
        if self._classifier is not None:
            return self._classifier.features(images_NCHW).cpu()
        return (images_NCHW.flatten(1).float() / (self._levels - 1) - 0.5).cpu()

    def _classes_covered(self, images_NCHW: Tensor) -> float:
        """Share of the data's labels that the classifier finds among the samples."""
        assert self._classifier is not None and self._dataset.train.labels is not None
        predicted_N = self._classifier(images_NCHW.to(self._device)).argmax(1).cpu()
        samples_K = torch.bincount(predicted_N, minlength=self._num_labels) / len(predicted_N)
        data_K = torch.bincount(torch.from_numpy(self._dataset.train.labels), minlength=self._num_labels)
        required_K = COVERED_SHARE * data_K / data_K.sum()
        present_K = data_K > 0
        return float((samples_K >= required_K)[present_K].float().mean())

    def _train_classifier(self) -> Iterator[None]:
        image, labels = self._dataset.image, self._num_labels
        network = seeded(lambda: hidden_layer_classifier(image, NUM_HIDDEN, labels), self._seed, self._device)
        for _ in train_classifier(
            network,
            self._dataset,
            self._seed,
            CLASSIFIER_STEPS,
            CLASSIFIER_BATCH,
            LEARNING_RATE,
            MAX_TRAINING_IMAGES,
            decay=False,
        ):
            yield None
        self._classifier = network


def only_generates(model: object) -> bool:
    """Return whether a model can be evaluated by its samples only."""
    return isinstance(model, Sampler) and not has_likelihood(model)
