"""Take the pictures in this folder: the real window and engine, used as the README tells, light and dark.

Run it with ``make pictures``. It trains eight models on the digits, which takes some minutes on two
cores. ``--data-dir`` is for debugger.py.
"""

from collections.abc import Callable

from debugger import data_dir_from_command_line, take_debugger  # first: it makes benchmarks/ importable
from PySide6.QtWidgets import QAbstractSlider
from shots import settle, take

from benchmarks.window import opened_window, wait_until
from gmstudio.gui.main_window import MainWindow
from gmstudio.session.studio import Studio


def main() -> None:
    """Train, look, take pictures."""
    data_dir = data_dir_from_command_line()
    with opened_window(1280, 800) as (window, studio):
        window.show_panel("train")
        train(studio, "vae", 1200, lambda: None)
        train(studio, "gan", 2000, lambda: None)
        take_latents(window, studio, "vae")
        take_latents(window, studio, "gan")
        window.show_panel("train")
        train(studio, "pixelcnn", 1000, lambda: take(window, "train"))
        take_pixels(window, studio)
        take_debugger(window, studio, data_dir)


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


if __name__ == "__main__":
    main()
