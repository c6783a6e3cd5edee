"""Pictures of the Pixels panel: six autoregressive families, each with another view."""

from collections.abc import Callable

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab, settle, sheet
from gmstudio.window.gui.panels.pixels.heat_maps import MapView
from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.state.pixels.state import PixelsState

MIDDLE = 35
RECEPTIVE_FIELD = 1
"""Place of the attribution view's second mode."""


class Debugger:
    """The panel, operated as by a user.

    Args:
        stage: the window with the models.
    """

    def __init__(self, stage: Stage) -> None:
        self.runs = stage.runs
        self.panel = stage.panel(PixelsPanel)
        self.pixels = stage.studio.state(PixelsState)

    def open(self, model: str) -> None:
        """Open a model of the picture, or a ready one, with an empty image."""
        self.panel.run.choose(self.runs.get(model, f"examples/{model}"))
        wait_until(lambda: self.pixels.state is not None and not self.pixels.navigator.opening, "an open generation")

    def draw_to(self, step: int) -> None:
        """Generate up to a step."""
        self.pixels.navigator.draw_to(step)
        wait_until(lambda: self.pixels.state is not None and self.pixels.state.step == step, f"step {step}")

    def condition_on(self, index: int) -> None:
        """Condition on one of the first images of the validation split."""
        self.pixels.browse()
        wait_until(lambda: self.pixels.images.data is not None, "images of the data")
        self.pixels.condition_on(index)
        settle()

    def show(self, view: QWidget) -> None:
        """Bring a view to the front."""
        self.panel.tabs.setCurrentWidget(view)

    def show_large(self, view: MapView) -> None:
        """Bring a view to the front, its map over the large image."""
        self.show(view)
        view.large.setChecked(True)
        view.refresh()


def take_stepping(stage: Stage) -> QImage:
    """A partial image: the conditional of the next pixel, and the surprisal of the earlier ones."""
    debugger = Debugger(stage)
    debugger.open("pixelcnn")
    debugger.draw_to(MIDDLE)
    return grab(stage.window)


def take_colours(stage: Stage) -> QImage:
    """Half of a real image, a pixel whose red is placed and whose green is next, and its mixture of 256 values."""
    debugger = Debugger(stage)
    debugger.open("nade-in-colours")
    debugger.condition_on(1)
    state = debugger.pixels.state
    assert state is not None, "a generation is open"
    middle = state.spec.width * (state.spec.height // 2) + state.spec.width // 2
    debugger.draw_to(3 * middle + 1)
    debugger.show(debugger.panel.surprisal)
    return grab(stage.window)


def take_guessing(stage: Stage) -> QImage:
    """A round of a guess of all pixels, halfway to the last one."""
    debugger = Debugger(stage)
    debugger.open("pixelcnn")
    debugger.panel.guess.guess.trigger()
    guessing = debugger.pixels.guessing
    wait_until(lambda: guessing.film is not None and guessing.film.done, "the last round")
    guessing.seek(guessing.length // 3)
    guessing.pause()
    return grab(stage.window)


def take_families(stage: Stage) -> QImage:
    """Six families, each with another view."""
    debugger = Debugger(stage)
    cells = []
    for caption, prepare in SCENES:
        prepare(debugger)
        cells.append((caption, grab(debugger.panel)))
    return sheet(cells)


def _saliency(debugger: Debugger) -> None:
    debugger.open("pixelcnn")
    debugger.draw_to(44)
    debugger.show_large(debugger.panel.attribution)


def _receptive_field(debugger: Debugger) -> None:
    """Of a class-conditional model without a blind spot."""
    debugger.open("gated-pixelcnn")
    debugger.pixels.choose_label(3)
    settle()
    debugger.draw_to(MIDDLE)
    debugger.show_large(debugger.panel.attribution)
    debugger.panel.attribution.mode.setCurrentIndex(RECEPTIVE_FIELD)


def _order(debugger: Debugger) -> None:
    debugger.open("made")
    debugger.pixels.choose_order("spiral")
    settle()
    debugger.draw_to(40)
    debugger.show(debugger.panel.order)
    debugger.panel.ranks.trigger()


def _inpainting(debugger: Debugger) -> None:
    debugger.panel.ranks.trigger()
    debugger.panel.ranks.trigger()
    debugger.open("nade")
    debugger.show(debugger.panel.conditioning)
    debugger.condition_on(2)
    debugger.pixels.conditioning.choose_preset("inpainting")
    settle()
    debugger.draw_to(56)


def _comparison(debugger: Debugger) -> None:
    debugger.open("fvbn")
    debugger.draw_to(45)
    debugger.pixels.comparison.choose(debugger.runs["nade"])
    debugger.show_large(debugger.panel.comparison)


def _continuations(debugger: Debugger) -> None:
    debugger.open("diagonal-bilstm")
    debugger.draw_to(MIDDLE)
    debugger.pixels.sample_continuations()
    wait_until(lambda: not debugger.pixels.continuations.running, "the continuations")


SCENES: tuple[tuple[str, Callable[[Debugger], None]], ...] = (
    ("PixelCNN: saliency, as a gradient", _saliency),
    ("Gated PixelCNN, class 3: its receptive field, without a blind spot", _receptive_field),
    ("MADE: generating along a spiral", _order),
    ("NADE: inpainting a masked real image", _inpainting),
    ("FVBN beside NADE, on the same pixels", _comparison),
    ("Diagonal BiLSTM: sixteen continuations", _continuations),
)

SIX = ("pixelcnn", "gated-pixelcnn", "made", "nade", "fvbn", "diagonal-bilstm")
PICTURES = (
    Picture("pixels", ("pixelcnn",), take_stepping, "dark"),
    Picture("pixels-colours", ("nade-in-colours",), take_colours, "dark"),
    Picture("pixels-guessing", (), take_guessing, "dark", examples=True),
    Picture("pixels-families", SIX, take_families, "light"),
)
