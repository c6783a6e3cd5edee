"""Feature spaces in which samples are compared with images; their titles are part of every number's name.

A trained classifier is kept in the data home under a digest of the images, the labels and its settings, so that it is
trained once.

Shapes: N images, C channels, H rows, W columns, F features.
"""

import hashlib
import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.density.image_sets import title_of_data
from gmstudio.engine.density.quality import classifier as settings
from gmstudio.engine.density.quality.classifier import (
    Classifier,
    convolutional_classifier,
    measure_accuracy,
    measure_scale,
    seeded,
    train_classifier,
)
from gmstudio.engine.density.quality.inception import NUM_FEATURES as INCEPTION_FEATURES
from gmstudio.engine.density.quality.inception import FrechetInception, load_inception
from gmstudio.engine.density.quality.progress import Step
from gmstudio.engine.runtime.beside import beside
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.density_samples import SampleSpace
from gmstudio.runs.atomic import replace_file
from gmstudio.runs.home import data_home

CLASSIFIER_SEED = 0
VERSION = 1
"""Of the network and its training; another one is trained anew."""
ACCURACY = "accuracy"
"""Name of the accuracy beside the weights."""
AT_ONCE = {"classifier": 64, "random": 64, "pixels": 4096, "inception": 4}
"""Images of a piece of work."""

Images = NDArray[np.uint8]
Extraction = Generator[Step | None, None, Tensor]


@dataclass(frozen=True, eq=False)
class Space:
    """Feature space.

    Args:
        title: for example ``classifier of MNIST, 128 features, 98.9 %``.
        num_features: F.
        at_once: images of a piece of work.
        features: maps integer images (n, C, H, W) to (n, F) features.
        threaded: work in a thread, as a piece takes long.
    """

    title: str
    num_features: int
    at_once: int
    features: Callable[[Tensor], Tensor]
    threaded: bool = False

    def extract(self, images: Callable[[slice], Images], count: int, stage: str) -> Extraction:
        """Compute the features of images in pieces; returns them, (N, F) float32 on the device.

        Args:
            images: returns some of them.
            count: N.
            stage: of the work, for display.
        """
        found: list[Tensor] = []
        for start in range(0, count, self.at_once):
            rows = slice(start, min(start + self.at_once, count))
            work = partial(self._piece, torch.from_numpy(images(rows)))
            if self.threaded:
                found.append((yield from beside(work)))
            else:
                found.append(work())
            yield Step(stage, rows.stop, count)
        return torch.cat(found)

    def _piece(self, images_NCHW: Tensor) -> Tensor:
        with torch.inference_mode():
            found = self.features(images_NCHW)
        return found.clone()  # outside of inference mode, so that it is an ordinary tensor


@dataclass(frozen=True, eq=False)
class TrainedClassifier:
    """Classifier of a data set.

    Args:
        network: the classifier.
        accuracy: on validation images; NaN: there are none.
        warning: sentence on why it could not be kept; empty: it is.
    """

    network: Classifier
    accuracy: float
    warning: str = ""


def has_classes(dataset: Dataset) -> bool:
    """Return whether training images have labels of two classes or more."""
    return len(dataset.train_labels) > 1


def refuse_classifier(dataset: Dataset) -> str:
    """Return why no classifier can be trained, a sentence; empty: one can."""
    if has_classes(dataset):
        return ""
    name, count = title_of_data(dataset), len(dataset.train_labels)
    found = "have no labels" if not count else f"have one label only ({dataset.train_labels[0]})"
    return (
        f"A classifier needs labels of two classes or more; the training images of {name} {found}. Choose pixels or "
        "random convolutions as feature space."
    )


