"""Restoring from a picture: its run, and where the file has codes, the interpolation through them."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from gmstudio.media import NotOursError, Provenance, read_provenance
from gmstudio.protocol.runs import RunInfo
from gmstudio.window.client.background_task import Background
from gmstudio.window.state.latents.export_sources import description_of, interpolation_of, map_view_of
from gmstudio.window.state.latents.state import CAPABILITY, LatentsState
from gmstudio.window.state.runs.library import RunLibrary, folder_name

Outcome = Literal["latents", "run", "missing", "foreign"]


@dataclass(frozen=True)
class PictureOrigin:
    """Result of restoring from a file.

    Args:
        outcome: ``latents``: its codes are shown; ``run``: its run was found, and it has no codes; ``missing``: its
            run was not found; ``foreign``: gmstudio did not write the file.
        message: a sentence.
        path: of the file.
        run: name of the run, or "".
        origin: what the file holds; None where gmstudio did not write it.
    """

    outcome: Outcome
    message: str
    path: str
    run: str = ""
    origin: Provenance | None = None


class PictureOrigins(QObject):
    """Reads files in a thread, finds their run in the library, and restores their codes in the Latents state.

    Args:
        library: of the runs.
        latents: shows the codes.

    Signals:
        restored: result for a file, a ``PictureOrigin``.
        failed: why a file cannot be read, a sentence.
    """

    restored = Signal(object)
    failed = Signal(str)

    def __init__(self, library: RunLibrary, latents: LatentsState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library, self._latents = library, latents
        self._path = ""
        self._background = Background(self)
        self._background.done.connect(self._on_read)
        self._background.failed.connect(self.failed)
        latents.saved_views.refused.connect(self.failed)

    def restore(self, path: str) -> None:
        """Read a file and restore what it shows; ``restored`` or ``failed`` follows."""
        self._path = path
        self._background.start(partial(_read, path))

    def _on_read(self, found: Provenance | NotOursError) -> None:
        if isinstance(found, NotOursError):
            self.restored.emit(PictureOrigin("foreign", str(found), self._path))
            return
        message = f"{Path(self._path).name} {description_of(found)}"
        info = find_run(self._library, found)
        if info is None:
            self.restored.emit(PictureOrigin("missing", f"{message} {_missing(found)}", self._path, origin=found))
            return
        message = f"{message}{self._with_weights_of(info, found.step)}"
        interpolation = interpolation_of(found)
        if interpolation is None or CAPABILITY not in info.capabilities:
            self.restored.emit(PictureOrigin("run", message, self._path, info.run, found))
            return
        self.restored.emit(PictureOrigin("latents", message, self._path, info.run))
        self._latents.restore(info.run, interpolation, map_view_of(found))

    def _with_weights_of(self, info: RunInfo, step: int) -> str:
        """Explore a run with the weights of a step, or of the checkpoint nearest to it; return a sentence on that."""
        library = self._library
        if step < 0 or step == library.checkpoints.steps.get(info.run, info.step) or not info.checkpoint_steps:
            return ""
        nearest = min(info.checkpoint_steps, key=lambda kept: (abs(kept - step), kept))
        newest = abs(info.step - step) <= abs(nearest - step)
        library.checkpoints.choose(info.run, None if newest else nearest)
        used = info.step if newest else nearest
        if used == step:
            return f" It is explored with the weights of that step, {step:,}."
        return f" No checkpoint of step {step:,} is kept; the nearest one, of step {used:,}, is used."


def find_run(library: RunLibrary, origin: Provenance) -> RunInfo | None:
    """The run of a file: the folder itself, or the same run when it was moved; else None."""
    same = [run for run in library.runs if run.spec.family == origin.family]
    if origin.created:
        same = [run for run in same if run.created == origin.created]
    here = [run for run in same if origin.folder and folder_name(run.run) == folder_name(origin.folder)]
    titled = [run for run in same if run.title == origin.run or folder_name(run.run) == origin.run]
    moved = same if origin.created else []
    return next(iter(here or titled or moved), None)


def _missing(origin: Provenance) -> str:
    place = f" Its folder was {origin.folder}." if origin.folder else ""
    return f"That run is not in the library: bring its folder back, or open it with File, Open run.{place}"


def _read(path: str, _stopped: object) -> Provenance | NotOursError:
    try:
        return read_provenance(path)
    except NotOursError as error:
        return error
