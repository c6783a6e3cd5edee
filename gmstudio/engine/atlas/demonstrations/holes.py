"""An autoencoder's holes: random codes decoded by an autoencoder and by a VAE.

An autoencoder is trained to reconstruct, and nothing tells its decoder about codes between those of the data. A VAE's
codes are pulled towards a prior, so that codes drawn from it have been decoded in training.

Shapes: N codes, M training images, Z latent dimensions.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.atlas.subjects import training_scene
from gmstudio.engine.atlas.workbench import SMALL_WORDS, Demonstration, Workbench, data_title, images_of
from gmstudio.engine.runtime.display import means_to_display
from gmstudio.families.base import Encoder, Family, Latent, Posterior
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
MEASURED, COMPARED, ENCODED_AT_ONCE = 200, 1400, 100
"""Random codes and held-out images; training images whose codes they are compared with, and of
them those that are encoded at once."""
CONFIG = {"num_latent": 10, "num_hidden": 128}
TRAINING = Training(steps=600, batch_size=64, learning_rate=2e-3)


@dataclass(frozen=True)
class Pair:
    """Autoencoder and VAE of the same images.

    Args:
        models: both, in this order.
        datasets: the data of each, perhaps of other levels.
        words: their origin, a sentence.
    """

    models: tuple[Family, Family]
    datasets: tuple[Dataset, Dataset]
    words: str


@dataclass(frozen=True)
class Distances:
    """Mean distances to the nearest code of a training image.

    Args:
        random: of random codes.
        held_out: of the codes of held-out images.
    """

    random: float
    held_out: float

    @property
    def ratio(self) -> float:
        """How many times as far random codes are."""
        return self.random / self.held_out


def run(bench: Workbench) -> Iterator[Scene | None]:
    """Decode random codes and ways between two of them by both, and measure how far they are from the data's codes."""
    pair = yield from _pair(bench)
    words = Sentence(text=pair.words)
    pictures = yield from _pictures(bench, pair)
    yield Scene(rows=(*pictures, (words,)), stage="Comparing the codes with those of data", progress=0.5)
    distances = []
    for model, dataset in zip(pair.models, pair.datasets, strict=True):
        distances.append((yield from _distances(bench, model, dataset)))
    numbers = Numbers(title="Distance to the nearest code of a training image", numbers=_numbers(pair, distances))
    finding = Sentence(text=_finding(pair, distances), finding=True)
    yield Scene(rows=(*pictures, (numbers,), (finding,), (words,)), progress=1.0)


def _pair(bench: Workbench) -> Generator[Scene | None, None, Pair]:
    """The ready models, where both are of images of one size and their data is at hand; else two small ones."""
    loaded = [bench.ready(family, "decode") for family in CARD.families]
    ready = [found for found in loaded if found is not None]
    datasets = []
    for found in ready:
        dataset = yield from bench.data_of(found)
        datasets += [dataset] if dataset is not None else []
    if len(datasets) == len(CARD.families) and len({found.model.image.shape for found in ready}) == 1:
        sets = " and ".join(dict.fromkeys(f"{data_title(d)}, {d.image}" for d in datasets))
        return Pair((ready[0].model, ready[1].model), (datasets[0], datasets[1]), f"Ready models of {sets}.")
    small = yield from bench.small_data(levels=16)
    models = []
    for family in CARD.families:
        model = bench.build(family, CONFIG, small)
        for step in bench.train(model, small, TRAINING):
            yield training_scene(model.card.title, step, TRAINING.steps) if bench.due() else None
        models.append(model)
    words = f"Two small models, trained just now on {SMALL_WORDS} for {TRAINING.steps} steps each."
    return Pair((models[0], models[1]), (small, small), words)


def _codes(bench: Workbench, model: Family, count: int, offset: int = 0) -> Tensor:
    assert isinstance(model, Latent)
    generator = bench.generator(offset)
    return torch.randn((count, model.latent.num_dims), generator=generator, device=model.device)


def _decode(model: Family, codes: Tensor) -> Tensor:
    assert isinstance(model, Latent)
    with torch.inference_mode():
        return model.decode(codes)


def _distances(bench: Workbench, model: Family, dataset: Dataset) -> Generator[None, None, Distances]:
    """Measure mean distances of random and of held-out images' codes to the nearest code of a training image."""
    generator = bench.generator(3)
    pieces = []
    for x_BCHW in images_of(dataset, COMPARED, "train").split(ENCODED_AT_ONCE):
        pieces.append(_encoded(model, x_BCHW, generator))
        yield None
    train_MZ = torch.cat(pieces)
    held_out_NZ = _encoded(model, images_of(dataset, MEASURED), generator)
    random_NZ = _codes(bench, model, MEASURED)
    nearest = [float(torch.cdist(codes_NZ, train_MZ).min(1).values.mean()) for codes_NZ in (random_NZ, held_out_NZ)]
    return Distances(*nearest)


def _encoded(model: Family, x: Tensor, generator: torch.Generator) -> Tensor:
    """Codes of images: drawn from the posterior where there is one, since the decoder was trained on such."""
    x = x.to(model.device)
    with torch.inference_mode():
        if isinstance(model, Posterior):
            mean, deviation = model.posterior(x)
            return mean + deviation * torch.randn(mean.shape, generator=generator, device=mean.device)
        assert isinstance(model, Encoder)
        return model.encode(x)


def _pictures(bench: Workbench, pair: Pair) -> Generator[None, None, list[tuple[Block, ...]]]:
    """Draw rows of random codes, of ways between two random codes, and of reconstructions; a block for each model."""
    randoms, ways, reconstructions = list[Block](), list[Block](), list[Block]()
    for model, dataset in zip(pair.models, pair.datasets, strict=True):
        title = model.card.title
        randoms.append(_grid(f"{title}: random codes", model, _codes(bench, model, COUNT)))
        yield None
        ends = _codes(bench, model, 2 * NUM_WAYS, offset=7)
        ways.append(_grid(f"{title}: between two random codes", model, _ways(ends)))
        yield None
        reconstructions.append(_reconstructions(model, images_of(dataset, STEPS)))
    return [tuple(randoms), tuple(ways), tuple(reconstructions)]


def _grid(title: str, model: Family, codes: Tensor) -> Pictures:
    return Pictures(title=title, images=Array.of(means_to_display(_decode(model, codes))), columns=STEPS)


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
    title = f"{model.card.title}: held-out, reconstructed"
    return Pictures(title=title, images=Array.of(shown), columns=STEPS)


def _numbers(pair: Pair, distances: Sequence[Distances]) -> tuple[Number, ...]:
    return tuple(
        Number(
            model.card.title,
            f"random codes {found.random:.2f} · held-out images {found.held_out:.2f} · ratio {found.ratio:.2f}",
            "Euclidean distance of codes; codes of both models have about mean 0 and deviation 1.",
        )
        for model, found in zip(pair.models, distances, strict=True)
    )


def _finding(pair: Pair, distances: Sequence[Distances]) -> str:
    (autoencoder, vae), (first, second) = pair.models, distances
    return (
        f"A random code lies {first.ratio:.2f} times as far from the nearest code of a training image as the code of a "
        f"held-out image does with the {autoencoder.card.title}, and {second.ratio:.2f} times with the "
        f"{vae.card.title}. At a ratio of 1 the decoder would meet codes like those of its training. Nothing in an "
        "autoencoder's objective says where codes lie; the KL term pulls those of a VAE towards the prior."
    )


HOLES = Demonstration(CARD, run)
