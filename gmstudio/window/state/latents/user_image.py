"""An image of one's user_image: fitted to the model, and its code, from the encoder or found by descent.

Shapes: R rows and S columns of a picture, Z latent dimensions, C channels, H height, W width.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.media.fit import Fit, fit_description, fit_picture
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.latents import Encoded, EncodeImage, ImageProjected, ProjectImage
from gmstudio.protocol.runs import RunInfo
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.latents.encoded_images import Encoding

Way = Literal["encoder", "search"]
MAX_STEPS = 10_000


class UserImage(QObject):
    """Takes pictures and drawings, and has their codes found; newer ones replace older ones.

    Attributes:
        spec: what the model's images are; None without a run.
        levels: (C, H, W) uint8 of the model's levels; None without a run.
        said: what was done to the picture so that it fits, or "".
        fit: whether all of a picture is seen, or its sides are cut off.
        invert: black of a picture becomes white.
        way: how the code is found.
        steps: of the descent.
        seed: of the codes that the descent starts from.
        searching: a descent is under way.
        step: of the descent, so far.
        error: root mean square difference of the descent's image, both 0 … 1; NaN when there is none.
        problem: what went wrong last, or "".

    Signals:
        changed: anything of this.
        image_changed: ``levels`` are others, by a picture and not by drawing.
        taken: a picture is here.
        found: a code for the image, an ``Encoding``; of a descent many, better and better.
        renewed: the encoder's code with newer weights, an ``Encoding``.
    """

    changed = Signal()
    image_changed = Signal()
    taken = Signal()
    found = Signal(object)
    renewed = Signal(object)

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.spec: ImageSpec | None = None
        self.levels: NDArray[np.uint8] | None = None
        self.said = ""
        self.fit: Fit = "whole"
        self.invert = False
        self.way: Way = "encoder"
        self.steps, self.seed = 300, 0
        self.searching = False
        self.step = 0
        self.error = float("nan")
        self.problem = ""
        self._info: RunInfo | None = None
        self._picture: NDArray[np.uint8] | None = None
        self._name = ""
        self._events = events
        self._request = 0
        self._again: EncodeImage | None = None
        self._encoding = LatestWins(events, self)
        self._encoding.replied.connect(self._on_encoded)
        self._encoding.failed.connect(self._on_failed)
        events.on(ImageProjected).connect(self._on_projected)
        events.on(CommandFailed).connect(self._on_search_failed)

    # ---- which model -------------------------------------------------------------------------------------------

    @property
    def encodes(self) -> bool:
        """Whether the run's family has an encoder."""
        return self._info is not None and "encode" in self._info.capabilities

    def show_run(self, info: RunInfo | None) -> None:
        """Be about another run; a picture is fitted anew, a drawing stays where it fits."""
        self.halt()
        before, self._info = self.spec, info
        self.spec = None if info is None else info.image
        self.way = "encoder" if self.encodes else "search"
        self.problem, self.error, self.step = "", float("nan"), 0
        if self.spec is None or self.spec != before:
            self._refit()
        self.changed.emit()

    def halt(self) -> None:
        """Wait for nothing."""
        self._encoding.reset()
        self._request = 0
        self.searching = False

    # ---- the image ---------------------------------------------------------------------------------------------

    def take_picture(self, picture: NDArray[np.uint8], name: str) -> None:
        """Take a picture (R, S, 1, 3 or 4) uint8, 0 … 255, fit it to the model, and find its code."""
        if self.spec is None:
            self.tell("Choose a run with a latent space first; then the picture can be fitted to its images.")
            return
        self._picture, self._name = picture, name
        self._refit()
        self.taken.emit()
        self.find()

    def draw(self, levels: NDArray[np.uint8]) -> None:
        """Take what was drawn, (C, H, W) levels, and find its code."""
        self.levels = levels
        self._picture, self._name, self.said = None, "", ""
        self.find()

    def tell(self, problem: str) -> None:
        """Say that something went wrong, in a sentence."""
        self.problem = problem
        self.changed.emit()

    def set_fit(self, fit: Fit) -> None:
        """See all of a picture, or cut off its sides."""
        self.fit = fit
        self._refit_and_find()

    def set_invert(self, invert: bool) -> None:
        """Turn black into white, or leave it."""
        self.invert = invert
        self._refit_and_find()

    def _refit_and_find(self) -> None:
        self._refit()
        if self._picture is not None:
            self.find()
        self.changed.emit()

    def _refit(self) -> None:
        spec, picture = self.spec, self._picture
        if spec is None:
            self.levels = None
        elif picture is None:
            if self.levels is None or self.levels.shape != spec.shape or self.levels.max() >= spec.levels:
                self.levels, self.said = np.zeros(spec.shape, np.uint8), ""
        else:
            self.levels = fit_picture(picture, spec, self.fit, invert=self.invert)
            self.said = f"{self._name} {fit_description(picture, spec, self.fit, invert=self.invert)}."
        self.image_changed.emit()

    # ---- its code ----------------------------------------------------------------------------------------------

    def set_way(self, way: Way) -> None:
        """By the encoder where there is one, or by descent."""
        self.way = way if self.encodes else "search"
        self.stop()
        self.changed.emit()

    def set_search(self, steps: int, seed: int) -> None:
        """Set the descent's length and the seed of its starts."""
        self.steps, self.seed = max(1, min(steps, MAX_STEPS)), max(0, min(seed, MAX_SEED))
        self.changed.emit()

    def find(self) -> None:
        """Find the image's code; ``found`` follows."""
        if self._info is None or self.levels is None:
            return
        self.problem = ""
        if self.way == "encoder":
            self._encoding.submit(EncodeImage(run=self._info.run, image=Array.of(self.levels)))
        else:
            self._request = self._send(self.steps)
            self.searching, self.step = True, 0
        self.changed.emit()

    def encode_again(self) -> None:
        """Have the image encoded with newer weights; ``renewed`` follows. A descent is not begun again."""
        if self._info is not None and self.levels is not None and self.way == "encoder" and not self._encoding.busy:
            self._again = EncodeImage(run=self._info.run, image=Array.of(self.levels))
            self._encoding.submit(self._again)

    def stop(self) -> None:
        """End the descent; the best code so far stays."""
        if self.searching:
            self._send(1)  # a newer search ends the older one
            self._request, self.searching = 0, False
            self.changed.emit()

    def _send(self, steps: int) -> int:
        assert self._info is not None and self.levels is not None
        command = ProjectImage(run=self._info.run, image=Array.of(self.levels), steps=steps, seed=self.seed)
        return self._events.send(command)

    # ---- what comes back ---------------------------------------------------------------------------------------

    def _on_encoded(self, event: Encoded) -> None:
        command = self._encoding.answered
        assert isinstance(command, EncodeImage)
        encoding = self._encoded(command.image.numpy(), event.code.numpy(), event.deviation)
        if command is self._again:
            self.renewed.emit(encoding)
            return
        self.problem = ""
        self.found.emit(encoding)
        self.changed.emit()

    def _on_projected(self, event: ImageProjected) -> None:
        if not self._request or event.request != self._request or self.levels is None:
            return
        self.step, self.error = event.step, event.error
        if event.done:
            self._request, self.searching = 0, False
        self.found.emit(self._encoded(self.levels, event.code.numpy(), None))
        self.changed.emit()

    def _encoded(self, levels: NDArray[np.uint8], code: NDArray[np.float32], deviation: Array | None) -> Encoding:
        assert self.spec is not None
        return Encoding(
            split="",
            index=-1,
            label="",
            image=to_display(levels, self.spec.levels),
            code=code,
            deviation=None if deviation is None else deviation.numpy(),
        )

    def _on_failed(self, event: CommandFailed) -> None:
        self.tell("" if event.reason is Reason.ENGINE_GONE else event.message)

    def _on_search_failed(self, event: CommandFailed) -> None:
        if self._request and event.request == self._request:
            self._request, self.searching = 0, False
            self._on_failed(event)
