"""Quality of samples by comparison with images that no training batch held, for families without a likelihood.

Around each point of a set lies a ball that reaches to its k-th nearest neighbour in the set; their union is the set's
support. Precision is the share of samples within the support of the images, recall the share of images within the
support of the samples. Both grow with a single outlier, whose ball is large; density and coverage avoid that. Density
is the mean number of the images' balls that a sample lies in, divided by k: 1 where samples are distributed as the
images are, more where they crowd. Coverage is the share of images whose ball holds a sample. Where the data has labels,
a small classifier trained on it determines which classes the samples cover: a generator that misses classes (mode
collapse) covers few of them and has low recall and coverage, however good its samples look.

Source: Kynkäänniemi et al. 2019, Improved Precision and Recall Metric for Assessing Generative Models,
arXiv:1904.06991, section 2; Naeem et al. 2020, Reliable Fidelity and Diversity Metrics for Generative Models,
arXiv:2002.09797, section 3.2; on pixels (or on the classifier's hidden layer, where there is one).

Shapes: N images, F features, K labels.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.data.dataset import Dataset
from gmstudio.engine.evaluation.likelihood import has_likelihood
from gmstudio.families.base import Sampler
from gmstudio.families.generation import sample_in_pieces

NUM_COMPARED = 256
"""Number of samples, and of images of the data."""
NEIGHBOUR = 3
"""k of precision and recall, as in their paper."""
COVERAGE_NEIGHBOUR = 5
"""k of density and coverage, as in their paper."""
MAX_TRAINING_IMAGES = 20_000
CLASSIFIER_STEPS = 300
CLASSIFIER_BATCH = 128
NUM_HIDDEN = 64
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
        self._classifier: nn.Sequential | None = None
        rows = np.random.default_rng([seed, 1]).permutation(len(dataset.split(split)))[:num_compared]
        self._real_NF = self._features(torch.from_numpy(dataset.view(split, rows)).to(device))
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
            real_NF, fake_NF = self._hidden(self._real_NF), self._hidden(self._features(images))
            precision, recall = precision_and_recall(real_NF, fake_NF)
            density, coverage = density_and_coverage(real_NF, fake_NF)
            shares = {
                "samples_precision": precision,
                "samples_recall": recall,
                "samples_density": density,
                "samples_coverage": coverage,
            }
            if self._classifier is not None:
                shares["samples_classes"] = self._classes_covered(images)
        yield shares

    def _features(self, images_NCHW: Tensor) -> Tensor:
        return images_NCHW.to(self._device).flatten(1).float() / (self._levels - 1) - 0.5

    def _hidden(self, pixels_NF: Tensor) -> Tensor:
        """Features for distances: the classifier's hidden layer, or pixels."""
        if self._classifier is None:
            return pixels_NF
        hidden_NF: Tensor = self._classifier[:2](pixels_NF)
        return hidden_NF

    def _classes_covered(self, images_NCHW: Tensor) -> float:
        """Share of the data's labels that the classifier finds among the samples."""
        assert self._classifier is not None and self._dataset.train.labels is not None
        predicted_N = self._classifier(self._features(images_NCHW)).argmax(1).cpu()
        samples_K = torch.bincount(predicted_N, minlength=self._num_labels) / len(predicted_N)
        data_K = torch.bincount(torch.from_numpy(self._dataset.train.labels), minlength=self._num_labels)
        required_K = COVERED_SHARE * data_K / data_K.sum()
        present_K = data_K > 0
        return float((samples_K >= required_K)[present_K].float().mean())

    def _train_classifier(self) -> Iterator[None]:
        labels = self._dataset.train.labels
        assert labels is not None
        random = np.random.default_rng([self._seed, 2])
        rows = random.permutation(len(labels))[:MAX_TRAINING_IMAGES]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self._seed)
            sizes = self._dataset.image.num_dims, NUM_HIDDEN, self._num_labels
            network = nn.Sequential(nn.Linear(*sizes[:2]), nn.ReLU(), nn.Linear(*sizes[1:])).to(self._device)
        adam = torch.optim.Adam(network.parameters(), lr=3e-3)
        for _ in range(CLASSIFIER_STEPS):
            chosen = random.choice(rows, min(CLASSIFIER_BATCH, len(rows)))
            x_NF = self._features(torch.from_numpy(self._dataset.view("train", chosen)))
            loss = functional.cross_entropy(network(x_NF), torch.from_numpy(labels[chosen]).to(self._device))
            adam.zero_grad()
            loss.backward()
            adam.step()
            yield None
        self._classifier = network.requires_grad_(False)


def precision_and_recall(real_NF: Tensor, fake_NF: Tensor, neighbour: int = NEIGHBOUR) -> tuple[float, float]:
    """Compute precision, the share of generated images within the support of the real ones, and recall, the converse.

    Args:
        real_NF: features of real images.
        fake_NF: features of generated images.
        neighbour: k; the radius of a ball is the distance to the k-th nearest neighbour in the same set.
    """
    return _share_within(fake_NF, real_NF, neighbour), _share_within(real_NF, fake_NF, neighbour)


def density_and_coverage(real_NF: Tensor, fake_NF: Tensor, neighbour: int = COVERAGE_NEIGHBOUR) -> tuple[float, float]:
    """Compute density, the mean number of real images' balls around a generated one over k, and coverage.

    Args:
        real_NF: features of real images.
        fake_NF: features of generated images.
        neighbour: k; the radius of a ball is the distance to the k-th nearest neighbour among the real images.
    """
    k = min(neighbour, len(real_NF) - 1)
    within_MN = _within(fake_NF, real_NF, k)
    return float(within_MN.sum(1).float().mean()) / max(k, 1), float(within_MN.any(0).float().mean())


def _share_within(points_NF: Tensor, centres_MF: Tensor, neighbour: int) -> float:
    k = min(neighbour, len(centres_MF) - 1)
    return float(_within(points_NF, centres_MF, k).any(1).float().mean())


def _within(points_NF: Tensor, centres_MF: Tensor, k: int) -> Tensor:
    """(N, M) booleans: point n lies in the ball of centre m, which reaches to its k-th nearest other centre."""
    own_MM = torch.cdist(centres_MF, centres_MF)
    radius_M = own_MM.kthvalue(k + 1, dim=1).values  # the nearest is the point itself
    return torch.cdist(points_NF, centres_MF) <= radius_M


def only_generates(model: object) -> bool:
    """Return whether a model can be evaluated by its samples only."""
    return isinstance(model, Sampler) and not has_likelihood(model)
