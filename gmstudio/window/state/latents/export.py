"""Export of codes as pictures or films: decoded in pieces between other requests, written in a thread.

Shapes: N images, Z latent dimensions, C channels, H height, W width.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.media import Provenance
from gmstudio.media.map_figure import MapFigure
from gmstudio.media.writing import (
    MAX_FPS,
    NO_FFMPEG,
    Format,
    Images,
    Stopped,
    StoppedError,
    check_size,
    ffmpeg_path,
    put_in_place,
    write_gif,
    write_mp4,
    write_png,
)
from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.window.client.background_task import Background
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request

PIECE = 16
"""Codes of one request, so that a slider's request waits little behind it."""
PAUSE_MS = 2
"""Between two requests, so that others come in between."""
MAX_IMAGES = 3_000
MAX_SCALE = 512
USUAL_SIDE, LEAST_SIDE = 512, 64


class NameTakenError(ValueError):
    """A file of this name exists and may not be replaced."""


@dataclass(frozen=True, eq=False)
class ExportPlan:
    """Settings of an export.

    Args:
        run: name of the run that decodes.
        codes: (N, Z) float32, in the order of the frames.
        origin: provenance that the file embeds; its step becomes that of the weights.
        path: of the file.
        form: ``gif``, ``png`` or ``mp4``.
        height: of an image, pixels.
        width: of an image, pixels.
        fps: frames per second of a film.
        columns: of a PNG; 0: all in one row.
        scale: screen pixels per image pixel.
        overwrite: a file of this name may be replaced.
        figure: axes and dots of a map.
    """

    run: str
    codes: NDArray[np.float32]
    origin: Provenance
    path: Path
    form: Format
    height: int
    width: int
    fps: float = 25.0
    columns: int = 0
    scale: int = 8
    overwrite: bool = False
    figure: MapFigure | None = None

    def check(self) -> None:
        """Check that the file can be written.

        Raises:
            NameTakenError: when only a file of this name is in the way.
            ValueError: naming the value, the limit and the remedy.
        """
        check_settings(self.form, len(self.codes), self.columns, self.height, self.width, self.scale, self.fps)
        if not self.path.parent.is_dir():
            raise ValueError(f"There is no folder {self.path.parent}; choose another place.")
        if self.path.exists() and not self.overwrite:
            raise NameTakenError(f"There is a file {self.path.name} already; choose another name, or replace it.")


def check_settings(
    form: Format, count: int, columns: int, height: int, width: int, scale: int, fps: float = 25.0
) -> None:
    """Check the limits of an export, before its file is named; the arguments are those of ``ExportPlan``.

    Args:
        form: of the file.
        count: number of images.
        columns: of a PNG; 0: all in one row.
        height: of an image.
        width: of an image.
        scale: screen pixels per image pixel.
        fps: frames per second of a film.

    Raises:
        ValueError: naming the value, the limit and the remedy.
    """
    if not 1 <= count <= MAX_IMAGES:
        raise ValueError(f"{count:,} images; an export has 1 to {MAX_IMAGES:,}: change the time or the rate.")
    if not 1 <= scale <= MAX_SCALE:
        raise ValueError(f"A scale of {scale}; choose 1 to {MAX_SCALE} screen pixels per pixel.")
    if not 1 <= fps <= MAX_FPS:
        raise ValueError(f"{fps:g} frames per second; choose 1 to {MAX_FPS}.")
    if form == "mp4" and not ffmpeg_path():
        raise ValueError(NO_FFMPEG)
    check_size(form, count, columns or count, height, width, scale)


