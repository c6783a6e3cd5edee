"""State of the page Pictures: samples of the compared runs, and picture files, to be laid over one another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.media.levels import opaque
from gmstudio.window.state.runs.compare import CompareState
from gmstudio.window.state.runs.compare_grids import ComparedGrids, ShownGrid
from gmstudio.window.state.runs.state import MAX_COMPARED, RunsState


@dataclass(frozen=True, eq=False)
class PictureFile:
    """Picture from a file or the clipboard.

    Args:
        name: of the file.
        pixels: (C, H, W) uint8, 0 … 255; C is 1 or 3.
        packed: the same as (H, W, 4) uint8, blue, green, red and 255, as it is drawn without a further conversion.
    """

    name: str
    pixels: NDArray[np.uint8]
    packed: NDArray[np.uint8]

    @classmethod
    def of(cls, name: str, pixels: NDArray[np.uint8]) -> "PictureFile":
        """Convert what was read, (rows, columns, 1, 3 or 4); a large picture takes a while, so do it in a thread."""
        solid = opaque(pixels)
        packed = np.full((*solid.shape[1:], 4), 255, np.uint8)
        packed[..., :3] = np.moveaxis(solid[::-1], 0, -1)
        return cls(name, solid, packed)


@dataclass(frozen=True, eq=False)
class PictureSource:
    """One of the pictures that are compared.

    Args:
        name: of the run or the file.
        colour: index of its colour.
        run: the run; empty: a file.
        grid: samples of the run; None: there are none yet, or it is a file.
        levels: values that a sub-pixel of the run's samples can take.
        file: the file; None: it is a run.
    """

    name: str
    colour: int
    run: str = ""
    grid: ShownGrid | None = None
    levels: int = 256
    file: PictureFile | None = None


class PicturesState(QObject):
    """The compared runs and further picture files, ``MAX_COMPARED`` in all, runs first.

    Args:
        owner: state of the panel.

    Attributes:
        compared: the runs.
        grids: their samples.
        files: the files, in the order in which they were opened.
        image: number of the sample that is compared, from 1; 0: all of them, as a sheet.

    Signals:
        changed: what is compared.
    """

    changed = Signal()

    def __init__(self, owner: RunsState) -> None:
        super().__init__(owner)
        self._edits = owner.edits
        self.compared, self.grids = owner.page(CompareState), owner.page(ComparedGrids)
        self.files: tuple[PictureFile, ...] = ()
        self.image = 0
        self._edits.add_part("compared picture files", lambda: self.files, self._set_files)
        self.grids.changed.connect(self.changed)
        self.compared.runs_changed.connect(self.changed)

    @property
    def full(self) -> bool:
        """No more can be compared."""
        return len(self.compared.runs) + len(self.files) >= MAX_COMPARED

    @property
    def sources(self) -> tuple[PictureSource, ...]:
        """Pictures that are compared; files that are too many wait until a run is removed."""
        names, infos = self.compared.names(), self.compared.infos
        taken = {self.compared.colour(run) for run in self.compared.runs}
        free = (index for index in range(2 * MAX_COMPARED) if index not in taken)
        runs = [
            PictureSource(
                name=names.get(run, run),
                colour=self.compared.colour(run),
                run=run,
                grid=self.grids.grid(run),
                levels=_levels_of(infos[run].image.levels, self.grids.grid(run)) if run in infos else 256,
            )
            for run in self.compared.runs
        ]
        files = [PictureSource(name=file.name, colour=next(free), file=file) for file in self.files]
        return tuple([*runs, *files][:MAX_COMPARED])

    @property
    def count(self) -> int:
        """Number of samples that all runs have."""
        return min((len(one.grid.images) for one in self.sources if one.grid is not None), default=0)

    def set_active(self, active: bool) -> None:
        """Open the runs only while the page is on the screen."""
        self.compared.set_active(active)

    def set_image(self, number: int) -> None:
        """Compare one sample of each run; 0: all of them."""
        if number != self.image:
            self.image = number
            self.changed.emit()

    def add_file(self, opened: PictureFile) -> None:
        """Compare one more picture; in place of the newest file where there is no room, if there is a file."""
        with self._edits.recording("Open a picture", of_run=False):
            kept = self.files[:-1] if self.full and self.files else self.files
            self._set_files((*kept, opened))

    def remove(self, place: int) -> None:
        """Compare without the source at a place."""
        source = self.sources[place]
        if source.run:
            self.compared.remove(source.run)
        else:
            with self._edits.recording("Close a picture", of_run=False):
                self._set_files(tuple(file for file in self.files if file is not source.file))

    def move_left(self, place: int) -> None:
        """Move a source one place to the left; files stay behind the runs."""
        source = self.sources[place]
        if source.run:
            self.compared.move(source.run, -1)
            return
        at = next(number for number, file in enumerate(self.files) if file is source.file)
        if at > 0:
            with self._edits.recording("Move a picture", of_run=False):
                files = list(self.files)
                files[at - 1], files[at] = files[at], files[at - 1]
                self._set_files(tuple(files))

    def _set_files(self, files: tuple[PictureFile, ...]) -> None:
        self.files = files
        self.changed.emit()


def _levels_of(levels: int, grid: ShownGrid | None) -> int:
    """Levels of the images of a grid: means of a decoder are no levels of the data."""
    return levels if grid is not None and grid.kind == "samples" else 256
