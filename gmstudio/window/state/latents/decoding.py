"""Requests for the image of the code that is shown: a preview where decoding is slow and the code moves."""

import numpy as np
from msgspec.structs import replace
from PySide6.QtCore import QObject, QTimer

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.latents.code_range import Code

REST_MS = 150
"""Time without a move after which a preview is replaced by the image."""


class CodeDecoding(LatestWins):
    """Latest-wins requests for one image; a preview is followed by the image as soon as the code rests.

    Args:
        link: connection to the engine.
    """

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(link, parent)
        self._rest = QTimer(self, interval=REST_MS, singleShot=True)
        self._rest.timeout.connect(self._on_rest)

    def show(self, run: str, code: Code, *, moving: bool) -> None:
        """Request the image of a code.

        Args:
            run: name of the run.
            code: (Z,) float32.
            moving: another one follows soon; it does not wait for the whole image of an older one.
        """
        self._rest.stop()
        command = Decode(run=run, codes=Array.of(code[np.newaxis]), moving=moving)
        in_flight = self.command if self.busy else None
        if moving and isinstance(in_flight, Decode) and not in_flight.moving:
            self._pending = None
            self.replace(command)
        else:
            self.submit(command)

    def reset(self) -> None:
        """Drop all requests; a preview stays."""
        super().reset()
        self._rest.stop()

    def deliver(self, event: Event) -> None:
        """Take a reply; after a preview, wait for the code to rest."""
        super().deliver(event)
        if isinstance(event, Decoded) and event.preview and not self.busy:
            self._rest.start()

    def _on_rest(self) -> None:
        if isinstance(self.answered, Decode):
            self.send(replace(self.answered, moving=False))