def usual_scale(columns: int, rows: int, height: int, width: int) -> int:
    """Scale at which a picture has about ``USUAL_SIDE`` pixels, and its images at least ``LEAST_SIDE``.

    Args:
        columns: images in a row.
        rows: rows of images.
        height: of an image.
        width: of an image.
    """
    whole = round(USUAL_SIDE / max(columns * width, rows * height))
    each = -(-LEAST_SIDE // max(height, width))
    return max(1, min(MAX_SCALE, max(whole, each)))


class Export(QObject):
    """Carries out one plan at a time.

    Args:
        link: the way to the engine.

    Attributes:
        plan: the plan in progress, or the last one; None before.
        decoded: number of decoded images.
        written: path of the file that was written last, or "".
        problem: why there is none, or "".
        replaceable: the plan that failed because a file of its name exists, or None.

    Signals:
        changed: any of these, or ``busy``, differ.
    """

    changed = Signal()

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.plan: ExportPlan | None = None
        self.decoded = 0
        self.written = ""
        self.problem = ""
        self.replaceable: ExportPlan | None = None
        self._parts: list[Images] = []
        self._request = Request(link, self)
        self._request.replied.connect(self._on_decoded)
        self._request.failed.connect(self._on_failed)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self._decode_next)
        self._background = Background(self)
        self._background.done.connect(self._on_written)
        self._background.failed.connect(self._fail)
        self._decoding = False

    @property
    def busy(self) -> bool:
        """A plan is in progress."""
        return self._decoding or self._background.busy

    @property
    def share(self) -> float:
        """Decoded share of the images, 0 … 1; writing takes no time beside decoding."""
        return 0.0 if self.plan is None else self.decoded / len(self.plan.codes)

    def start(self, plan: ExportPlan) -> None:
        """Begin a plan in place of the one in progress; a plan that cannot be written ends in ``problem``."""
        self.stop()
        self.written, self.problem, self.replaceable = "", "", None
        try:
            plan.check()
        except ValueError as error:
            self.replaceable = plan if isinstance(error, NameTakenError) else None
            self._fail(str(error))
            return
        self.plan, self.decoded, self._parts, self._decoding = plan, 0, [], True
        self._decode_next()
        self.changed.emit()

    def replace(self) -> None:
        """Begin the plan that failed because a file of its name exists, and replace that file."""
        if self.replaceable is not None:
            self.start(replace(self.replaceable, overwrite=True))

    def stop(self) -> None:
        """Stop the plan in progress; no file is left."""
        if self.busy:
            self._request.drop()
            self._pause.stop()
            self._background.stop()
            self._fail("The export was stopped; no file was written.")

    def _decode_next(self) -> None:
        assert self.plan is not None
        codes = self.plan.codes[self.decoded : self.decoded + PIECE]
        self._request.send(Decode(run=self.plan.run, codes=Array.of(np.ascontiguousarray(codes))))

    def _on_decoded(self, event: Decoded) -> None:
        assert self.plan is not None
        images = event.images.numpy()
        self._parts.append(images)
        self.decoded += len(images)
        if self.decoded < len(self.plan.codes):
            self._pause.start()
        else:
            self._decoding = False
            self._background.start(partial(_write, self.plan, np.concatenate(self._parts), event.step))
            self._parts = []
        self.changed.emit()

    def _on_written(self, path: str) -> None:
        self.written = path
        self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        self._fail(
            "The engine has ended; export again when it is back."
            if event.reason is Reason.ENGINE_GONE
            else event.message
        )

    def _fail(self, problem: str) -> None:
        self._decoding, self._parts = False, []
        self.problem = problem
        self.changed.emit()


def _write(plan: ExportPlan, images: Images, step: int, stopped: Stopped) -> str:
    """Write the file and return its path."""
    origin = msgspec.structs.replace(plan.origin, step=step)
    with put_in_place(plan.path, overwrite=plan.overwrite) as partial_path:
        if plan.form == "gif":
            write_gif(partial_path, images, origin, plan.fps, plan.scale, stopped)
        elif plan.form == "mp4":
            write_mp4(partial_path, images, origin, plan.fps, plan.scale, stopped)
        else:
            write_png(partial_path, images, origin, plan.columns or len(images), plan.scale, stopped, plan.figure)
        if stopped():  # between the last image and the renaming
            raise StoppedError
    return str(plan.path)
