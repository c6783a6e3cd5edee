"""Random samples of the selected run, which follow its training.

Shapes: N samples, Z latent dimensions, C channels, H height, W width.
"""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.latents import CodesSampled, Decode, Decoded, SampleCodes
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.client.budget import Budget
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.latents.active_part import ActivePart
from gmstudio.window.state.latents.space import LatentSpace

COUNT = 16
LIVE_SHARE = 0.1
"""Largest share of the engine's time that samples take while the model trains."""


class RandomSamples(ActivePart):
    """A few samples with codes of one seed, decoded again as the weights change.

    Args:
        link: the way to the engine.
        space: the selected run and its code.

    Attributes:
        seed: of the codes.
        codes: (N, Z) float32, or None.
        images: (N, C, H, W) uint8, 0 … 255, or None.

    Signals:
        changed: ``seed`` or ``images`` differ.
    """

    changed = Signal()

    def __init__(self, link: EngineLink, space: LatentSpace) -> None:
        super().__init__(space)
        self._space = space
        self.seed = 0
        self.codes: NDArray[np.float32] | None = None
        self.images: NDArray[np.uint8] | None = None
        self._budget = Budget(LIVE_SHARE)
        self._sampling, self._decoding = Request(link, self), Request(link, self)
        self._sampling.replied.connect(self._on_sampled)
        self._decoding.replied.connect(self._on_decoded)
        space.run_changed.connect(self._on_run_changed)
        space.halted.connect(self._halt)

    def draw(self) -> None:
        """Draw other samples, with the next seed."""
        self._halt()
        self.seed, self.codes = (self.seed + 1) % (MAX_SEED + 1), None
        self._budget.reset()
        self.changed.emit()
        self.refresh()

    def refresh(self) -> None:
        """Request the samples with the weights as they are now.

        Codes of a normal prior stay; those of other spaces come from the model itself and are drawn again.
        """
        idle = self._space.opened is not None and not (self._sampling.busy or self._decoding.busy)
        if not self.active or not idle or self._budget.wait_s:
            return
        self._budget.begin()
        if self.codes is not None and self._space.spec.prior == "normal":
            self._decode(self.codes)
        else:
            self._sampling.send(SampleCodes(run=self._space.run, count=COUNT, seed=self.seed))

    def go_to(self, index: int) -> None:
        """Set the code to that of a sample."""
        if self.codes is not None and 0 <= index < len(self.codes):
            with self._space.edits.recording(f"Go to sample {index + 1}"):
                self._space.code.set_values(self.codes[index])

    def _decode(self, codes: NDArray[np.float32]) -> None:
        self._decoding.send(Decode(run=self._space.run, codes=Array.of(np.ascontiguousarray(codes))))

    def _on_sampled(self, event: CodesSampled) -> None:
        self.codes = self._space.code.range.clip(event.codes.numpy())
        self._decode(self.codes)

    def _on_decoded(self, event: Decoded) -> None:
        self._budget.end()
        self.images = event.images.numpy()
        self.changed.emit()

    def _on_run_changed(self) -> None:
        self._halt()
        self.codes = self.images = None
        self._budget.reset()
        self.changed.emit()
        self.refresh()

    def _halt(self) -> None:
        self._sampling.drop()
        self._decoding.drop()
