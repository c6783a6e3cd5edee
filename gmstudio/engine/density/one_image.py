"""What a model makes of one image: likelihood, surprisal, code, reconstruction, D(x), nearest training images.

Each part is a generator that yields None, or the stage of long work in words, after each piece and, last, the part.
Shapes: N images, C channels, H height, W width, D sub-pixels, Z latent.
"""

import math
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset
from gmstudio.engine.density.opened_images import OpenedImages
from gmstudio.engine.density.scoring import Scores, score_and_keep
from gmstudio.engine.density.statistics.discriminator import DiscriminatorOutput
from gmstudio.engine.density.statistics.log_prob import LogProb
from gmstudio.engine.density.statistics.reconstruction import Reconstruction
from gmstudio.engine.density.subject import Subject
from gmstudio.engine.density.surprisal import surprisal_maps, surprisal_refusal
from gmstudio.engine.evaluation.label_mixture import label_mixture
from gmstudio.engine.evaluation.reconstruction import reconstructs
from gmstudio.engine.features.extraction import features_of
from gmstudio.engine.features.neighbours import distances_to
from gmstudio.engine.latents.codes import label_name
from gmstudio.engine.runtime.beside import beside, result_of
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.inspection import exploring
from gmstudio.families.base import Encoder, Posterior
from gmstudio.protocol.array import Array
from gmstudio.protocol.density import StatisticSettings
from gmstudio.protocol.density_one_image import (
    NEIGHBOUR_PARTS,
    PARTS,
    Discriminated,
    ImageCode,
    ImagePart,
    Likelihood,
    Missing,
    Nearest,
    Reconstructed,
    Surprisal,
)
from gmstudio.protocol.features import FeatureSpace

MAX_SEARCHED = 20_000
"""Training images that are searched, the first ones: a code takes a pass of the model for each."""
COPIED_EACH = 32
"""Training images of a piece; a set that is drawn anew at each visit takes half a millisecond an image."""
PIXELS, CODE = NEIGHBOUR_PARTS
Part = Iterator[ImagePart | str | None]
Images = NDArray[np.uint8]
_COPIES: WeakKeyDictionary[Dataset, Images] = WeakKeyDictionary()
"""Training images as they are displayed, as long as the engine keeps their data set."""


@dataclass(frozen=True, eq=False)
class OneImage:
    """One image and the model that it is shown through.

    Args:
        context: of the engine.
        subject: the model.
        opened: set of this image alone.
        seed: of all noise.
        dataset: returns the run's data, or raises what is wrong with them.
    """

    context: EngineContext
    subject: Subject
    opened: OpenedImages
    seed: int
    dataset: Callable[[], Dataset]

    @property
    def model(self) -> Any:
        """The model."""
        return self.subject.model

    def batch(self) -> torch.Tensor:
        """(1, C, H, W) levels on the model's device."""
        return torch.from_numpy(np.array(self.opened.images)).to(self.model.device)


def alone(opened: OpenedImages, index: int) -> OpenedImages:
    """Return the set of one image.

    Raises:
        ValueError: when there is no image of that number.
    """
    chosen = opened.chosen(np.array([index]))
    return OpenedImages(
        images=np.ascontiguousarray(opened.images[chosen]),
        image=opened.image,
        labels=None if opened.labels is None else opened.labels[chosen],
        label_names=opened.label_names,
        title=opened.title,
        conversion=opened.conversion,
        names=tuple(opened.names[number] for number in chosen) if opened.names else (),
    )


STAGES = {
    "reconstruction": "reconstruction",
    "code": "code",
    "discriminated": "D(x)",
    "surprisal": "surprisal",
    "likelihood": "log-likelihood",
    PIXELS: "nearest training images",
    CODE: "nearest training images by code",
}
"""Part → its computation in words."""


def part_of(shown: OneImage, name: str, neighbours: int) -> Part:
    """Compute a part.

    Args:
        shown: image and model.
        name: one of ``PARTS``.
        neighbours: nearest training images that are wanted.

    Raises:
        ValueError: when there is no such part, or it cannot be computed.
    """
    if name in NEIGHBOUR_PARTS:
        return nearest_part(shown, name, neighbours)
    computed: dict[str, Callable[[OneImage], Part]] = {
        "reconstruction": reconstruction_part,
        "code": code_part,
        "discriminated": discriminator_part,
        "surprisal": surprisal_part,
        "likelihood": likelihood_part,
    }
    if name not in computed:
        raise ValueError(f"There is no part {name!r} of an image; the parts are {', '.join(PARTS)}.")
    return computed[name](shown)


def needs_data(model: Any, parts: tuple[str, ...]) -> bool:
    """Return whether the run's data are needed: for neighbours, and for the frequencies of labels."""
    return bool(set(parts) & set(NEIGHBOUR_PARTS)) or bool(getattr(model, "num_classes", 0))


def likelihood_part(shown: OneImage) -> Part:
    """Compute log p(x), as the score of the set of this image."""
    refusal = LogProb.refusal(shown.model)
    if refusal:
        yield Missing(part="likelihood", reason=refusal)
        return
    statistic = LogProb(replace(shown.subject, dataset=shown.dataset), StatisticSettings(), shown.seed)
    value, error, text = math.nan, None, ""
    warnings: tuple[str, ...] = ()
    with closing(score_and_keep(statistic, shown.opened, shown.seed)) as pieces:
        for scores in pieces:
            if scores.over:
                value, text, warnings = float(scores.values[0]), scores.kind_text, scores.warnings
                error = None if scores.errors is None else float(scores.errors[0])
            yield _stage(scores)
    yield Likelihood(
        kind=statistic.kind,
        kind_text=text,
        nats=value,
        error=error if error is not None and math.isfinite(error) else None,
        bits_per_dim=shown.opened.image.bits_per_dim(-value),
        warnings=warnings,
    )


