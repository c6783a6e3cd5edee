"""Images of the run's data to choose from, and what the model's encoder makes of one."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.media.levels import to_display
from gmstudio.protocol.data import BrowseData, DataBrowsed, SplitName
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import Encode, Encoded
from gmstudio.protocol.runs import RunInfo
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins

PAGE = 10
"""Images that are shown at a time."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """An image of the data, or of one's user_image, and its code.

    Args:
        split: where the image is from; empty: one's user_image.
        index: of the image in the split; −1: one's user_image.
        label: its word, or "".
        image: (C, H, W) uint8, 0 … 255.
        code: (Z,) float32, the posterior's mean where there is a posterior.
        deviation: (Z,) float32, the posterior's standard deviation, or None.
        before: (Z,) float32, the image's code with the weights before, or None where it was not encoded again.
    """

    split: SplitName | Literal[""]
    index: int
    label: str
    image: NDArray[np.uint8]
    code: NDArray[np.float32]
    deviation: NDArray[np.float32] | None
    before: NDArray[np.float32] | None = None

    @property
    def title(self) -> str:
        """For people: ``valid 17, label 3``."""
        if not self.split:
            return "your image"
        return f"{self.split} {self.index}" + (f", label {self.label}" if self.label else "")


class EncodedImages(QObject):
    """Pages through a run's data, and has images encoded.

    Attributes:
        split: that is looked at.
        index: of the chosen image.
        size: number of images in the split; 0 until it is known.
        page: the images around the chosen one that are shown, or None.
        encoding: the image that was encoded last, or None.
        problem: why there is no page or no code, or "".

    Signals:
        page_changed: split, index, size, page or problem.
        encoded: an image was encoded, the ``Encoding``.
        renewed: it was encoded again with newer weights, the ``Encoding``.
        encoding_changed: ``encoding`` is another or None.
    """

    page_changed = Signal()
    encoded = Signal(object)
    renewed = Signal(object)
    encoding_changed = Signal()

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.split: SplitName = "valid"
        self.index = 0
        self.size = 0
        self.page: DataBrowsed | None = None
        self.encoding: Encoding | None = None
        self.problem = ""
        self._info: RunInfo | None = None
        self._adopted: Encode | None = None
        self._browsing = LatestWins(events, self)
        self._encoding = LatestWins(events, self)
        self._browsing.replied.connect(self._on_browsed)
        self._browsing.failed.connect(self._on_failed)
        self._encoding.replied.connect(self._on_encoded)
        self._encoding.failed.connect(self._on_failed)

    @property
    def usable(self) -> bool:
        """Whether the run's family has an encoder."""
        return self._info is not None and "encode" in self._info.capabilities

    def show_run(self, info: RunInfo | None) -> None:
        """Show the data of another run; None: of none."""
        same_data = info is not None and self._info is not None and _data(info) == _data(self._info)
        self._info = info
        self.halt()
        self.problem = ""
        if not same_data:
            self.split, self.index, self.size, self.page = "valid", 0, 0, None
        self.forget()
        self.page_changed.emit()
        self.browse()

    def halt(self) -> None:
        """Wait for nothing; what is shown stays."""
        self._browsing.reset()
        self._encoding.reset()

    def browse(self) -> None:
        """Fetch the page of the chosen image, unless it is there."""
        start = self.index - self.index % PAGE
        there = self.page is not None and (self.page.split, self.page.start) == (self.split, start)
        if self._info is not None and self.usable and not there:
            spec = self._info.spec
            command = BrowseData(
                data=spec.data, data_config=spec.data_config, split=self.split, start=start, count=PAGE
            )
            self._browsing.submit(command)

    def choose_split(self, split: SplitName) -> None:
        """Look at another split, from its first image on."""
        if split != self.split:
            self.split, self.index, self.size = split, 0, 0
            self.page_changed.emit()
            self.browse()

    def choose(self, index: int) -> None:
        """Choose an image of the split; one beyond its end becomes the last."""
        last = self.size - 1 if self.size else index
        index = max(0, min(index, last))
        if index != self.index:
            self.index = index
            self.page_changed.emit()
            self.browse()

    def turn_page(self, pages: int) -> None:
        """Go some pages on, or back."""
        self.choose(self.index - self.index % PAGE + pages * PAGE)

    def encode(self) -> None:
        """Have the chosen image encoded; ``encoded`` follows."""
        self._adopted = self._submit(self.split, self.index)

    def encode_again(self) -> None:
        """Have the image that was encoded encoded with newer weights, to show where its posterior is now."""
        if self.encoding is not None and self.encoding.split and not self._encoding.busy:
            self._submit(self.encoding.split, self.encoding.index)

    def adopt(self, encoding: Encoding) -> None:
        """Show an image of one's user_image beside the decoded one; ``encoded`` follows."""
        self._encoding.reset()
        self.encoding = encoding
        self.encoded.emit(encoding)
        self.encoding_changed.emit()

    def renew(self, encoding: Encoding) -> None:
        """Show where newer weights have the image; ``renewed`` follows."""
        here = self.encoding
        if here is not None and (here.split, here.index) == (encoding.split, encoding.index):
            self.encoding = replace(encoding, before=here.code)
            self.renewed.emit(self.encoding)
            self.encoding_changed.emit()

    def forget(self) -> None:
        """Show no original beside the image any more."""
        self._encoding.reset()
        if self.encoding is not None:
            self.encoding = None
            self.encoding_changed.emit()

    def _submit(self, split: SplitName, index: int) -> Encode | None:
        if self._info is None or not self.usable:
            return None
        command = Encode(run=self._info.run, split=split, index=index)
        self._encoding.submit(command)
        return command

    def _on_browsed(self, event: DataBrowsed) -> None:
        self.page, self.size, self.problem = event, event.sizes.get(self.split, 0), ""
        if event.split == self.split and self.size and self.index >= self.size:
            self.choose(self.size - 1)
        self.page_changed.emit()

    def _on_encoded(self, event: Encoded) -> None:
        command = self._encoding.answered
        assert self._info is not None and isinstance(command, Encode)
        encoding = Encoding(
            split=command.split,
            index=command.index,
            label=event.label,
            image=to_display(event.image.numpy(), self._info.image.levels),
            code=event.code.numpy(),
            deviation=None if event.deviation is None else event.deviation.numpy(),
        )
        self.problem = ""
        if command is self._adopted:
            self.encoding = encoding
            self.encoded.emit(encoding)
            self.encoding_changed.emit()
        else:
            self.renew(encoding)

    def _on_failed(self, event: CommandFailed) -> None:
        self.problem = "" if event.reason is Reason.ENGINE_GONE else event.message
        self.page_changed.emit()


def _data(info: RunInfo) -> tuple[str, object]:
    return info.spec.data, info.spec.data_config
