"""Conditioning on observed pixels of a real image: the applications of autoregressive models as presets."""

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

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
    "completion": "Completion: first k sub-pixels",
    "inpainting": "Inpainting: all but a mask",
    "super_resolution": "Super-resolution: every n-th pixel",
    "colourization": "Colourization: one channel",
    "denoising": "Denoising: resample unlikely pixels",
}
FACTORS = (2, 3, 4, 8)
ONE_ORDER = (
    "This model generates in {words}, so it can be conditioned only on the first pixels of that order. A model that "
    "was trained for several orders can be conditioned on any pixels."
)


def default_threshold(spec: ImageSpec) -> float:
    """Nats of a pixel with half the probability that it would have if all its values were equally likely."""
    return spec.channels * math.log(spec.levels) + math.log(2.0)


@dataclass(frozen=True, eq=False)
class ObservedImage:
    """A real image that is partly observed.

    Args:
        split: of the data set.
        index: of the image in the split.
        original: (C, H, W) uint8 levels of the real image.
        levels: (C, H, W) uint8 levels to observe: the real image's, or those with noise added.
        num_observed: observed sub-pixels, in the generation order.
        observed: (C, H, W) mask of them, where they are not just the first ones of the order.
    """

    split: SplitName
    index: int
    original: NDArray[np.uint8]
    levels: NDArray[np.uint8]
    num_observed: int
    observed: Mask | None = None


class ConditioningContent(NamedTuple):
    """Content of a ``Conditioning``, to which an undone edit leads back; the fields are its attributes."""

    preset: Preset = "completion"
    num_observed: int = -1
    factor: int = FACTORS[0]
    channel: int = 0
    threshold: float = -1.0
    noise: float = 0.0
    noise_seed: int = 0
    image: ObservedImage | None = None


