"""A row of codes that is decoded beside the image: a traversal, or the path of an interpolation."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.client import EngineEvents
from gmstudio.messages import Array, Decode, Decoded
from gmstudio.session.latest import LatestWins

GAP_MS = 80
"""Strips are asked for at most this often, so that the image goes first."""


class CodeStrip(QObject):
    """Decodes a row of codes, latest wins and not too often.

    Attributes:
        images: (N, C, H, W) uint8, 0 … 255, or None before the first are there.

    Signals:
        changed: ``images`` are others.
    """

    changed = Signal()

    def __init__(self, events: EngineEvents, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.images: NDArray[np.uint8] | None = None
        self._wanted: Decode | None = None
        self._latest = LatestWins(events, events.decoded, self)
        self._latest.replied.connect(self._on_decoded)
        self._gap = QTimer(self, singleShot=True, interval=GAP_MS)
        self._gap.timeout.connect(self._send)

    def show_codes(self, run: str, codes: NDArray[np.float32]) -> None:
        """Decode (N, Z) codes with the run's weights as they are then."""
        self._wanted = Decode(run=run, codes=Array.of(codes))
        if not self._gap.isActive():
            self._send()

    def clear(self) -> None:
        """Show nothing, and wait for nothing."""
        self.halt()
        if self.images is not None:
            self.images = None
            self.changed.emit()

    def halt(self) -> None:
        """Wait for nothing; what is shown stays."""
        self._wanted = None
        self._gap.stop()
        self._latest.reset()

    def _send(self) -> None:
        if self._wanted is not None:
            self._latest.submit(self._wanted)
            self._wanted = None
            self._gap.start()

    def _on_decoded(self, event: Decoded) -> None:
        self.images = event.images.numpy()
        self.changed.emit()
