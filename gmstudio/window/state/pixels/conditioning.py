"""Which sub-pixels of a real image are given, and what becomes of the others: the notes' applications as presets."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.data import SplitName
from gmstudio.protocol.images import ImageSpec
from gmstudio.window.state.pixels.masks import (
    Mask,
    ReconstructionError,
    channel_mask,
    outside_mask,
    salt_and_pepper,
    spaced_mask,
    unlikely,
)
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.tools import PixelTools

Preset = Literal["completion", "inpainting", "super_resolution", "colourization", "denoising"]
PRESETS: dict[Preset, str] = {
    "completion": "Completion: the first k",
    "inpainting": "Inpainting: all but a hole",
    "super_resolution": "Super-resolution: every n-th pixel",
    "colourization": "Colourization: one channel",
    "denoising": "Denoising: what is not unlikely",
}
FACTORS = (2, 3, 4, 8)
ONE_ORDER = (
    "This model generates in {words}, so only the first pixels of that order can be given. Any set can be given to a "
    "model that was trained for several orders."
)


def usual_threshold(spec: ImageSpec) -> float:
    """Nats of a pixel that is less likely than half of what it would be if all its values were equally likely."""
    return spec.channels * math.log(spec.levels) + math.log(2.0)


@dataclass(frozen=True, eq=False)
class Given:
    """A real image of which a part is given.

    Args:
        split: of the data set.
        index: of the image in the split.
        original: (C, H, W) uint8 levels of the real image.
        levels: (C, H, W) uint8 levels that are given: the real image's, or those with noise added.
        first: sub-pixels that are given, in the generation order.
        mask: (C, H, W) which ones, where they are not just the first ones of the order.
    """

    split: SplitName
    index: int
    original: NDArray[np.uint8]
    levels: NDArray[np.uint8]
    first: int
    mask: Mask | None = None


class Conditioning(QObject):
    """The chosen preset, its settings, and the real image that they are applied to.

    Attributes:
        preset: what is given.
        first: for completion, sub-pixels; −1: half of them.
        factor: for super-resolution: every so many-th pixel of every so many-th row.
        channel: for colourization, the given one.
        threshold: for denoising, nats: more surprising pixels are generated anew; −1: ``usual_threshold``.
        noise: for denoising, probability that a pixel is set to black or white first.
        noise_seed: which pixels that hits.
        given: what is given now, or None.
        surprisal: (H, W) nats of each pixel of the image that is to be denoised, once it was scored.

    Signals:
        changed: one of these, or what the image's given part is.
        wanted: the generation is to begin from another given part.
    """

    changed = Signal()
    wanted = Signal()

    def __init__(self, tools: PixelTools, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.preset: Preset = "completion"
        self.first = -1
        self.factor = FACTORS[0]
        self.channel = 0
        self.threshold = -1.0
        self.noise = 0.0
        self.noise_seed = 0
        self.given: Given | None = None
        self.surprisal: NDArray[np.floating] | None = None
        self._tools = tools
        self._state: PixelSnapshot | None = None
        tools.painted.connect(self._on_painted)

    # ---- choosing ----------------------------------------------------------------------------------------------

    def problem_of(self, preset: Preset) -> str:
        """Why a preset is out of reach for the model and its images, a sentence; empty when it is not."""
        state = self._state
        if preset == "completion" or state is None:
            return ""
        if preset == "colourization" and state.spec.channels == 1:
            return "The images are grey: they have no colours to take away."
        if not state.any_order:
            return ONE_ORDER.format(words=state.order_words or "one order only")
        return ""

    def choose_preset(self, preset: Preset) -> None:
        """Give something else of the image."""
        if preset != self.preset and not self.problem_of(preset):
            self.preset = preset
            if preset == "inpainting":
                self._dig_a_hole()
            self._apply()

    def pick(self, split: SplitName, index: int, original: NDArray[np.uint8]) -> None:
        """Take a real image, (C, H, W) uint8 levels."""
        self.given = Given(split, index, original, original, 0)
        if self.first < 0 or self.first > original.size:
            self.first = original.size // 2
        self._apply()

    def drop(self) -> None:
        """Give nothing."""
        self.given, self.surprisal = None, None
        self.changed.emit()

    def set_first(self, first: int) -> None:
        """For completion: give more or fewer sub-pixels."""
        self.first = first
        self._apply()

    def set_factor(self, factor: int) -> None:
        """For super-resolution: give every so many-th pixel of every so many-th row."""
        self.factor = factor
        self._apply()

    def set_channel(self, channel: int) -> None:
        """For colourization: give this channel."""
        self.channel = channel
        self._apply()

    def set_noise(self, probability: float, seed: int) -> None:
        """For denoising: first set pixels to black or white with this probability."""
        self.noise, self.noise_seed = probability, seed
        self._apply()

    def set_threshold(self, threshold: float) -> None:
        """For denoising: what more nats than this make unlikely; ``regenerate`` acts on it."""
        self.threshold = threshold
        self.changed.emit()

    # ---- denoising ---------------------------------------------------------------------------------------------

    @property
    def unlikely(self) -> Mask | None:
        """(H, W): pixels that ``regenerate`` generates anew; None before the image was scored."""
        if self.preset != "denoising" or self.surprisal is None:
            return None
        return unlikely(self.surprisal, self.threshold_nats)

    @property
    def threshold_nats(self) -> float:
        """The threshold that counts."""
        if self.threshold >= 0 or self._state is None:
            return max(0.0, self.threshold)
        return usual_threshold(self._state.spec)

    def regenerate(self) -> None:
        """Give all but the unlikely pixels."""
        given, hole = self.given, self.unlikely
        if given is not None and hole is not None and self._state is not None:
            mask = outside_mask(self._state.spec, hole)
            self._set(Given(given.split, given.index, given.original, given.levels, int(mask.sum()), mask))

    # ---- from the session --------------------------------------------------------------------------------------

    def reach(self, state: PixelSnapshot | None) -> None:
        """A generation is at another state; a whole given image that has been walked to its end is scored."""
        before, self._state = self._state, state
        if state is not None and (before is None or before.session != state.session) and self.problem_of(self.preset):
            self.preset = "completion"
            self.changed.emit()
        given = self.given
        if self.preset != "denoising" or self.surprisal is not None or given is None or given.mask is not None:
            return
        if state is not None and state.finished and np.array_equal(state.image, given.levels):
            self.surprisal = state.surprisal()
            self.changed.emit()

    def restore(self, given: Given | None) -> None:
        """The engine refused what was wanted: this is what is given still."""
        self.given = given
        self.changed.emit()

    def forget_surprisal(self) -> None:
        """Another generation was opened: an image that is still to be denoised is scored anew."""
        if self.given is not None and self.given.mask is None:
            self.surprisal = None

    def is_on_image(self, state: PixelSnapshot) -> Mask:
        """(C, H, W): the given sub-pixels of a generation."""
        if self.given is None:
            return np.zeros(state.spec.shape, np.bool_)
        return self.given.mask if self.given.mask is not None else state.placed(self.given.first)

    def reconstruction_error(self, state: PixelSnapshot) -> tuple[ReconstructionError, ReconstructionError] | None:
        """Once the image is finished: how near what was generated, and what was given in its place, is to the original.

        Returns:
            Of the finished image on what was not given, and of the given levels there (other than the original's only
            where noise was added); None while it is not finished, or nothing was generated.
        """
        given = self.given
        if given is None or not state.finished or given.original.shape != state.spec.shape:
            return None
        made = ~self.is_on_image(state)
        if not made.any():
            return None
        levels = state.spec.levels
        return (
            ReconstructionError.of(state.image, given.original, made, levels),
            ReconstructionError.of(given.levels, given.original, made, levels),
        )

    # ---- within ------------------------------------------------------------------------------------------------

    def _apply(self) -> None:
        old, state = self.given, self._state
        self.surprisal = None
        if old is None or state is None:
            self.changed.emit()
            return
        levels, mask = old.original, self._mask(state)
        if self.preset == "denoising":
            levels = salt_and_pepper(old.original, state.spec.levels, self.noise, self.noise_seed)
        first = old.original.size if self.preset == "denoising" else self.first
        if mask is not None:
            first = int(mask.sum())
        self._set(Given(old.split, old.index, old.original, levels, first, mask))

    def _set(self, given: Given) -> None:
        self.given = given
        self.changed.emit()
        self.wanted.emit()

    def _mask(self, state: PixelSnapshot) -> Mask | None:
        if self.preset == "inpainting":
            return outside_mask(state.spec, self._tools.hole.mask())
        if self.preset == "super_resolution":
            return spaced_mask(state.spec, self.factor)
        if self.preset == "colourization":
            return channel_mask(state.spec, min(self.channel, state.spec.channels - 1))
        return None

    def _dig_a_hole(self) -> None:
        """Begin with a square in the middle, where nothing was painted yet."""
        height, width = self._tools.hole.shape
        if not self._tools.hole.painted():
            self._tools.fill("hole", height // 4, width // 4, max(1, height // 2), max(1, width // 2))

    def _on_painted(self, painting: str) -> None:
        if painting == "hole" and self.preset == "inpainting":
            self._apply()
