"""A row of codes that is decoded beside the image: a traversal, or the path of an interpolation."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.client import EngineEvents
from gmstudio.messages import Array, Decode, Decoded
from gmstudio.session.unhurried import Unhurried

GAP_MS = 80
SHARE = 0.5
"""Strips are asked for at most this often, and take at most about this share of the engine's time."""


class CodeStrip(QObject):
    """Decodes a row of codes, latest wins and without haste.

    Attributes:
        images: (N, C, H, W) uint8, 0 … 255, or None before the first are there.
        pace: sends the commands.

    Signals:
        changed: ``images`` are others.
    """

    changed = Signal()

    def __init__(self, events: EngineEvents, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.images: NDArray[np.uint8] | None = None
        self.pace = Unhurried(events, lead_ms=0, gap_ms=GAP_MS, share=SHARE, parent=self)
        self.pace.replied.connect(self._on_decoded)

    def show_codes(self, run: str, codes: NDArray[np.float32]) -> None:
        """Decode (N, Z) codes with the run's weights as they are then."""
        self.pace.submit(Decode(run=run, codes=Array.of(codes)))

    def clear(self) -> None:
        """Show nothing, and wait for nothing."""
        self.halt()
        if self.images is not None:
            self.images = None
            self.changed.emit()

    def halt(self) -> None:
        """Wait for nothing; what is shown stays."""
        self.pace.halt()

    def _on_decoded(self, event: Decoded) -> None:
        self.images = event.images.numpy()
        self.changed.emit()
