"""The film on the first page: a slider of a VAE is dragged, and a PixelCNN draws a digit pixel by pixel."""

import math
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from benchmarks.window import run_events, wait_until
from docs.pictures.shots import HERE, Film, Stage, settle
from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.pixels.state import PixelsState

FRAMES_PER_S = 10
DRAG_FRAMES, DRAW_FRAMES, REST_FRAMES = 40, 50, 10
REACH = 2.5
DECODED_S = 0.2
WIDTH = 900
COLOURS, GREYS = 256, 32
PALETTE_FRAMES = 8


def take(stage: Stage) -> Iterator[QImage]:
    """Yield the frames, the window as it is at each."""
    yield from _drag(stage)
    yield from _draw(stage)


def _drag(stage: Stage) -> Iterator[QImage]:
    """Drag two sliders of a VAE to both sides."""
    panel = stage.panel(LatentsPanel)
    latents = stage.studio.state(LatentsState)
    panel.run.choose(stage.studio.library.example("vae"))
    wait_until(lambda: latents.shown is not None, "a decoded image")
    latents.code.randomize(3)
    settle(4.0)
    dims = sorted(range(latents.code.num_dims), key=lambda dim: -abs(latents.code.values[dim]))[:2]
    for dim in dims:
        start, steps = float(latents.code.values[dim]), DRAG_FRAMES // len(dims)
        for frame in range(steps):
            phase = math.tau * frame / steps
            latents.code.set_value(dim, start * math.cos(phase) + REACH * math.sin(phase))
            run_events(DECODED_S)
            yield stage.window.grab().toImage()


def _draw(stage: Stage) -> Iterator[QImage]:
    """Generate an image; the last frame rests."""
    panel = stage.panel(PixelsPanel)
    pixels = stage.studio.state(PixelsState)
    panel.run.choose(stage.studio.library.example("pixelcnn"))
    wait_until(lambda: pixels.state is not None and not pixels.navigator.opening, "an open generation")
    settle(2.0)
    state = pixels.state
    assert state is not None, "a generation is open"
    for frame in range(1, DRAW_FRAMES + 1):
        step = state.spec.num_dims * frame // DRAW_FRAMES
        pixels.navigator.draw_to(step)
        wait_until(lambda: pixels.state is not None and pixels.state.step == step, f"step {step}")  # noqa: B023
        run_events(DECODED_S)
        yield stage.window.grab().toImage()
    for _ in range(REST_FRAMES):
        yield stage.window.grab().toImage()


def save_film(frames: Iterator[QImage], name: str) -> Path:
    """Write a GIF of one palette, smaller than the window."""
    small = [_reduced(frame) for frame in frames]
    palette = _palette(small)
    few = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in small]
    path = HERE / f"{name}.gif"
    few[0].save(path, save_all=True, append_images=few[1:], duration=1000 // FRAMES_PER_S, loop=0, optimize=True)
    return path


def _palette(frames: list[Image.Image]) -> Image.Image:
    """Palette of frames from all parts of the film, with shades of grey, of which the images consist, of its own."""
    some = frames[:: max(1, len(frames) // PALETTE_FRAMES)]
    width, height = some[0].size
    whole = Image.new("RGB", (width, height * len(some)))
    for place, frame in enumerate(some):
        whole.paste(frame, (0, place * height))
    colours = whole.quantize(COLOURS - GREYS, Image.Quantize.FASTOCTREE).getpalette() or []
    greys = [shade for step in range(GREYS) for shade in 3 * [255 * step // (GREYS - 1)]]
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours[: 3 * (COLOURS - GREYS)] + greys)
    return palette


def _reduced(frame: QImage) -> Image.Image:
    scaled = frame.scaledToWidth(WIDTH, Qt.TransformationMode.SmoothTransformation)
    rgb = scaled.convertToFormat(QImage.Format.Format_RGB888)
    size = (rgb.width(), rgb.height())
    return Image.frombuffer("RGB", size, bytes(rgb.constBits()), "raw", "RGB", rgb.bytesPerLine(), 1)


FILMS = (Film("film", take, "dark"),)
