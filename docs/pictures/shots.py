"""Parts of a picture: the real window on trained models, what is shown there as an image, and small files."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFont, QImage, QPainter
from PySide6.QtWidgets import QComboBox, QWidget

from benchmarks.window import opened_window, run_events, wait_until
from docs.pictures.models import bring
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.state.studio import Studio

HERE = Path(__file__).resolve().parent
SETTLE_S = 1.0
SIZE = (1280, 800)
CAPTION_PX, CAPTION_FONT_PX = 5 * GRID, 20
COLOURS, EXACT = 256, 176
"""Of a file's colours so many are exactly the window's."""

SomePanel = TypeVar("SomePanel", bound=Panel)


@dataclass(frozen=True, eq=False)
class Stage:
    """The window with the models of one picture.

    Args:
        window: the real one.
        studio: the state behind it.
        runs: name of a model → name of its run.
    """

    window: MainWindow
    studio: Studio
    runs: dict[str, str]

    def panel(self, kind: type[SomePanel]) -> SomePanel:
        """Go to a panel."""
        self.window.show_panel(kind.name)
        panel = self.window.findChild(kind)
        assert panel is not None, f"the window has no panel {kind.name}"
        return panel

    def choose(self, combo: str, data: str) -> None:
        """Choose an entry of a combo box as its user does, by what is behind it."""
        box = self.window.findChild(QComboBox, combo)
        assert box is not None, f"the window has no combo box {combo}"
        index = box.findData(data)
        assert index >= 0, f"{combo} offers no {data}"
        box.setCurrentIndex(index)
        box.activated.emit(index)


@dataclass(frozen=True)
class Picture:
    """One file.

    Args:
        name: of the file, without its suffix.
        models: that it shows.
        take: makes the image.
        mode: the theme.
        examples: the window has the ready models of the program.
    """

    name: str
    models: tuple[str, ...]
    take: Callable[[Stage], QImage]
    mode: Literal["dark", "light"]
    examples: bool = False


@dataclass(frozen=True)
class Film:
    """One file of many frames, which shows ready models.

    Args:
        name: of the file, without its suffix.
        take: makes the frames.
        mode: the theme.
    """

    name: str
    take: Callable[[Stage], Iterator[QImage]]
    mode: Literal["dark", "light"]


@contextmanager
def opened_stage(mode: Literal["dark", "light"], models: Sequence[str] = (), *, examples: bool) -> Iterator[Stage]:
    """A window of its own for a picture, with copies of its models and nothing else but examples, where wanted."""
    with opened_window(*SIZE, examples=examples) as (window, studio):
        theme().set_mode(mode)
        wait_until(lambda: bool(studio.library.home), "the place of the runs")
        yield Stage(window, studio, bring(studio, models))


def settle(seconds: float = SETTLE_S) -> None:
    """Let answers arrive and be painted."""
    run_events(seconds)


def grab(widget: QWidget) -> QImage:
    """Picture of a widget after its last change."""
    settle()
    return widget.grab().toImage()


def sheet(cells: Sequence[tuple[str, QImage]], columns: int = 2) -> QImage:
    """Images of one size in rows, each under its caption."""
    width, height = cells[0][1].width(), cells[0][1].height()
    rows = -(-len(cells) // columns)
    gap, step = GRID, height + CAPTION_PX
    whole = QImage(columns * (width + gap) - gap, rows * (step + gap) - gap, QImage.Format.Format_RGB32)
    whole.fill(theme().color("border"))
    painter = QPainter(whole)
    font = QFont(painter.font())
    font.setPixelSize(CAPTION_FONT_PX)
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(theme().color("text"))
    for place, (caption, image) in enumerate(cells):
        left, top = place % columns * (width + gap), place // columns * (step + gap)
        bar = QRect(left, top, width, CAPTION_PX)
        painter.fillRect(bar, theme().color("raised"))
        painter.drawText(bar.adjusted(2 * GRID, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, caption)
        painter.drawImage(left, top + CAPTION_PX, image)
    painter.end()
    return whole


def save(image: QImage, name: str) -> Path:
    """Write a PNG of at most 256 colours, which is a third of the size and looks the same."""
    path = HERE / f"{name}.png"
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    pixels_HWC = rows[:, : 3 * rgb.width()].reshape(rgb.height(), rgb.width(), 3)
    palette = _palette(pixels_HWC)
    few = Image.fromarray(_places(pixels_HWC, palette))
    few.putpalette(palette.tobytes())
    few.save(path, optimize=True)
    return path


def _palette(pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(COLOURS, 3): the most frequent colours, those of the theme and of large pixels, and some for all others."""
    found, counts = np.unique(_packed(pixels_HWC), return_counts=True)
    rising = found[np.argsort(counts)].view(np.uint8).reshape(-1, 4)[:, :3]
    frequent, others = rising[-EXACT:], rising[:-EXACT]
    if not len(others):
        return frequent
    chosen = Image.fromarray(others[np.newaxis]).quantize(COLOURS - EXACT, Image.Quantize.FASTOCTREE).getpalette()
    return np.concatenate([frequent, np.array(chosen, np.uint8).reshape(-1, 3)])[:COLOURS]


def _places(pixels_HWC: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W): for each pixel the place of the nearest colour of a palette."""
    found, where = np.unique(_packed(pixels_HWC), return_inverse=True)
    colours = found.view(np.uint8).reshape(-1, 4)[:, :3].astype(np.float32)
    known = palette.astype(np.float32)
    far = np.square(known).sum(1) - 2 * colours @ known.T  # squared distances, but for what a colour has to all
    nearest: NDArray[np.uint8] = far.argmin(1).astype(np.uint8)
    return nearest[where].reshape(pixels_HWC.shape[:2])


def _packed(pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """(H · W,): each colour as one number, whose bytes are red, green, blue, 0."""
    zeros = np.zeros((*pixels_HWC.shape[:2], 1), np.uint8)
    return np.concatenate([pixels_HWC, zeros], axis=2).reshape(-1, 4).view("<u4")[:, 0]