class Conditioning(QObject):
    """The chosen preset, its settings, and the real image that they are applied to.

    Attributes:
        preset: chooses the observed part.
        num_observed: for completion, sub-pixels; −1: half of them.
        factor: for super-resolution: every ``factor``-th pixel of every ``factor``-th row is observed.
        channel: for colourization, the observed one.
        threshold: for denoising, −log p in nats above which pixels are resampled; −1: ``default_threshold``.
        noise: for denoising, probability that a pixel is set to black or white first.
        noise_seed: of that noise.
        image: the observed image, or None.
        surprisal: (H, W) nats of each pixel of the image to be denoised, once it was scored.

    Signals:
        changed: one of these.
        requested: a generation is to begin from another observed part; name and key of the edit, see
            ``GenerationEdits.begin``.
    """

    changed = Signal()
    requested = Signal(str, str)

    def __init__(self, tools: PixelTools, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.preset: Preset = "completion"
        self.num_observed = -1
        self.factor = FACTORS[0]
        self.channel = 0
        self.threshold = -1.0
        self.noise = 0.0
        self.noise_seed = 0
        self.image: ObservedImage | None = None
        self.surprisal: NDArray[np.floating] | None = None
        self._tools = tools
        self._state: PixelSnapshot | None = None
        tools.painted.connect(self._on_painted)

    # ---- choosing --------------------------------------------------------------------------------------------------

    def problem_of(self, preset: Preset) -> str:
        """Reason why a preset is impossible with the model and its images, a sentence; empty when it is possible."""
        state = self._state
        if preset == "completion" or state is None:
            return ""
        if preset == "colourization" and state.spec.channels == 1:
            return "The images are grey, so there are no colours to generate."
        if not state.any_order:
            return ONE_ORDER.format(words=state.order_words or "one order only")
        return ""

    @property
    def mask_refusal(self) -> str:
        """Reason why no mask can be painted now, a sentence; empty when one can."""
        if self.preset != "inpainting":
            return self.problem_of("inpainting") or "A mask belongs to inpainting: choose that as the observed part."
        return "" if self.image is not None else "Choose an image first; the mask is the part of it to be generated."

    def choose_preset(self, preset: Preset) -> None:
        """Choose another observed part of the image."""
        if preset != self.preset and not self.problem_of(preset):
            self.preset = preset
            if preset == "inpainting":
                self._paint_default_mask()
            self._apply("Choose the observed part")

    def choose_image(self, split: SplitName, index: int, original: NDArray[np.uint8]) -> None:
        """Observe part of a real image, (C, H, W) uint8 levels."""
        self.image = ObservedImage(split, index, original, original, 0)
        if self.num_observed < 0 or self.num_observed > original.size:
            self.num_observed = original.size // 2
        self._apply("Observe an image")

    def clear(self) -> None:
        """Observe nothing."""
        self.image, self.surprisal = None, None
        self.changed.emit()

    def set_num_observed(self, num_observed: int) -> None:
        """For completion: set the number of observed sub-pixels."""
        self.num_observed = num_observed
        self._apply("Set the number of observed sub-pixels", "num_observed")

    def set_factor(self, factor: int) -> None:
        """For super-resolution: observe every ``factor``-th pixel of every ``factor``-th row."""
        self.factor = factor
        self._apply("Set the factor")

    def set_channel(self, channel: int) -> None:
        """For colourization: observe this channel."""
        self.channel = channel
        self._apply("Set the observed channel")

    def set_noise(self, probability: float, seed: int) -> None:
        """For denoising: first set pixels to black or white with this probability."""
        self.noise, self.noise_seed = probability, seed
        self._apply("Set the noise", "noise")

    def set_threshold(self, threshold: float) -> None:
        """For denoising: set the −log p in nats above which a pixel is unlikely; ``resample`` acts on it."""
        self.threshold = threshold
        self.changed.emit()

    # ---- denoising -------------------------------------------------------------------------------------------------

    @property
    def unlikely(self) -> Mask | None:
        """(H, W): pixels that ``resample`` generates again; None before the image was scored."""
        if self.preset != "denoising" or self.surprisal is None:
            return None
        return unlikely(self.surprisal, self.threshold_nats)

    @property
    def threshold_nats(self) -> float:
        """The threshold in use."""
        if self.threshold >= 0 or self._state is None:
            return max(0.0, self.threshold)
        return default_threshold(self._state.spec)

    def resample(self) -> None:
        """Observe all but the unlikely pixels."""
        image, missing = self.image, self.unlikely
        if image is not None and missing is not None and self._state is not None:
            observed = outside_mask(self._state.spec, missing)
            self._request(replace(image, num_observed=int(observed.sum()), observed=observed), "Resample", "")

    # ---- the generation --------------------------------------------------------------------------------------------

    def update(self, state: PixelSnapshot | None) -> None:
        """Take the new position of the generation; an image to be denoised is scored once it is passed whole."""
        before, self._state = self._state, state
        if state is not None and (before is None or before.session != state.session) and self.problem_of(self.preset):
            self.preset = "completion"
            self.changed.emit()
        image = self.image
        if self.preset != "denoising" or self.surprisal is not None or image is None or image.observed is not None:
            return
        if state is not None and state.finished and np.array_equal(state.image, image.levels):
            self.surprisal = state.surprisal()
            self.changed.emit()

    def content(self) -> ConditioningContent:
        """Return what is chosen."""
        return ConditioningContent(*(getattr(self, name) for name in ConditioningContent._fields))

    def restore(self, content: ConditioningContent) -> None:
        """Return to what was chosen before: the engine refused another choice, or an edit is undone."""
        for name, value in zip(ConditioningContent._fields, content, strict=True):
            setattr(self, name, value)
        self.surprisal = None
        self.changed.emit()

    def forget_surprisal(self) -> None:
        """Have an image that is still to be denoised scored by another generation."""
        if self.image is not None and self.image.observed is None:
            self.surprisal = None

    def observed_mask(self, state: PixelSnapshot) -> Mask:
        """(C, H, W): the observed sub-pixels of a generation."""
        if self.image is None:
            return np.zeros(state.spec.shape, np.bool_)
        return self.image.observed if self.image.observed is not None else state.placed(self.image.num_observed)

    def reconstruction_error(self, state: PixelSnapshot) -> tuple[ReconstructionError, ReconstructionError] | None:
        """Compare a finished image with the original, where it was generated.

        Returns:
            Error of the finished image, and of the levels that could have been observed there (other than the
            original's only where noise was added); None while it is not finished, or nothing was generated.
        """
        image = self.image
        if image is None or not state.finished or image.original.shape != state.spec.shape:
            return None
        generated = ~self.observed_mask(state)
        if not generated.any():
            return None
        levels = state.spec.levels
        return (
            ReconstructionError.of(state.image, image.original, generated, levels),
            ReconstructionError.of(image.levels, image.original, generated, levels),
        )

    # ---- internals -------------------------------------------------------------------------------------------------

    def _apply(self, name: str, key: str = "") -> None:
        image, state = self.image, self._state
        self.surprisal = None
        if image is None or state is None:
            self.changed.emit()
            return
        levels, observed = image.original, self._mask(state)
        if self.preset == "denoising":
            levels = salt_and_pepper(image.original, state.spec.levels, self.noise, self.noise_seed)
        num_observed = image.original.size if self.preset == "denoising" else self.num_observed
        if observed is not None:
            num_observed = int(observed.sum())
        self._request(replace(image, levels=levels, num_observed=num_observed, observed=observed), name, key)

    def _request(self, image: ObservedImage, name: str, key: str) -> None:
        self.image = image
        self.changed.emit()
        self.requested.emit(name, key)

    def _mask(self, state: PixelSnapshot) -> Mask | None:
        if self.preset == "inpainting":
            return outside_mask(state.spec, self._tools.mask.mask())
        if self.preset == "super_resolution":
            return spaced_mask(state.spec, self.factor)
        if self.preset == "colourization":
            return channel_mask(state.spec, min(self.channel, state.spec.channels - 1))
        return None

    def _paint_default_mask(self) -> None:
        """Paint a square in the middle, where nothing is painted yet."""
        height, width = self._tools.mask.shape
        if not self._tools.mask.painted():
            with self._tools.edits.unrecorded():
                self._tools.fill("mask", height // 4, width // 4, max(1, height // 2), max(1, width // 2))

    def _on_painted(self, painting: str) -> None:
        if painting == "mask" and self.preset == "inpainting":
            self._apply("")  # the stroke is the edit
