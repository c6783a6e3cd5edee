"""Images of the run's data to choose from, and the image that was encoded last.

Shapes: Z latent dimensions, C channels, H height, W width.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.data import SPLIT_TITLES, BrowseData, DataBrowsed, SplitName
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import Encode, Encoded, ImageProjected, ProjectImage
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.client.request import Request
from gmstudio.window.state.latents.space import LatentSpace

STEPS = 300
"""Of an optimization."""
PAGE = 10
"""Images that are shown at a time."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """An image of the data, or the user's, and its code.

    Args:
        split: of the image; empty: the user's image.
        index: of the image in the split; −1: the user's image.
        label: in words, or "".
        image: (C, H, W) uint8, 0 … 255.
        code: (Z,) float32, the posterior's mean where there is a posterior.
        deviation: (Z,) float32, the posterior's standard deviation, or None.
        before: (Z,) float32, the image's code with older weights, or None where it was encoded once.
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
        """Display name: ``validation image 17, label 3``."""
        return image_title(self.split, self.index, self.label) if self.split else "your image"


def image_title(split: SplitName, index: int, label: str) -> str:
    """Display name of an image of the data: ``validation image 17, label 3``."""
    return f"{SPLIT_TITLES[split]} image {index}" + (f", label {label}" if label else "")


