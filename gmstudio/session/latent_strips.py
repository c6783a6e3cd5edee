"""The two rows of images beside the decoded one: along a dimension, and along the journey."""

import numpy as np
from PySide6.QtCore import QObject

from gmstudio.client import EngineEvents
from gmstudio.session.code_strip import CodeStrip
from gmstudio.session.journey import Journey
from gmstudio.session.latent_code import Code
from gmstudio.session.latent_space import LatentSpace

NUM_TRAVERSED = 11


class LatentStrips(QObject):
    """Fetches the rows when their codes are others, or when the weights are.

    Args:
        events: where images come from.
        space: whose dimension is looked along.
        journey: the way.

    Attributes:
        traversal: images along the space's ``dim``, at ``traversed``.
        path: images along the journey.
    """

    def __init__(self, events: EngineEvents, space: LatentSpace, journey: Journey) -> None:
        super().__init__(space)
        self._space, self._journey = space, journey
        self.traversal = CodeStrip(events, self)
        self.path = CodeStrip(events, self)
        self._watching = False
        self._traversed = b""
        journey.changed.connect(self.show_path)

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
        """Fetch the journey's images."""
        positions = self._journey.strip_positions()
        if self._space.opened is not None and self._watching and positions:
            self.path.show_codes(self._space.run, np.stack([self._journey.code_at(p) for p in positions]))
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
