"""Where each run's latent space was left, and what a file wants to be seen of one.

Shapes: Z latent dimensions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.window.state.latents.code import Code
from gmstudio.window.state.latents.interpolation import Itinerary, Journey
from gmstudio.window.state.latents.map import Sight
from gmstudio.window.state.latents.space import LatentSpace

FIRST_SEEDS = (1, 2)
"""Of the two keyframes that a journey begins with."""


@dataclass(frozen=True, eq=False)
class _Left:
    """What is remembered of a run while another is looked at."""

    code: Code
    locked: NDArray[np.bool_]
    dim: int
    journey: Itinerary


class LatentVisits(QObject):
    """Leaves latent spaces and comes back to them.

    Args:
        space: the one that is looked at.
        journey: through it.

    Signals:
        arrived: what was to be brought back is shown; with the map's ``Sight`` to be shown too, or None.
        refused: what was to be brought back does not fit the run, a sentence.
    """

    arrived = Signal(object)
    refused = Signal(str)

    def __init__(self, space: LatentSpace, journey: Journey) -> None:
        super().__init__(space)
        self._space, self._journey = space, journey
        self._left: dict[str, _Left] = {}
        self._awaited: tuple[str, Itinerary, Sight | None] | None = None

    def leave(self) -> None:
        """Remember what is set for the run, for when it is chosen again."""
        space = self._space
        if space.num_dims:
            self._left[space.run] = _Left(space.code, space.locked, space.dim, self._journey.itinerary)

    def begin(self, num_dims: int) -> bool:
        """Start at the code 0 with two draws to interpolate between, or where the run was left.

        Returns:
            Whether the run is looked at for the first time.
        """
        space = self._space
        space.set_space(num_dims)
        journey = Itinerary(tuple(space.range.draw(num_dims, seed) for seed in FIRST_SEEDS))
        left = self._left.get(space.run)
        if left is not None and len(left.code) == num_dims:
            space.code, space.locked, space.dim, journey = left.code, left.locked, left.dim, left.journey
        self._journey.restore(journey)
        return left is None

    def expect(self, run: str, journey: Itinerary, sight: Sight | None) -> None:
        """Have a run show this journey, and map, as soon as ``arrive`` finds it open."""
        self._awaited = (run, journey, sight)

    def arrive(self) -> None:
        """Show what is expected of the run, now that it is open."""
        space, journey = self._space, self._journey
        if self._awaited is None or self._awaited[0] != space.run:
            return
        (_, wanted, sight), self._awaited = self._awaited, None
        sizes = {len(code) for code in wanted.keyframes}
        if sizes != {space.num_dims}:
            told = ", ".join(map(str, sizes)) or "none"
            self.refused.emit(
                f"The codes have {told} dimensions, this run has {space.num_dims}: they are another run's. "
                "Bring that one's folder back."
            )
            return
        space.locked = np.zeros(space.num_dims, np.bool_)
        space.locks_changed.emit()
        journey.restore(wanted)
        journey.go_to(journey.position)
        self.arrived.emit(sight)
