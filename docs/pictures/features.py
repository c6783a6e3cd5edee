"""Pictures of the Features panel: probes, fine-tuning and disentanglement of ready models."""

from pathlib import Path

from PySide6.QtGui import QImage

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab, sheet
from gmstudio.protocol.features import FeatureSpace
from gmstudio.window.gui.panels.features.panel import FeaturesPanel
from gmstudio.window.gui.panels.features.projection import ProjectionPage
from gmstudio.window.state.features.factors import FactorsState
from gmstudio.window.state.features.fine_tuning import FineTuningState
from gmstudio.window.state.features.probe import ProbeState
from gmstudio.window.state.features.projection import ProjectionState
from gmstudio.window.state.features.state import FeaturesState

QUERY = 457
"""Number of the image whose neighbours are shown."""
SHAPES_CELL = (9, 4)
"""Dimension and factor of the scatter plot: the horizontal place of the shape."""


class Features:
    """The panel, operated as by a user.

    Args:
        stage: the window with the ready models.
    """

    def __init__(self, stage: Stage) -> None:
        self.panel = stage.panel(FeaturesPanel)
        self.state = stage.studio.state(FeaturesState)
        self._library = stage.studio.library

    def open(self, model: str, page: str) -> None:
        """Show a ready model, with its default layer."""
        self.panel.tabs.show_page(page)
        run = next(info.run for info in self._library.runs if info.example and Path(info.run).name == model)
        self.panel.run.choose(run)
        wait_until(lambda: self.state.run == run and self.state.layers.listed, f"the layers of {model}")
        wait_until(lambda: self.state.space.run == run, "the default layer")


def _probe(features: Features) -> None:
    """Two models and the baselines, and what is confused with ten labels a class."""
    features.open("autoencoder", "probe")
    features.state.keep_space()
    features.open("vae", "probe")
    probe = features.state.page(ProbeState)
    probe.set_settings(num_seeds=3, labels_per_class=(1, 5, 10, 50, 100))
    probe.start()
    for space in probe.spaces:
        wait_until(lambda: probe.is_complete(space) or not probe.running, "a probe")  # noqa: B023 (called here)
    assert probe.is_complete(FeatureSpace()), "the pixels are among what was probed"
    probe.choose_cell(features.state.space, 10)
    counts = probe.confusion()
    assert counts is not None, "there are confusions of ten labels a class"
    for label in range(len(counts)):
        counts[label, label] = 0
    row, column = divmod(int(counts.argmax()), len(counts))
    page = features.panel.tabs.page("probe")
    page.confusion.chosen.emit(row, column)  # type: ignore[attr-defined]


def _fine_tuning(features: Features) -> None:
    features.open("vae", "fine_tuning")
    tuning = features.state.page(FineTuningState)
    tuning.start()
    for share in (0.2, 0.4, 0.6, 0.8, 0.95):
        wait_until(lambda: not tuning.running or tuning.share >= share, "the classifiers")  # noqa: B023 (called here)
    wait_until(lambda: not tuning.running, "the last classifiers")
    assert tuning.found is not None and tuning.found.done, tuning.problem


def _factors(features: Features) -> None:
    features.open("vae-shapes", "factors")
    factors = features.state.page(FactorsState)
    factors.start()
    wait_until(lambda: not factors.running, "the scores")
    factors.choose_cell(*SHAPES_CELL)


def take_projection(stage: Stage) -> QImage:
    """Map of digits by the code of a VAE, with a selection and the neighbours of an image."""
    features = Features(stage)
    features.open("vae", "projection")
    projection = features.state.page(ProjectionState)
    projection.choose(method="tsne")
    projection.project()
    wait_until(lambda: projection.progress is None and not projection.stale, "the map")
    page = features.panel.tabs.page("projection")
    assert isinstance(page, ProjectionPage)
    page.map.picked.emit(QUERY)
    sheet_of = page.inspector.sheet
    wait_until(lambda: sheet_of.count > 0 and len(sheet_of.visible_pixels()) > 0, "the neighbours")
    return grab(stage.window)


def take_factors(stage: Stage) -> QImage:
    """Disentanglement of the VAE of coloured shapes."""
    _factors(Features(stage))
    return grab(stage.window)


def take_classifiers(stage: Stage) -> QImage:
    """Probes and fine-tuning of the VAE of digits."""
    features = Features(stage)
    cells = []
    for caption, look in (
        ("Probe: classifiers with few labels on the code of a VAE, on pixels and on PCA", _probe),
        ("Fine-tuning: the encoder trained further, frozen, and from scratch", _fine_tuning),
    ):
        look(features)
        cells.append((caption, grab(features.panel)))
    return sheet(cells)


PICTURES = (
    Picture("features-projection", (), take_projection, "dark", examples=True),
    Picture("features", (), take_factors, "light", examples=True),
    Picture("features-classifiers", (), take_classifiers, "dark", examples=True),
)
