"""Pictures of the Train panel: a run in training, and the diagnostics of several families."""

from PySide6.QtGui import QImage

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab, sheet
from gmstudio.protocol.training import ResumeRun
from gmstudio.window.gui.panels.train.panel import TrainPanel
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.state.training.state import TrainingState

FURTHER_STEPS, SHOWN_AFTER = 1500, 60
DIAGNOSTICS = {
    "vae": ("Variational autoencoder: KL of each latent dimension", "kl_per_dim"),
    "gan": ("Generative adversarial network: D on real and generated images", "discriminator_outputs"),
    "rbm": ("Restricted Boltzmann machine: its filters", "filters"),
    "realnvp": ("Real NVP: entries of the codes z against the normal", "latent_histogram"),
    "ddpm": ("Denoising diffusion: images denoised from several depths", "denoised"),
    "gsn": ("Generative stochastic network: a walkback", "walkback"),
}
"""Name of a model → caption and name of the figure."""


def train_further(stage: Stage, model: str) -> TrainPanel:
    """Continue the training of a run, and wait for some steps."""
    panel, training = stage.panel(TrainPanel), stage.studio.state(TrainingState)
    run = stage.runs[model]
    info = stage.studio.library.info(run)
    assert info is not None, "copies are in the library"
    training.setup.choose_family(info.spec.family)
    training.choose_run(run)
    wait_until(lambda: training.opened is not None, f"the run of {model}")
    stage.studio.client.send(ResumeRun(run=run, steps=info.step + FURTHER_STEPS, schedule="restart"))
    wait_until(lambda: training.status == "running", f"{model} in training")
    report = stage.studio.engine
    wait_until(lambda: report.report is not None and report.report.step >= info.step + SHOWN_AFTER, "some steps")
    return panel


def _end(stage: Stage) -> None:
    stage.studio.state(TrainingState).stop()
    wait_until(lambda: stage.studio.state(TrainingState).status == "idle", "the end of the training")


def take_live(stage: Stage) -> QImage:
    """Picture of a PixelCNN in training."""
    image = grab(train_further(stage, "pixelcnn").window())
    _end(stage)
    return image


def take_diagnostics(stage: Stage) -> QImage:
    """Picture of six families in training, with a diagnostic figure of each."""
    cells = []
    for model, (caption, figure) in DIAGNOSTICS.items():
        panel = train_further(stage, model)
        tabs = panel.findChild(LazyTabs, "train.tabs")
        assert tabs is not None, "the panel has tabs"
        tabs.show_page("diagnostics")
        wait_until(lambda: bool(stage.studio.state(TrainingState).diagnostics.figures), f"figures of {model}")
        stage.choose("train.figure", figure)
        cells.append((caption, grab(panel)))
        _end(stage)
    return sheet(cells)


PICTURES = (
    Picture("train", ("pixelcnn",), take_live, "dark"),
    Picture("train-diagnostics", tuple(DIAGNOSTICS), take_diagnostics, "dark"),
)
