"""Pictures of the Plane panel: families beside the true distribution, and what they have inside."""

from dataclasses import dataclass

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab, sheet
from gmstudio.window.gui.panels.plane.panel import PlanePanel
from gmstudio.window.gui.panels.plane.tile_view import TileView, TruthView
from gmstudio.window.state.plane.state import PlaneState

FAMILIES = ("made-points", "realnvp-points", "vae-points", "gan-points")
MORE_FAMILIES = (*FAMILIES, "ddpm-points")
CELL = (480, 440)
"""Size of a plane among others, px."""


@dataclass(frozen=True)
class Inside:
    """A view of what a model has inside.

    Args:
        model: name of the model.
        view: name of the view.
        caption: caption of the cell.
        point: chosen point; None: none.
        samples: samples are drawn, too.
    """

    model: str
    view: str
    caption: str
    point: tuple[float, float] | None = None
    samples: bool = False


INSIDES = (
    Inside("made-points", "chain_rule", "MADE: p(x₁), p(x₂ | x₁) along the line, and their product"),
    Inside("realnvp-points", "warp", "Flow: a grid of the plane carried to noise by its layers, shaded by log |det J|"),
    Inside("vae-points", "posterior", "VAE: posteriors of points in the plane of codes", (1.0, 0.0)),
    Inside("ddpm-points", "paths", "Diffusion: paths from noise to points"),
    Inside("gan-points", "discriminator", "GAN: D(x) over the plane", samples=True),
    Inside("gan-points", "generator_gradients", "GAN: gradients of its loss at generated points"),
)


def _quiet(state: PlaneState) -> bool:
    """All that was asked for has arrived."""
    busy = any(tile.feed.busy or tile.inside.busy or tile.loading for tile in state.tiles)
    return not busy and all(tile.surface is not None for tile in state.tiles)


def take_families(stage: Stage) -> QImage:
    """Picture of four families and the true distribution, with the curves of their training."""
    panel, state = stage.panel(PlanePanel), stage.studio.state(PlaneState)
    first, *others = (stage.runs[name] for name in FAMILIES)
    panel.run.choose(first)
    for run in others:
        state.add_run(run)
    wait_until(lambda: len(state.tiles) == len(FAMILIES) and _quiet(state), "the surfaces")
    return grab(panel.window())


def take_more_families(stage: Stage) -> QImage:
    """Picture of five families and the true distribution, each on the plane of a tile."""
    panel, state = stage.panel(PlanePanel), stage.studio.state(PlaneState)
    cells: list[tuple[str, QImage]] = []
    for name in MORE_FAMILIES:
        panel.run.choose(stage.runs[name])
        while len(state.tiles) > 1:
            state.remove_run(next(tile.run for tile in state.tiles if tile.run != state.run))
        wait_until(lambda: _quiet(state), f"the surface of {name}")
        shown = panel.findChild(TileView)
        drawn = state.tiles[0].surface
        assert shown is not None and drawn is not None
        caption = f"{shown.title.text()} ({drawn.method}): KL {drawn.metrics.forward_kl:.3f} nats"
        cells.append((caption, _cell(shown.canvas)))
    truth = panel.findChild(TruthView)
    assert truth is not None
    cells.append(("True distribution p*", _cell(truth.canvas)))
    return sheet(cells, columns=3)


def _cell(canvas: QWidget) -> QImage:
    canvas.setFixedSize(*CELL)
    return grab(canvas)


def take_insides(stage: Stage) -> QImage:
    """Picture of six views of what models have inside."""
    panel, state = stage.panel(PlanePanel), stage.studio.state(PlaneState)
    cells: list[tuple[str, QImage]] = []
    panel.side.open("inside")
    state.set_options(truth="none")
    for inside in INSIDES:
        panel.run.choose(stage.runs[inside.model])
        while len(state.tiles) > 1:
            state.remove_run(next(tile.run for tile in state.tiles if tile.run != state.run))
        state.set_options(samples=inside.samples)
        wait_until(lambda: _quiet(state), f"the surface of {inside.model}")
        state.set_point(inside.point)
        state.choose_view(inside.view)
        wait_until(lambda: state.chosen is not None and state.chosen.inside.drawn is not None, inside.view)
        wait_until(lambda: _quiet(state), inside.view)
        cells.append((inside.caption, grab(panel)))
    return sheet(cells)


PICTURES = (
    Picture("plane", FAMILIES, take_families, "dark"),
    Picture("plane-families", MORE_FAMILIES, take_more_families, "light"),
    Picture("plane-insides", tuple(dict.fromkeys(inside.model for inside in INSIDES)), take_insides, "light"),
)
