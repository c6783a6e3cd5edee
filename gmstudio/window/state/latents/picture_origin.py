"""Brings back what a picture's file tells of: its run, and where there are codes, the interpolation through them."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from gmstudio.media import NotOursError, Provenance, read_provenance
from gmstudio.protocol.runs import RunInfo
from gmstudio.window.client.background_task import Background
from gmstudio.window.state.latents.export_sources import SOURCES, interpolation_of, map_view_of
from gmstudio.window.state.latents.state import CAPABILITY, LatentsState
from gmstudio.window.state.runs.library import RunLibrary

Outcome = Literal["latents", "run", "missing", "foreign"]


@dataclass(frozen=True)
class PictureOrigin:
    """What became of a file.

    Args:
        outcome: ``latents``: its codes are shown; ``run``: its run is here, and it has no codes; ``missing``: its run
            is not here; ``foreign``: the file is nothing of ours.
        told: a sentence.
        path: of the file.
        run: path of the run folder, or "".
    """

    outcome: Outcome
    told: str
    path: str
    run: str = ""


class PictureOrigins(QObject):
    """Reads a file beside the event loop, finds its run in the library, and has the Latents session show its codes.

    Args:
        library: where the run is looked for.
        latents: what shows the codes.

    Signals:
        returned: what became of the file, a ``PictureOrigin``.
        failed: why it cannot be read, a sentence.
    """

    returned = Signal(object)
    failed = Signal(str)

    def __init__(self, library: RunLibrary, latents: LatentsState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library, self._latents = library, latents
        self._path = ""
        self._background = Background(self)
        self._background.done.connect(self._on_read)
        self._background.failed.connect(self.failed)
        latents.saved_views.refused.connect(self.failed)

    def bring_back(self, path: str) -> None:
        """Read a file; ``returned`` or ``failed`` follows."""
        self._path = path
        self._background.start(partial(_read, path))

    def _on_read(self, found: Provenance | NotOursError) -> None:
        if isinstance(found, NotOursError):
            self.returned.emit(PictureOrigin("foreign", str(found), self._path))
            return
        name = Path(self._path).name
        info = find_run(self._library, found)
        if info is None:
            self.returned.emit(PictureOrigin("missing", f"{name} {told(found)} {_missing(found)}", self._path))
            return
        interpolation = interpolation_of(found)
        if interpolation is None or CAPABILITY not in info.capabilities:
            self.returned.emit(PictureOrigin("run", f"{name} {told(found)}", self._path, info.run))
            return
        since = ""
        if found.step >= 0 and info.step != found.step:
            since = f" The run has been trained since, and is at step {info.step:,} now."
        self.returned.emit(PictureOrigin("latents", f"{name} {told(found)}{since}", self._path, info.run))
        self._latents.bring_back(info.run, interpolation, map_view_of(found))


def find_run(library: RunLibrary, origin: Provenance) -> RunInfo | None:
    """The run that a file tells of: the folder itself, or the same run when it was moved; else None."""
    same = [run for run in library.runs if run.spec.family == origin.family]
    if origin.created:
        same = [run for run in same if run.created == origin.created]
    here = [run for run in same if origin.folder and run.run == origin.folder]
    titled = [run for run in same if run.title == origin.run or Path(run.run).name == origin.run]
    moved = same if origin.created else []
    return next(iter(here or titled or moved), None)


def told(origin: Provenance) -> str:
    """What a file shows, for people: ``shows an interpolation of run a at step 300, seed 4``."""
    what = f"{'an' if origin.shows == 'image' else 'a'} {origin.shows}" if origin.shows in SOURCES else "samples"
    words = f"shows {what} of the run {origin.run or 'without a name'} ({origin.family})"
    if origin.step >= 0:
        words += f" at step {origin.step:,}"
    if origin.seed is not None:
        words += f", seed {origin.seed}"
    hidden = ("Seconds a segment",)
    details = [f"{key.lower()} {text[:60]}" for key, text in origin.details.items() if key not in hidden]
    return ", ".join([words, *details[:4]]) + "."


def _missing(origin: Provenance) -> str:
    where = f" It was in {origin.folder}." if origin.folder else ""
    return f"That run is not in the library: bring its folder back, or open it with File, Open run.{where}"


def _read(path: str, _stopped: object) -> Provenance | NotOursError:
    try:
        return read_provenance(path)
    except NotOursError as error:
        return error
