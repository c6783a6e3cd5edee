"""Pictures of the Chains panel: four families that generate step by step, and the training history of two."""

from dataclasses import dataclass

from PySide6.QtGui import QImage

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab, sheet
from gmstudio.window.gui.panels.chains.panel import ChainsPanel
from gmstudio.window.state.chains.state import ChainsState, Kind, Start


@dataclass(frozen=True)
class Trajectory:
    """A trajectory, and the frame of it that is shown.

    Args:
        model: name of the model.
        caption: caption of the cell.
        kind: the family's own generation, or its training history.
        start: initial states of the chains.
        count: number of chains side by side.
        steps: number of transitions.
        share: position of the frame, as a share of the trajectory.
        strip: show the whole trajectory at once.
        metric: name of the metric whose curve is drawn; by default the first one.
    """

    model: str
    caption: str
    kind: Kind = "generation"
    start: Start = "noise"
    count: int = 9
    steps: int = 200
    share: float = 1.0
    strip: bool = False
    metric: str = ""


DENOISING = Trajectory("ddpm", "Denoising diffusion", steps=100, share=0.75, metric="change of predicted image")
TRAJECTORIES = (
    Trajectory("rbm", "Restricted Boltzmann machine: Gibbs chains from noise", share=0.3),
    Trajectory("gsn", "Generative stochastic network: chains from real images", start="data", share=0.6),
    Trajectory("ddpm", "Denoising diffusion: from noise to images, all at once", count=10, steps=100, strip=True),
    Trajectory("realnvp", "Real NVP: the layers of the flow, from z to x", share=0.6),
    Trajectory("gan", "Generative adversarial network: its training history", kind="training", count=16, share=0.5),
    Trajectory(
        "vae", "Variational autoencoder: its training history, all at once", kind="training", count=10, strip=True
    ),
)


def _show(stage: Stage, trajectory: Trajectory) -> ChainsPanel:
    """Compute a trajectory, and show its frame."""
    panel, chains = stage.panel(ChainsPanel), stage.studio.state(ChainsState)
    panel.run.choose(stage.runs[trajectory.model])
    chains.set_kind(trajectory.kind)
    chains.set_start(trajectory.start)
    chains.set_size(trajectory.count, trajectory.steps)
    chains.begin()
    wait_until(lambda: not chains.running and chains.length > 0, f"the trajectory of {trajectory.model}")
    chains.pause()
    chains.seek(round(trajectory.share * (chains.length - 1)))
    if trajectory.metric:
        chains.set_metric(next(metric for metric in chains.frames.metrics if metric.name == trajectory.metric))
    if panel.show_strip.isChecked() != trajectory.strip:
        panel.show_strip.trigger()
    return panel


def take_denoising(stage: Stage) -> QImage:
    """Picture of a diffusion model that denoises."""
    return grab(_show(stage, DENOISING).window())


def take_families(stage: Stage) -> QImage:
    """Picture of six families and their trajectories."""
    return sheet([(trajectory.caption, grab(_show(stage, trajectory))) for trajectory in TRAJECTORIES])


PICTURES = (
    Picture("chains", ("ddpm",), take_denoising, "dark"),
    Picture("chains-families", tuple(trajectory.model for trajectory in TRAJECTORIES), take_families, "light"),
)
