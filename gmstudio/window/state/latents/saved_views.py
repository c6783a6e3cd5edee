"""Where each run's latent space was left, and what a file wants to be seen of one.

Shapes: Z latent dimensions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.window.state.latents.code import Code
from gmstudio.window.state.latents.interpolation import Interpolation, KeyframePath
from gmstudio.window.state.latents.map import MapView
from gmstudio.window.state.latents.space import LatentSpace

FIRST_SEEDS = (1, 2)
"""Of the two keyframes that an interpolation begins with."""


@dataclass(frozen=True, eq=False)
class _Left:
    """What is remembered of a run while another is looked at."""

    code: Code
    locked: NDArray[np.bool_]
    dim: int
    interpolation: KeyframePath


class SavedViews(QObject):
    """Leaves latent spaces and comes back to them.

    Args:
        space: the one that is looked at.
        interpolation: through it.

    Signals:
        arrived: what was to be brought back is shown; with the map's ``MapView`` to be shown too, or None.
        refused: what was to be brought back does not fit the run, a sentence.
    """

    arrived = Signal(object)
    refused = Signal(str)

    def __init__(self, space: LatentSpace, interpolation: Interpolation) -> None:
        super().__init__(space)
        self._space, self._interpolation = space, interpolation
        self._left: dict[str, _Left] = {}
        self._awaited: tuple[str, KeyframePath, MapView | None] | None = None

    def leave(self) -> None:
        """Remember what is set for the run, for when it is chosen again."""
        space = self._space
        if space.num_dims:
            self._left[space.run] = _Left(space.code, space.locked, space.dim, self._interpolation.keyframe_path)

    def begin(self, num_dims: int) -> bool:
        """Start at the code 0 with two draws to interpolate between, or where the run was left.

        Returns:
            Whether the run is looked at for the first time.
        """
        space = self._space
        space.set_space(num_dims)
        interpolation = KeyframePath(tuple(space.range.draw(num_dims, seed) for seed in FIRST_SEEDS))
        left = self._left.get(space.run)
        if left is not None and len(left.code) == num_dims:
            space.code, space.locked, space.dim, interpolation = left.code, left.locked, left.dim, left.interpolation
        self._interpolation.restore(interpolation)
        return left is None

    def expect(self, run: str, interpolation: KeyframePath, map_view: MapView | None) -> None:
        """Have a run show this interpolation, and map, as soon as ``arrive`` finds it open."""
        self._awaited = (run, interpolation, map_view)

    def arrive(self) -> None:
        """Show what is expected of the run, now that it is open."""
        space, interpolation = self._space, self._interpolation
        if self._awaited is None or self._awaited[0] != space.run:
            return
        (_, wanted, map_view), self._awaited = self._awaited, None
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
        interpolation.restore(wanted)
        interpolation.go_to(interpolation.position)
        self.arrived.emit(map_view)
