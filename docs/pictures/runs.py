"""Pictures of the Runs panel, and of what is said when the engine was killed."""

import os
import signal

from PySide6.QtGui import QImage

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab
from docs.pictures.train import train_further
from gmstudio.window.gui.panels.runs.panel import RunsPanel
from gmstudio.window.gui.shell.banner import Banner
from gmstudio.window.state.runs.state import RunsState
from gmstudio.window.state.runs.travel import TravelState

LISTED = ("vae", "vae-beta-4", "gan", "made", "nade", "fvbn")
NAMED = {"vae": ("", "homework 2", True), "vae-beta-4": ("", "homework 2", False), "gan": ("", "collapses", False)}
"""Name of a model → the run's name, a tag, a star."""
TRAVELLED_STEP = 340


def _ready(stage: Stage, page: str) -> tuple[RunsPanel, RunsState]:
    """Open a page of the panel."""
    panel = stage.panel(RunsPanel)
    panel.tabs.show_page(page)
    return panel, stage.studio.state(RunsState)


def take_library(stage: Stage) -> QImage:
    """Picture of the table of runs, with the details of one of them."""
    panel, state = _ready(stage, "library")
    library = stage.studio.library
    for model, (name, tag, starred) in NAMED.items():
        library.annotate(stage.runs[model], name=name, tags=(tag,), starred=starred)
    starred_run = stage.runs["vae"]

    def described() -> bool:
        infos = [library.info(stage.runs[model]) for model in NAMED]
        return all(info is not None and info.tags for info in infos)

    wait_until(described, "tags and stars")
    state.choose_run(starred_run)
    return grab(panel.window())


def take_comparison(stage: Stage) -> QImage:
    """Picture of three runs on the same data, compared by curves, settings and samples."""
    panel, state = _ready(stage, "compare")
    state.compare(tuple(stage.runs[model] for model in ("vae", "vae-beta-4", "made")))
    wait_until(lambda: all(run in stage.studio.library.opened for run in state.compared), "the runs")
    return grab(panel.window())


def take_travel(stage: Stage) -> QImage:
    """Picture of a VAE early in its training: samples, reconstructions and map of codes of that step."""
    panel, state = _ready(stage, "travel")
    travel = state.page(TravelState)
    state.choose_run(stage.runs["vae"])
    wait_until(lambda: travel.opened is not None and bool(travel.stops), "the steps of the run")
    travel.go(TRAVELLED_STEP)
    wait_until(lambda: travel.shown is not None and travel.samples is not None, "images of the step")
    return grab(panel.window())


def take_crash(stage: Stage) -> QImage:
    """Picture of the window after the engine was killed in the middle of a training."""
    panel = train_further(stage, "vae")
    client = stage.studio.client
    before = client.state.pid
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: client.state.phase == "ready" and client.state.pid != before, "another engine")
    banner = panel.window().findChild(Banner)
    assert banner is not None, "the window has a banner"
    wait_until(lambda: banner.notice is not None, "the message")
    return grab(panel.window())


PICTURES = (
    Picture("runs-library", LISTED, take_library, "light"),
    Picture("runs-comparison", ("vae", "vae-beta-4", "made"), take_comparison, "dark"),
    Picture("runs-travel", ("vae",), take_travel, "dark"),
    Picture("crash", ("vae",), take_crash, "dark"),
)
