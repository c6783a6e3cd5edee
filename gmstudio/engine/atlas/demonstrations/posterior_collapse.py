"""Posterior collapse: a VAE trained with a high weight β of the KL beside one with β = 1, from the same weights.

Where reconstruction does not pay for a dimension's KL, q(z_j|x) becomes the prior: the dimension carries no information
about x, and the decoder ignores it.

Source: Higgins et al. 2017, β-VAE, ICLR, section 2; Bowman et al. 2016, arXiv:1511.06349, section 3.1.
Shapes: N images, Z latent dimensions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.atlas.workbench import SMALL_WORDS, Demonstration, Workbench, images_of
from gmstudio.engine.runtime.display import means_to_display
from gmstudio.families.base import Encoder, Family, Latent, Posterior
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.atlas import DemonstrationCard
from gmstudio.protocol.scenes import Bars, Block, Curves, Line, Pictures, Scene, Sentence
from gmstudio.protocol.training_settings import Training

CARD = DemonstrationCard(
    name="posterior_collapse",
    title="Posterior collapse",
    sentence="A VAE trained live with a high β: the KL of one dimension after another falls to nothing.",
    families=("vae",),
)
BETAS = (1.0, 20.0)
NUM_LATENT = 8
MEASURED = 180
SHOWN = 8
EVERY = 10
COLLAPSED_NATS = 0.01
"""Mean KL below which a dimension counts as collapsed, as in the Latents panel."""
SUBSCRIPT_ZERO = 0x2080
"""Code point of the subscript digit 0."""
TRAINING = Training(steps=600, batch_size=64, learning_rate=2e-3)


@dataclass
class Watched:
    """A VAE in training.

    Args:
        beta: its β.
        model: the model.
        kl: (Z,) mean KL of each dimension at the last measurement, nats.
        track: (step, total KL) of each measurement.
    """

    beta: float
    model: Family
    kl: NDArray[np.float32] = field(default_factory=lambda: np.zeros(NUM_LATENT, np.float32))
    track: list[tuple[int, float]] = field(default_factory=list)

    @property
    def collapsed(self) -> int:
        """Number of collapsed dimensions."""
        return int((self.kl < COLLAPSED_NATS).sum())


def run(bench: Workbench) -> Iterator[Scene | None]:
    """Train both side by side on the same batches and measure the KL every few steps."""
    dataset = yield from bench.small_data()
    images = images_of(dataset, MEASURED).to(bench.device)
    config = {"num_latent": NUM_LATENT, "num_hidden": 128}
    watched = tuple(Watched(beta, bench.build("vae", {**config, "beta": beta}, dataset)) for beta in BETAS)
    trainings = [bench.train(vae.model, dataset, TRAINING) for vae in watched]
    for steps in zip(*trainings, strict=True):
        step = steps[0]
        if step % EVERY == 0 or step == 1:
            for vae in watched:
                _measure(vae, images, step)
        yield _scene(watched, images, step) if bench.due() else None
    yield _scene(watched, images, TRAINING.steps)


def _measure(vae: Watched, images: torch.Tensor, step: int) -> None:
    assert isinstance(vae.model, Posterior)
    with torch.inference_mode():
        vae.kl = vae.model.kl_per_dim(images).mean(0).float().cpu().numpy()
    vae.track.append((step, float(vae.kl.sum())))


def _scene(watched: Sequence[Watched], images: torch.Tensor, step: int) -> Scene:
    bars = Bars(
        title="KL of each dimension (nats)",
        labels=tuple(f"z{chr(SUBSCRIPT_ZERO + j)}" for j in range(NUM_LATENT)),
        series=tuple(f"β = {vae.beta:g}" for vae in watched),
        values=Array.of(np.stack([vae.kl for vae in watched])),
    )
    curves = Curves(
        title="Total KL",
        x_title="training step",
        y_title="nats",
        lines=tuple(_line(vae) for vae in watched),
        x_range=(0.0, float(TRAINING.steps)),
    )
    rows: list[tuple[Block, ...]] = [(bars, curves), tuple(_reconstructions(vae, images) for vae in watched)]
    done = step == TRAINING.steps
    if done:
        rows.append((Sentence(text=_finding(watched), finding=True),))
    text = (
        f"Both are trained just now on {SMALL_WORDS}, from the same initial weights and on the same batches. KL is "
        f"KL(q(z|x) ‖ p(z)), a mean over {len(images)} held-out images; a dimension below {COLLAPSED_NATS:g} nats "
        "counts as collapsed."
    )
    rows.append((Sentence(text=text),))
    stage = "" if done else f"Training two VAEs, step {step} of {TRAINING.steps}"
    return Scene(rows=tuple(rows), stage=stage, progress=step / TRAINING.steps)


def _line(vae: Watched) -> Line:
    track = np.array(vae.track, np.float64).reshape(-1, 2)
    return Line(f"β = {vae.beta:g}", Array.of(track[:, 0]), Array.of(track[:, 1]))


def _reconstructions(vae: Watched, images: torch.Tensor) -> Pictures:
    assert isinstance(vae.model, Encoder) and isinstance(vae.model, Latent)
    with torch.inference_mode():
        means = vae.model.decode(vae.model.encode(images[:SHOWN]))
    shown = np.concatenate([to_display(images[:SHOWN].cpu().numpy(), vae.model.image.levels), means_to_display(means)])
    title = f"β = {vae.beta:g}: images, reconstructions"
    note = f"{vae.collapsed} of {NUM_LATENT} dimensions collapsed"
    return Pictures(title=title, images=Array.of(shown), columns=SHOWN, note=note)


def _finding(watched: Sequence[Watched]) -> str:
    low, high = watched
    return (
        f"With β = {high.beta:g}, {high.collapsed} of {NUM_LATENT} dimensions are collapsed and the code holds "
        f"{float(high.kl.sum()):.2f} nats about an image; with β = {low.beta:g}, {low.collapsed} are, and "
        f"it holds {float(low.kl.sum()):.2f} nats. A collapsed dimension's posterior is the prior for every image: its "
        "slider changes nothing, and all reconstructions drift towards one average image."
    )


POSTERIOR_COLLAPSE = Demonstration(CARD, run)
