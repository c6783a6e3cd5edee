"""Small classifiers, trained on the training images of a data set, whose last hidden layer is a feature space.

Source: the convolutional one is LeCun et al. 1998, Gradient-based learning applied to document recognition, in today's
dress: strided 3×3 convolutions with ReLU in place of subsampling and tanh.

Shapes: N images, C channels, H rows, W columns, F features, K labels.
"""

from collections.abc import Callable, Generator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.data.dataset import Dataset
from gmstudio.nn.plain_adam import PlainAdam
from gmstudio.protocol.images import ImageSpec

NUM_FEATURES = 128
NUM_CHANNELS = 32, 64
BATCH = 64
STEPS = 1200
LEARNING_RATE = 2e-3
SCALED_BY = 2048
"""Training images that determine the scale of the features."""
SCORED_AT_ONCE = 64
"""Images in one pass without gradients."""


class Classifier(nn.Module):
    """Network of features and the logits of labels from them.

    Args:
        image: shape and levels of the images.
        features: maps (N, C, H, W) floats in [−½, ½] to (N, F).
        num_features: F.
        num_labels: K.
    """

    def __init__(self, image: ImageSpec, features: nn.Module, num_features: int, num_labels: int) -> None:
        super().__init__()
        self.image = image
        self.body = features
        self.head = nn.Linear(num_features, num_labels)
        self.num_features = num_features
        self.scale: Tensor
        self.register_buffer("scale", torch.ones(()))

    def features(self, images_NCHW: Tensor) -> Tensor:
        """Features of integer images, scaled, (N, F)."""
        features_NF: Tensor = self._hidden(images_NCHW) * self.scale
        return features_NF

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Logits of the labels of integer images, (N, K)."""
        logits_NK: Tensor = self.head(self._hidden(images_NCHW))
        return logits_NK

    def _hidden(self, images_NCHW: Tensor) -> Tensor:
        x_NCHW = images_NCHW.to(self.head.weight.device).float() / (self.image.levels - 1) - 0.5
        hidden_NF: Tensor = self.body(x_NCHW)
        return hidden_NF


def hidden_layer_classifier(image: ImageSpec, num_hidden: int, num_labels: int) -> Classifier:
    """Classifier with one hidden layer."""
    body = nn.Sequential(nn.Flatten(), nn.Linear(image.num_dims, num_hidden), nn.ReLU())
    return Classifier(image, body, num_hidden, num_labels)


def convolutional_classifier(image: ImageSpec, num_labels: int) -> Classifier:
    """Classifier with two strided convolutions and a hidden layer of ``NUM_FEATURES`` units."""
    first, second = NUM_CHANNELS
    rows, columns = ((side + 3) // 4 for side in (image.height, image.width))  # halved twice, rounded up
    body = nn.Sequential(
        nn.Conv2d(image.channels, first, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(first, second, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(second * rows * columns, NUM_FEATURES),
        nn.ReLU(),
    )
    return Classifier(image, body, NUM_FEATURES, num_labels)


def seeded(make: Callable[[], Classifier], seed: int, device: torch.device) -> Classifier:
    """Make a classifier with random weights from a seed; other random numbers are left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return make().to(device)


def train_classifier(
    classifier: Classifier,
    dataset: Dataset,
    seed: int,
    steps: int,
    batch: int = BATCH,
    learning_rate: float = LEARNING_RATE,
    max_images: int = 0,
    *,
    decay: bool = True,
) -> Generator[int, None, None]:
    """Train on labelled training images by Adam on the cross-entropy; yields the number of steps made.

    Args:
        classifier: to be trained; its weights need no gradient afterwards.
        dataset: with labels of the training images.
        seed: of the order of the images.
        steps: number of them.
        batch: images of a step.
        learning_rate: at the beginning.
        max_images: training images that are used at most; 0: all.
        decay: let the rate fall to 0 along a line.
    """
    labels = dataset.train.labels
    assert labels is not None
    random = np.random.default_rng([seed, 2])
    rows = random.permutation(len(labels))[: max_images or None]
    adam = PlainAdam(classifier.parameters(), lr=learning_rate)
    device = classifier.head.weight.device
    for step in range(steps):
        chosen = random.choice(rows, min(batch, len(rows)))
        for group in adam.param_groups:
            group["lr"] = learning_rate * (1 - step / steps if decay else 1.0)
        with torch.enable_grad():
            images_NCHW = torch.from_numpy(dataset.view("train", chosen))
            loss = functional.cross_entropy(classifier(images_NCHW), torch.from_numpy(labels[chosen]).to(device))
            adam.zero_grad()
            loss.backward()
            adam.step()
        yield step + 1
    classifier.requires_grad_(requires_grad=False)


def measure_scale(classifier: Classifier, dataset: Dataset) -> Generator[None, None, None]:
    """Scale the features so that the mean of their squares over training images is 1; yields after each piece.

    Distances do not depend on the arbitrary scale of a layer then.
    """
    count = min(SCALED_BY, len(dataset.train))
    rows = np.random.default_rng(0).permutation(len(dataset.train))[:count]
    squares = 0.0
    for start in range(0, count, SCORED_AT_ONCE):
        with torch.inference_mode():
            images = torch.from_numpy(dataset.view("train", rows[start : start + SCORED_AT_ONCE]))
            squares += float(classifier.features(images).square().mean(1).sum())
        yield
    if squares > 0:
        classifier.scale.fill_((squares / count) ** -0.5 * float(classifier.scale))


def measure_accuracy(classifier: Classifier, dataset: Dataset, split: str) -> Generator[None, None, float | None]:
    """Share of the images of a split that are classified as labelled; None: the split has no labelled images."""
    labels = dataset.split(split).labels
    if labels is None or not len(labels):
        return None
    right = 0
    for start in range(0, len(labels), SCORED_AT_ONCE):
        rows = np.arange(start, min(start + SCORED_AT_ONCE, len(labels)))
        with torch.inference_mode():
            predicted = classifier(torch.from_numpy(dataset.view(split, rows))).argmax(1).cpu().numpy()
        right += int((predicted == labels[rows]).sum())
        yield
    return right / len(labels)
