"""Mode collapse: a GAN whose generator is updated many times for each update of the discriminator, beside a fair game.

Against a discriminator that stands still the generator's best answer is the one image that D likes most, for every z.
The samples' classes are measured by their nearest training images, and how many classes there are in effect by the
exponential of their entropy.

Source: Goodfellow 2016, NIPS tutorial, arXiv:1701.00160, section 5.1.1; Metz et al. 2017, arXiv:1611.02163,
section 2.4.
Shapes: N images, K classes, M training images, D sub-pixels.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.atlas.workbench import SMALL_WORDS, Demonstration, Workbench
from gmstudio.engine.runtime.display import means_to_display
from gmstudio.families.base import Family, Latent
from gmstudio.protocol.array import Array
from gmstudio.protocol.atlas import DemonstrationCard
from gmstudio.protocol.scenes import Bars, Block, Curves, Line, Pictures, Scene, Sentence
from gmstudio.protocol.training_settings import Training

CARD = DemonstrationCard(
    name="mode_collapse",
    title="Mode collapse",
    sentence="A GAN whose generator runs ahead of its discriminator, trained live until its samples are all alike.",
    families=("gan",),
)
UPDATES = (1, 8)
"""Updates of the generator for each of the discriminator, in the two games."""
NUM_LATENT = 8
CONFIG = {"num_latent": NUM_LATENT, "num_hidden": 96, "num_layers": 2, "instance_noise": 0.6}
TRAINING = Training(steps=500, batch_size=64, learning_rate=2e-3)
MEASURED = 200
SHOWN = 32
EVERY = 20
NUM_CLASSES = 10


@dataclass
class Game:
    """A GAN in training.

    Args:
        updates: updates of its generator for each of the discriminator.
        model: the model.
        shares: (K,) share of each class in the samples at the last measurement.
        distance: mean distance between two samples at the last measurement, RMS of the pixels.
        track: (step, classes in effect) of each measurement.
    """

    updates: int
    model: Family
    shares: NDArray[np.float32] = field(default_factory=lambda: np.zeros(NUM_CLASSES, np.float32))
    distance: float = 0.0
    track: list[tuple[int, float]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Updates of both."""
        return f"G : D = {self.updates} : 1"


def run(bench: Workbench) -> Iterator[Scene | None]:
    """Play both games on the same batches and measure the samples every few steps."""
    dataset = yield from bench.small_data(levels=16)
    games = tuple(Game(updates, bench.build("gan", CONFIG, dataset)) for updates in UPDATES)
    codes = torch.randn((MEASURED, NUM_LATENT), generator=bench.generator(2), device=bench.device)
    plays = [bench.train(game.model, dataset, TRAINING, {"generator": game.updates}) for game in games]
    step = 0
    while step < TRAINING.steps:
        for play in plays:
            step = next(play)
            yield None
        if step % EVERY == 0 or step == 1:
            for game in games:
                _measure(game, codes, dataset, step)
        yield _scene(games, codes, dataset, step) if bench.due() else None
    yield _scene(games, codes, dataset, step)


def _decoded(model: Family, codes: Tensor) -> Tensor:
    assert isinstance(model, Latent)
    with torch.inference_mode():
        return model.decode(codes)


def _measure(game: Game, codes: Tensor, dataset: Dataset, step: int) -> None:
    labels = dataset.train.labels
    assert labels is not None
    samples_ND = _decoded(game.model, codes).flatten(1).cpu()
    train_MD = torch.from_numpy(dataset.train.images).flatten(1).float() / (dataset.image.levels - 1)
    nearest_N = torch.cdist(samples_ND, train_MD).argmin(1).numpy()
    game.shares = (np.bincount(labels[nearest_N], minlength=NUM_CLASSES) / len(codes)).astype(np.float32)
    distances = torch.pdist(samples_ND) / math.sqrt(samples_ND.shape[1])
    game.distance = float(distances.mean())
    present = game.shares[game.shares > 0]
    game.track.append((step, float(np.exp(-(present * np.log(present)).sum()))))


def _real_distance(dataset: Dataset) -> float:
    """Mean distance between two training images, RMS of the pixels."""
    images = torch.from_numpy(dataset.train.images[:MEASURED]).flatten(1).float() / (dataset.image.levels - 1)
    return float(torch.pdist(images).mean()) / math.sqrt(images.shape[1])


def _scene(games: Sequence[Game], codes: Tensor, dataset: Dataset, step: int) -> Scene:
    bars = Bars(
        title="Class of the nearest training image",
        labels=tuple(str(k) for k in range(NUM_CLASSES)),
        series=tuple(game.title for game in games),
        values=Array.of(np.stack([game.shares for game in games])),
        top=1.0,
    )
    curves = Curves(
        title="Classes in effect, exp(entropy)",
        x_title="updates of D",
        y_title="classes",
        lines=tuple(_line(game) for game in games),
        x_range=(0.0, float(TRAINING.steps)),
    )
    rows: list[tuple[Block, ...]] = [tuple(_samples(game, codes) for game in games), (bars, curves)]
    done = step == TRAINING.steps
    if done:
        rows.append((Sentence(text=_finding(games, dataset), finding=True),))
    text = (
        f"Both are trained just now on {SMALL_WORDS}, from the same initial weights; each picture is G of a fixed z. "
        "G : D are the updates of the generator for each of the discriminator."
    )
    rows.append((Sentence(text=text),))
    stage = "" if done else f"Training two GANs, step {step} of {TRAINING.steps}"
    return Scene(rows=tuple(rows), stage=stage, progress=step / TRAINING.steps)


def _samples(game: Game, codes: Tensor) -> Pictures:
    return Pictures(
        title=game.title,
        images=Array.of(means_to_display(_decoded(game.model, codes[:SHOWN]))),
        columns=8,
        note=f"two samples differ by {game.distance:.3f} RMS",
    )


def _line(game: Game) -> Line:
    track = np.array(game.track, np.float64).reshape(-1, 2)
    return Line(game.title, Array.of(track[:, 0]), Array.of(track[:, 1]))


def _finding(games: Sequence[Game], dataset: Dataset) -> str:
    fair, ahead = games
    return (
        f"After {TRAINING.steps} updates of D the samples of the fair game are of {fair.track[-1][1]:.1f} classes in "
        f"effect, those of the generator that runs ahead of {ahead.track[-1][1]:.1f}; two of its samples are "
        f"{ahead.distance:.3f} apart on average, two training images {_real_distance(dataset):.3f}. Against a "
        "fixed D the best G puts all z on the one image that D rates highest: D sees one image at a time."
    )


MODE_COLLAPSE = Demonstration(CARD, run)
