"""The user's image: fitted to the model, and its code, from the encoder or by optimization.

Shapes: R rows and S columns of a picture, Z latent dimensions, C channels, H height, W width.
"""

from contextlib import AbstractContextManager
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.media.fit import Fitting, fit_description, fit_picture
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.latents import Encoded, EncodeImage, ImageProjected, ProjectImage
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.client.request import Request
from gmstudio.window.state.latents.data_ink import DataInk
from gmstudio.window.state.latents.encoded_images import Encoding
from gmstudio.window.state.latents.space import LatentSpace

Method = Literal["encoder", "optimization"]
MAX_STEPS = 10_000


class _Content(NamedTuple):
    """What an undone edit restores; the fields are those of ``UserImage``."""

    levels: NDArray[np.uint8] | None
    picture: NDArray[np.uint8] | None
    name: str
    description: str
    fitting: Fitting


class UserImage(QObject):
    """Takes pictures and drawings and finds their codes; newer ones replace older ones.

    Args:
        link: the way to the engine.
        space: the selected run.

    Attributes:
        levels: (C, H, W) uint8 of the model's levels; None without a run.
        description: how the picture was fitted, or "".
        fitting: how a picture becomes an image of the model.
        ink: of the data.
        method: to find the code.
        steps: of the optimization.
        seed: of the codes that the optimization starts from.
        step: of the optimization, so far.
        error: root mean square difference of the optimized image, both 0 … 1; NaN when there is none.
        problem: of the last picture or code, or "".

    Signals:
        changed: any of these, or ``optimizing``, differ.
        image_changed: ``levels`` differ, by a picture and not by drawing.
        taken: a picture was taken.
        found: a code of the image, an ``Encoding``; an optimization finds many, better and better.
        renewed: the encoder's code with newer weights, an ``Encoding``.
    """

    changed = Signal()
    image_changed = Signal()
    taken = Signal()
    found = Signal(object)
    renewed = Signal(object)

    def __init__(self, link: EngineLink, space: LatentSpace) -> None:
        super().__init__(space)
        self._space = space
        self.levels: NDArray[np.uint8] | None = None
        self.description = ""
        self.fitting = Fitting(contrast=True)
        self.ink = DataInk(link, space)
        self.method: Method = "encoder"
        self.steps, self.seed = 300, 0
        self.step = 0
        self.error = float("nan")
        self.problem = ""
        self._picture: NDArray[np.uint8] | None = None
        self._name = ""
        self._edit, self._edit_count = "Find code", 0
        self._encoding = LatestWins(link, self)
        self._renewal = Request(link, self)
        self._optimization = Request(link, self)
        self._encoding.replied.connect(self._on_encoded)
        self._renewal.replied.connect(self._on_renewed)
        self._optimization.replied.connect(self._on_optimized)
        for slot in (self._encoding, self._renewal, self._optimization):
            slot.failed.connect(self._on_failed)
        self._optimization.dropped.connect(self.changed)
        self.ink.changed.connect(self._on_ink_changed)
        space.edits.add_part("user image", self._content, self._restore)
        space.run_changed.connect(self._on_run_changed)
        space.halted.connect(self._on_halted)

    # ---- which model -------------------------------------------------------------------------------------------

    @property
    def spec(self) -> ImageSpec | None:
        """Spec of the model's images; None without a run."""
        description = self._space.description
        return None if description is None else description.info.image

    @property
    def encodes(self) -> bool:
        """The run's family has an encoder."""
        return self._space.can("encode")

    def _on_run_changed(self) -> None:
        """Fit a picture to the images of another run; a drawing is lost."""
        self._drop_encoding()
        self._optimization.cancel()
        self.method = self.methods[0]
        self.problem, self.error, self.step = "", float("nan"), 0
        self._refit()
        self.changed.emit()

    def _on_halted(self) -> None:
        """Expect no reply from an engine that is gone."""
        self._drop_encoding()
        self._optimization.drop()
        self.changed.emit()

    def _drop_encoding(self) -> None:
        self._encoding.reset()
        self._renewal.drop()

    # ---- the image ---------------------------------------------------------------------------------------------

    def take_picture(self, picture: NDArray[np.uint8], name: str) -> None:
        """Take a picture (R, S, 1, 3 or 4) uint8, 0 … 255, fit it to the model, and find its code."""
        if self.spec is None:
            self.report("Choose a run with a latent space first; then the picture can be fitted to its images.")
            return
        self.ink.need()
        self.begin_edit(f"Take {name}")
        with self._recording():
            self._picture, self._name = picture, name
            self._refit()
        self.taken.emit()
        self._find()

    def begin_edit(self, name: str) -> None:
        """Begin an edit, such as a stroke: all that is drawn, and the codes found, until the next one belong to it."""
        self._edit, self._edit_count = name, self._edit_count + 1

    def draw(self, levels: NDArray[np.uint8]) -> None:
        """Take a drawing, (C, H, W) levels, and find its code."""
        with self._recording():
            self.levels = levels
            self._picture, self._name, self.description = None, "", ""
        self._find()

    def report(self, problem: str) -> None:
        """Show a problem, a sentence."""
        self.problem = problem
        self.changed.emit()

    def set_fitting(self, fitting: Fitting) -> None:
        """Choose how pictures are fitted; the present one is fitted again."""
        if fitting != self.fitting:
            self.begin_edit("Fit picture")
            with self._recording():
                self.fitting = fitting
                self._refit()
            if self._picture is not None:
                self._find()
            self.changed.emit()

    @property
    def ground(self) -> NDArray[np.uint8]:
        """(C,) level of the data's ground, which an empty canvas has; empty without a run."""
        spec, ink = self.spec, self.ink.statistics
        if spec is None or ink is None:
            return np.zeros(0, np.uint8)
        ground: NDArray[np.uint8] = np.rint(np.array(ink.ground) * (spec.levels - 1)).astype(np.uint8)
        return ground

    def _blank(self, spec: ImageSpec) -> NDArray[np.uint8]:
        blank = np.zeros(spec.shape, np.uint8)
        blank[:] = self.ground[:, None, None]
        return blank

    def _on_ink_changed(self) -> None:
        """Fit the picture again, or clear a canvas on which nothing was drawn."""
        empty = self.levels is not None and bool((self.levels == self.levels[:, :1, :1]).all())
        if self._picture is None and empty:
            self.levels = None
        if self._picture is not None or empty:
            with self._space.edits.unrecorded():
                self._refit()
        if self._picture is not None:
            self._find()
        self.changed.emit()

    def _recording(self) -> AbstractContextManager[None]:
        """Record an edit of the image, or of the codes that are found of it, as one step."""
        return self._space.edits.recording(self._edit, key=f"user image {self._edit_count}")

    def _content(self) -> _Content:
        return _Content(self.levels, self._picture, self._name, self.description, self.fitting)

    def _restore(self, content: _Content) -> None:
        self._drop_encoding()
        self._optimization.cancel()
        self.levels, self._picture, self._name, self.description, self.fitting = content
        self.problem, self.error = "", float("nan")
        self.image_changed.emit()
        self.changed.emit()

    def _refit(self) -> None:
        spec, picture = self.spec, self._picture
        if spec is None:
            self.levels = None
        elif picture is None:
            if self.levels is None or self.levels.shape != spec.shape or self.levels.max() >= spec.levels:
                self.levels, self.description = self._blank(spec), ""
        else:
            self.levels = fit_picture(picture, spec, self.fitting, self.ink.statistics)
            self.description = f"{self._name} {fit_description(picture, spec, self.fitting)}."
        self.image_changed.emit()

    # ---- its code ----------------------------------------------------------------------------------------------

    @property
    def optimizing(self) -> bool:
        """An optimization is in progress."""
        return self._optimization.busy

    @property
    def methods(self) -> tuple[Method, ...]:
        """Methods that the run's family has."""
        return ("encoder", "optimization") if self.encodes else ("optimization",)

    def set_method(self, method: Method) -> None:
        """Use the encoder where there is one, or optimization."""
        self.method = method if method in self.methods else "optimization"
        self.stop()
        self.changed.emit()

    def set_optimization(self, steps: int, seed: int) -> None:
        """Set the steps of the optimization and the seed of its starts; clipped to their limits."""
        self.steps, self.seed = max(1, min(steps, MAX_STEPS)), max(0, min(seed, MAX_SEED))
        self.changed.emit()

    def find(self) -> None:
        """Find the image's code; ``found`` follows."""
        self.begin_edit("Find code")
        self._find()

    def _find(self) -> None:
        if self._space.opened is None or self.levels is None:
            return
        self.problem = ""
        image = Array.of(self.levels)
        if self.method == "encoder":
            self._renewal.drop()
            self._encoding.submit(EncodeImage(run=self._space.run, image=image))
        else:
            self.step = 0
            self._optimization.send(ProjectImage(run=self._space.run, image=image, steps=self.steps, seed=self.seed))
        self.changed.emit()

    def renew(self) -> None:
        """Encode the image with newer weights; ``renewed`` follows. An optimization is not repeated."""
        idle = self._space.opened is not None and not (self._encoding.busy or self._renewal.busy)
        if self.levels is not None and self.method == "encoder" and idle:
            self._renewal.send(EncodeImage(run=self._space.run, image=Array.of(self.levels)))

    def stop(self) -> None:
        """Cancel the optimization; the best code so far stays."""
        if self.optimizing:
            self._optimization.cancel()
            self.changed.emit()

    # ---- replies -----------------------------------------------------------------------------------------------

    def _on_encoded(self, event: Encoded) -> None:
        command = self._encoding.answered
        assert isinstance(command, EncodeImage)
        self.problem = ""
        with self._recording():
            self.found.emit(self._encoding_of(command.image, event.code, event.deviation))
        self.changed.emit()

    def _on_renewed(self, event: Encoded) -> None:
        command = self._renewal.command
        assert isinstance(command, EncodeImage)
        self.renewed.emit(self._encoding_of(command.image, event.code, event.deviation))

    def _on_optimized(self, event: ImageProjected) -> None:
        command = self._optimization.command
        assert isinstance(command, ProjectImage)
        self.step, self.error = event.step, event.error
        with self._recording():
            self.found.emit(self._encoding_of(command.image, event.code, None))
        self.changed.emit()

    def _encoding_of(self, levels: Array, code: Array, deviation: Array | None) -> Encoding:
        assert self.spec is not None
        return Encoding(
            split="",
            index=-1,
            label="",
            image=to_display(levels.numpy(), self.spec.levels),
            code=code.numpy(),
            deviation=None if deviation is None else deviation.numpy(),
        )

    def _on_failed(self, event: CommandFailed) -> None:
        self.report("" if event.reason is Reason.ENGINE_GONE else event.message)
