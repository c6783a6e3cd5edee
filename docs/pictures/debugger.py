"""Pictures of the Pixels panel as a debugger, on models that are trained for it in a few minutes.

``make pictures`` takes them with the others; this file alone takes only them. With ``--data-dir`` the colour images are
CIFAR-10's, scaled to 16×16, and otherwise digits in colours.
"""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shots import learn, settle, take  # first: it makes benchmarks/ importable

from benchmarks.window import opened_window, wait_until
from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.panels.pixels import PixelsPanel
from gmstudio.gui.panels.pixels_compare import CompareView
from gmstudio.gui.panels.pixels_insight import InsightView
from gmstudio.session.pixel_compare import comparison_of
from gmstudio.session.studio import Studio

CIFAR_SIZE, DIGIT_SIZE = 16, 8
SMALL_CNN = {"num_blocks": 3, "num_channels": 32, "num_head_channels": 32}
SMALL_GATED = {"num_layers": 3, "num_channels": 24, "num_head_channels": 24, "num_classes": 10}


class Debugger:
    """The panel in the hands of a user.

    Args:
        window: the real one.
        studio: the state behind it.
    """

    def __init__(self, window: MainWindow, studio: Studio) -> None:
        self.window, self.studio, self.pixels = window, studio, studio.pixels
        window.show_panel("pixels")  # which makes it
        panel = window.findChild(PixelsPanel)
        assert panel is not None, "the window has no Pixels panel"
        self.panel = panel

    def learn(self, family: str, steps: int, config: Mapping[str, Any], *data: Any) -> str:
        """Train out of the panel's sight, which would open the run at once, with what it knew then."""
        self.window.show_panel("train")
        return learn(self.studio, family, steps, config, *data)

    def open(self, run: str) -> None:
        """Look at a run, from an empty image."""
        self.window.show_panel("pixels")
        self.pixels.choose_run(run)
        wait_until(lambda: self.pixels.state is not None and not self.pixels.walk.opening, "an open generation")

    def draw_to(self, step: int) -> None:
        """Generate up to a step."""
        self.pixels.walk.draw_to(step)
        wait_until(lambda: self.pixels.state is not None and self.pixels.state.step == step, f"step {step}")
        settle()

    def give(self, index: int) -> None:
        """Begin from one of the first images of the validation split."""
        self.pixels.browse()
        wait_until(lambda: self.pixels.images.data is not None, "images of the data")
        self.pixels.give(index)
        settle()

    @property
    def insight(self) -> InsightView:
        """The view of what the model looks at."""
        return next(view for _, view in self.panel.further if isinstance(view, InsightView))

    @property
    def comparison(self) -> CompareView:
        """The view of two models on the same pixels."""
        return next(view for _, view in self.panel.further if isinstance(view, CompareView))

    def show(self, view: InsightView | CompareView) -> None:
        """Bring one of the further views to the front, its map large."""
        self.panel.tabs.setCurrentWidget(view)
        view.large.setChecked(True)
        view.refresh()
        settle()


def take_debugger(window: MainWindow, studio: Studio, data_dir: str = "") -> None:
    """Train six models, and take a picture of what each can be asked.

    Args:
        window: the real one.
        studio: the state behind it.
        data_dir: folder of CIFAR-10's binary files; empty: digits in colours.
    """
    debugger = Debugger(window, studio)
    _take_what_it_looks_at(debugger, debugger.learn("pixelcnn", 300, SMALL_CNN))
    _take_order(debugger, debugger.learn("made", 400, {"num_hidden": 200, "num_orders": 8}))
    nade = debugger.learn("nade", 400, {"num_hidden": 100, "order_agnostic": True})
    _take_inpainting(debugger, nade)
    _take_comparison(debugger, debugger.learn("fvbn", 400, {}), nade)
    with tempfile.TemporaryDirectory() as folder:
        size = CIFAR_SIZE if data_dir else DIGIT_SIZE
        if not data_dir:
            from colours import write_coloured_digits

            write_coloured_digits(Path(folder))
        data = {"folder": data_dir or folder, "size": size, "levels": 256}
        config = {"num_hidden": 100, "order_agnostic": True}
        _take_colours(debugger, debugger.learn("nade", 400, config, "cifar10", data))
    _take_receptive_field(debugger, debugger.learn("gated_pixelcnn", 150, SMALL_GATED))


def _take_what_it_looks_at(debugger: Debugger, run: str) -> None:
    debugger.open(run)
    debugger.draw_to(44)
    debugger.show(debugger.insight)
    take(debugger.window, "debugger-looks-at", ("dark",))


def _take_order(debugger: Debugger, run: str) -> None:
    debugger.open(run)
    debugger.pixels.choose_order("spiral")
    settle()
    debugger.draw_to(40)
    debugger.panel.tabs.setCurrentWidget(debugger.panel.order)
    debugger.panel.ranks.trigger()
    take(debugger.window, "debugger-order", ("light",))
    for _ in range(2):
        debugger.panel.ranks.trigger()


def _take_inpainting(debugger: Debugger, run: str) -> None:
    debugger.open(run)
    debugger.panel.tabs.setCurrentWidget(debugger.panel.given)
    debugger.give(2)
    debugger.pixels.givens.choose_preset("inpainting")
    settle()
    debugger.draw_to(56)
    take(debugger.window, "debugger-inpainting", ("dark",))


def _take_comparison(debugger: Debugger, run: str, other: str) -> None:
    debugger.open(run)
    debugger.draw_to(45)
    comparison_of(debugger.pixels).choose(other)
    debugger.show(debugger.comparison)
    take(debugger.window, "debugger-compare", ("light",))


def _take_receptive_field(debugger: Debugger, run: str) -> None:
    """Of a class-conditional model without a blind spot."""
    debugger.open(run)
    debugger.pixels.choose_label(3)
    settle()
    debugger.draw_to(44)
    debugger.show(debugger.insight)
    debugger.insight.mode.setCurrentIndex(1)
    take(debugger.window, "debugger-receptive-field", ("light",))


def _take_colours(debugger: Debugger, run: str) -> None:
    """Half of a real image, a pixel whose red is there and whose green comes next, and its mixture of 256 values."""
    debugger.open(run)
    debugger.give(1)
    state = debugger.pixels.state
    assert state is not None, "a generation is open"
    middle = state.spec.width * (state.spec.height // 2) + state.spec.width // 2
    debugger.draw_to(3 * middle + 1)
    debugger.panel.tabs.setCurrentWidget(debugger.panel.surprise)
    take(debugger.window, "debugger-colours", ("dark",))


def data_dir_from_command_line() -> str:
    """What ``--data-dir`` says; empty when it says nothing."""
    parser = argparse.ArgumentParser(description="Take pictures of the real window.")
    parser.add_argument("--data-dir", default="", help="folder of CIFAR-10's binary files")
    return str(parser.parse_args().data_dir)


if __name__ == "__main__":
    with opened_window(1280, 800) as (window, studio):
        take_debugger(window, studio, data_dir_from_command_line())