class EncodedImages(QObject):
    """Pages through the data of the selected run and finds the codes of images, by the encoder or by optimization.

    Args:
        link: the way to the engine.
        space: the selected run.

    Attributes:
        split: of the page.
        index: of the chosen image.
        size: number of images in the split; 0 before it is known.
        page: the images around the chosen one, or None.
        encoding: the image that was encoded last, or None.
        step: of the optimization in progress or ended last; 0 before.
        error: root mean square difference of the optimized image, both 0 … 1; NaN before.
        problem: why there is no page or no code, or "".

    Signals:
        page_changed: ``split``, ``index``, ``size``, ``page`` or ``problem`` differ.
        encoding_changed: ``encoding`` differs.
        encoded: another image was encoded, the ``Encoding``; the view is to show its code.
        renewed: the same image was encoded with newer weights, the ``Encoding``.
    """

    page_changed = Signal()
    encoding_changed = Signal()
    encoded = Signal(object)
    renewed = Signal(object)

    def __init__(self, link: EngineLink, space: LatentSpace) -> None:
        super().__init__(space)
        self._space = space
        self.split: SplitName = "valid"
        self.index = 0
        self.size = 0
        self.page: DataBrowsed | None = None
        self.encoding: Encoding | None = None
        self.problem = ""
        self._sought: tuple[SplitName, int, str] = ("valid", 0, "")
        self._browsing = LatestWins(link, self)
        self._encoding = LatestWins(link, self)
        self._renewal, self._optimization = Request(link, self), Request(link, self)
        self.step, self.error = 0, float("nan")
        self._browsing.replied.connect(self._on_browsed)
        self._encoding.replied.connect(self._on_encoded)
        self._renewal.replied.connect(self._on_renewed)
        self._optimization.replied.connect(self._on_optimized)
        self._optimization.dropped.connect(self.page_changed)
        for slot in (self._browsing, self._encoding, self._renewal, self._optimization):
            slot.failed.connect(self._on_failed)
        space.edits.add_part("encoding", lambda: self.encoding, self._restore)
        space.run_changed.connect(self._on_run_changed)
        space.reopened.connect(self._browse)
        space.halted.connect(self._halt)

    # ---- pages -----------------------------------------------------------------------------------------------------

    @property
    def encodes(self) -> bool:
        """The run's family has an encoder; without one, codes are found by optimization."""
        return self._space.can("encode")

    @property
    def optimizing(self) -> bool:
        """An optimization is in progress."""
        return self._optimization.busy

    @property
    def has_earlier(self) -> bool:
        """There is a page before this one."""
        return self.index >= PAGE

    @property
    def has_later(self) -> bool:
        """There is a page after this one."""
        return self._page_start + PAGE < self.size

    @property
    def labels(self) -> list[str]:
        """Labels of the page's images, in words; empty where the data has none."""
        if self.page is None or self.page.labels is None:
            return []
        names = self.page.label_names
        return [names[n] if 0 <= n < len(names) else str(n) for n in self.page.labels.numpy().tolist()]

    def choose_split(self, split: SplitName) -> None:
        """Show another split, from its first image on."""
        if split != self.split:
            self.split, self.index, self.size = split, 0, 0
            self.page_changed.emit()
            self._browse()

    def choose(self, index: int) -> None:
        """Choose an image of the split; one beyond its end becomes the last."""
        last = self.size - 1 if self.size else index
        index = max(0, min(index, last))
        if index != self.index:
            self.index = index
            self.page_changed.emit()
            self._browse()

    def turn_page(self, pages: int) -> None:
        """Go a number of pages forward (negative: back)."""
        self.choose(self._page_start + pages * PAGE)

    @property
    def _page_start(self) -> int:
        return self.index - self.index % PAGE

    def _browse(self) -> None:
        """Request the page of the chosen image, unless it is there."""
        opened = self._space.opened
        there = self.page is not None and (self.page.split, self.page.start) == (self.split, self._page_start)
        if opened is not None and not there:
            spec = opened.info.spec
            command = BrowseData(
                data=spec.data, data_config=spec.data_config, split=self.split, start=self._page_start, count=PAGE
            )
            self._browsing.submit(command)

    def _on_browsed(self, event: DataBrowsed) -> None:
        self.page, self.size, self.problem = event, event.sizes.get(self.split, 0), ""
        if event.split == self.split and self.size and self.index >= self.size:
            self.choose(self.size - 1)
        self.page_changed.emit()

    # ---- encoding --------------------------------------------------------------------------------------------------

    def encode(self) -> None:
        """Find the code of the chosen image; ``encoded`` follows, for an optimization with better and better codes."""
        if self._space.opened is None:
            return
        self._renewal.drop()
        if self.encodes:
            self._encoding.submit(Encode(run=self._space.run, split=self.split, index=self.index))
            return
        page, place = self.page, self.index - self._page_start
        if (
            page is not None
            and (page.split, page.start) == (self.split, self._page_start)
            and place < len(self._levels)
        ):
            self._sought = (self.split, self.index, self.labels[place] if self.labels else "")
            self.step, self.error = 0, float("nan")
            image = Array.of(np.ascontiguousarray(self._levels[place]))
            self._optimization.send(ProjectImage(run=self._space.run, image=image, steps=STEPS))
            self.page_changed.emit()

    def encode_image(self, split: SplitName, index: int) -> None:
        """Choose an image of any split, and encode it."""
        self.choose_split(split)
        self.choose(index)
        self.encode()

    def stop(self) -> None:
        """Cancel the optimization; the best code so far stays."""
        if self.optimizing:
            self._optimization.cancel()
            self.page_changed.emit()

    @property
    def _levels(self) -> NDArray[np.uint8]:
        """(N, C, H, W) levels of the page."""
        levels: NDArray[np.uint8] = np.zeros((0, 1, 1, 1), np.uint8) if self.page is None else self.page.images.numpy()
        return levels

    def _on_optimized(self, event: ImageProjected) -> None:
        command, spec = self._optimization.command, self._space.description
        assert isinstance(command, ProjectImage) and spec is not None
        split, index, label = self._sought
        image = to_display(command.image.numpy(), spec.info.image.levels)
        self.step, self.error = event.step, event.error
        encoding = Encoding(split, index, label, image, event.code.numpy(), None)
        with self._space.edits.recording(f"Find {encoding.title}", key=f"optimization {event.request}"):
            self._show(encoding)
        self.page_changed.emit()

    def renew(self) -> None:
        """Encode the same image of the data with newer weights; ``renewed`` follows."""
        here = self.encoding
        idle = self._space.opened is not None and not (self._encoding.busy or self._renewal.busy)
        if here is not None and here.split and idle and self.encodes:
            self._renewal.send(Encode(run=self._space.run, split=here.split, index=here.index))

    def adopt(self, encoding: Encoding) -> None:
        """Show the user's image beside the decoded one; ``encoded`` follows."""
        self._drop_encoding()
        self._show(encoding)

    def _restore(self, encoding: Encoding | None) -> None:
        self._drop_encoding()
        self.encoding = encoding
        self.encoding_changed.emit()

    def adopt_renewed(self, encoding: Encoding) -> None:
        """Show the code that newer weights give the image, if it is still the one shown; ``renewed`` follows."""
        here = self.encoding
        if here is not None and (here.split, here.index) == (encoding.split, encoding.index):
            self.encoding = replace(encoding, before=here.code)
            self.encoding_changed.emit()
            self.renewed.emit(self.encoding)

    def forget(self) -> None:
        """Show no original beside the decoded image."""
        self._drop_encoding()
        if self.encoding is not None:
            with self._space.edits.recording("Hide original"):
                self.encoding = None
                self.encoding_changed.emit()

    def _show(self, encoding: Encoding) -> None:
        reported, self.problem = self.problem, ""
        self.encoding = encoding
        if reported:
            self.page_changed.emit()
        self.encoding_changed.emit()
        self.encoded.emit(encoding)

    def _on_encoded(self, event: Encoded) -> None:
        command = self._encoding.answered
        assert isinstance(command, Encode)
        encoding = self._encoding_of(event, command)
        with self._space.edits.recording(f"Encode {encoding.title}"):
            self._show(encoding)

    def _on_renewed(self, event: Encoded) -> None:
        command = self._renewal.command
        assert isinstance(command, Encode)
        self.adopt_renewed(self._encoding_of(event, command))

    def _encoding_of(self, event: Encoded, command: Encode) -> Encoding:
        description = self._space.description
        assert description is not None
        return Encoding(
            split=command.split,
            index=command.index,
            label=event.label,
            image=to_display(event.image.numpy(), description.info.image.levels),
            code=event.code.numpy(),
            deviation=None if event.deviation is None else event.deviation.numpy(),
        )

    # ---- failures and other runs -----------------------------------------------------------------------------------

    def _on_failed(self, event: CommandFailed) -> None:
        self.problem = "" if event.reason is Reason.ENGINE_GONE else event.message
        self.page_changed.emit()

    def _on_run_changed(self) -> None:
        self._halt()
        self.split, self.index, self.size, self.page, self.problem = "valid", 0, 0, None, ""
        self.forget()
        self.page_changed.emit()
        self._browse()

    def _halt(self) -> None:
        """Expect no reply; what is shown stays."""
        self._browsing.reset()
        self._drop_encoding()

    def _drop_encoding(self) -> None:
        self._encoding.reset()
        self._renewal.drop()
        self._optimization.cancel()
