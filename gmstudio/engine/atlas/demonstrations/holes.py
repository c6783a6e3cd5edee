"""An autoencoder's holes: random codes decoded by an autoencoder and by a VAE.

An autoencoder is trained to reconstruct, and nothing tells its decoder about codes between those of the data. A VAE's
codes are pulled towards a prior, so that codes drawn from it have been decoded in training.

Shapes: N images, D sub-pixels.
"""

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.atlas.subjects import training_scene
from gmstudio.engine.atlas.workbench import SMALL_WORDS, Demonstration, Workbench, data_title, images_of
from gmstudio.engine.runtime.display import means_to_display
from gmstudio.families.base import Encoder, Family, Latent
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.atlas import DemonstrationCard
from gmstudio.protocol.scenes import Block, Number, Numbers, Pictures, Scene, Sentence
from gmstudio.protocol.training_settings import Training

CARD = DemonstrationCard(
    name="holes",
    title="Holes",
    sentence="Random codes decoded by an autoencoder and by a VAE: one has holes between the codes of its data.",
    families=("autoencoder", "vae"),
)
COUNT = 32
STEPS = 8
"""Images in a row, and on the way between two codes."""
NUM_WAYS = 2
MEASURED = 200
CONFIG = {"num_latent": 10, "num_hidden": 128}
TRAINING = Training(steps=600, batch_size=64, learning_rate=2e-3)


@dataclass(frozen=True)
class Pair:
    """Autoencoder and VAE of the same images.

    Args:
        models: both, in this order.
        dataset: their data.
        words: their origin, a sentence.
    """

    models: tuple[Family, Family]
    dataset: Dataset
    words: str


def run(bench: Workbench) -> Iterator[Scene | None]:
    """Decode random codes and ways between two of them by both, and measure how far from the data the images are."""
    pair = yield from _pair(bench)
    yield Scene(
        rows=(*_pictures(bench, pair), (Sentence(text=pair.words),)), stage="Comparing with the data", progress=0.5
    )
    near = []
    for model in pair.models:
        near.append(_nearest(_decode(model, _codes(bench, model, MEASURED)), pair.dataset))
        yield None
    held_out = _nearest(images_of(pair.dataset, MEASURED).float() / (pair.dataset.image.levels - 1), pair.dataset)
    yield None
    title = "Distance to the nearest training image (RMS of the pixels)"
    numbers = Numbers(title=title, numbers=_numbers(pair, near, held_out))
    finding = Sentence(text=_finding(near, held_out), finding=True)
    yield Scene(rows=(*_pictures(bench, pair), (numbers,), (finding,), (Sentence(text=pair.words),)), progress=1.0)


def _pair(bench: Workbench) -> Generator[Scene | None, None, Pair]:
    """The ready models, where both are of the same images and their data is at hand; else two small ones."""
    autoencoder, vae = (bench.ready(family, "decode") for family in CARD.families)
    if autoencoder is not None and vae is not None and autoencoder.model.image == vae.model.image:
        dataset = bench.data_of(vae)
        if dataset is not None:
            words = f"Ready models of {data_title(dataset)}, {vae.record.image}."
            return Pair((autoencoder.model, vae.model), dataset, words)
    dataset = yield from bench.small_data(levels=16)
    models = []
    for family in CARD.families:
        model = bench.build(family, CONFIG, dataset)
        for step in bench.train(model, dataset, TRAINING):
            yield training_scene(model.card.title, step, TRAINING.steps) if bench.due() else None
        models.append(model)
    words = f"Two small models, trained just now on {SMALL_WORDS} for {TRAINING.steps} steps each."
    return Pair((models[0], models[1]), dataset, words)


def _codes(bench: Workbench, model: Family, count: int, offset: int = 0) -> Tensor:
    assert isinstance(model, Latent)
    generator = bench.generator(offset)
    return torch.randn((count, model.latent.num_dims), generator=generator, device=model.device)


def _decode(model: Family, codes: Tensor) -> Tensor:
    assert isinstance(model, Latent)
    with torch.inference_mode():
        return model.decode(codes)


def _nearest(images: Tensor, dataset: Dataset) -> float:
    """Mean distance of images to the nearest training image, RMS of the pixels."""
    train = torch.from_numpy(dataset.view("train", range(len(dataset.train)))).flatten(1).float()
    distances = torch.cdist(images.flatten(1).float().cpu(), train / (dataset.image.levels - 1))
    return float(distances.min(1).values.mean()) / math.sqrt(dataset.image.num_dims)


def _pictures(bench: Workbench, pair: Pair) -> list[tuple[Block, ...]]:
    """Rows of random codes, of ways between two random codes, and of reconstructions; a block for each model."""
    x = images_of(pair.dataset, STEPS)
    randoms, ways, reconstructions = list[Block](), list[Block](), list[Block]()
    for model in pair.models:
        title = model.card.title
        images = _decode(model, _codes(bench, model, COUNT))
        randoms.append(
            Pictures(title=f"{title}: random codes", images=Array.of(means_to_display(images)), columns=STEPS)
        )
        images = _decode(model, _ways(_codes(bench, model, 2 * NUM_WAYS, offset=7)))
        ways.append(
            Pictures(title=f"{title}: between two codes", images=Array.of(means_to_display(images)), columns=STEPS)
        )
        reconstructions.append(_reconstructions(model, x))
    return [tuple(randoms), tuple(ways), tuple(reconstructions)]


def _ways(ends: Tensor) -> Tensor:
    """(ways · STEPS, Z): codes on arcs between pairs of codes, on which they stay normal."""
    turn_T1 = torch.linspace(0, np.pi / 2, STEPS, device=ends.device)[:, None]
    first, last = ends.chunk(2)
    return torch.cat([turn_T1.cos() * a + turn_T1.sin() * b for a, b in zip(first, last, strict=True)])


def _reconstructions(model: Family, x: Tensor) -> Pictures:
    assert isinstance(model, Encoder)
    with torch.inference_mode():
        codes = model.encode(x.to(model.device))
    shown = np.concatenate([to_display(x.numpy(), model.image.levels), means_to_display(_decode(model, codes))])
    title = f"{model.card.title}: held-out images, reconstructed below"
    return Pictures(title=title, images=Array.of(shown), columns=STEPS)


def _numbers(pair: Pair, near: list[float], held_out: float) -> tuple[Number, ...]:
    decoded = [
        Number(f"{model.card.title}, random codes", f"{distance:.3f}")
        for model, distance in zip(pair.models, near, strict=True)
    ]
    return (*decoded, Number("Held-out images", f"{held_out:.3f}", "For comparison: images that were not trained on."))


def _finding(near: list[float], held_out: float) -> str:
    return (
        f"Images of random codes lie {near[0]:.3f} from the nearest training image for the autoencoder and "
        f"{near[1]:.3f} for the VAE; held-out images lie {held_out:.3f} away. The autoencoder's "
        "codes are scaled to mean 0 and deviation 1, yet much of that region was never decoded in training: holes."
    )


HOLES = Demonstration(CARD, run)
