"""Pictures of the Pixels panel: six autoregressive families, each asked something else."""

from collections.abc import Callable

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab, settle, sheet
from gmstudio.window.gui.panels.pixels.attribution import AttributionView
from gmstudio.window.gui.panels.pixels.comparison import CompareView
from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.state.pixels.comparison import comparison_of

MIDDLE = 35
RECEPTIVE_FIELD = 1
"""Place of the attribution view's second mode."""


class Debugger:
    """The panel in the hands of a user.

    Args:
        stage: the window with the models.
    """

    def __init__(self, stage: Stage) -> None:
        self.runs = stage.runs
        self.panel = stage.panel(PixelsPanel)
        self.pixels = stage.studio.pixels

    def open(self, model: str) -> None:
        """Look at a model, from an empty image."""
        self.panel.run.choose(self.runs[model])
        wait_until(lambda: self.pixels.state is not None and not self.pixels.navigator.opening, "an open generation")

    def draw_to(self, step: int) -> None:
        """Generate up to a step."""
        self.pixels.navigator.draw_to(step)
        wait_until(lambda: self.pixels.state is not None and self.pixels.state.step == step, f"step {step}")

    def give(self, index: int) -> None:
        """Begin from one of the first images of the validation split."""
        self.pixels.browse()
        wait_until(lambda: self.pixels.images.data is not None, "images of the data")
        self.pixels.give(index)
        settle()

    def show(self, view: QWidget) -> None:
        """Bring a view to the front."""
        self.panel.tabs.setCurrentWidget(view)

    def show_large(self, kind: type[AttributionView] | type[CompareView]) -> AttributionView | CompareView:
        """Bring one of the further views to the front, its map where the image was."""
        view = next(view for _, view in self.panel.further if isinstance(view, kind))
        self.show(view)
        view.large.setChecked(True)
        view.refresh()
        return view


def take_stepping(stage: Stage) -> QImage:
    """An image in the making: the conditional of the next pixel, and the surprisal of those before."""
    debugger = Debugger(stage)
    debugger.open("pixelcnn")
    debugger.draw_to(MIDDLE)
    return grab(stage.window)


def take_colours(stage: Stage) -> QImage:
    """Half of a real image, a pixel whose red is there and whose green comes next, and its mixture of 256 values."""
    debugger = Debugger(stage)
    debugger.open("nade-in-colours")
    debugger.give(1)
    state = debugger.pixels.state
    assert state is not None, "a generation is open"
    middle = state.spec.width * (state.spec.height // 2) + state.spec.width // 2
    debugger.draw_to(3 * middle + 1)
    debugger.show(debugger.panel.surprisal)
    return grab(stage.window)


def take_families(stage: Stage) -> QImage:
    """Six families, each asked something else."""
    debugger = Debugger(stage)
    cells = []
    for caption, ask in QUESTIONS:
        ask(debugger)
        cells.append((caption, grab(debugger.panel)))
    return sheet(cells)


def _what_it_looks_at(debugger: Debugger) -> None:
    debugger.open("pixelcnn")
    debugger.draw_to(44)
    debugger.show_large(AttributionView)


def _receptive_field(debugger: Debugger) -> None:
    """Of a class-conditional model without a blind spot."""
    debugger.open("gated-pixelcnn")
    debugger.pixels.choose_label(3)
    settle()
    debugger.draw_to(MIDDLE)
    view = debugger.show_large(AttributionView)
    assert isinstance(view, AttributionView), "it is the view that was asked for"
    view.mode.setCurrentIndex(RECEPTIVE_FIELD)


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
    debugger.show(debugger.panel.given)
    debugger.give(2)
    debugger.pixels.givens.choose_preset("inpainting")
    settle()
    debugger.draw_to(56)


def _comparison(debugger: Debugger) -> None:
    debugger.open("fvbn")
    debugger.draw_to(45)
    comparison_of(debugger.pixels).choose(debugger.runs["nade"])
    debugger.show_large(CompareView)


def _continuations(debugger: Debugger) -> None:
    debugger.open("diagonal-bilstm")
    debugger.draw_to(MIDDLE)
    debugger.pixels.continuation()
    wait_until(lambda: not debugger.pixels.forking, "the continuations")


QUESTIONS: tuple[tuple[str, Callable[[Debugger], None]], ...] = (
    ("PixelCNN: what it looks at, as a gradient", _what_it_looks_at),
    ("Gated PixelCNN, class 3: its receptive field, without a blind spot", _receptive_field),
    ("MADE: generating along a spiral", _order),
    ("NADE: filling a hole in a real image", _inpainting),
    ("FVBN beside NADE, on the same pixels", _comparison),
    ("Diagonal BiLSTM: sixteen continuations", _continuations),
)

SIX = ("pixelcnn", "gated-pixelcnn", "made", "nade", "fvbn", "diagonal-bilstm")
PICTURES = (
    Picture("pixels", ("pixelcnn",), take_stepping, "dark"),
    Picture("pixels-colours", ("nade-in-colours",), take_colours, "dark"),
    Picture("pixels-families", SIX, take_families, "light"),
)
