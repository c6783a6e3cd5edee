"""Two rows of images below the decoded one: the latent traversal, and the interpolation.

Shapes: N codes, Z latent dimensions, C channels, H height, W width.
"""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.throttle import Throttle
from gmstudio.window.state.latents.code_range import Code
from gmstudio.window.state.latents.interpolation import Interpolation
from gmstudio.window.state.latents.space import LatentSpace

NUM_TRAVERSED = 11
GAP_MS = 80
SHARE = 0.5
"""Strips are requested at most every ``GAP_MS``, and take at most about this share of the engine's time."""


class CodeStrip(QObject):
    """Decodes a row of codes, latest wins, throttled.

    Attributes:
        images: (N, C, H, W) uint8, 0 … 255; None before the first reply.
        throttle: sends the commands.

    Signals:
        changed: ``images`` differ.
    """

    changed = Signal()

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.images: NDArray[np.uint8] | None = None
        self._requested = b""
        self.throttle = Throttle(link, lead_ms=0, gap_ms=GAP_MS, share=SHARE, parent=self)
        self.throttle.replied.connect(self._on_decoded)

    def show_codes(self, run: str, codes: NDArray[np.float32], *, again: bool = False) -> None:
        """Decode (N, Z) codes, unless they are those that were requested last.

        Args:
            run: name of the run.
            codes: of the images.
            again: decode them in any case, for the weights may differ.
        """
        requested = codes.tobytes()
        if again or requested != self._requested:
            self._requested = requested
            self.throttle.submit(Decode(run=run, codes=Array.of(codes)))

    def clear(self) -> None:
        """Show nothing, and expect no reply."""
        self.halt()
        if self.images is not None:
            self.images = None
            self.changed.emit()

    def halt(self) -> None:
        """Expect no reply; what is shown stays, and any codes are requested next."""
        self._requested = b""
        self.throttle.halt()

    def _on_decoded(self, event: Decoded) -> None:
        self.images = event.images.numpy()
        self.changed.emit()


class LatentStrips(QObject):
    """Requests the rows when their codes differ, or the weights may.

    Args:
        link: the way to the engine.
        space: the selected run and its code.
        interpolation: through its latent space.

    Attributes:
        active: the rows are on the screen; only then are they requested.
        traversal: images along the code's ``dim``, at ``traversed``.
        path: images along the interpolation.
    """

    def __init__(self, link: EngineLink, space: LatentSpace, interpolation: Interpolation) -> None:
        super().__init__(space)
        self._space, self._interpolation = space, interpolation
        self.active = False
        self.traversal = CodeStrip(link, self)
        self.path = CodeStrip(link, self)
        interpolation.changed.connect(self._show_path)
        space.code.dim_changed.connect(self.show_traversal)
        space.run_changed.connect(self._on_run_changed)
        space.halted.connect(self._halt)

    @property
    def traversed(self) -> Code:
        """(NUM_TRAVERSED,) values of the traversal."""
        return self._space.code.range.traversed(NUM_TRAVERSED)

    def set_active(self, active: bool) -> None:
        """Request images, or no longer."""
        self.active = active
        if not active:
            self._halt()

    def refresh(self) -> None:
        """Request both rows again, with the weights as they are now."""
        self._show_path(again=True)
        self.show_traversal(again=True)

    def show_traversal(self, *, again: bool = False) -> None:
        """Request the traversal of the code; a move along the traversed dimension does not change it.

        Args:
            again: request it in any case, for the weights may differ.
        """
        code = self._space.code
        if self._space.opened is not None and self.active:
            codes = np.repeat(code.values[np.newaxis], NUM_TRAVERSED, axis=0)
            codes[:, code.dim] = self.traversed
            self.traversal.show_codes(self._space.run, codes, again=again)

    def _show_path(self, *, again: bool = False) -> None:
        positions = self._interpolation.strip_positions()
        if self._space.opened is not None and self.active and positions:
            codes = np.stack([self._interpolation.code_at(position) for position in positions])
            self.path.show_codes(self._space.run, codes, again=again)
        elif not positions:
            self.path.clear()

    def _on_run_changed(self) -> None:
        self.traversal.clear()
        self.path.clear()

    def _halt(self) -> None:
        self.traversal.halt()
        self.path.halt()
