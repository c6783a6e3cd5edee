"""Take the pictures in this folder: the real window and engine, used as the README tells, light and dark.

Run it with ``make pictures``. It trains the three families on the digits, which takes some minutes on two cores.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QAbstractSlider, QWidget

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))  # benchmarks/ is not installed

from benchmarks.window import opened_window, run_events, wait_until  # noqa: E402
from gmstudio.gui.main_window import MainWindow  # noqa: E402
from gmstudio.gui.theme import theme  # noqa: E402
from gmstudio.session.studio import Studio  # noqa: E402

MODES = ("dark", "light")
SETTLE_MS = 1500


def main() -> None:
    """Train, look, take pictures."""
    with opened_window(1280, 800) as (window, studio):
        window.show_panel("train")
        train(studio, "vae", 1200, lambda: None)
        train(studio, "gan", 2000, lambda: None)
        take_latents(window, studio, "vae")
        take_latents(window, studio, "gan")
        window.show_panel("train")
        train(studio, "pixelcnn", 1000, lambda: take(window, "train"))
        take_pixels(window, studio)


def train(studio: Studio, family: str, steps: int, when_most_is_done: Callable[[], None]) -> None:
    """Train on the digits from the panel's own settings; calls back after two thirds of the steps."""
    setup = studio.training.setup
    setup.choose_family(family)
    setup.set_training({**setup.training, "steps": steps, "seed": 1}, {})
    studio.training.start()
    wait_until(lambda: bool(studio.library.live), f"the training of {family}")
    run = studio.library.live
    wait_until(lambda: studio.engine.report is not None and studio.engine.report.step > steps * 2 // 3, family)
    when_most_is_done()
    wait_until(lambda: studio.library.live != run, f"the end of {family}")


def take_latents(window: MainWindow, studio: Studio, family: str) -> None:
    """Sliders off the centre, an encoded image where there is an encoder."""
    window.show_panel("latents")
    run = next(info.run for info in studio.library.runs if info.family == family)
    studio.latents.choose_run(run)
    wait_until(lambda: studio.latents.shown is not None, "the decoded image")
    if studio.latents.gallery.usable:
        wait_until(lambda: studio.latents.gallery.page is not None, "images of the data")
        studio.latents.gallery.choose(5)
        studio.latents.gallery.encode()
    else:
        studio.latents.randomize(7)
    settle()
    slider = window.findChild(QAbstractSlider, "latents.slider.2")
    assert slider is not None
    slider.setValue(140)
    take(window, f"latents-{family}")


def take_pixels(window: MainWindow, studio: Studio) -> None:
    """An image in the making, its conditional and its surprise; then forks from there."""
    window.show_panel("pixels")
    wait_until(lambda: studio.pixels.state is not None, "an open generation")
    studio.pixels.walk.forward(35)
    settle()
    take(window, "pixels")
    studio.pixels.fork()
    settle()
    take(window, "pixels-forks")


def settle(milliseconds: int = SETTLE_MS) -> None:
    """Let answers arrive and be painted."""
    run_events(milliseconds / 1000)


def take(window: QWidget, name: str) -> None:
    """One picture in each theme."""
    for mode in MODES:
        theme().set_mode(mode)
        settle()
        window.grab().save(str(HERE / f"{name}-{mode}.png"))
    theme().set_mode("dark")


if __name__ == "__main__":
    main()
