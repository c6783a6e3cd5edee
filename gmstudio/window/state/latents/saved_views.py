"""Saved views of latent spaces: the code and the interpolation of each run, and a view that a file restores.

Shapes: Z latent dimensions.
"""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.families import LatentSpec
from gmstudio.window.state.latents.code import CodeView
from gmstudio.window.state.latents.code_range import RANGES
from gmstudio.window.state.latents.interpolation import Interpolation, KeyframePath
from gmstudio.window.state.latents.map import MapView
from gmstudio.window.state.latents.space import LatentSpace

FIRST_SEEDS = (1, 2)
"""Seeds of the two keyframes that an interpolation begins with."""


@dataclass(frozen=True, eq=False)
class SavedView:
    """View of a run.

    Args:
        code: code, locks and traversed dimension; None: z = 0.
        interpolation: keyframes, settings and position.
    """

    code: CodeView | None
    interpolation: KeyframePath


@dataclass(frozen=True, eq=False)
class _Expected:
    """View that a file restores as soon as its run is open."""

    run: str
    interpolation: KeyframePath
    map_view: MapView | None


class SavedViews(QObject):
    """Views of the runs that were left, for when they are selected again.

    Args:
        space: the selected run.
        interpolation: through its latent space.

    Signals:
        restored: an expected view is shown; with the ``MapView`` to be shown too, or None.
        refused: an expected view does not fit the run, a sentence.
    """

    restored = Signal(object)
    refused = Signal(str)

    def __init__(self, space: LatentSpace, interpolation: Interpolation) -> None:
        super().__init__(space)
        self._space, self._interpolation = space, interpolation
        self._saved: dict[str, SavedView] = {}
        self._expected: _Expected | None = None

    def save(self) -> None:
        """Save the view of the selected run."""
        if self._space.code.num_dims:
            self._saved[self._space.run] = SavedView(self._space.code.view, self._interpolation.keyframe_path)

    def view_of(self, run: str, spec: LatentSpec) -> SavedView:
        """View to begin with: the saved one where it fits, else z = 0 and two samples of a normal prior.

        Other keyframes to begin with are sampled by ``CodeSampling``.
        """
        saved = self._saved.get(run)
        if saved is not None and saved.code is not None and len(saved.code.values) == spec.num_dims:
            return saved
        if spec.prior != "normal":
            return SavedView(None, KeyframePath(()))
        keyframes = tuple(RANGES[spec.prior].sample(spec.num_dims, seed) for seed in FIRST_SEEDS)
        return SavedView(None, KeyframePath(keyframes))

    def expect(self, run: str, interpolation: KeyframePath, map_view: MapView | None) -> None:
        """Have a run show this interpolation, and map, as soon as ``restore_expected`` finds it open."""
        self._expected = _Expected(run, interpolation, map_view)

    def restore_expected(self) -> None:
        """Show what is expected of the selected run, which is open; the code goes to the interpolation's position."""
        expected, code, interpolation = self._expected, self._space.code, self._interpolation
        if expected is None or expected.run != self._space.run:
            return
        self._expected = None
        sizes = {len(keyframe) for keyframe in expected.interpolation.keyframes}
        if sizes != {code.num_dims}:
            found = ", ".join(map(str, sizes)) or "no"
            self.refused.emit(
                f"The codes have {found} dimensions, this run has {code.num_dims}: they belong to another run. "
                "Bring its folder back."
            )
            return
        code.unlock()
        interpolation.restore(expected.interpolation)
        interpolation.go_to(interpolation.position)
        self.restored.emit(expected.map_view)
