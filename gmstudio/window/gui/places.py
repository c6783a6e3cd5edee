"""The places of the window: one entry for each panel, from which sidebar, menus, shortcuts, Help and preloading derive.

The modules of a panel and of its state are imported when the panel is built and not before: they are slow to load, and
the window should be visible first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

from PySide6.QtCore import SignalInstance

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.gui.panel import Panel
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.studio import Studio

Shows = Callable[[RunLibrary, RunInfo], bool]


@runtime_checkable
class RunState(Protocol):
    """State of a panel that shows one run at a time.

    Attributes:
        run: name of the run, or "".
    """

    run: str

    @property
    def run_changed(self) -> SignalInstance:
        """Signal: ``run`` changed."""

    def choose_run(self, run: str) -> None:
        """Show another run."""


@runtime_checkable
class SetsUpRuns(Protocol):
    """State of a panel in which runs are set up."""

    def set_up(self, family: str) -> None:
        """Choose a family for the next run."""


@dataclass(frozen=True)
class Place:
    """Entry of a panel: all that the window needs before the panel is built.

    Args:
        name: the panel's object name.
        title: shown in the sidebar, the View menu and Help.
        icon: name of the icon.
        tip: purpose of the panel.
        panel: class of the panel as ``module:Class``; constructed with its state and the library of runs.
        state: class of the panel's state as ``module:Class``; the studio holds one object of it.
        shows: predicate: the panel can show this run; None: it shows no runs, else the state is a ``RunState``.
        first_for: capability (one of ``CAPABILITIES``) of the models that are explored here rather than in the panels
            before it; empty: none.
        first: the runs that it shows are explored here rather than in any other panel.
        preload: further modules that the panel imports only when it first needs them, loaded while the window is idle.
    """

    name: str
    title: str
    icon: str
    tip: str
    panel: str
    state: str
    shows: Shows | None = None
    first_for: str = ""
    first: bool = False
    preload: tuple[str, ...] = ()

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules to load before the panel is needed."""
        return (self.panel.partition(":")[0], *self.preload)

    def state_in(self, studio: Studio) -> object:
        """Return the panel's state in a studio, created at the first call; its module is imported now."""
        return studio.state(_attribute(self.state))

    def build(self, studio: Studio) -> Panel:
        """Create the panel on the studio's state; its module is imported now.

        Raises:
            ValueError: when ``panel`` names no panel of this name.
        """
        kind = _attribute(self.panel)
        if not _is_panel(kind, self.name):
            raise ValueError(f"{self.panel!r} is not a Panel named {self.name!r}; write module:Class of one.")
        panel: Panel = kind(self.state_in(studio), studio.library)
        panel.setAccessibleName(f"{self.title} panel")
        return panel


def _attribute(path: str) -> Any:
    """Attribute of a module, from ``module:name``; None when the module has no such attribute."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name, None)


def _is_panel(kind: object, name: str) -> bool:
    return isinstance(kind, type) and issubclass(kind, Panel) and kind.name == name


def place_key(number: int) -> str:
    """Return the shortcut of a place, from its number in the sidebar, 1, 2, …; empty: there is no digit for it."""
    if number > 20:
        return ""
    return f"Ctrl+{number % 10}" if number <= 10 else f"Alt+{number % 10}"


def any_run(_library: RunLibrary, _info: RunInfo) -> bool:
    """Predicate: every run, with weights or without."""
    return True


def explores(place: Place) -> bool:
    """Return whether a place is made for exploring certain models, and not for runs of any kind."""
    return place.shows is not None and place.shows is not any_run


def trained_run(capability: str) -> Shows:
    """Predicate: the run has weights, and its family has a capability (one of ``CAPABILITIES``; empty: any)."""

    def shows(library: RunLibrary, info: RunInfo) -> bool:
        return library.is_able(info.run, capability)

    return shows


def run_of_points(library: RunLibrary, info: RunInfo) -> bool:
    """Predicate: the run has weights, and its data are points: images of one row and one or two sub-pixels."""
    image = info.image
    return image.channels == 1 and image.height == 1 and image.width in (1, 2) and library.is_able(info.run, "")


PLACES = (
    Place(
        "atlas",
        "Atlas",
        "atlas",
        "Walk the taxonomy of generative models, with live samples and demonstrations",
        panel="gmstudio.window.gui.panels.atlas.panel:AtlasPanel",
        state="gmstudio.window.state.atlas.state:AtlasState",
    ),
    Place(
        "labs",
        "Foundations",
        "labs",
        "Work with the ideas beneath the models: laboratories to set and drag, and exercises of public courses",
        panel="gmstudio.window.gui.panels.labs.panel:LabsPanel",
        state="gmstudio.window.state.labs.state:LabsState",
    ),
    Place(
        "data",
        "Data",
        "data",
        "Look at data sets, and import your own images",
        panel="gmstudio.window.gui.panels.data.panel:DataPanel",
        state="gmstudio.window.state.data.state:DataState",
    ),
    Place(
        "train",
        "Train",
        "train",
        "Choose a model, train it, and watch it learn",
        panel="gmstudio.window.gui.panels.train.panel:TrainPanel",
        state="gmstudio.window.state.training.state:TrainingState",
        shows=any_run,
        preload=("gmstudio.window.gui.widgets.plots.curve_plot",),
    ),
    Place(
        "plane",
        "Plane",
        "plane",
        "See models of points whole: densities over the plane, side by side",
        panel="gmstudio.window.gui.panels.plane.panel:PlanePanel",
        state="gmstudio.window.state.plane.state:PlaneState",
        shows=run_of_points,
        first=True,
    ),
    Place(
        "pixels",
        "Pixels",
        "pixels",
        "Step through the generation of an image, pixel by pixel",
        panel="gmstudio.window.gui.panels.pixels.panel:PixelsPanel",
        state="gmstudio.window.state.pixels.state:PixelsState",
        shows=trained_run("pixel_session"),
    ),
    Place(
        "latents",
        "Latents",
        "latents",
        "Move through a latent space and see the decoded image",
        panel="gmstudio.window.gui.panels.latents.panel:LatentsPanel",
        state="gmstudio.window.state.latents.state:LatentsState",
        shows=trained_run("decode"),
    ),
    Place(
        "chains",
        "Chains",
        "chains",
        "Watch Markov chains, denoising, flow layers and training itself as trajectories",
        panel="gmstudio.window.gui.panels.chains.panel:ChainsPanel",
        state="gmstudio.window.state.chains.state:ChainsState",
        shows=trained_run(""),
        first_for="chain",
    ),
    Place(
        "density",
        "Density",
        "density",
        "Score images under models: likelihoods, anomalies, quality of samples, lossless compression",
        panel="gmstudio.window.gui.panels.density.panel:DensityPanel",
        state="gmstudio.window.state.density.state:DensityState",
        shows=trained_run(""),
    ),
    Place(
        "features",
        "Features",
        "features",
        "Use what models compute of an image: classifiers with few labels, fine-tuning, maps of images",
        panel="gmstudio.window.gui.panels.features.panel:FeaturesPanel",
        state="gmstudio.window.state.features.state:FeaturesState",
        shows=trained_run(""),
    ),
    Place(
        "runs",
        "Runs",
        "runs",
        "Find, compare and keep runs: the library, time travel, branches",
        panel="gmstudio.window.gui.panels.runs.panel:RunsPanel",
        state="gmstudio.window.state.runs.state:RunsState",
        shows=any_run,
    ),
)
"""In the order of the sidebar; Ctrl+1, Ctrl+2 … Ctrl+0, then Alt+1 … open them."""
