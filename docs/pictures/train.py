"""Pictures of the Train panel: runs that go on from where they ended, and what each family shows of its diagnostics."""

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QTabWidget

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab, sheet
from gmstudio.window.gui.panels.train.panel import TrainPanel

FURTHER_STEPS, LOOKED_AT_AFTER = 1500, 60
INSIDE = {
    "vae": ("Variational autoencoder: KL of each latent dimension", "kl_per_dim"),
    "gan": ("Generative adversarial network: D on real and generated images", "discriminator_outputs"),
    "rbm": ("Restricted Boltzmann machine: its filters", "filters"),
    "realnvp": ("Real NVP: entries of the codes z against the normal", "latent_histogram"),
    "ddpm": ("Denoising diffusion: images denoised from several depths", "denoised"),
    "gsn": ("Generative stochastic network: a walkback", "walkback"),
}
"""Name of a model → caption, and the figure of its diagnostics."""


def _train_on(stage: Stage, model: str) -> TrainPanel:
    """Let a run go on for some steps, slowly enough to see it."""
    panel, training = stage.panel(TrainPanel), stage.studio.training
    run = stage.runs[model]
    info = stage.studio.library.info(run)
    assert info is not None, "copies are in the library"
    training.setup.choose_family(info.spec.family)
    training.choose_run(run)
    wait_until(lambda: training.opened is not None, f"the run of {model}")
    training.set_resume_steps(info.step + FURTHER_STEPS)
    training.resume()
    wait_until(lambda: training.status == "running", f"{model} in training")
    report = stage.studio.engine
    wait_until(lambda: report.report is not None and report.report.step >= info.step + LOOKED_AT_AFTER, "some steps")
    return panel


def _end(stage: Stage) -> None:
    stage.studio.training.stop()
    wait_until(lambda: stage.studio.training.status == "idle", "the end of the training")


def take_live(stage: Stage) -> QImage:
    """A PixelCNN in training."""
    image = grab(_train_on(stage, "pixelcnn").window())
    _end(stage)
    return image


def take_insides(stage: Stage) -> QImage:
    """Six families in training, a figure of the diagnostics of each."""
    cells = []
    for model, (caption, figure) in INSIDE.items():
        panel = _train_on(stage, model)
        tabs = panel.findChild(QTabWidget, "train.tabs")
        assert tabs is not None, "the panel has tabs"
        tabs.setCurrentIndex(1)
        wait_until(lambda: bool(stage.studio.training.diagnostics.figures), f"figures of {model}")
        stage.choose("train.figure", figure)
        cells.append((caption, grab(panel)))
        _end(stage)
    return sheet(cells)


PICTURES = (
    Picture("train", ("pixelcnn",), take_live, "dark"),
    Picture("train-diagnostics", tuple(INSIDE), take_insides, "dark"),
)