def open_space(
    spec: SampleSpace, dataset: Dataset, trained: TrainedClassifier | None, device: torch.device
) -> Generator[Step | None, None, Space]:
    """Prepare a feature space; returns it.

    Args:
        spec: the choice.
        dataset: the images.
        trained: classifier of the data set; None: it has no labels.
        device: of the computation.

    Raises:
        ValueError: when it cannot be had; the sentence says what to choose.
    """
    image = dataset.image
    if spec.kind == "classifier":
        if trained is None:
            raise ValueError(refuse_classifier(dataset))
        score = "" if math.isnan(trained.accuracy) else f", {100 * trained.accuracy:.1f} %"
        width = trained.network.num_features
        title = f"classifier of {title_of_data(dataset)}, {width} features{score}"
        return Space(title, width, AT_ONCE["classifier"], trained.network.features)
    if spec.kind == "random":
        network = seeded(lambda: convolutional_classifier(image, 2), CLASSIFIER_SEED, device).eval()
        yield from measure_scale(network, dataset)
        width = network.num_features
        return Space(f"random convolutions, {width} features", width, AT_ONCE["random"], network.features)
    if spec.kind == "inception":
        if not spec.weights.strip():
            raise ValueError("No file of Inception weights is chosen. Choose a .safetensors, .pt or .pth file.")
        inception = (yield from beside(partial(load_inception, spec.weights, pickled=spec.pickled))).to(device)
        run = partial(_inception_features, inception, image.levels, device)
        file = Path(spec.weights.strip()).name
        title = f"Inception-v3 pool3 of {file}, {INCEPTION_FEATURES:,} features"
        return Space(title, INCEPTION_FEATURES, AT_ONCE["inception"], run, threaded=True)
    return Space(
        f"pixels, {image.num_dims:,} features",
        image.num_dims,
        AT_ONCE["pixels"],
        partial(_pixels, image.levels, device),
    )


def classifier_of(dataset: Dataset, device: torch.device) -> Generator[Step | None, None, TrainedClassifier]:
    """Read the kept classifier of a data set, or train and keep one; returns it.

    Raises:
        ValueError: when the images have no labels of two classes or more.
    """
    refusal = refuse_classifier(dataset)
    if refusal:
        raise ValueError(refusal)
    path = classifier_path(dataset)
    num_labels = int(dataset.train_labels[-1]) + 1
    network = seeded(lambda: convolutional_classifier(dataset.image, num_labels), CLASSIFIER_SEED, device)
    accuracy = _read(path, network)
    if accuracy is not None:
        return TrainedClassifier(network.eval().requires_grad_(requires_grad=False), accuracy)
    for step in train_classifier(network, dataset, CLASSIFIER_SEED, settings.STEPS):
        yield Step("training the classifier", step, settings.STEPS)
    network.eval()
    yield from measure_scale(network, dataset)
    held_out: SplitName = "valid" if len(dataset.valid) else "test"
    found = yield from measure_accuracy(network, dataset, held_out)
    accuracy = math.nan if found is None else found
    return TrainedClassifier(network, accuracy, _write(path, network, accuracy))


def classifier_path(dataset: Dataset) -> Path:
    """File of the classifier of a data set."""
    digests = dataset.fingerprint.digests
    parts = (
        VERSION,
        *(settings.NUM_CHANNELS, settings.NUM_FEATURES, settings.BATCH, settings.STEPS, settings.LEARNING_RATE),
        str(dataset.image),
        dataset.resample,
        *(digests[name] for name in ("train", "valid", "test")),
    )
    return data_home() / "classifiers" / f"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}.safetensors"


def _read(path: Path, network: Classifier) -> float | None:
    """Load kept weights into a network; returns the accuracy, or None where there are none that are whole."""
    try:
        arrays = safetensors.torch.load(path.read_bytes())
        accuracy = float(arrays.pop(ACCURACY))
        network.load_state_dict(arrays)
    except FileNotFoundError:
        return None
    except (OSError, safetensors.SafetensorError, RuntimeError, KeyError, ValueError):
        return None  # a damaged file is replaced after training
    return accuracy


def _write(path: Path, network: Classifier, accuracy: float) -> str:
    """Keep weights; returns a sentence where that fails."""
    arrays = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    arrays[ACCURACY] = torch.tensor(accuracy, dtype=torch.float64)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, safetensors.torch.save(arrays))
    except OSError as error:
        return f"The classifier could not be kept in {path.parent} ({error.strerror}); it is trained again next time."
    return ""


def _pixels(levels: int, device: torch.device, images_NCHW: Tensor) -> Tensor:
    return images_NCHW.to(device).flatten(1).float() / (levels - 1)


def _inception_features(network: FrechetInception, levels: int, device: torch.device, images_NCHW: Tensor) -> Tensor:
    features_NF: Tensor = network(images_NCHW.to(device).float() / (levels - 1))
    return features_NF
