"""The two rows of images beside the decoded one: along a dimension, and along the interpolation."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.throttle import Throttle
from gmstudio.window.state.latents.code import Code
from gmstudio.window.state.latents.interpolation import Interpolation
from gmstudio.window.state.latents.space import LatentSpace

NUM_TRAVERSED = 11


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

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.images: NDArray[np.uint8] | None = None
        self.pace = Throttle(events, lead_ms=0, gap_ms=GAP_MS, share=SHARE, parent=self)
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


class LatentStrips(QObject):
    """Fetches the rows when their codes are others, or when the weights are.

    Args:
        events: where images come from.
        space: whose dimension is looked along.
        interpolation: the way.

    Attributes:
        traversal: images along the space's ``dim``, at ``traversed``.
        path: images along the interpolation.
    """

    def __init__(self, events: EngineLink, space: LatentSpace, interpolation: Interpolation) -> None:
        super().__init__(space)
        self._space, self._interpolation = space, interpolation
        self.traversal = CodeStrip(events, self)
        self.path = CodeStrip(events, self)
        self._watching = False
        self._traversed = b""
        interpolation.changed.connect(self.show_path)

    @property
    def traversed(self) -> Code:
        """(NUM_TRAVERSED,) values of the traversal."""
        return self._space.range.traversed(NUM_TRAVERSED)

    def set_watching(self, watching: bool) -> None:
        """Say whether someone looks; nothing is fetched for nobody."""
        self._watching = watching
        if not watching:
            self._wait_for_nothing()

    def show(self) -> None:
        """Fetch both with the weights as they are then."""
        self.show_path()
        self._traversed = b""
        self.show_traversal()

    def show_traversal(self) -> None:
        """Fetch the traversal, unless only the traversed coordinate has moved."""
        space = self._space
        if space.opened is None or not self._watching:
            return
        codes = np.repeat(space.code[np.newaxis], NUM_TRAVERSED, axis=0)
        codes[:, space.dim] = self.traversed
        if codes.tobytes() != self._traversed:
            self._traversed = codes.tobytes()
            self.traversal.show_codes(space.run, codes)

    def show_path(self) -> None:
        """Fetch the interpolation's images."""
        positions = self._interpolation.strip_positions()
        if self._space.opened is not None and self._watching and positions:
            self.path.show_codes(self._space.run, np.stack([self._interpolation.code_at(p) for p in positions]))
        elif not positions:
            self.path.clear()

    def clear(self) -> None:
        """Show nothing."""
        self.traversal.clear()
        self.path.clear()

    def halt(self) -> None:
        """Wait for nothing, and fetch the traversal again when it is wanted."""
        self._wait_for_nothing()
        self._traversed = b""

    def _wait_for_nothing(self) -> None:
        self.traversal.halt()
        self.path.halt()
