"""Every panel with all of its pages, for tests of what all panels have in common."""

from collections.abc import Callable
from functools import partial

from atlas_scene import AtlasScene
from chains_scene import ChainsScene
from data_scene import INFO, OLDER
from data_scene import Scene as DataScene
from density_scene import DensityScene
from features_scene import FeaturesScene
from labs_scene import LabsScene
from latent_engine import LatentEngine
from pixel_engine import PixelEngine
from pixels_scene import make_panel
from plane_scene import PlaneScene
from pytestqt.qtbot import QtBot
from runs_scene import RunsScene
from training_scene import Scene

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.atlas.panel import AtlasPanel
from gmstudio.window.gui.panels.chains.panel import ChainsPanel
from gmstudio.window.gui.panels.data.panel import DataPanel
from gmstudio.window.gui.panels.density.panel import DensityPanel
from gmstudio.window.gui.panels.features.panel import FeaturesPanel
from gmstudio.window.gui.panels.labs.panel import LabsPanel
from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.gui.panels.plane.panel import PlanePanel
from gmstudio.window.gui.panels.runs.panel import RunsPanel
from gmstudio.window.gui.panels.train.panel import TrainPanel
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.runs.library import RunLibrary

Build = Callable[[QtBot], tuple[Panel, Callable[[], object]]]


def build_train(qtbot: QtBot) -> tuple[Panel, Callable[[], object]]:
    scene = Scene()
    panel = TrainPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.findChild(LazyTabs).build_all()
    scene.begin()
    return panel, scene.close


def build_pixels(qtbot: QtBot) -> tuple[Panel, Callable[[], object]]:
    return make_panel(qtbot, PixelEngine()), lambda: None


def build_latents(qtbot: QtBot) -> tuple[Panel, Callable[[], object]]:
    engine = LatentEngine()
    library = RunLibrary(engine)
    panel = LatentsPanel(LatentsState(engine, library), library)
    qtbot.addWidget(panel)
    panel.show()
    engine.hello()
    engine.serve()
    return panel, panel.hide


def build_chains(qtbot: QtBot) -> tuple[Panel, Callable[[], object]]:
    scene = ChainsScene()
    panel = ChainsPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.show()
    scene.arrive()
    scene.answer(40, done=True)
    return panel, scene.state.pause


def build_atlas(qtbot: QtBot) -> tuple[Panel, Callable[[], object]]:
    scene = AtlasScene()
    scene.start()
    panel = AtlasPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.show()
    leaf = scene.state.tree.family("vae")
    assert leaf is not None
    scene.state.select(leaf)
    return panel, panel.hide


def build_data(qtbot: QtBot) -> tuple[Panel, Callable[[], object]]:
    scene = DataScene()
    panel = DataPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.show()
    scene.start()
    scene.list(INFO, OLDER)
    return panel, panel.hide


def build_labs(qtbot: QtBot) -> tuple[Panel, Callable[[], object]]:
    scene = LabsScene()
    panel = LabsPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.show()
    scene.start()
    scene.open()
    return panel, panel.hide


def build_plane(qtbot: QtBot) -> tuple[Panel, Callable[[], object]]:
    scene = PlaneScene()
    panel = PlanePanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.show()
    scene.state.set_active(True)
    scene.arrive()
    scene.serve()
    return panel, partial(scene.state.set_active, False)


def _with_pages(
    qtbot: QtBot, panel: DensityPanel | FeaturesPanel | RunsPanel, start: Callable[[], object]
) -> tuple[Panel, Callable[[], object]]:
    """Show a panel with all of its pages, then start its scene."""
    qtbot.addWidget(panel)
    panel.tabs.build_all()
    panel.show()
    start()
    return panel, panel.hide


def build_density(qtbot: QtBot) -> tuple[Panel, Callable[[], object]]:
    scene = DensityScene()
    return _with_pages(qtbot, DensityPanel(scene.state, scene.library), scene.start)


def build_features(qtbot: QtBot) -> tuple[Panel, Callable[[], object]]:
    scene = FeaturesScene()
    return _with_pages(qtbot, FeaturesPanel(scene.state, scene.library), scene.start)


def build_runs(qtbot: QtBot) -> tuple[Panel, Callable[[], object]]:
    scene = RunsScene()
    return _with_pages(qtbot, RunsPanel(scene.state, scene.library), scene.start)


BUILDERS: dict[str, Build] = {
    "atlas": build_atlas,
    "labs": build_labs,
    "plane": build_plane,
    "data": build_data,
    "train": build_train,
    "pixels": build_pixels,
    "latents": build_latents,
    "chains": build_chains,
    "density": build_density,
    "features": build_features,
    "runs": build_runs,
}