def surprisal_part(shown: OneImage) -> Part:
    """Compute the surprisal of each pixel."""
    refusal = surprisal_refusal(shown.model)
    if refusal:
        yield Missing(part="surprisal", reason=refusal)
        return
    labelled = getattr(shown.model, "num_classes", 0)
    mixture = label_mixture(shown.model, shown.dataset().train.labels) if labelled else None
    for maps in surprisal_maps(shown.model, shown.opened.images, mixture):
        yield None if maps is None else Surprisal(bits=Array.of(maps[0]))


def code_part(shown: OneImage) -> Part:
    """Encode the image."""
    if not isinstance(shown.model, Encoder):
        reason = f"{shown.model.card.title} has no encoder, so the image has no code."
        yield Missing(part="code", reason=reason)
        return
    model, deviations = shown.model, None
    with exploring(shown.subject.model):
        values = model.encode(shown.batch())
        if isinstance(model, Posterior):
            deviations = model.posterior(shown.batch())[1]
    yield ImageCode(
        values=Array.of(_vector(values)), deviations=None if deviations is None else Array.of(_vector(deviations))
    )


def reconstruction_part(shown: OneImage) -> Part:
    """Encode and decode the image; of an invertible model too, whose error is no statistic of anomalies."""
    if not reconstructs(shown.model):
        yield Missing(part="reconstruction", reason=Reconstruction.refusal(shown.model))
        return
    with exploring(shown.model):
        batch = shown.batch()
        means = shown.model.decode(shown.model.encode(batch)).float()
        error = (means - batch.float() / (shown.opened.image.levels - 1)).square().double().mean()
    if not bool(torch.isfinite(means).all()):
        raise ValueError("The decoded image is not finite; the training has diverged. Choose an earlier checkpoint.")
    pixels = (means[0].clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    yield Reconstructed(image=Array.of(pixels), error=float(error))


def discriminator_part(shown: OneImage) -> Part:
    """Compute D(x)."""
    refusal = DiscriminatorOutput.refusal(shown.model)
    if refusal:
        yield Missing(part="discriminated", reason=refusal)
        return
    statistic = DiscriminatorOutput(shown.subject, StatisticSettings(), shown.seed)
    with exploring(shown.model):
        scored = statistic.score(shown.opened.images, torch.Generator(shown.model.device).manual_seed(shown.seed))
    yield Discriminated(value=float(scored.values[0]), title=shown.model.critic_metric.title)


def nearest_part(shown: OneImage, space: str, count: int) -> Part:
    """Find the nearest training images, by the pixels or by the model's code.

    The features of training images are kept by the engine, see ``extraction``.
    """
    if space == CODE and not isinstance(shown.model, Encoder):
        yield Missing(part=CODE, reason=f"{shown.model.card.title} has no encoder.")
        return
    if space == CODE and shown.model.DecoderConfig is not None:
        reason = f"{shown.model.card.title} encodes in many steps, too slow for all training images."
        yield Missing(part=CODE, reason=reason)
        return
    dataset = shown.dataset()
    spec, total = dataset.image, len(dataset.train)
    if spec != shown.opened.image:
        raise ValueError(f"The training images are now {spec}, the model's {shown.opened.image}; restore the data.")
    train = yield from _train_images(dataset)
    features = FeatureSpace(run=shown.subject.run, layer="") if space == CODE else FeatureSpace()
    known = yield from result_of(features_of(shown.context, features, train, spec, seed=shown.seed))
    own = yield from result_of(features_of(shown.context, features, shown.opened.images, spec, seed=shown.seed))
    distances = yield from beside(lambda: distances_to(own.values[0], known.values))
    nearest = np.argsort(distances, kind="stable")[:count]
    labels = dataset.train.labels
    yield Nearest(
        space=space,
        title=known.title,
        indices=Array.of(nearest.astype(np.int64)),
        images=Array.of(train[nearest]),
        distances=Array.of(distances[nearest]),
        labels=() if labels is None else tuple(label_name(dataset, int(labels[number])) for number in nearest),
        searched=len(train),
        total=total,
    )


def _stage(scores: Scores) -> str | None:
    """Progress of what the scores of all images share, for example ``annealing, 34 %``."""
    progress = scores.progress
    if scores.over or progress.stage == "scoring" or progress.seconds_left < 0:
        return None
    return f"{progress.stage}, {progress.seconds_left:.0f} s left"


def _train_images(dataset: Dataset) -> Generator[None, None, Images]:
    """Copy the training images, as they are displayed, in pieces."""
    count = min(len(dataset.train), MAX_SEARCHED)
    if not count:
        raise ValueError("The run's data have no training images; restore the data set.")
    if dataset in _COPIES:
        return _COPIES[dataset]
    images = np.empty((count, *dataset.image.shape), np.uint8)
    for start in range(0, count, COPIED_EACH):
        rows = range(start, min(start + COPIED_EACH, count))
        images[start : rows.stop] = dataset.view("train", rows)
        yield None
    _COPIES[dataset] = images
    return images


def _vector(values: torch.Tensor) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = values[0].detach().float().flatten().cpu().numpy()
    if not np.isfinite(vector).all():
        raise ValueError("The code is not finite; the training has diverged. Choose an earlier checkpoint.")
    return vector
