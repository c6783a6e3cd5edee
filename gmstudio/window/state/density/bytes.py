"""State of the page Bytes: images coded with a model, and decoded again."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.density import ScoreProgress
from gmstudio.protocol.density_bytes import (
    Compressed,
    CompressImages,
    DecompressFile,
    FileDecompressed,
    ImagesCompressed,
)
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.image_sets import ImageSet
from gmstudio.system.regular_file import read_regular
from gmstudio.window.client.request import Request
from gmstudio.window.state.density.state import DensityState

CAPABILITY = "pixel_session"
"""Of the families that code."""
DEFAULT_COUNT = 100
MAX_FILE_BYTES = 1 << 26
SUFFIX = ".gmsz"
Work = Literal["", "compress", "decode"]


class BytesState(QObject):
    """State of the page Bytes.

    Args:
        owner: state of the panel.

    Attributes:
        start: number of the first image that is coded.
        count: how many are.
        coded: reply with the coded images; None: there are none yet.
        decoded: reply with the decoded images; None: none yet.
        file_name: of the file that was decoded; empty: the coded images themselves.
        identical: the decoded images are the coded ones, bit for bit; None: there is nothing to compare with.
        progress: of the work that is under way.
        problem: why the work ended, a sentence; "".

    Signals:
        changed: one of these, or ``work``.
        run_changed: ``run`` changed.
    """

    changed = Signal()
    run_changed = Signal()

    def __init__(self, owner: DensityState) -> None:
        super().__init__(owner)
        self._owner = owner
        self.start, self.count = 0, DEFAULT_COUNT
        self.coded: ImagesCompressed | None = None
        self.decoded: FileDecompressed | None = None
        self.file_name = ""
        self.identical: bool | None = None
        self.progress = ScoreProgress()
        self.problem = ""
        self._compare = False
        self._coding, self._decoding = Request(owner.link, self), Request(owner.link, self)
        self._coding.replied.connect(self._on_coded)
        self._decoding.replied.connect(self._on_decoded)
        for request in (self._coding, self._decoding):
            request.failed.connect(self._on_failed)
            request.dropped.connect(self.changed)
            request.loading_changed.connect(self.changed)
        self._run = self.run
        owner.runs_changed.connect(self._on_runs_changed)
        owner.library.changed.connect(self._on_runs_changed)

    @property
    def run(self) -> str:
        """Path of the first chosen run that codes, or ""."""
        for run in self._owner.runs:
            info = self._owner.library.info(run)
            if info is not None and CAPABILITY in info.capabilities:
                return run
        return ""

    @property
    def work(self) -> Work:
        """What the engine does."""
        return "compress" if self._coding.busy else "decode" if self._decoding.busy else ""

    @property
    def loading(self) -> object:
        """``DataLoading`` that the work waits for; None: it waits for none."""
        return self._coding.loading

    @property
    def result(self) -> Compressed | None:
        """The coded images."""
        return None if self.coded is None else self.coded.result

    @property
    def coded_by(self) -> str:
        """Name of the run that the images were coded with, or ""."""
        return "" if self.coded is None else self.coded.run

    def set_part(self, start: int, count: int) -> None:
        """Choose which images of the set are coded."""
        self.start, self.count = start, count

    def compress(self) -> None:
        """Code the chosen images; what was coded before stays until they are."""
        if not self.run:
            return
        self.problem, self.progress = "", ScoreProgress()
        self._decoding.cancel()
        self._coding.replace(CompressImages(run=self.run, images=self._images(), start=self.start, count=self.count))
        self.changed.emit()

    def decode(self) -> None:
        """Decode what was coded, and compare."""
        if self.result is not None and self.work != "compress":
            self._send_file(self.result.file, self.coded_by, "", compare=True)

    def decode_file(self, path: str) -> None:
        """Decode a file with the chosen run."""
        self.problem = ""
        place = Path(path)
        if not self.run:
            self.problem = "No chosen model codes; choose the autoregressive model that the file was coded with."
        else:
            try:
                data = np.frombuffer(read_regular(place, MAX_FILE_BYTES), np.uint8)
                self._send_file(Array.of(data), self.run, place.name, compare=False)
            except OSError as error:
                self.problem = f"{place.name} cannot be read: {error.strerror or error}."
        self.changed.emit()

    def stop(self) -> None:
        """End the work; what was coded before stays."""
        self._coding.cancel()
        self._decoding.cancel()
        self.changed.emit()

    def _images(self) -> ImageSet:
        return self._owner.resolved(self._owner.images)

    def _send_file(self, file: Array, run: str, name: str, *, compare: bool) -> None:
        self.problem, self.progress, self.file_name = "", ScoreProgress(), name
        self.decoded, self.identical, self._compare = None, None, compare
        self._decoding.replace(DecompressFile(run=run, file=file))
        self.changed.emit()

    def _on_coded(self, event: ImagesCompressed) -> None:
        self.progress = event.progress
        if event.result is not None:
            self.coded, self.decoded, self.identical = event, None, None
        self.changed.emit()

    def _on_decoded(self, event: FileDecompressed) -> None:
        self.progress = event.progress
        if event.images is not None:
            self.decoded = event
            if self._compare and self.result is not None:
                self.identical = _equal(event.images.numpy(), self.result.images.numpy())
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self.problem = failure.message
        self.changed.emit()

    def _on_runs_changed(self) -> None:
        if self.run != self._run:
            self._run = self.run
            self.run_changed.emit()


def _equal(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    return one.shape == other.shape and bool(np.array_equal(one, other))
