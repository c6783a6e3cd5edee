"""Export of the tiles: a picture, a film of the training, and the grid as a table, each with its provenance."""

import csv
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QIODevice, QObject, Signal
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QMenu, QWidget

from gmstudio.media import Provenance, comment_lines, metadata_of
from gmstudio.media.writing import put_in_place
from gmstudio.protocol.points import PointAxis
from gmstudio.window.client.background_task import Background
from gmstudio.window.gui.panels.plane.film import TrainingFilm
from gmstudio.window.gui.panels.plane.pictures import tiles_image, tiles_svg
from gmstudio.window.gui.panels.plane.stage import Stage
from gmstudio.window.gui.widgets import export_menu as menus
from gmstudio.window.state.plane.state import PlaneState

Content = Literal["png", "svg", "csv", "gif"]
TITLES: dict[Content, str] = {
    "png": "Planes as PNG…",
    "svg": "Planes as SVG…",
    "csv": "Grid as CSV…",
    "gif": "Film of the training as GIF…",
}
FILES: dict[Content, str] = {"png": "planes", "svg": "planes", "csv": "planes", "gif": "training"}
SUFFIXES: dict[Content, str] = {content: content for content in TITLES}
SCALE = 2.0
NO_SURFACE = "There is no surface yet."
NOTHING_RECORDED = "No surfaces were recorded while these runs trained."
Column = tuple[str, NDArray[np.floating]]


class PlaneExport(QObject):
    """Writes one file at a time, in a thread.

    Args:
        state: state of the panel.
        stage: the tiles.

    Attributes:
        film: of the training.
        message: path of the file that was written last, or the reason why there is none; "" before.
        failed: the message is a reason.

    Signals:
        changed: the message changed.
    """

    changed = Signal()
    suffixes = SUFFIXES

    def __init__(self, state: PlaneState, stage: Stage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.message, self.failed = "", False
        self._state, self._stage = state, stage
        self.film = TrainingFilm(state, stage, self)
        self.film.changed.connect(lambda: self._report(self.film.message, failed=self.film.failed))
        self._background = Background(self)
        self._background.done.connect(lambda path: self._report(f"Written: {path}"))
        self._background.failed.connect(lambda problem: self._report(problem, failed=True))

    def problem(self, content: Content) -> str:
        """Reason why nothing of this kind can be written now; "": it can."""
        if not any(tile.surface is not None for tile in self._state.tiles):
            return NO_SURFACE
        return NOTHING_RECORDED if content == "gif" and len(self._state.place.stops) < 2 else ""

    def start(self, content: Content, path: str) -> None:
        """Write a file; the end of its name is completed."""
        target = Path(path)
        if target.suffix.lower() != f".{self.suffixes[content]}":
            target = target.with_name(f"{target.name}.{self.suffixes[content]}")
        if problem := self.problem(content):
            self._report(problem, failed=True)
        elif content == "gif":
            self.film.start(str(target), self.origin())
        else:
            self._background.start(partial(_write, target, self._prepared(content)))

    def origin(self) -> Provenance:
        """Provenance of what the tiles show: the chosen run, and all runs with their steps and methods."""
        state = self._state
        tile = state.chosen
        info = state.info(tile) if tile is not None else None
        surface = tile.surface if tile is not None else None
        return Provenance(
            family=info.spec.family if info is not None else "",
            run=info.title if info is not None else "",
            folder=state.run,
            created=info.created if info is not None else "",
            step=surface.step if surface is not None else -1,
            seed=state.seed,
            shows="plane",
            panel="plane",
            details=self.details(),
        )

    def details(self) -> dict[str, str]:
        """Each tile's run, step and method as keywords and texts."""
        found: dict[str, str] = {}
        for number, tile in enumerate(self._state.tiles, 1):
            info, surface = self._state.info(tile), tile.surface
            if info is not None and surface is not None:
                found[f"Plane {number}"] = f"{info.title}, step {surface.step:,}, {surface.method}, {info.run}"
        return found

    def _prepared(self, content: Content) -> Callable[[], bytes]:
        """Function that makes the file's content in a thread; what is painted is painted now."""
        texts = metadata_of(self.origin())
        if content == "svg":
            data = tiles_svg(self._stage.frames, texts)
            return lambda: data
        if content == "png":
            image = tiles_image(self._stage.frames, SCALE)
            for keyword, text in texts.items():
                image.setText(keyword, text)
            return partial(_png, image)
        return partial(grid_table, self._state.axes, self._columns(), texts)

    def _columns(self) -> list[Column]:
        truth = self._state.truth
        columns: list[Column] = [] if truth is None else [("p*", truth)]
        for tile, frame in zip(self._state.tiles, self._stage.frames, strict=False):
            if tile.surface is not None and (not columns or tile.surface.values.shape == columns[0][1].shape):
                columns.append((f"p {frame.title.words}", tile.surface.values))
        return columns

    def _report(self, message: str, *, failed: bool = False) -> None:
        self.message, self.failed = message, failed
        self.changed.emit()


def grid_table(axes: tuple[PointAxis, ...], columns: list[Column], texts: dict[str, str]) -> bytes:
    """Table of the grid: a line for each cell with its centre and the probability by each run.

    Args:
        axes: one or two.
        columns: heading and (L₂, L₁) probabilities.
        texts: written before the table, each in a line that begins with ``#``.
    """
    table = io.StringIO()
    table.write(comment_lines(texts))
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*(axis.title for axis in axes), *(name for name, _ in columns)])
    rows, levels = columns[0][1].shape
    across = [axes[0].centre(level, levels) for level in range(levels)]
    up = [axes[1].centre(level, rows) for level in range(rows)] if len(axes) == 2 else [0.0]
    for row, y in enumerate(up):
        for column, x in enumerate(across):
            place = (x, y)[: len(axes)]
            writer.writerow([*map(_short, place), *(_short(values[row, column]) for _, values in columns)])
    return table.getvalue().encode()


def export_menu(parent: QWidget, export: PlaneExport) -> QMenu:
    """Create the menu; see ``menus.export_menu``. While a film is written, it can be stopped there."""
    menu = menus.export_menu(
        parent, export, "plane.export", TITLES, FILES, "With the runs, steps and methods in the file."
    )
    if export.film.busy:
        stop = QAction("Stop the film", menu)
        stop.triggered.connect(export.film.stop)
        menu.insertAction(menu.actions()[0], stop)
    return menu


def _short(value: float) -> str:
    return f"{float(value):.7g}"


def _png(image: QImage) -> bytes:
    data = QBuffer()
    data.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(data, "PNG"):  # type: ignore[call-overload]  # the stub misses the overload without a quality
        raise ValueError(f"The picture of {image.width():,}×{image.height():,} pixels cannot be written as PNG.")
    return bytes(data.data().data())


def _write(path: Path, make: Callable[[], bytes], _stopped: Callable[[], bool]) -> str:
    with put_in_place(path, overwrite=True) as partial_path:
        partial_path.write_bytes(make())
    return str(path)
