"""Pictures of the Chains panel: four families that generate step by step, and two whose training is played."""

from dataclasses import dataclass

from PySide6.QtGui import QImage

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab, sheet
from gmstudio.window.gui.panels.chains.panel import ChainsPanel
from gmstudio.window.state.chains.state import Kind, Start


@dataclass(frozen=True)
class Trajectory:
    """What is looked at, and where.

    Args:
        model: its name.
        caption: of its cell.
        kind: the family's own generation, or its training.
        start: where generations begin.
        count: of them, side by side.
        steps: transitions.
        share: of the trajectory at which the cursor stands.
        strip: the whole trajectory is shown at once.
        measure: whose curve is drawn; the first one by default.
    """

    model: str
    caption: str
    kind: Kind = "generation"
    start: Start = "noise"
    count: int = 9
    steps: int = 200
    share: float = 1.0
    strip: bool = False
    measure: str = ""


DENOISING = Trajectory("ddpm", "Denoising diffusion", steps=100, share=0.75, measure="change of predicted image")
TIMELINES = (
    Trajectory("rbm", "Restricted Boltzmann machine: Gibbs chains from noise", share=0.3),
    Trajectory("gsn", "Generative stochastic network: chains from real images", start="data", share=0.6),
    Trajectory("ddpm", "Denoising diffusion: from noise to images, all at once", count=10, steps=100, strip=True),
    Trajectory("realnvp", "Real NVP: the layers of the flow, from z to x", share=0.6),
    Trajectory("gan", "Generative adversarial network: its training", kind="training", count=16, share=0.5),
    Trajectory("vae", "Variational autoencoder: its training, all at once", kind="training", count=10, strip=True),
)


def _show(stage: Stage, trajectory: Trajectory) -> ChainsPanel:
    """Have a trajectory generated, and go to the place on it."""
    panel, chains = stage.panel(ChainsPanel), stage.studio.chains
    panel.run.choose(stage.runs[trajectory.model])
    chains.set_kind(trajectory.kind)
    chains.set_start(trajectory.start)
    chains.set_size(trajectory.count, trajectory.steps)
    chains.begin()
    wait_until(lambda: not chains.running and chains.length > 0, f"the trajectory of {trajectory.model}")
    chains.pause()
    chains.seek(round(trajectory.share * (chains.length - 1)))
    if trajectory.measure:
        chains.set_measure(trajectory.measure)
    if panel.show_strip.isChecked() != trajectory.strip:
        panel.show_strip.trigger()
    return panel


def take_denoising(stage: Stage) -> QImage:
    """A diffusion model on its way from noise to images."""
    return grab(_show(stage, DENOISING).window())


def take_families(stage: Stage) -> QImage:
    """Six families on their trajectories."""
    return sheet([(trajectory.caption, grab(_show(stage, trajectory))) for trajectory in TIMELINES])


PICTURES = (
    Picture("chains", ("ddpm",), take_denoising, "dark"),
    Picture("chains-families", tuple(trajectory.model for trajectory in TIMELINES), take_families, "light"),
)
